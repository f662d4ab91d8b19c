"""Notebooks run again without each of their causes in turn, to see that a check then fails.

Rule 1: every ablation is a run in namespaces of its own, so those of all notebooks share the
cluster, but for notebooks that change the mesh as a whole: of these one runs at a time, and nothing
beside it.
Rule 2: a failure without a cause tells nothing if there is one with it, too. A notebook that has
not passed on this cluster just as it stands is run with all its causes as well, beside the others.
Rule 3: the cluster is looked at before and after each wave, as when notebooks are verified: a run
that ends at a check never comes to the cells that were to tidy up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from istiolab.mesh import inventory
from istiolab.notebook.cells import CAUSE, Cell, Notebook, read_notebook, to_notebook
from istiolab.notebook.document import load_document
from istiolab.notebook.uses import Use
from istiolab.receipt.inputs import Inputs, file_sha256, take_inputs
from istiolab.receipt.model import ClusterFacts, steps_sha256
from istiolab.receipt.proof import Proof, WithoutCause
from istiolab.receipt.record import remove_record, save_record
from istiolab.receipt.store import believed_receipt
from istiolab.runner.batch import changes_mesh, left_since, plan_all
from istiolab.runner.verify import RunContext, execute, reasons_to_run
from istiolab.verdict.ablation import (
    Ablation,
    Whole,
    describe,
    judge_ablation,
    judge_whole,
    tagged,
    toothless,
)

Progress = Callable[[str, float], None]
"""Told what runs now, and how much of all is done, from 0 to 1."""

_SHARPEN = "make each check ask for what its cause brings about"
_TIDY = "make it in the notebook's own namespaces, which go in any case, or undo it before a check"
_END = "have each cell end without the cause as well, be it with an error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """What the ablations of one notebook found."""

    notebook: Path
    """The notebook."""
    rows: tuple[tuple[str, str, str], ...]
    """For each cause: its cell, the check that failed without it, and how."""
    problems: tuple[str, ...]
    """What is wrong, a sentence each; nothing if every cause and every check is proven."""
    broken: bool = False
    """A run broke, so that something cannot be said."""
    hint: str = ""
    """What helps, if something is wrong."""
    barred: str = ""
    """Why it could not run here, if that is so."""
    changed: str = ""
    """What of it was changed while it ran, if that is so: then nothing is said or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    path: Path
    cause: Cell | None
    """What is left out; None if nothing is."""

    @property
    def key(self) -> tuple[Path, str]:
        return self.path, self.cause.id if self.cause else ""

    @property
    def label(self) -> str:
        how = f"without {self.cause.label}" if self.cause else "as it is"
        return f"{self.path.stem} {how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    run: _Run
    found: Ablation | Whole
    uses: tuple[Use, ...]
    started: datetime
    ended: datetime


def ablate_all(
    paths: Sequence[Path],
    cluster: ClusterFacts,
    *,
    context: RunContext,
    workers: int,
    progress: Progress = lambda _what, _done: None,
    prepare: Callable[[], None] | None = None,
) -> list[Ablated]:
    """Run notebooks without each of their causes in turn, and write down which are proven.

    Args:
        paths: the notebooks.
        cluster: where they run.
        context: how.
        workers: how many runs there are at the same time.
        progress: told before each cell.
        prepare: called before each run; makes the cluster anew if one has left anything on it. None
            means that it stays as they leave it: then to leave anything is a problem.

    Raises:
        KernelError: one is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
        HostError: the disk is full, or a folder cannot be written.
    """
    # Before anything of them is read: what is changed after this proves nothing.
    digests = {path: file_sha256(path) for path in paths}
    notebooks = {path: read_notebook(path) for path in paths}
    runs = {path: tuple(_runs(notebook, cluster)) for path, notebook in notebooks.items()}
    waves = [[run for path in wave for run in runs[path]] for wave in plan_all(paths)]
    fractions = {run.key: 0.0 for wave in waves for run in wave}

    def one(run: _Run) -> _Done:
        def tell(what: str, fraction: float) -> None:
            fractions[run.key] = fraction
            progress(f"{run.label}: {what}", sum(fractions.values()) / len(fractions))

        if prepare is None:
            context.deletions.wait()
        else:
            tell("a clean cluster", 0.0)
            prepare()
        return _execute(run, cluster, context=context, progress=tell)

    done: list[_Done] = []
    left: dict[Path, tuple[str, ...]] = {}
    for wave in filter(None, waves):
        context.deletions.wait()
        before = inventory.take(cluster.kubeconfig) if prepare is None else None
        at_once = 1 if any(changes_mesh(run.path) for run in wave) else workers
        done += context.pool.map(one, wave, workers=at_once)
        if before is not None:
            leaks, _ = left_since(before, cluster.kubeconfig, context)
            left |= _share(leaks, wave)
    return [
        _judge(
            notebooks[path],
            [each for each in done if each.run.path == path],
            cluster,
            left=left.get(path, ()),
            sha256=digests[path],
        )
        for path in paths
    ]


