"""A lab for one run at a time: another would take its traces for leaks of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from istiolab.lab.folders import state_folder
from istiolab.system.files import make_owned_folder
from istiolab.system.lock import locked
from istiolab.system.progress import Reporter

HELD = "held"
"""The lock's file in a lab's state folder, which stays when the lab goes."""


@contextmanager
def hold(name: str, reporter: Reporter) -> Iterator[None]:
    """Keep other runs away from the lab `name`, up or not; wait for one that has it.

    Args:
        name: the lab's name.
        reporter: told of the wait.
    """
    folder = make_owned_folder(state_folder(name))
    busy = f"another `istiolab verify` runs on lab `{name}`"
    with locked(folder / HELD, busy=busy, reporter=reporter, longest_seconds=None):
        yield
