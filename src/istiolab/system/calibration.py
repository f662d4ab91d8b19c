"""How much longer this machine takes than the one for which the deadlines were made: measured."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from time import monotonic

from istiolab.system.command import check
from istiolab.system.files import write_json

CALIBRATION = "timeout-scale.json"
"""The file in the cache folder that holds what was measured, and on what."""
# What one round takes on an AMD EPYC with Linux 6.18 and Python 3.11, and a fifth, since the work
# of others makes even time of the processor longer.
_REFERENCE_SECONDS = 0.038
_REFERENCE_CORES = 2
_CALIBRATION_SECONDS = 1.0
# Less than this counts as 1.
_NOTABLE = 1.5


def calibrate(cache: Path) -> float:
    """Return the factor for this machine: the one that was measured before, else measured now.

    Args:
        cache: the cache folder, where it is kept if the folder is there.
    """
    machine, file = _machine(), cache / CALIBRATION
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(file.read_text())
        if kept["measured_on"] == machine:
            return float(kept["scale"])
    slowness = _measure()
    scale = scale_for(slowness)
    with contextlib.suppress(OSError):
        write_json(file, {"measured_on": machine, "slowness": round(slowness, 2), "scale": scale})
    return scale


def scale_for(slowness: float) -> float:
    """Return the factor for a machine that needs `slowness` times what the reference needs."""
    return round(slowness, 1) if slowness >= _NOTABLE else 1.0


def _measure() -> float:
    """Return how many times longer this machine takes than the reference.

    Time of the processor is what counts, so that others who use it do not matter: what is measured
    is kept, and they will have gone. For the same reason the shortest of many short rounds counts.
    """
    start, rounds = monotonic(), [_round_seconds()]
    while monotonic() - start < _CALIBRATION_SECONDS:
        rounds.append(_round_seconds())
    cores = min(_REFERENCE_CORES, len(os.sched_getaffinity(0)))
    return min(rounds) / _REFERENCE_SECONDS * _REFERENCE_CORES / cores


def _round_seconds() -> float:
    """Compute and start programs, as bringing a lab up does, and return how long it took."""
    start = _processor_seconds()
    for _ in range(2):
        counts: dict[int, int] = {}
        for number in range(60_000):
            counts[number % 997] = counts.get(number * 31 % 997, 0) + number
        check([sys.executable, "-I", "-S", "-c", "pass"], timeout_seconds=None)
    return _processor_seconds() - start


def _processor_seconds() -> float:
    """Return how much of a processor we have used, what we started and waited for included."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _machine() -> str:
    """Return what a measurement holds for: until it is booted again, with as many cores."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"boot {boot}, {len(os.sched_getaffinity(0))} cores"
