"""What became of a notebook without each of its causes in; what its checks are worth out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from istiolab.notebook.cells import CAUSE, CHECK, Cell, Notebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One run of a notebook without one of its causes."""

    cause: str
    """The id of the cell that was left out."""
    check: str | None
    """The id of the check that failed; None if none did."""
    message: str
    """How it failed, or how the run ended instead."""


def tagged(notebook: Notebook, tag: str) -> tuple[Cell, ...]:
    """Return the code cells with a tag, in order."""
    return tuple(cell for cell in notebook.cells if cell.kind == "code" and tag in cell.tags)


def lacking(notebook: Notebook) -> tuple[str, ...]:
    """Return what a notebook lacks to prove anything: a cause, a check; a sentence each."""
    wanted = {CAUSE: "makes the difference", CHECK: "judges what was found"}
    return tuple(
        f"it has no cell tagged `{tag}`: nothing {what}"
        for tag, what in wanted.items()
        if not tagged(notebook, tag)
    )


def toothless(notebook: Notebook, ablations: Sequence[Ablation]) -> tuple[str, ...]:
    """Return what the ablations found wrong, a sentence each; nothing if all is proven.

    A cause without which every check passes is no cause, or its check asks for something else. A
    check that failed in no ablation may be one that cannot fail.
    """
    labels = {cell.id: cell.label for cell in notebook.cells}
    failed = {each.check for each in ablations}
    return (
        *lacking(notebook),
        *(
            f"no check fails without {labels[each.cause]}: {each.message}"
            for each in ablations
            if each.check is None
        ),
        *(
            f"check {cell.label} failed without none of the causes"
            for cell in tagged(notebook, CHECK)
            if cell.id not in failed
        ),
    )


def describe(notebook: Notebook, ablations: Iterable[Ablation]) -> tuple[tuple[str, str, str], ...]:
    """Return rows for a table: the cause, the check that failed without it, and how."""
    labels = {cell.id: cell.label for cell in notebook.cells}
    return tuple(
        (labels[each.cause], labels[each.check] if each.check else "none", each.message)
        for each in ablations
    )
