"""The command that executes notebooks: which ones, on which cluster, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import click

from istiolab.ablate import Ablated, ablate
from istiolab.batch import verify_all, workers_for
from istiolab.cli.lab_commands import json_option, name_option, quiet_option
from istiolab.cli.progress import make_reporter
from istiolab.cli.report import ablations, github, junit, table, text, web
from istiolab.errors import ExitCode, IstiolabError, UsageError
from istiolab.lab.folders import state_folder
from istiolab.lab.provider import current
from istiolab.lab.spec import Lab, NodePaths
from istiolab.receipt.ledger import Entry, add_entries, summarise
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.store import load_receipt, write_text
from istiolab.system.progress import Reporter
from istiolab.verdict.drift import Change
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified, Wish, is_unchanged, read_cluster

_EXIT_CODES = {
    Outcome.VERIFIED: ExitCode.OK,
    Outcome.UNCHANGED: ExitCode.OK,
    Outcome.UPDATED: ExitCode.OK,
    Outcome.DRIFTED: ExitCode.FINDING,
    Outcome.LEAKED: ExitCode.FINDING,
    Outcome.UNTRUE: ExitCode.FINDING,
    Outcome.BROKEN: ExitCode.KERNEL,
}
FOLDER = Path("notebooks")


class Forms(TypedDict):
    """Where reports in other forms go."""

    junit_file: Path | None
    html_file: Path | None


@click.command()
@click.argument("notebooks", nargs=-1)
@name_option
@click.option("--force", is_flag=True, help="Run notebooks that have not changed, too.")
@click.option("--update", is_flag=True, help="Take new outputs over, and say what changed.")
@click.option(
    "--ablate",
    "ablating",
    is_flag=True,
    help="Run each notebook without each of its causes in turn: a check must fail.",
)
@click.option(
    "--repeat",
    type=click.IntRange(1),
    help="Run each notebook so often, changed or not, and keep a ledger of the runs.",
)
@click.option("--workers", type=click.IntRange(1), help="How many run at once; else as fit.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where the evidence of runs that did not pass goes.",
)
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write an HTML report.")
@json_option
@quiet_option
def verify(  # noqa: PLR0913 - one parameter for each option
    notebooks: tuple[str, ...],
    name: str | None,
    *,
    force: bool,
    update: bool,
    ablating: bool,
    repeat: int | None,
    workers: int | None,
    reports: Path,
    as_json: bool,
    quiet: bool,
    **forms: Unpack[Forms],
) -> int:
    """Execute notebooks on the lab, in fresh kernels and namespaces of their own.

    NOTEBOOKS are paths, or names in the folder `notebooks`; none means all of them. One whose
    checks hold and whose outputs are the published ones gets a receipt; one that does not pass is
    left as it was.
    """
    paths = find_notebooks(notebooks)
    lab = current(name)
    reporter = make_reporter(quiet)
    with reporter.step("look at the cluster", estimate_seconds=1):
        cluster = read_cluster(lab.kubeconfig, provider=lab.provider)
    wish = Wish(environment=kernel_environment(lab), reports=reports, update=update)
    if ablating:
        proven = [ablate_one(path, cluster, wish, reporter) for path in paths]
        click.echo(ablations.as_json(proven) if as_json else ablations.render(proven))
        return ExitCode.FINDING if any(each.problems for each in proven) else ExitCode.OK
    room = workers or workers_for(cluster.kubeconfig)
    if repeat:
        runs = [
            run_all(paths, cluster, wish, workers=room, reporter=reporter) for _ in range(repeat)
        ]
        keep_ledger(runs)
        found = [each for run in runs for each in run]
        report(found, as_json=as_json, **forms)
        return exit_code(found)
    skipped = [path for path in paths if not force and is_unchanged(path, cluster)]
    for path in skipped:
        reporter.note(f" - {path.stem}: unchanged since it was verified; `--force` runs it")
    found = [Verified(notebook=path, outcome=Outcome.UNCHANGED) for path in skipped]
    if wanted := [path for path in paths if path not in skipped]:
        found += run_all(wanted, cluster, wish, workers=room, reporter=reporter)
    report(found, as_json=as_json, **forms)
    return exit_code(found)


def run_all(
    paths: Sequence[Path],
    cluster: ClusterFacts,
    wish: Wish,
    *,
    workers: int,
    reporter: Reporter,
) -> list[Verified]:
    """Verify notebooks under one progress bar."""
    title = paths[0].stem if len(paths) == 1 else f"{len(paths)} notebooks, {workers} at a time"
    done = dict.fromkeys(paths, 0.0)
    estimate = _last_duration(paths[0]) if len(paths) == 1 else None
    with reporter.step(title, estimate_seconds=estimate) as step:

        def tell(path: Path, what: str, fraction: float) -> None:
            done[path] = fraction
            step.detail(what if len(paths) == 1 else f"{path.stem}: {what}")
            step.fraction(sum(done.values()) / len(done))

        return verify_all(paths, cluster, wish=wish, workers=workers, progress=tell)


def keep_ledger(runs: Sequence[Sequence[Verified]]) -> None:
    """Write repeated runs down, and say how steady they were."""
    entries: dict[Path, list[Entry]] = {}
    for each in (each for run in runs for each in run):
        if each.execution is not None:
            entry = Entry(
                notebook=each.notebook.stem,
                started_at=each.execution.started_at,
                outcome=str(each.outcome),
                seconds=round(each.execution.seconds, 1),
                differences=len(each.drifts),
            )
            entries.setdefault(each.notebook.parent, []).append(entry)
    for folder, own in entries.items():
        add_entries(folder, own)
        for record in summarise(own):
            click.echo(
                f"{record.notebook}: {record.passed} of {record.runs} runs passed, "
                f"{record.differences} differences, slowest {record.slowest_seconds:.0f} s",
                err=True,
            )


def ablate_one(path: Path, cluster: ClusterFacts, wish: Wish, reporter: Reporter) -> Ablated:
    """Run the ablations of one notebook under one progress bar."""
    with reporter.step(f"{path.stem} without its causes") as step:

        def tell(what: str, fraction: float) -> None:
            step.detail(what)
            step.fraction(fraction)

        return ablate(path, cluster, wish=wish, progress=tell)


def report(found: Sequence[Verified], *, as_json: bool, **forms: Unpack[Forms]) -> None:
    """Print what came of the notebooks, and write it in the other forms that are asked for."""
    click.echo(table.render(found) if as_json else text.render(found))
    writers: tuple[tuple[Path | None, Callable[[Sequence[Verified]], str]], ...] = (
        (forms["junit_file"], junit.render),
        (forms["html_file"], web.render),
    )
    for path, render in writers:
        if path is not None:
            write_text(path, render(found))
    # GitHub reads annotations from what a step prints, and says by this variable that it does.
    if os.environ.get("GITHUB_ACTIONS") == "true" and (lines := github.render(found)):
        click.echo(lines, err=True)


def find_notebooks(wanted: Sequence[str], folder: Path = FOLDER) -> list[Path]:
    """Return the paths of the notebooks that are named; of all in `folder` if none is.

    Raises:
        UsageError: one is not there, or there is none at all.
    """
    there = sorted(folder.glob("*.ipynb"))
    if not wanted:
        if not there:
            raise UsageError(
                f"there is no notebook in `{folder}`",
                hint="run this in a checkout of the project, or name a notebook's path",
            )
        return there
    known = {path.stem: path for path in there}
    paths = [known.get(each, Path(each)) for each in wanted]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UsageError(
            f"there is no notebook `{missing[0]}`",
            where=tuple(f"there is: {stem}" for stem in known),
        )
    return paths


def kernel_environment(lab: Lab) -> dict[str, str]:
    """Return the variables by which a notebook finds the lab."""
    found = {"KUBECONFIG": str(lab.kubeconfig), "ISTIOLAB_CONTEXT": lab.context}
    programs = NodePaths(root=state_folder(lab.name)).bin
    if programs.is_dir():
        found["ISTIOLAB_BIN"] = str(programs)
    if lab.workload_image:
        found["ISTIOLAB_WORKLOAD_IMAGE"] = lab.workload_image
    return found


def _last_duration(path: Path) -> float | None:
    try:
        receipt = load_receipt(path)
    except IstiolabError:  # an estimate is not worth a failure; the run replaces the receipt
        return None
    return receipt.duration_seconds if receipt else None


def exit_code(found: Sequence[Verified]) -> ExitCode:
    """Return the exit code: what could not be said outweighs what is not true.

    To take over outputs that were others before is not to pass: somebody has to read the diff.
    """
    codes = {_EXIT_CODES[each.outcome] for each in found}
    if any(drift.change is not Change.NEW for each in found for drift in each.drifts):
        codes.add(ExitCode.FINDING)
    for code in (ExitCode.KERNEL, ExitCode.FINDING):
        if code in codes:
            return code
    return ExitCode.OK
