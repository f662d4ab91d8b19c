"""The command that measures verification beside the other tools that execute notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

from istiolab.batch import changes_mesh, workers_for
from istiolab.cli.lab_commands import json_option, name_option, quiet_option
from istiolab.cli.progress import make_reporter
from istiolab.cli.report import race as report
from istiolab.cli.verify_command import find_notebooks
from istiolab.errors import ExitCode, UsageError
from istiolab.lab.folders import cache_folder
from istiolab.lab.provider import current
from istiolab.notebook.needs import Need, need_of
from istiolab.places import kernel_environment
from istiolab.race.course import demand_one_folder
from istiolab.race.layer import ensure_layer, parse_pins, read_pins
from istiolab.race.peers import PEERS, Peer
from istiolab.race.race import run_race
from istiolab.race.result import goals
from istiolab.race.run import Track
from istiolab.system.crew import Crew
from istiolab.system.machine import describe_machine

NONE = "none"
_INTERRUPTED = "interrupted: taking back what was begun; Ctrl-C once more leaves at once"


@click.command("verify")
@click.argument("notebooks", nargs=-1)
@name_option
@click.option(
    "--copies",
    default="1,2,4,8,16",
    show_default=True,
    help="How many copies of the longest notebook to run at once, one number after the other.",
)
@click.option(
    "--peers",
    default=",".join(peer.key for peer in PEERS),
    show_default=True,
    help=f"Beside which tools; `{NONE}` for no other.",
)
@click.option("--workers", type=click.IntRange(1), help="How many run at once; else as fit.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=90.0,
    show_default=True,
    help="How long all of it may take; what does not fit is left out, and named.",
)
@json_option
@quiet_option
def bench_verify(  # noqa: PLR0913 - one parameter for each option
    notebooks: tuple[str, ...],
    name: str | None,
    *,
    copies: str,
    peers: str,
    workers: int | None,
    minutes: float,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure `istiolab verify` beside other tools: same notebooks, same lab, copies of them all.

    NOTEBOOKS are paths, or names in the folder `notebooks`; none means all of them. One that needs
    a lab of its own, or changes the mesh as a whole, is left out: the other tools know of neither.
    Prints Markdown. Ends with 1 if something takes longer than was promised. Wants a quiet machine.
    """
    numbers, chosen = parse_copies(copies), parse_peers(peers)
    paths = comparable(find_notebooks(notebooks))
    demand_one_folder(paths)
    lab = current(name)
    reporter = make_reporter(quiet)
    track = Track(
        lab=lab,
        environment=kernel_environment(lab),
        workers=workers or workers_for(lab.kubeconfig),
        python=ensure_layer(cache_folder(), reporter) if chosen else "",
        crew=Crew(on_interrupt=lambda: reporter.note(_INTERRUPTED)),
    )
    race = run_race(paths, track, chosen, copies=numbers, minutes=minutes, reporter=reporter)
    render = report.as_json if as_json else report.render
    click.echo(render(race, describe_machine(), versions_of(chosen)))
    missed = any(goal.met is False for goal in goals(race))
    return ExitCode.FINDING if missed else ExitCode.OK


def comparable(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the notebooks that the other tools can run, too.

    A change of the mesh as a whole they would leave behind for the notebook that they run next.

    Raises:
        UsageError: there is none.
        KernelError: one is no notebook.
    """
    found = tuple(path for path in paths if need_of(path) is Need.MESH and not changes_mesh(path))
    if not found:
        raise UsageError(
            "there is nothing to compare",
            where=tuple(f"left out: {path.name}" for path in paths),
            hint="name a notebook that keeps to its own namespaces",
        )
    return found


def parse_copies(text: str) -> tuple[int, ...]:
    """Return the numbers in `1,2,4`.

    Raises:
        UsageError: it is no list of numbers from 1.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise UsageError(
            f"`{text}` is no list of numbers of copies", hint="for example: `--copies 1,2,4`"
        )
    return tuple(sorted({int(word) for word in words}))


def parse_peers(text: str) -> tuple[Peer, ...]:
    """Return the tools that `nbmake,papermill` names; none for `none`.

    Raises:
        UsageError: one is not known.
    """
    known = {peer.key: peer for peer in PEERS}
    words = [word.strip() for word in text.split(",") if word.strip() not in ("", NONE)]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise UsageError(
            f"there is no peer `{unknown[0]}`",
            where=tuple(f"there is: {key}" for key in (*known, NONE)),
        )
    return tuple(known[word] for word in dict.fromkeys(words))


def versions_of(peers: tuple[Peer, ...]) -> dict[str, str]:
    """Return the versions of istiolab and of the peers, by their packages' names."""
    pins = parse_pins(read_pins())
    own = {peer.distribution: pins.get(peer.distribution, "") for peer in peers}
    return {
        "istiolab": version("istiolab"),
        # What is not in the layer is of the environment that it lies on.
        **{name: pinned or version(name) for name, pinned in own.items()},
    }
