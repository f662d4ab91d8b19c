"""A lab brought up and down again and again in; how long each phase took, and what it used, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic

from istiolab.lab.cgroups import host_hierarchies, memory_bytes
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.system.command import check
from istiolab.system.progress import SILENT, Reporter

SAMPLE_SECONDS = 0.25
TOTAL = "up, in all"
DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One time up and down."""

    cold: bool
    """It began with an empty image store, and imported the images."""
    seconds: Mapping[str, float]
    """How long each phase took, `up, in all` and `down` included."""
    peak_memory_bytes: int
    """The most that the lab's processes held while it came up: anonymous and shared memory."""
    disk_bytes: int
    """Disk of the lab's state and of the image store; what they share counts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase over several runs."""

    name: str
    """The phase."""
    fastest: float
    """Seconds of the fastest run."""
    middle: float
    """Seconds of the median run."""
    slowest: float
    """Seconds of the slowest run."""


def run_bench(
    provider: EmbeddedProvider, *, cold: bool, runs: int, reporter: Reporter
) -> list[Run]:
    """Bring the lab of `provider` up and down `runs` times.

    Args:
        provider: of a lab that is not up, with all programs built.
        cold: empty the image store before each run.
        runs: how often.
        reporter: told of each run.

    Raises:
        LabError: the lab did not come up.
    """
    done = []
    kind = "cold" if cold else "warm"
    for number in range(1, runs + 1):
        with reporter.step(f"{kind} run {number} of {runs}", estimate_seconds=35 if cold else 24):
            done.append(_one(provider, cold=cold))
    return done


def summarise(runs: Iterable[Run]) -> list[Phase]:
    """Return each phase's fastest, median and slowest seconds, in the order of the bring-up."""
    found = list(runs)
    names = dict.fromkeys(name for run in found for name in run.seconds)
    phases = []
    for name in names:
        seconds = [run.seconds[name] for run in found if name in run.seconds]
        phases.append(
            Phase(name=name, fastest=min(seconds), middle=median(seconds), slowest=max(seconds))
        )
    return phases


def slowdown(runs: Iterable[Run]) -> float:
    """Return how much slower than the first run the slowest one came up, as a ratio."""
    totals = [run.seconds[TOTAL] for run in runs]
    return max(totals) / totals[0]


def _one(provider: EmbeddedProvider, *, cold: bool) -> Run:
    if cold:
        provider.drop_store()
    start = monotonic()
    try:
        with _sampled(provider.name) as peak:
            lab = provider.up(SILENT)
        up_seconds = monotonic() - start
        disk = _disk_bytes(provider.folders())
    finally:
        start = monotonic()
        provider.down(SILENT)
        down_seconds = monotonic() - start
    return Run(
        cold=cold,
        seconds={**(lab.seconds or {}), TOTAL: round(up_seconds, 2), DOWN: round(down_seconds, 2)},
        peak_memory_bytes=max(peak, default=0),
        disk_bytes=disk,
    )


@contextmanager
def _sampled(lab: str) -> Iterator[list[int]]:
    """Look at the lab's memory at short intervals, beside what is being done."""
    seen: list[int] = []
    ended = Event()

    def look() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            seen.append(memory_bytes(lab, host_hierarchies()))

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _disk_bytes(folders: Iterable[Path]) -> int:
    done = check(
        ["du", "--summarize", "--total", "--block-size=1", *(str(folder) for folder in folders)],
        timeout_seconds=120,
    )
    return int(done.stdout.splitlines()[-1].split()[0])
