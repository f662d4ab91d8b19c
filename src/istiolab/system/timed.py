"""Programs run against the clock: how long to the first line, how long in all, how they ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import IO

from istiolab.system.family import ask_group, end_family, family

# How often somebody who may say that it is to stop is asked.
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A program that has ended."""

    exit_code: int | None
    """What it ended with; None if it was ended, at its deadline or since it was to stop."""
    seconds: float
    """How long it took."""
    first_line_seconds: float | None
    """How long it took to the first line on standard output; None if there is none."""
    stdout: str
    """What it printed on standard output."""


def run_timed(  # noqa: PLR0913 - how it runs, and each way in which it ends
    argv: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    timeout_seconds: float,
    grace_seconds: float = 60.0,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Timed:
    """Run a program to its end or to its deadline, in a session of its own.

    When it is ended before its own end, all that it has started goes with it.

    Args:
        argv: the program and its arguments.
        log: where its standard error goes.
        environment: variables added to our own.
        folder: where it runs.
        timeout_seconds: after so long it is asked to end.
        grace_seconds: how long it may take to clean up before it is killed.
        is_stopped: asked all the time; once it is so, the program ends as at its deadline.
    """
    start = monotonic()
    with log.open("ab") as errors:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
            cwd=folder,
            start_new_session=True,
        )
    lines: list[tuple[float, bytes]] = []
    # Beside us: kernels inherit the pipe, and would hold it open beyond the program's own end.
    reader = Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        code = _wait(process, start + timeout_seconds, is_stopped)
    finally:
        _end(process, grace_seconds)
    seconds = monotonic() - start
    reader.join(timeout=2.0)
    return Timed(
        exit_code=code,
        seconds=seconds,
        first_line_seconds=lines[0][0] - start if lines else None,
        stdout=b"".join(line for _, line in lines).decode(errors="replace"),
    )


def _read(stream: IO[bytes] | None, lines: list[tuple[float, bytes]]) -> None:
    with stream or open(os.devnull, "rb") as opened:  # noqa: PTH123 - a stream either way
        for line in opened:
            lines.append((monotonic(), line))  # noqa: PERF401 - somebody reads it meanwhile


def _wait(
    process: subprocess.Popen[bytes], deadline: float, is_stopped: Callable[[], bool]
) -> int | None:
    """Return what the process ended with; None at the deadline, or when it is stopped."""
    while not is_stopped() and (left := deadline - monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=min(left, _LOOK_SECONDS))
    return process.poll()


def _end(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    if process.poll() is not None:
        return
    deadline = monotonic() + grace_seconds
    # Now, while it is known who its children are.
    members = family(process.pid)
    ask_group(process.pid)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=grace_seconds)
    end_family(
        members | family(process.pid),
        leader=process.pid,
        grace_seconds=deadline - monotonic(),
    )
    process.wait()
