"""The command that executes notebooks: which ones, on which cluster, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from istiolab.cli.lab_commands import json_option, name_option, quiet_option
from istiolab.cli.progress import make_reporter
from istiolab.errors import ExitCode, UsageError
from istiolab.lab.folders import state_folder
from istiolab.lab.provider import current
from istiolab.lab.spec import Lab, NodePaths
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.store import load_receipt, receipt_path
from istiolab.system.progress import Reporter
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified, is_unchanged, read_cluster
from istiolab.verify import verify as verify_notebook

_EXIT_CODES = {
    Outcome.VERIFIED: ExitCode.OK,
    Outcome.UNCHANGED: ExitCode.OK,
    Outcome.UNTRUE: ExitCode.FINDING,
    Outcome.BROKEN: ExitCode.KERNEL,
}
FOLDER = Path("notebooks")
TRACEBACK_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the notebooks are to be verified."""

    cluster: ClusterFacts
    """On what."""
    environment: Mapping[str, str]
    """Variables for the kernels."""
    reports: Path
    """Where the evidence of failed runs goes."""
    force: bool
    """Run them whether or not anything changed."""


@click.command()
@click.argument("notebooks", nargs=-1)
@name_option
@click.option("--force", is_flag=True, help="Run notebooks that have not changed, too.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where the evidence of failed runs goes.",
)
@json_option
@quiet_option
def verify(
    notebooks: tuple[str, ...],
    name: str | None,
    *,
    force: bool,
    reports: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Execute notebooks on the lab, in fresh kernels and namespaces of their own.

    NOTEBOOKS are paths, or names in the folder `notebooks`; none means all of them. One that
    passes gets its new outputs and a receipt; one that does not is left as it was.
    """
    paths = find_notebooks(notebooks)
    lab = current(name)
    reporter = make_reporter(quiet)
    with reporter.step("look at the cluster", estimate_seconds=1):
        cluster = read_cluster(lab.kubeconfig, provider=lab.provider)
    wish = Wish(cluster=cluster, environment=kernel_environment(lab), reports=reports, force=force)
    found = [verify_one(path, wish, reporter) for path in paths]
    if as_json:
        click.echo(json.dumps([as_table(each) for each in found], indent=2))
    else:
        for each in found:
            click.echo(as_text(each))
    return exit_code(found)


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


def verify_one(path: Path, wish: Wish, reporter: Reporter) -> Verified:
    """Verify one notebook, or say that there is no need to."""
    if not wish.force and is_unchanged(path, wish.cluster):
        reporter.note(f" - {path.stem}: unchanged since it was verified; `--force` runs it")
        return Verified(notebook=path, outcome=Outcome.UNCHANGED)
    with reporter.step(path.stem, estimate_seconds=_last_duration(path)) as step:

        def progress(what: str, done: float) -> None:
            step.detail(what)
            step.fraction(done)

        return verify_notebook(
            path,
            wish.cluster,
            environment=wish.environment,
            reports=wish.reports,
            progress=progress,
        )


def _last_duration(path: Path) -> float | None:
    try:
        receipt = load_receipt(path)
    except Exception:  # noqa: BLE001 - an estimate is not worth a failure; the run replaces it
        return None
    return receipt.duration_seconds if receipt else None


def as_text(found: Verified) -> str:
    """Return what came of one notebook as lines for a person."""
    run = found.execution
    name = found.notebook.name
    if run is None:
        return f"{name}: {found.outcome}"
    if run.failure is None:
        return f"{name}: {found.outcome} in {run.seconds:.0f} s, {receipt_path(found.notebook)}"
    failure = run.failure
    lines = [f"{name}: {found.outcome}", f"  {failure.label}: {failure.ending}: {failure.message}"]
    lines += [f"  | {line}" for line in failure.traceback.splitlines()[-TRACEBACK_LINES:]]
    lines += [f"  evidence: {found.evidence}"]
    return "\n".join(lines)


def as_table(found: Verified) -> dict[str, object]:
    """Return what came of one notebook as JSON values."""
    run = found.execution
    failure = run.failure if run else None
    return {
        "notebook": str(found.notebook),
        "outcome": str(found.outcome),
        "seconds": round(run.seconds, 1) if run else 0.0,
        "failure": {
            "cell": failure.index,
            "name": failure.name,
            "ending": str(failure.ending),
            "message": failure.message,
        }
        if failure
        else None,
        "evidence": str(found.evidence) if found.evidence else None,
    }


def exit_code(found: Sequence[Verified]) -> ExitCode:
    """Return the exit code: what could not be said outweighs what is not true."""
    codes = {_EXIT_CODES[each.outcome] for each in found}
    for code in (ExitCode.KERNEL, ExitCode.FINDING):
        if code in codes:
            return code
    return ExitCode.OK
