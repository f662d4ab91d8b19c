"""Which process this is, so that somebody else can tell later whether it still runs."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Return a mark of this process that no other one has, on any machine.

    It holds the boot and the PID namespace in which the process id counts, the id, and when the
    process began, in the kernel's ticks since that boot (proc_pid_stat(5), field 22).
    """
    pid = os.getpid()
    return "/".join((*_here(), str(pid), _begin(pid)))


def is_gone(mark: str) -> bool:
    """Tell whether the process with this mark has ended; never of one whose id we cannot look up.

    A process of another machine, or of another container on this one, may run as well as not.
    """
    parts = mark.split("/")
    if len(parts) != 4 or tuple(parts[:2]) != _here() or not parts[2].isdigit():
        return False
    return _begin(int(parts[2])) != parts[3]


def _here() -> tuple[str, str]:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return boot, Path("/proc/self/ns/pid").readlink().name


def _begin(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    # One that ended and waits to be reaped does nothing any more.
    return "" if state == "Z" else fields[18]
