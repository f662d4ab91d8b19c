"""Programs run to their end: arguments in, output and exit code out."""

from __future__ import annotations

import math
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from istiolab.errors import IstiolabError, LabError
from istiolab.system.deadlines import said, scaled
from istiolab.system.environment import Audience, environment_for

TAIL_LINES = 20
_WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A program that has ended."""

    argv: tuple[str, ...]
    """The program and its arguments."""
    exit_code: int
    """What it ended with; negative is the number of the signal that ended it."""
    stdout: str
    """What it printed on standard output."""
    stderr: str
    """What it printed on standard error."""

    @property
    def command_line(self) -> str:
        """The call as one could paste it into a shell."""
        return shlex.join(self.argv)


def run(  # noqa: PLR0913 - what it gets, where it runs, and how it may end
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_seconds: float | None = 60.0,
    error: type[IstiolabError] = LabError,
    watch: Callable[[], None] | None = None,
) -> Completed:
    """Run a program and return how it ended, whatever its exit code.

    Args:
        argv: the program and its arguments.
        stdin: text for its standard input; none means an empty one.
        environment: its whole environment; None means that of a tool.
        folder: where it runs.
        timeout_seconds: after so long, scaled to this machine, it is killed; None means never.
        error: the class of the exception for a program that is missing or too slow.
        watch: called now and then while it runs; when it raises, the program is killed.

    Raises:
        IstiolabError: of the class `error`: the program is not there, or ran too long.
    """
    deadline = None if timeout_seconds is None else scaled(timeout_seconds)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment_for(Audience.TOOL) if environment is None else environment,
            cwd=folder,
            text=True,
            errors="replace",
        )
        with process:
            try:
                stdout, stderr = _output(process, stdin or "", deadline, watch)
            except BaseException:
                process.kill()
                raise
    # Permission is what the kernel speaks of when the PATH has a folder that we may not enter.
    except (FileNotFoundError, PermissionError) as missing:
        raise error(
            f"`{argv[0]}` is not on this machine",
            hint="`istiolab doctor` says what to install",
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise error(
            f"`{argv[0]}` did not end within {said(deadline or 0)}",
            where=(f"command: {shlex.join(argv)}",),
        ) from late
    return Completed(argv=tuple(argv), exit_code=process.returncode, stdout=stdout, stderr=stderr)


def _output(
    process: subprocess.Popen[str],
    stdin: str,
    deadline: float | None,
    watch: Callable[[], None] | None,
) -> tuple[str, str]:
    """Return what a program printed up to its end, watching meanwhile."""
    start = monotonic()
    while True:
        left = math.inf if deadline is None else deadline - (monotonic() - start)
        pause = left if watch is None else min(_WATCH_SECONDS, left)
        try:
            return process.communicate(stdin, timeout=None if pause == math.inf else pause)
        except subprocess.TimeoutExpired:
            if pause == left or watch is None:
                raise
        stdin = ""  # is on its way
        watch()


def check(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float | None = 60.0,
    error: type[IstiolabError] = LabError,
) -> Completed:
    """Run a program as `run` does, and demand that it ends with 0.

    Raises:
        IstiolabError: of the class `error`, with the last lines of what it printed.
    """
    done = run(
        argv, stdin=stdin, environment=environment, timeout_seconds=timeout_seconds, error=error
    )
    if done.exit_code != 0:
        raise failure(done, error=error)
    return done


def failure(done: Completed, *, error: type[IstiolabError] = LabError) -> IstiolabError:
    """Make the exception for a program that ended badly: its call and its last lines."""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return error(
        f"`{Path(done.argv[0]).name}` ended with {done.exit_code}",
        where=(f"command: {done.command_line}", *(f"| {line}" for line in said[-TAIL_LINES:])),
    )
