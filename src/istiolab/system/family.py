"""A program's process in, all that came of it ended: also what went into sessions of its own.

Kernels do (jupyter_client/launcher.py): a signal to the program's group does not reach them.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

import psutil

from istiolab.system.retry import SYSTEM_CLOCK, Answer, wait_until

# After SIGKILL nothing is left but what the kernel itself has to finish.
_KILLED_SECONDS = 10.0


def family(pid: int) -> frozenset[psutil.Process]:
    """Return what runs in a program's session, and all that was started by it.

    Processes are known by when they started as well: who gets a used id later is not meant.
    """
    children: dict[int, list[psutil.Process]] = {}
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            children.setdefault(process.ppid(), []).append(process)
            if os.getsid(process.pid) == pid:
                found.append(process)
    for process in found:  # grows as it is gone through
        found += [child for child in children.get(process.pid, ()) if child not in found]
    return frozenset(found)


def ask_group(pid: int) -> None:
    """Ask the process group that a program leads to end."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)


def end_family(members: Iterable[psutil.Process], *, leader: int, grace_seconds: float) -> None:
    """End processes: those that were not asked yet are asked, and whoever stays on is killed.

    Args:
        members: the processes.
        leader: whose group was asked already; to be asked twice cuts a clean-up short.
        grace_seconds: how long they may take before they are killed.
    """
    left = [process for process in members if _runs(process)]
    if grace_seconds > 0:
        for process in left:
            _signal(process, signal.SIGTERM, unless=lambda pid: os.getpgid(pid) == leader)
        _wait(left, grace_seconds)
    left = [process for process in left if _runs(process)]
    for process in left:
        _signal(process, signal.SIGKILL)
    _wait(left, _KILLED_SECONDS)


def _wait(processes: Iterable[psutil.Process], seconds: float) -> None:
    wait_until(
        lambda: Answer(done=not any(_runs(process) for process in processes)),
        timeout_seconds=seconds,
        delay_seconds=0.01,
        longest_delay_seconds=0.1,
        clock=SYSTEM_CLOCK,
    )


def _signal(
    process: psutil.Process, number: signal.Signals, *, unless: Callable[[int], bool] | None = None
) -> None:
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        if unless is None or not unless(process.pid):
            process.send_signal(number)


def _runs(process: psutil.Process) -> bool:
    # One that ended and waits for its parent to notice is there, and nothing can end it.
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
