"""The commands about the lab: up, down, status, doctor, logs, kubectl, istioctl, env."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

import click

from istiolab.cli.progress import make_reporter
from istiolab.errors import ExitCode, LabError, UsageError
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.existing import PUBLIC_IMAGE
from istiolab.lab.folders import (
    bare_name,
    cache_folder,
    demand_own_name,
    lab_name,
    state_folder,
    state_root,
)
from istiolab.lab.kernel import gather_kernel, loadable
from istiolab.lab.provider import Given, ProviderKind, current, make_provider, provider_of
from istiolab.lab.spec import Lab, NodePaths
from istiolab.mesh.preflight import preflight
from istiolab.system.calibration import calibrate
from istiolab.system.deadlines import TIMEOUT_SCALE, read_scale, timeout_scale
from istiolab.system.progress import SILENT
from istiolab.system.proxies import bypass
from istiolab.system.scratch import sweep_scratch

Function = Callable[..., Any]


def name_option(function: Function) -> Function:
    """Add the option that names the lab."""
    return click.option("--name", help="The lab's name; else ISTIOLAB_NAME, else `default`.")(
        function
    )


def json_option(function: Function) -> Function:
    """Add the option for output that a program can read."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def quiet_option(function: Function) -> Function:
    """Add the option that silences progress."""
    return click.option("-q", "--quiet", is_flag=True, help="Say nothing but results.")(function)


def timeout_scale_option(function: Function) -> Function:
    """Add the option that stretches deadlines; without it, the machine is measured.

    The scale goes into the environment, where everything that waits finds it, kernels as well.
    """

    def settle(_context: click.Context, _option: click.Parameter, given: str | None) -> None:
        if given is not None:
            scale = read_scale(given, of="`--timeout-scale`")
        elif os.environ.get(TIMEOUT_SCALE):
            scale = timeout_scale()
        else:
            scale = calibrate(cache_folder())
        os.environ[TIMEOUT_SCALE] = f"{scale:g}"

    return click.option(
        "--timeout-scale",
        metavar="FACTOR",
        callback=settle,
        expose_value=False,
        help="Multiply every deadline by this; else ISTIOLAB_TIMEOUT_SCALE, else as measured.",
    )(function)


@click.command()
@name_option
@click.option(
    "--provider",
    type=click.Choice([kind.value for kind in ProviderKind]),
    default=ProviderKind.EMBEDDED.value,
    show_default=True,
    help="Where the cluster comes from.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="Of an existing cluster.  [default: what kubectl takes]",
)
@click.option("--context", default="", help="The context in it.  [default: the current one]")
@click.option(
    "--workload-image",
    default="",
    help="What the notebooks' workloads run on an existing cluster: an image with nginx, bash and "
    f"curl that it can pull.  [default: {PUBLIC_IMAGE}]",
)
@click.option(
    "--bare", is_flag=True, help="Without a mesh: Kubernetes, and Istio's images on the node."
)
@click.option("--keep", is_flag=True, help="Leave the node up when a step fails.")
@timeout_scale_option
@json_option
@quiet_option
def up(
    name: str | None,
    provider: str,
    *,
    bare: bool,
    keep: bool,
    as_json: bool,
    quiet: bool,
    **given: Unpack[Given],
) -> None:
    """Bring the lab up, building what is missing; return at once when it is up."""
    own = lab_name(name)
    demand_own_name(own)
    kind = ProviderKind(provider)
    chosen = make_provider(kind, own, keep=keep, bare=bare, preflight=preflight, **given)
    lab = chosen.up(make_reporter(quiet))
    if as_json:
        click.echo(lab.to_json(), nl=False)
        return
    click.echo(_export_kubeconfig(lab))
    if not quiet:
        following = "istiolab istioctl x precheck" if lab.bare else "istiolab verify"
        click.echo(f"next: {following}", err=True)


@click.command()
@name_option
@timeout_scale_option
@quiet_option
def down(name: str | None, *, quiet: bool) -> None:
    """Take the lab down and leave the machine as it was."""
    chosen = lab_name(name)
    reporter = make_reporter(quiet)
    # First the one that a `verify` which was killed may have left beside it.
    EmbeddedProvider(bare_name(chosen)).down(SILENT)
    was_up = provider_of(chosen).down(reporter)
    # And what its kernels had among the temporary files.
    sweep_scratch()
    if not quiet:
        click.echo(f"lab `{chosen}` is {'down' if was_up else 'not up'}", err=True)


