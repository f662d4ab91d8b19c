"""Processes that outlive a call: long builds with a log, and detached ones."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from istiolab.errors import IstiolabError, LabError
from istiolab.system.command import TAIL_LINES
from istiolab.system.deadlines import scaled
from istiolab.system.environment import Audience, environment_for
from istiolab.system.retry import SYSTEM_CLOCK, Answer, wait_until


def run_logged(
    argv: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    on_line: Callable[[str], None] = lambda _line: None,
    error: type[IstiolabError] = LabError,
) -> None:
    """Run a long program, its output line by line into `log` and to `on_line`.

    It runs in a process group of its own, which is ended as a whole when we are interrupted.
    `environment` is all that it gets; None means the environment of a tool.

    Raises:
        IstiolabError: of the class `error`: the program is missing or ended badly, with the last
            lines that it printed and the log's path.
    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment_for(Audience.TOOL) if environment is None else environment,
            cwd=folder,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    # Permission is what the kernel speaks of when the PATH has a folder that we may not enter.
    except (FileNotFoundError, PermissionError) as missing:
        raise error(
            f"`{argv[0]}` is not on this machine", hint="`istiolab doctor` says what to install"
        ) from missing
    with log.open("a") as stream, _ended_on_leaving(process):
        stream.write(f"$ {shlex.join(argv)}\n")
        for line in process.stdout or ():
            stream.write(line)
            tail.append(line.rstrip())
            on_line(line.rstrip())
        code = process.wait()
    if code != 0:
        raise error(
            f"`{Path(argv[0]).name}` ended with {code}",
            where=(f"command: {shlex.join(argv)}", *(f"| {line}" for line in tail)),
            log=log,
        )


def run_attached(
    argv: Sequence[str], *, environment: Mapping[str, str], grace_seconds: float = 20.0
) -> int:
    """Run a program that has the terminal, up to its end, and return its exit code.

    When we are interrupted it is asked to end, and killed when `grace_seconds` have passed.
    `environment` is all that it gets.
    """
    process = subprocess.Popen(list(argv), env=environment)
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            # Ctrl-C in a terminal reaches it as well; a signal that was sent to us alone does not.
            process.terminate()
            try:
                process.wait(timeout=scaled(grace_seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start_detached(argv: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> int:
    """Start a program that goes on when we have ended; return its process id.

    `environment` is all that it gets.
    """
    with log.open("a") as stream:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
            start_new_session=True,
        )
    # Not ours to wait for any more: without this, Python warns of a process still running.
    process.returncode = 0
    return process.pid


def end_process(pid: int, *, grace_seconds: float = 5.0) -> None:
    """End the process `pid`: ask, and kill it when `grace_seconds` have passed."""
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        gone = wait_until(
            lambda: Answer(done=not is_alive(pid)),
            timeout_seconds=patience,
            delay_seconds=0.02,
            longest_delay_seconds=0.2,
            clock=SYSTEM_CLOCK,
        )
        if gone.done:
            return


def is_alive(pid: int) -> bool:
    """Tell whether the process runs; one that ended and waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    # proc(5): the state is the first field after the command's name in parentheses.
    return stat.rpartition(")")[2].split()[0] != "Z"


@contextmanager
def _ended_on_leaving(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=scaled(10))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
