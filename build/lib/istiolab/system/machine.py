"""What machine this is: the few facts that a figure needs beside it, in words for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil


def describe_machine() -> Mapping[str, str]:
    """Return processor, memory and kernel; nothing that names the machine or its user."""
    return {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    for line in text.splitlines():
        # proc_cpuinfo(5): only x86 gives the field; elsewhere the architecture has to do.
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
