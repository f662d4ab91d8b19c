"""Commands of which both streams count: what they found, and what they say about it."""

from __future__ import annotations

import re
import shlex

from istiolab.errors import UsageError
from istiolab.mesh.commands import Command, launch
from istiolab.mesh.session import Mesh

# Colours (ECMA-48, 8.3.117 SGR), which `istioctl` gives some words even where there is no terminal.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What `istioctl install` draws, and the lines of work under way that a terminal writes over.
_PASSING = re.compile(r"[ /|\\_]*|- (?:Processing|Pruning) .*")


def on_screen(
    mesh: Mesh, line: str, *, exit_code: int = 0, timeout_seconds: float = 120.0
) -> Command:
    """Run a line as one would type it, and show what stays on the screen.

    That is standard output, then standard error, such as the verdict of `istioctl x precheck`;
    without colours, the ship that `istioctl install` draws, and its lines of work under way.

    Args:
        mesh: the cluster.
        line: a program, `kubectl` or `istioctl`, and its arguments.
        exit_code: what it must end with.
        timeout_seconds: how long it may take.

    Raises:
        UsageError: a quotation mark in the line has no partner.
        SilentError: it found no server.
        ClusterError: the program is missing, too slow, or ended with another code.
    """
    try:
        program, *words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"`{line}` is no line for a shell", where=(str(error),)) from error
    done = launch(
        mesh.cluster, [program, *words], timeout_seconds=timeout_seconds, exit_code=exit_code
    )
    shown = "\n".join(stays(done.stdout + ("\n" if done.stdout else "") + done.stderr))
    return Command(command=line, stdout=shown, stderr=done.stderr, exit_code=done.exit_code)


def stays(said: str) -> tuple[str, ...]:
    """Return the lines that stay on the screen, without their colours."""
    plain = _COLOUR.sub("", said)
    return tuple(line for line in plain.splitlines() if not _PASSING.fullmatch(line))
