"""Commands that the reader would type: what is shown is what ran."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from html import escape

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.client import Cluster
from istiolab.system.command import failure, run


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
        ClusterError: it is missing, too slow, or ended badly, with its last lines.
    """
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise UsageError(
            f"the arguments `{arguments}` of `{program}` are no shell words", where=(str(error),)
        ) from error
    folder = os.environ.get("ISTIOLAB_BIN")
    path = os.environ.get("PATH", os.defpath)
    context = ("--context", cluster.context) if cluster.context else ()
    done = run(
        [program, *context, *words],
        environment={
            "KUBECONFIG": str(cluster.kubeconfig),
            "PATH": f"{folder}{os.pathsep}{path}" if folder else path,
        },
        timeout_seconds=timeout_seconds,
        error=ClusterError,
    )
    if done.exit_code != 0:
        raise failure(done, error=ClusterError)
    shown = [program, *(shlex.quote(word) for word in context), arguments.strip()]
    return Command(
        command=" ".join(shown), stdout=done.stdout, stderr=done.stderr, exit_code=done.exit_code
    )
