"""The command that executes notebooks: which ones, on which cluster, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import click

from istiolab.cli.lab_commands import json_option, name_option, quiet_option, timeout_scale_option
from istiolab.cli.progress import make_reporter
from istiolab.cli.report import ablations, github, junit, table, text, web
from istiolab.errors import ExitCode, UsageError
from istiolab.notebook.failed import evidence_folder, namesakes
from istiolab.runner.run import barred, departing, prove, repeat_all, run_changed
from istiolab.runner.targets import assign
from istiolab.runner.verify import RunContext, Verified
from istiolab.system.files import visible_files, write_text
from istiolab.system.worker_pool import WorkerPool
from istiolab.verdict.drift import Change
from istiolab.verdict.judge import Outcome

_EXIT_CODES = {
    Outcome.VERIFIED: ExitCode.OK,
    Outcome.UNCHANGED: ExitCode.OK,
    Outcome.UPDATED: ExitCode.OK,
    Outcome.DRIFTED: ExitCode.FINDING,
    Outcome.LEAKED: ExitCode.FINDING,
    Outcome.EXPOSED: ExitCode.FINDING,
    Outcome.CHECK_FAILED: ExitCode.FINDING,
    Outcome.BROKEN: ExitCode.KERNEL,
    Outcome.CHANGED: ExitCode.KERNEL,
    Outcome.UNSUPPORTED: ExitCode.KERNEL,
}
FOLDER = Path("notebooks")
_INTERRUPTED = "interrupted: taking back what was begun; Ctrl-C once more leaves at once"


class Forms(TypedDict):
    """Where reports in other forms go."""

    junit_file: Path | None
    html_file: Path | None


@click.command()
@click.argument("notebooks", nargs=-1)
@name_option
@click.option("--explain", is_flag=True, help="Say what made each notebook run, or not run.")
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
@timeout_scale_option
@json_option
@quiet_option
def verify(  # noqa: PLR0913 - one parameter for each option
    notebooks: tuple[str, ...],
    name: str | None,
    *,
    explain: bool,
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
    left as it was. One that installs Istio itself runs on a lab of its own, without a mesh, which
    is brought up for it and taken down.
    """
    paths = find_notebooks(notebooks)
    same = namesakes(paths)
    if not ablating:
        for path in paths:  # before anything runs, since a run whose evidence has no place is lost
            evidence_folder(reports, path, apart=path in same)
    reporter = make_reporter(quiet)
    with (
        assign(paths, name, workers=workers, reporter=reporter) as out,
        departing(reporter) as deletions,
    ):
        context = RunContext(
            environment={},
            reports=reports,
            namesakes=same,
            update=update,
            deletions=deletions,
            pool=WorkerPool(on_interrupt=lambda: reporter.note(_INTERRUPTED)),
        )
        if ablating:
            proven = prove(out, context, force=force, reporter=reporter)
            click.echo(ablations.as_json(proven) if as_json else ablations.render(proven))
            return ablations.exit_code(proven)
        if repeat:
            found = repeat_all(out.assignments, context, times=repeat, reporter=reporter)
        else:
            found = run_changed(out.assignments, context, force=force, reporter=reporter)
        found += barred(out.barred)
        # Before the wait for the namespaces: whoever watches has waited enough.
        report(found, as_json=as_json, explain=explain, **forms)
    return exit_code(found)


def report(
    found: Sequence[Verified], *, as_json: bool, explain: bool = False, **forms: Unpack[Forms]
) -> None:
    """Print what came of the notebooks, and write it in the other forms that are asked for."""
    click.echo(table.render(found) if as_json else text.render(found, explain=explain))
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
    there = visible_files(folder, "*.ipynb")
    if not wanted:
        if not there:
            raise UsageError(
                f"there is no notebook in `{folder}`",
                hint="run this in a checkout of the project, or name a notebook's path",
            )
        return there
    known = {path.stem: path for path in there}
    paths = list(dict.fromkeys(known.get(each, Path(each)) for each in wanted))
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UsageError(
            f"there is no notebook `{missing[0]}`",
            where=tuple(f"there is: {stem}" for stem in known),
        )
    return paths


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
