from __future__ import annotations

import threading
from pathlib import Path

import pytest

from istiolab.errors import LabError
from istiolab.system.lock import locked
from istiolab.system.progress import SilentReporter


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_who_comes_second_says_what_it_waits_for_and_goes_on_afterwards(tmp_path: Path) -> None:
    path, held, free = tmp_path / "lock", threading.Event(), threading.Event()
    first, second = Notes(), Notes()

    def hold() -> None:
        with locked(path, busy="somebody works", reporter=first):
            held.set()
            free.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    threading.Timer(0.2, free.set).start()
    with locked(path, busy="somebody works", reporter=second, longest_seconds=None):
        assert free.is_set()
    holder.join()
    assert (first.notes, second.notes) == (
        [],
        [f"somebody works; waiting for it (who it is: `fuser -v {path}`)"],
    )


def test_after_the_longest_time_it_is_an_error_that_names_the_lock(tmp_path: Path) -> None:
    path, notes = tmp_path / "lock", Notes()
    with (
        locked(path, busy="somebody works", reporter=notes),
        pytest.raises(
            LabError, match=r"somebody works, after 0\.1 s \(timeout scale 1\) still"
        ) as caught,
        locked(path, busy="somebody works", reporter=notes, longest_seconds=0.1),
    ):
        pass
    assert caught.value.where == (f"lock: {path}",)
