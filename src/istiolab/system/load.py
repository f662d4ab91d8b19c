"""What a machine does while something runs: cores that are busy, memory that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

import psutil

SAMPLE_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Load:
    """What the whole machine did over a time; filled in when that is over."""

    cores_busy: float = 0.0
    """How many cores were busy on average."""
    memory_bytes: int = 0
    """How much less memory was available at the worst moment than before."""


@contextmanager
def watched() -> Iterator[Load]:
    """Yield what is to hold the machine's load, which is known when the block has ended."""
    load = Load()
    ended = Event()
    least = [psutil.virtual_memory().available]

    def look() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            least.append(min(least.pop(), psutil.virtual_memory().available))

    start, busy, free = monotonic(), _busy_seconds(), least[0]
    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield load
    finally:
        ended.set()
        watcher.join()
        load.cores_busy = (_busy_seconds() - busy) / max(monotonic() - start, 0.01)
        load.memory_bytes = max(0, free - min(least))


def _busy_seconds() -> float:
    # proc_stat(5): guest time is part of user time; what a hypervisor took (steal) was not ours.
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
