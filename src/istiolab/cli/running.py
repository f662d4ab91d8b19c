"""Notebooks in, what came of them out, under one progress bar; and the ledger of repeated runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from istiolab.ablate import Ablated, ablate_all
from istiolab.batch import verify_all
from istiolab.mesh.departures import Departures
from istiolab.places import WHY_BARRED, Share, Shares
from istiolab.receipt.ledger import Entry, add_entries, summarise
from istiolab.receipt.proof import is_proven
from istiolab.receipt.store import last_seconds
from istiolab.system.progress import SILENT, Reporter
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified, Wish, reasons_to_run

_FORCED = "nothing changed, and `--force` runs it all the same"


@contextmanager
def departing(reporter: Reporter) -> Iterator[Departures]:
    """Yield where runs leave their namespaces; on leaving, wait until these are gone."""
    departures = Departures()
    try:
        yield departures
    finally:
        if departures.pending:
            with reporter.step("namespaces to go", estimate_seconds=6):
                departures.wait()


def run_all(
    share: Share, paths: Sequence[Path], wish: Wish, *, reporter: Reporter
) -> list[Verified]:
    """Verify notebooks of a share: all together, or each on a place made ready for it."""
    if not share.alone:
        return _run_together(share, paths, wish, reporter=reporter)
    found = []
    for path in paths:
        _prepare(share, wish, reporter)
        found += _run_together(share, [path], wish, reporter=reporter)
    # What stopped half-way has cleaned up nothing, which is no finding where the place goes.
    return [replace(each, leaks=()) if _stopped(each) else each for each in found]


def run_changed(
    shares: Sequence[Share], wish: Wish, *, force: bool, reporter: Reporter
) -> list[Verified]:
    """Verify the notebooks that changed since they were verified, or all of them."""
    found: list[Verified] = []
    for share in shares:
        reasons = {path: reasons_to_run(path, share.place.cluster) for path in share.paths}
        skipped = [path for path in share.paths if not (force or reasons[path])]
        for path in skipped:
            reporter.note(f" - {path.stem}: unchanged since it was verified; `--force` runs it")
        found += [Verified(notebook=path, outcome=Outcome.UNCHANGED) for path in skipped]
        if wanted := [path for path in share.paths if path not in skipped]:
            ran = run_all(share, wanted, wish, reporter=reporter)
            found += [replace(each, reasons=reasons[each.notebook] or (_FORCED,)) for each in ran]
    return found


def _prepare(share: Share, wish: Wish, reporter: Reporter) -> None:
    # First, since a place that is made anew has none of the namespaces that were sent off on it.
    wish.departures.wait()
    share.place.prepare(reporter)


def _run_together(
    share: Share, paths: Sequence[Path], wish: Wish, *, reporter: Reporter
) -> list[Verified]:
    """Verify notebooks under one progress bar."""
    workers = share.workers
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
            share.place.cluster,
            wish=replace(wish, environment=share.place.environment),
            workers=workers,
            progress=tell,
        )


def _stopped(found: Verified) -> bool:
    return found.execution is not None and found.execution.failure is not None


def barred(paths: Sequence[Path]) -> list[Verified]:
    """Return what came of notebooks that cannot run here: nothing."""
    return [Verified(notebook=path, outcome=Outcome.BARRED, barred=WHY_BARRED) for path in paths]


def repeat_all(
    shares: Sequence[Share], wish: Wish, *, times: int, reporter: Reporter
) -> list[Verified]:
    """Verify notebooks again and again; each run is in the ledger before the next begins."""
    found: list[Verified] = []
    for number in range(1, times + 1):
        reporter.note(f" - run {number} of {times}")
        run = [
            each
            for share in shares
            for each in run_all(share, share.paths, wish, reporter=reporter)
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
    share: Share, paths: Sequence[Path], wish: Wish, *, reporter: Reporter
) -> list[Ablated]:
    """Run the ablations of notebooks of a share under one progress bar."""
    if not paths:
        return []
    title = paths[0].stem if len(paths) == 1 else f"{len(paths)} notebooks"
    with reporter.step(f"{title} without each cause, {share.workers} at a time") as step:

        def tell(what: str, fraction: float) -> None:
            step.detail(what)
            step.fraction(fraction)

        return ablate_all(
            paths,
            share.place.cluster,
            wish=replace(wish, environment=share.place.environment),
            workers=share.workers,
            progress=tell,
            # Silent: it is within the bar. A place that others use as well is not made anew.
            prepare=(lambda: _prepare(share, wish, SILENT)) if share.alone else None,
        )


def prove(shares: Shares, wish: Wish, *, force: bool, reporter: Reporter) -> list[Ablated]:
    """Run the ablations of the notebooks whose causes are not proven, or of all of them."""
    found: list[Ablated] = []
    for share in shares.shares:
        wanted = share.paths if force else unproven(share.paths, reporter)
        found += prove_all(share, wanted, wish, reporter=reporter)
    return found + [
        Ablated(notebook=path, rows=(), problems=(), barred=WHY_BARRED) for path in shares.barred
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
