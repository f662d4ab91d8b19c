"""The command that measures the lab: how long each phase of coming up takes, and what it uses."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from istiolab.cli.lab_commands import json_option, quiet_option, timeout_scale_option
from istiolab.cli.progress import make_reporter
from istiolab.errors import UsageError
from istiolab.lab.bench import TOTAL, Run, run_bench, slowdown, summarise
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.folders import lab_name
from istiolab.system.machine import describe_machine


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1), help="Of each kind.")
@click.option(
    "--only", type=click.Choice(["cold", "warm"]), help="Leave the other kind of run out."
)
@click.option("--name", help="The name of the lab that it uses; else one that nobody has.")
@timeout_scale_option
@json_option
@quiet_option
def bench(
    runs: int,
    only: str | None,
    name: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Time each phase of bringing a lab up: cold (empty image store), and warm.

    Uses a lab of its own; one that is up is left alone, but costs speed.
    """
    reporter = make_reporter(quiet)
    provider = EmbeddedProvider(lab_name(name) if name else f"bench-{os.getpid()}")
    if provider.find() is not None:
        raise UsageError(
            f"lab `{provider.name}` is up, and would be taken down",
            hint=f"leave `--name` out, or take it down: `istiolab down --name {provider.name}`",
        )
    provider.check_host(reporter)
    provider.ensure_parts(reporter)
    kinds = [kind for kind in ("cold", "warm") if only in (None, kind)]
    found = {
        kind: run_bench(provider, cold=kind == "cold", runs=runs, reporter=reporter)
        for kind in kinds
    }
    provider.forget()
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2))
        return
    console = Console(highlight=False)
    console.print("machine: " + ", ".join(describe_machine().values()))
    for kind, done in found.items():
        console.print(_as_table(kind, done))
        console.print(_summary(done))


def _as_json(found: dict[str, list[Run]]) -> dict[str, object]:
    return {
        "machine": dict(describe_machine()),
        **{
            kind: {
                "phases": [asdict(phase) for phase in summarise(done)],
                "runs": [asdict(run) for run in done],
                "slowest_to_first": round(slowdown(done), 3),
            }
            for kind, done in found.items()
        },
    }


def _as_table(kind: str, done: Sequence[Run]) -> Table:
    table = Table(title=f"{kind}, {len(done)} runs, seconds", title_justify="left")
    table.add_column("phase")
    for name in ("fastest", "median", "slowest"):
        table.add_column(name, justify="right")
    for phase in summarise(done):
        cells = (phase.fastest, phase.middle, phase.slowest)
        style = "bold" if phase.name == TOTAL else ""
        table.add_row(phase.name, *(f"{seconds:.1f}" for seconds in cells), style=style)
    return table


def _summary(done: Sequence[Run]) -> str:
    memory = max(run.peak_memory_bytes for run in done) / 2**30
    disk = max(run.disk_bytes for run in done) / 1e9
    return (
        f"peak memory {memory:.2f} GiB, disk {disk:.2f} GB, slowest to first {slowdown(done):.2f}"
    )
