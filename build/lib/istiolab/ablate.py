"""A notebook run again without each of its causes in turn, to see that a check then fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from istiolab.notebook.cells import CAUSE, CHECK, Notebook, read_notebook
from istiolab.notebook.execution import Execution
from istiolab.receipt.model import ClusterFacts
from istiolab.verdict.ablation import Ablation, describe, tagged, toothless
from istiolab.verify import Progress, Wish, execute


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """What the ablations of one notebook found."""

    notebook: Path
    """The notebook."""
    rows: tuple[tuple[str, str, str], ...]
    """For each cause: its cell, the check that failed without it, and how."""
    problems: tuple[str, ...]
    """What is wrong, a sentence each; nothing if every cause and every check is proven."""


def ablate(path: Path, cluster: ClusterFacts, *, wish: Wish, progress: Progress) -> Ablated:
    """Run a notebook without each of its causes in turn.

    Raises:
        KernelError: it is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
    """
    notebook = read_notebook(path)
    causes = tagged(notebook, CAUSE)
    found = []
    for number, cause in enumerate(causes):

        def tell(what: str, done: float, *, number: int = number, name: str = cause.label) -> None:
            progress(f"without {name}: {what}", (number + done) / len(causes))

        execution, _, _ = execute(
            path, cluster, environment=wish.environment, progress=tell, leave_out=cause.id
        )
        found.append(judge_ablation(notebook, cause.id, execution))
    return Ablated(
        notebook=path, rows=describe(notebook, found), problems=toothless(notebook, found)
    )


def judge_ablation(notebook: Notebook, cause: str, execution: Execution) -> Ablation:
    """Say which check failed in a run without a cause, if any did."""
    failure = execution.failure
    if failure is None:
        return Ablation(cause=cause, check=None, message="the run came to its end")
    cell = notebook.cells[failure.index]
    message = f"{failure.ending}: {failure.message}"
    return Ablation(cause=cause, check=cell.id if CHECK in cell.tags else None, message=message)
