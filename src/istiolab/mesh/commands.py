"""Commands that the reader would type: what is shown is what ran."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from istiolab.errors import ClusterError, IstiolabError, SilentError, UsageError
from istiolab.mesh.client import Cluster
from istiolab.system.command import Completed, failure, run
from istiolab.system.deadlines import timeout_scale
from istiolab.system.environment import Audience, environment_for
from istiolab.system.proxies import bypass

# What kubectl and istioctl say when nothing of what they ask has arrived.
_NO_SERVER = re.compile(
    r"was refused - did you specify|connect: (?:connection refused|no route to host)"
    r"|Unable to connect to the server: (?:dial|context deadline exceeded"
    r"|net/http: (?:TLS handshake timeout|request canceled while waiting for connection))"
)
_DEADLINE = re.compile(r"(--(?:readiness-)?timeout=)(\d+(?:\.\d+)?)([smh])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that has run, and its output."""

    command: str
    """The line as one types it."""
    stdout: str
    """What it printed on standard output."""
    stderr: str
    """What it printed on standard error."""
    exit_code: int
    """What it ended with."""

    def __str__(self) -> str:
        return "\n".join((f"$ {self.command}", *self.stdout.rstrip().splitlines()))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre><code>{escape(str(self))}</code></pre>\n"


def run_command(
    cluster: Cluster, program: str, arguments: str, *, timeout_seconds: float = 60.0
) -> Command:
    """Run `kubectl` or `istioctl` on the cluster and demand that it ends with 0.

    The program is looked for in the folder that `ISTIOLAB_BIN` names, then on the PATH; it finds
    the cluster by `KUBECONFIG`, so that the line stays as one would type it.

    Raises:
        UsageError: a quotation mark in the arguments has no partner.
        SilentError: it found no server.
        ClusterError: it is missing, too slow, or ended badly, with its last lines.
    """
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise UsageError(
            f"the arguments `{arguments}` of `{program}` are no shell words", where=(str(error),)
        ) from error
    done = launch(cluster, [program, *words], timeout_seconds=timeout_seconds)
    return Command(
        command=f"{program} {arguments.strip()}",
        stdout=done.stdout,
        stderr=done.stderr,
        exit_code=done.exit_code,
    )


def launch(
    cluster: Cluster, line: Sequence[str], *, timeout_seconds: float, exit_code: int = 0
) -> Completed:
    """Run a program on the cluster, patiently, and demand that it ends with a certain code.

    Args:
        cluster: the cluster.
        line: the program and its arguments.
        timeout_seconds: how long it may take.
        exit_code: what it must end with.

    Raises:
        SilentError: it found no server, for longer than is waited for one.
        ClusterError: it is missing, too slow, or ended with another code, with its last lines.
    """
    folder = os.environ.get("ISTIOLAB_BIN")
    path = os.environ.get("PATH", os.defpath)

    def attempt() -> Completed:
        done = run(
            [line[0], *(_stretched(word) for word in line[1:])],
            environment=environment_for(
                Audience.GIVEN,
                {
                    **bypass(os.environ),
                    "KUBECONFIG": str(cluster.kubeconfig),
                    "PATH": f"{folder}{os.pathsep}{path}" if folder else path,
                },
                unnamed=True,
            ),
            timeout_seconds=timeout_seconds,
            error=ClusterError,
        )
        if done.exit_code != exit_code:
            raise failure(done, error=_kind_of(done))
        return done

    return cluster.patiently(attempt)


def _stretched(word: str) -> str:
    """Scale a deadline in a call, such as `--timeout=60s` of `kubectl wait`, to this machine.

    What is shown stays as it was typed: it is what a reader types, on a machine of their own.
    """
    scale = timeout_scale()
    found = _DEADLINE.fullmatch(word) if scale != 1 else None
    return f"{found[1]}{float(found[2]) * scale:g}{found[3]}" if found else word


def _kind_of(done: Completed) -> type[IstiolabError]:
    return SilentError if _NO_SERVER.search(done.stderr) else ClusterError
