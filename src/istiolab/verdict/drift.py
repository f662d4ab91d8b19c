"""A notebook as it was published and as it has just run in; what differs with a meaning out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum

from istiolab.notebook.cells import Cell, Notebook
from istiolab.verdict.pods import pods_in
from istiolab.verdict.represented import output_lines
from istiolab.verdict.tokens import Identities

CONTEXT_LINES = 2


class Change(StrEnum):
    """What became of a cell's outputs; the words are those of snapshot tools."""

    NEW = "new"
    """It had none, and has some now."""
    CHANGED = "changed"
    """They are others."""
    GONE = "gone"
    """It had some, and has none now."""
    EDITED = "edited"
    """They may be true, but no run wrote them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDrift:
    """A cell whose outputs differ."""

    index: int
    """Its place among all cells, from 0."""
    label: str
    """How messages call it."""
    change: Change
    """What became of its outputs."""
    diff: tuple[str, ...]
    """The difference as lines of a unified diff, volatile values masked."""

    @property
    def headline(self) -> str:
        """Return in one line what became of the cell's outputs."""
        if self.change is Change.EDITED:
            return f"outputs of {self.label} are not those that a run wrote"
        return f"{self.label}: {self.change}"


def compare(before: Notebook, after: Notebook) -> tuple[CellDrift, ...]:
    """Compare the outputs of two executions of the same notebook, cell by cell.

    A cell is found again by its id. Values that differ from run to run are masked on both sides,
    each side with identities of its own, given in the order of the notebook.
    """
    old, new = normalise(before), normalise(after)
    drifts = (_drift(cell, old.get(cell.id, ()), new[cell.id]) for cell in after.cells)
    return tuple(drift for drift in drifts if drift is not None)


def add_edited(
    drifts: Sequence[CellDrift], notebook: Notebook, edited: Iterable[int]
) -> tuple[CellDrift, ...]:
    """Add to drifts the cells whose published outputs no run wrote, true otherwise or not."""
    found = {
        index: CellDrift(
            index=index, label=notebook.cells[index].label, change=Change.EDITED, diff=()
        )
        for index in edited
    }
    found |= {drift.index: drift for drift in drifts}
    return tuple(found[index] for index in sorted(found))


def normalise(notebook: Notebook) -> dict[str, tuple[str, ...]]:
    """Return each cell's outputs as lines that two runs share, by the cell's id."""
    identities = Identities(pods=pods_in(notebook))
    return {cell.id: tuple(_lines(cell, identities)) for cell in notebook.cells}


def _drift(cell: Cell, old: Sequence[str], new: Sequence[str]) -> CellDrift | None:
    if tuple(old) == tuple(new):
        return None
    change = Change.CHANGED if old and new else Change.NEW if new else Change.GONE
    # The first two lines of a unified diff name files, of which there are none.
    diff = list(unified_diff(old, new, lineterm="", n=CONTEXT_LINES))[2:]
    return CellDrift(index=cell.index, label=cell.label, change=change, diff=tuple(diff))


def _lines(cell: Cell, identities: Identities) -> Iterable[str]:
    for output in cell.outputs:
        yield from output_lines(output, cell.settings, identities)
