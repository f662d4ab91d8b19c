"""How an execution stopped in, what that says about the page out."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from istiolab.notebook.cells import CHECK
from istiolab.notebook.execution import Ending, Failure
from istiolab.verdict.drift import CellDrift


class Outcome(StrEnum):
    """What may be said about a notebook after `istiolab verify`."""

    VERIFIED = "verified"
    """It ran to its end, every check held, and its outputs are the published ones."""
    UNCHANGED = "unchanged"
    """Nothing changed since it was verified on this cluster; it was not run again."""
    UPDATED = "updated"
    """It ran to its end, every check held, and its new outputs were taken over."""
    DRIFTED = "drifted"
    """It ran to its end, every check held, and its outputs are not the published ones."""
    LEAKED = "leaked"
    """It left something behind outside its namespaces, or altered something there."""
    EXPOSED = "secret put out"
    """A cell put out a secret, so it was stopped, and nothing of that output is kept."""
    CHECK_FAILED = "untrue"
    """It ran, and something that the page says did not come about."""
    BROKEN = "broken"
    """It could not be run to its end, so nothing can be said."""
    CHANGED = "changed while it ran"
    """It passed, and it or what it uses is not what ran any more, so nothing can be said."""
    UNSUPPORTED = "could not run here"
    """It needs another kind of lab than there is, so nothing can be said."""


def judge(drifts: Sequence[CellDrift], *, update: bool) -> Outcome:
    """Say what a run to the end means.

    Args:
        drifts: the cells whose outputs differ from the published ones.
        update: the new outputs are to be taken over.
    """
    if not drifts:
        return Outcome.VERIFIED
    return Outcome.UPDATED if update else Outcome.DRIFTED


def judge_failure(failure: Failure, *, tags: tuple[str, ...]) -> Outcome:
    """Tell a page that is not true from a run that broke.

    Args:
        failure: where the execution stopped.
        tags: the tags of the cell at which it stopped.
    """
    match failure.ending:
        case Ending.NO_ERROR:
            return Outcome.CHECK_FAILED
        case Ending.EXPOSED:
            return Outcome.EXPOSED
        case Ending.CELL_FAILED:
            # Only a check's word is a finding; an error elsewhere is a cluster or a cell at fault.
            told = CHECK in tags and not failure.is_silence
            return Outcome.CHECK_FAILED if told else Outcome.BROKEN
        case Ending.HUNG | Ending.RUNAWAY | Ending.KERNEL_DIED:
            return Outcome.BROKEN
        case _:
            assert_never(failure.ending)