def _runs(notebook: Notebook, cluster: ClusterFacts) -> Iterator[_Run]:
    causes = tagged(notebook, CAUSE)
    if causes and reasons_to_run(notebook.path, cluster):
        yield _Run(path=notebook.path, cause=None)
    yield from (_Run(path=notebook.path, cause=cause) for cause in causes)


def _share(left: tuple[str, ...], wave: Iterable[_Run]) -> Mapping[Path, tuple[str, ...]]:
    """Say of whom a leak may be: of all that ran while it came about."""
    paths = {run.path for run in wave}
    if left and len(paths) > 1:
        left += (f"{len(paths)} notebooks were ablated at the time; ablate each alone",)
    return dict.fromkeys(paths, left)


def _execute(run: _Run, cluster: ClusterFacts, *, context: RunContext, progress: Progress) -> _Done:
    started = datetime.now(UTC)
    cause = run.cause.id if run.cause else None
    execution, *_ = execute(run.path, cluster, context=context, progress=progress, leave_out=cause)
    # Of what ran: somebody may have saved another notebook meanwhile.
    notebook = to_notebook(execution.document, path=run.path)
    return _Done(
        run=run,
        found=judge_ablation(notebook, cause, execution)
        if cause is not None
        else judge_whole(notebook, execution),
        uses=execution.uses,
        started=started,
        ended=datetime.now(UTC),
    )


def _judge(
    notebook: Notebook,
    done: Sequence[_Done],
    cluster: ClusterFacts,
    *,
    left: tuple[str, ...],
    sha256: str | None,
) -> Ablated:
    inputs = _inputs(notebook.path, done)
    if file_sha256(notebook.path) != sha256:
        inputs = "the notebook"
    if isinstance(inputs, str):
        return Ablated(notebook=notebook.path, rows=(), problems=(), changed=inputs)
    without = [each.found for each in done if isinstance(each.found, Ablation)]
    failing = [each.found for each in done if isinstance(each.found, Whole) and each.found.problem]
    rows, blunt = describe(notebook, without), toothless(notebook, without)
    problems = (*(each.problem for each in failing), *left, *blunt)
    if problems:
        remove_record(notebook.path, Proof)
    else:
        _write_proof(notebook, rows, done, inputs, cluster)
    return Ablated(
        notebook=notebook.path,
        rows=rows,
        problems=problems,
        broken=any(each.found.broken for each in done),
        hint=_hint(notebook, done, left) if problems else "",
    )


def _hint(notebook: Notebook, done: Sequence[_Done], left: tuple[str, ...]) -> str:
    """Return what helps first; the rest may be a consequence."""
    if any(isinstance(each.found, Whole) and each.found.problem for each in done):
        return f"make it pass first: `istiolab verify {notebook.path.stem}`"
    if left:
        return _TIDY
    return _END if any(each.found.broken for each in done) else _SHARPEN


def _inputs(path: Path, done: Sequence[_Done]) -> Inputs | str:
    """Return what the runs of a notebook used, or what of it was changed meanwhile.

    With its causes it may have run before: what only a cause uses is in the receipt of that run.
    """
    inputs = take_inputs((use for each in done for use in each.uses), path.parent)
    if isinstance(inputs, str) or any(each.run.cause is None for each in done):
        return inputs
    receipt = believed_receipt(path)
    return receipt.inputs | inputs if receipt else inputs


def _write_proof(
    notebook: Notebook,
    rows: Sequence[tuple[str, str, str]],
    done: Sequence[_Done],
    inputs: Inputs,
    cluster: ClusterFacts,
) -> None:
    started = min(each.started for each in done)
    length: timedelta = max(each.ended for each in done) - started
    proof = Proof(
        steps_sha256=steps_sha256(load_document(notebook.path)),
        inputs=inputs,
        versions=dict(cluster.versions),
        started_at=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        duration_seconds=round(length.total_seconds(), 1),
        runs=tuple(WithoutCause(cause=cause, check=check, how=how) for cause, check, how in rows),
    )
    save_record(notebook.path, proof)
