"""Notebooks in, what came of them out, under one progress bar; and the ledger of repeated runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from istiolab.mesh.pending_deletions import PendingDeletions
from istiolab.receipt.ledger import Entry, add_entries, summarise
from istiolab.receipt.proof import is_proven
from istiolab.receipt.store import last_seconds
from istiolab.runner.ablate import Ablated, ablate_all
from istiolab.runner.batch import verify_all
from istiolab.runner.targets import WHY_UNSUPPORTED, Assignment, Assignments
from istiolab.runner.verify import RunContext, Verified, reasons_to_run
from istiolab.system.progress import SILENT, Reporter
from istiolab.verdict.judge import Outcome

_FORCED = "nothing changed, and `--force` runs it all the same"


@contextmanager
def departing(reporter: Reporter) -> Iterator[PendingDeletions]:
    """Yield where runs leave their namespaces; on leaving, wait until these are gone."""
    deletions = PendingDeletions()
    try:
        yield deletions
    finally:
        if deletions.pending:
            with reporter.step("namespaces to go", estimate_seconds=6):
                deletions.wait()


def run_all(
    assignment: Assignment, paths: Sequence[Path], context: RunContext, *, reporter: Reporter
) -> list[Verified]:
    """Verify notebooks of an assignment: all together, or each on a place made ready for it."""
    if not assignment.alone:
        return _run_together(assignment, paths, context, reporter=reporter)
    found = []
    for path in paths:
        _prepare(assignment, context, reporter)
        found += _run_together(assignment, [path], context, reporter=reporter)
    # What stopped half-way has cleaned up nothing, which is no finding where the place goes.
    return [replace(each, leaks=()) if _stopped(each) else each for each in found]


def run_changed(
    assignments: Sequence[Assignment], context: RunContext, *, force: bool, reporter: Reporter
) -> list[Verified]:
    """Verify the notebooks that changed since they were verified, or all of them."""
    found: list[Verified] = []
    for assignment in assignments:
        reasons = {
            path: reasons_to_run(path, assignment.target.cluster) for path in assignment.paths
        }
        skipped = [path for path in assignment.paths if not (force or reasons[path])]
        for path in skipped:
            reporter.note(f" - {path.stem}: unchanged since it was verified; `--force` runs it")
        found += [Verified(notebook=path, outcome=Outcome.UNCHANGED) for path in skipped]
        if wanted := [path for path in assignment.paths if path not in skipped]:
            ran = run_all(assignment, wanted, context, reporter=reporter)
            found += [replace(each, reasons=reasons[each.notebook] or (_FORCED,)) for each in ran]
    return found


def _prepare(assignment: Assignment, context: RunContext, reporter: Reporter) -> None:
    # First, since a place that is made anew has none of the namespaces that were sent off on it.
    context.deletions.wait()
    assignment.target.prepare(reporter)


def _run_together(
    assignment: Assignment, paths: Sequence[Path], context: RunContext, *, reporter: Reporter
) -> list[Verified]:
    """Verify notebooks under one progress bar."""
    workers = assignment.workers
    title = paths[0].stem if len(paths) == 1 else f"{len(paths)} notebooks, {workers} at a time"
    done = dict.fromkeys(paths, 0.0)
    estimate = last_seconds(paths[0]) if len(paths) == 1 else None
    with reporter.step(title, estimate_seconds=estimate) as step:

        def tell(path: Path, what: str, fraction: float) -> None:
            done[path] = fraction
            step.detail(what if len(paths) == 1 else f"{path.stem}: {what}")
            step.fraction(sum(done.values()) / len(done))

        return verify_all(
            paths,
            assignment.target.cluster,
            context=replace(context, environment=assignment.target.environment),
            workers=workers,
            progress=tell,
        )


def _stopped(found: Verified) -> bool:
    return found.execution is not None and found.execution.failure is not None


def barred(paths: Sequence[Path]) -> list[Verified]:
    """Return what came of notebooks that cannot run here: nothing."""
    return [
        Verified(notebook=path, outcome=Outcome.UNSUPPORTED, barred=WHY_UNSUPPORTED)
        for path in paths
    ]


def repeat_all(
    assignments: Sequence[Assignment], context: RunContext, *, times: int, reporter: Reporter
) -> list[Verified]:
    """Verify notebooks again and again; each run is in the ledger before the next begins."""
    found: list[Verified] = []
    for number in range(1, times + 1):
        reporter.note(f" - run {number} of {times}")
        run = [
            each
            for assignment in assignments
            for each in run_all(assignment, assignment.paths, context, reporter=reporter)
        ]
        for folder, entries in _entries(run).items():
            add_entries(folder, entries)
        found += run
    for entries in _entries(found).values():
        for record in summarise(entries):
            reporter.note(
                f" - {record.notebook}: {record.passed} of {record.runs} runs passed, "
                f"{record.differences} differences, slowest {record.slowest_seconds:.0f} s"
            )
    return found


def _entries(found: Sequence[Verified]) -> dict[Path, list[Entry]]:
    entries: dict[Path, list[Entry]] = {}
    for each in found:
        if each.execution is not None:
            entry = Entry(
                notebook=each.notebook.stem,
                started_at=each.execution.started_at,
                outcome=str(each.outcome),
                seconds=round(each.execution.seconds, 1),
                differences=len(each.drifts),
            )
            entries.setdefault(each.notebook.parent, []).append(entry)
    return entries


def prove_all(
    assignment: Assignment, paths: Sequence[Path], context: RunContext, *, reporter: Reporter
) -> list[Ablated]:
    """Run the ablations of notebooks of an assignment under one progress bar."""
    if not paths:
        return []
    title = paths[0].stem if len(paths) == 1 else f"{len(paths)} notebooks"
    with reporter.step(f"{title} without each cause, {assignment.workers} at a time") as step:

        def tell(what: str, fraction: float) -> None:
            step.detail(what)
            step.fraction(fraction)

        return ablate_all(
            paths,
            assignment.target.cluster,
            context=replace(context, environment=assignment.target.environment),
            workers=assignment.workers,
            progress=tell,
            # Silent: it is within the bar. A place that others use as well is not made anew.
            prepare=(lambda: _prepare(assignment, context, SILENT)) if assignment.alone else None,
        )


def prove(
    assignments: Assignments, context: RunContext, *, force: bool, reporter: Reporter
) -> list[Ablated]:
    """Run the ablations of the notebooks whose causes are not proven, or of all of them."""
    found: list[Ablated] = []
    for assignment in assignments.assignments:
        wanted = assignment.paths if force else unproven(assignment.paths, reporter)
        found += prove_all(assignment, wanted, context, reporter=reporter)
    return found + [
        Ablated(notebook=path, rows=(), problems=(), barred=WHY_UNSUPPORTED)
        for path in assignments.barred
    ]


def unproven(paths: Sequence[Path], reporter: Reporter) -> list[Path]:
    """Return the notebooks whose causes are not proven as they stand, and say which are."""
    wanted = []
    for path in paths:
        if is_proven(path):
            reporter.note(f" - {path.stem}: proven as it stands; `--force` runs it")
        else:
            wanted.append(path)
    return wanted
