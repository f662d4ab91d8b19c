"""What became of a notebook without each of its causes in; what its checks are worth out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from istiolab.errors import SilentError
from istiolab.notebook.cells import CAUSE, CHECK, Cell, Notebook
from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.verdict.judge import Outcome, judge_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One run of a notebook without one of its causes."""

    cause: str
    """The id of the cell that was left out."""
    check: str | None
    """The id of the check that failed; None if none did."""
    message: str
    """How it failed, or how the run ended instead."""
    broken: bool = False
    """The run broke, so that nothing can be said about the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One run of a notebook with all its causes, against which those without one are told."""

    problem: str
    """Why it did not pass, a sentence; empty if it did."""
    broken: bool
    """It broke, so that nothing can be said about the notebook."""


def judge_whole(notebook: Notebook, execution: Execution) -> Whole:
    """Say whether a notebook passes with all its causes: a check that always fails proves nothing.

    Raises:
        SilentError: the cluster did not answer.
    """
    failure = execution.failure
    if failure is None:
        return Whole(problem="", broken=False)
    _demand_answer(notebook, failure)
    return Whole(
        problem="it does not pass with all its causes either: "
        f"{failure.label}: {failure.ending}: {failure.message}",
        broken=judge_failure(failure, tags=notebook.cells[failure.index].tags) is Outcome.BROKEN,
    )


def judge_ablation(notebook: Notebook, cause: str, execution: Execution) -> Ablation:
    """Say which check failed in a run without a cause, if any did.

    Only what a check asserts is its word. Any other error in it, such as one for want of a name
    or of an answer, also ends a check that is content with every answer. And only what comes after
    the cause can come of its lack.

    Args:
        notebook: the notebook.
        cause: the id of the cell that was left out.
        execution: the run without it.

    Raises:
        SilentError: the cluster did not answer.
    """
    failure = execution.failure
    if failure is None:
        return Ablation(cause=cause, check=None, message="the run came to its end")
    cell = notebook.cells[failure.index]
    message = f"{failure.ending}: {failure.message}"
    _demand_answer(notebook, failure)
    match failure.ending:
        case Ending.HUNG | Ending.RUNAWAY | Ending.KERNEL_DIED | Ending.EXPOSED:
            return Ablation(
                cause=cause, check=None, message=f"{cell.label}: {message}", broken=True
            )
        case Ending.CELL_FAILED | Ending.NO_ERROR:
            if failure.index < _place(notebook, cause):
                # Up to here nothing was left out, so this is not what came of it.
                early = f"{cell.label} failed before it: {message}"
                return Ablation(cause=cause, check=None, message=early, broken=True)
            if CHECK not in cell.tags:
                return Ablation(cause=cause, check=None, message=f"{cell.label}: {message}")
            if _is_judgement(failure):
                return Ablation(cause=cause, check=cell.id, message=message)
            blind = f"{cell.label} does not judge it ({failure.message}): {_remedy(failure)}"
            return Ablation(cause=cause, check=None, message=blind)
        case _:
            assert_never(failure.ending)


def _demand_answer(notebook: Notebook, failure: Failure) -> None:
    if failure.is_silence:
        raise SilentError(f"{notebook.path.name}: {failure.label}: {failure.message}")


def _place(notebook: Notebook, cell_id: str) -> int:
    return next(place for place, cell in enumerate(notebook.cells) if cell.id == cell_id)


def _is_judgement(failure: Failure) -> bool:
    return failure.ending is Ending.NO_ERROR or failure.message.startswith("AssertionError:")


def _remedy(failure: Failure) -> str:
    if failure.message.startswith("NameError"):
        return "define the name before"
    return "only a failed assertion counts, so assert first that there is something to ask"


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
            f"nothing can be said about {labels[each.cause]}: {each.message}"
            if each.broken
            else f"no check fails without {labels[each.cause]}: {each.message}"
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
