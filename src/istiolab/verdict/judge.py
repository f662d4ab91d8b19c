"""How an execution stopped in, what that says about the page out."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from istiolab.notebook.cells import CHECK
from istiolab.notebook.execution import Ending, Failure


class Outcome(StrEnum):
    """What may be said about a notebook after `istiolab verify`."""

    VERIFIED = "verified"
    """It ran to its end, and every check held."""
    UNCHANGED = "unchanged"
    """Nothing changed since it was verified on this cluster; it was not run again."""
    UNTRUE = "untrue"
    """It ran, and something that the page says did not come about."""
    BROKEN = "broken"
    """It could not be run to its end, so nothing can be said."""


def judge(failure: Failure | None, *, tags: tuple[str, ...]) -> Outcome:
    """Tell a page that is not true from a run that broke.

    Args:
        failure: where the execution stopped; None if it ran to its end.
        tags: the tags of the cell at which it stopped.
    """
    if failure is None:
        return Outcome.VERIFIED
    match failure.ending:
        case Ending.NO_ERROR:
            return Outcome.UNTRUE
        case Ending.CELL_FAILED:
            # Only a check's word is a finding; an error elsewhere is a cluster or a cell at fault.
            return Outcome.UNTRUE if CHECK in tags else Outcome.BROKEN
        case Ending.HUNG | Ending.RUNAWAY | Ending.KERNEL_DIED:
            return Outcome.BROKEN
        case _:
            assert_never(failure.ending)
