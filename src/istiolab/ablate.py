"""Notebooks run again without each of their causes in turn, to see that a check then fails.

Every ablation is a run in namespaces of its own, so those of all notebooks share the cluster, but
for notebooks that change the mesh as a whole: of these one runs at a time, and nothing beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from istiolab.batch import changes_mesh, plan_all
from istiolab.notebook.cells import CAUSE, Cell, Notebook, read_notebook
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.proof import WithoutCause, remove_proof, write_proof
from istiolab.verdict.ablation import Ablation, describe, judge_ablation, tagged, toothless
from istiolab.verify import Wish, execute

Progress = Callable[[str, float], None]
"""Told what runs now, and how much of all is done, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """What the ablations of one notebook found."""

    notebook: Path
    """The notebook."""
    rows: tuple[tuple[str, str, str], ...]
    """For each cause: its cell, the check that failed without it, and how."""
    problems: tuple[str, ...]
    """What is wrong, a sentence each; nothing if every cause and every check is proven."""
    barred: str = ""
    """Why it could not run here, if that is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    path: Path
    cause: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    run: _Run
    ablation: Ablation
    started: datetime
    ended: datetime


def ablate_all(
    paths: Sequence[Path],
    cluster: ClusterFacts,
    *,
    wish: Wish,
    workers: int,
    progress: Progress = lambda _what, _done: None,
    prepare: Callable[[], None] | None = None,
) -> list[Ablated]:
    """Run notebooks without each of their causes in turn, and write down which are proven.

    Args:
        paths: the notebooks.
        cluster: where they run.
        wish: how.
        workers: how many runs there are at the same time.
        progress: told before each cell.
        prepare: called before each run; makes the cluster ready for it.

    Raises:
        KernelError: one is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
        HostError: the disk is full, or a folder cannot be written.
    """
    notebooks = {path: read_notebook(path) for path in paths}
    waves = [
        [_Run(path=path, cause=cause) for path in wave for cause in tagged(notebooks[path], CAUSE)]
        for wave in plan_all(paths)
    ]
    fractions = {(run.path, run.cause.id): 0.0 for wave in waves for run in wave}

    def one(run: _Run) -> _Done:
        def tell(what: str, fraction: float) -> None:
            fractions[run.path, run.cause.id] = fraction
            said = f"{run.path.stem} without {run.cause.label}: {what}"
            progress(said, sum(fractions.values()) / len(fractions))

        if prepare is not None:
            tell("a clean cluster", 0.0)
            prepare()
        return _without(run, notebooks[run.path], cluster, wish=wish, progress=tell)

    done: list[_Done] = []
    for wave in waves:
        wish.departures.wait()
        at_once = 1 if any(changes_mesh(run.path) for run in wave) else workers
        done += wish.crew.map(one, wave, workers=at_once)
    return [
        _judge(notebooks[path], [each for each in done if each.run.path == path], cluster)
        for path in paths
    ]


def _without(
    run: _Run, notebook: Notebook, cluster: ClusterFacts, *, wish: Wish, progress: Progress
) -> _Done:
    started = datetime.now(UTC)
    execution, _, _ = execute(
        run.path,
        cluster,
        wish=wish,
        progress=progress,
        leave_out=run.cause.id,
    )
    return _Done(
        run=run,
        ablation=judge_ablation(notebook, run.cause.id, execution),
        started=started,
        ended=datetime.now(UTC),
    )


def _judge(notebook: Notebook, done: Sequence[_Done], cluster: ClusterFacts) -> Ablated:
    found = [each.ablation for each in done]
    rows, problems = describe(notebook, found), toothless(notebook, found)
    if problems:
        remove_proof(notebook.path)
    else:
        started = min(each.started for each in done)
        length: timedelta = max(each.ended for each in done) - started
        write_proof(
            notebook.path,
            (WithoutCause(cause=cause, check=check, how=how) for cause, check, how in rows),
            started_at=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            duration_seconds=length.total_seconds(),
            versions=cluster.versions,
        )
    return Ablated(notebook=notebook.path, rows=rows, problems=problems)