@click.command()
@name_option
@click.option("--all", "every", is_flag=True, help="Every lab, not just one.")
@json_option
def status(name: str | None, *, every: bool, as_json: bool) -> int:
    """Say whether the lab is up, and what it is. Exit code 4 if it is not."""
    names = _all_names() if every else [lab_name(name)]
    labs = {each: provider_of(each).find() for each in names}
    if as_json:
        table = {each: json.loads(lab.to_json()) if lab else None for each, lab in labs.items()}
        click.echo(json.dumps(table, indent=2))
    else:
        for each, lab in labs.items():
            click.echo(_status_line(each, lab))
    return ExitCode.OK if every or all(labs.values()) else ExitCode.CLUSTER


def _all_names() -> list[str]:
    root = state_root()
    return sorted(p.name for p in root.iterdir() if p.is_dir()) if root.is_dir() else []


def _status_line(name: str, lab: Lab | None) -> str:
    if lab is None:
        return f"{name}: not up"
    kind = f"{lab.provider}, bare: without a mesh" if lab.bare else lab.provider
    address = f", node {lab.link['node_address']}" if lab.link else ""
    context = f", context {lab.context}" if lab.context else ""
    return f"{name}: up ({kind}{address}{context}), kubeconfig {lab.kubeconfig}"


@click.command()
@timeout_scale_option
@json_option
def doctor(*, as_json: bool) -> int:
    """List everything that this machine lacks, with the command that mends it; change nothing."""
    found = EmbeddedProvider(lab_name()).problems()
    if as_json:
        rows = [{"what": p.what, "remedy": p.remedy, "package": p.package} for p in found]
        click.echo(json.dumps(rows, indent=2))
    elif not found:
        click.echo("nothing is missing: `istiolab up` can run here")
        if modules := loadable(gather_kernel()):
            names = ", ".join(feature.module for feature in modules)
            click.echo(f"`istiolab up` will load these modules of the kernel: {names}")
    for problem in () if as_json else found:
        click.echo(f"- {problem.what}\n    {problem.remedy}")
    if not as_json:
        click.echo(f"timeout scale: {timeout_scale():g}, by which every deadline is multiplied")
    return ExitCode.HOST if found else ExitCode.OK


@click.command()
@click.argument("part", required=False)
@name_option
@click.option("--lines", default=50, show_default=True, help="How many lines from the end.")
def logs(part: str | None, name: str | None, lines: int) -> None:
    """Show the last lines of a part's log; without PART, list the parts."""
    folder = NodePaths(root=state_folder(lab_name(name))).log
    found = {path.stem: path for path in sorted(folder.glob("*.log"))}
    for path in sorted(folder.glob("pods/*/*/*.log")):
        found[path.parent.name] = path
    if part is None:
        for each, path in sorted(found.items()):
            click.echo(f"{each}\t{path}")
        return
    if part not in found:
        raise UsageError(
            f"there is no log of `{part}`",
            where=tuple(f"part: {each}" for each in sorted(found)),
            hint="`istiolab logs` lists the parts",
        )
    text = found[part].read_text(errors="replace").splitlines()
    click.echo("\n".join(text[-lines:]))


def _tool(program: str) -> click.Command:
    @click.command(
        program,
        # All that follows belongs to the tool, its `--` included.
        context_settings={
            "ignore_unknown_options": True,
            "allow_interspersed_args": False,
            "help_option_names": [],
        },
        help=f"Run the lab's own {program} on the lab.",
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        lab = current()
        folder = NodePaths(root=state_folder(lab.name)).bin
        found = folder / program if lab.provider == "embedded" else Path(program)
        sys.stdout.flush()
        environment = {**os.environ, "KUBECONFIG": str(lab.kubeconfig)}
        try:
            os.execvpe(str(found), [program, *arguments], environment)  # noqa: S606 - become the tool
        except FileNotFoundError as missing:
            raise LabError(f"`{program}` is not on this machine") from missing

    return command


@click.command()
@name_option
@timeout_scale_option
def env(name: str | None) -> None:
    """Print the variables for a shell: `eval "$(istiolab env)"`."""
    lab = current(name)
    folder = NodePaths(root=state_folder(lab.name)).bin
    click.echo(_export_kubeconfig(lab))
    if timeout_scale() != 1:
        click.echo(f"export {TIMEOUT_SCALE}={timeout_scale():g}")
    for variable, value in bypass(os.environ).items():
        click.echo(f"export {variable}={shlex.quote(value)}")
    if folder.is_dir():
        quoted = shlex.quote(str(folder))
        click.echo(f'export ISTIOLAB_BIN={quoted}\nexport PATH={quoted}:"$PATH"')


def _export_kubeconfig(lab: Lab) -> str:
    return f"export KUBECONFIG={shlex.quote(str(lab.kubeconfig))}"


LAB_COMMANDS: tuple[click.Command, ...] = (
    *(up, down, status, doctor, logs),
    *(_tool("kubectl"), _tool("istioctl"), env),
)
"""What `istiolab` offers about the lab."""
