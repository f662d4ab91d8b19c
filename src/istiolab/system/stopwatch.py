"""Stages that follow each other in, how long each took out; for several runners at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from threading import Lock

from istiolab.system.retry import SYSTEM_CLOCK, Clock


class Stopwatch:
    """Measures by the beginnings alone: a stage lasts until the same runner's next one begins."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._now: dict[Hashable, tuple[str, float]] = {}
        self._seconds: dict[Hashable, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._lock = Lock()

    def begin(self, runner: Hashable, stage: str) -> None:
        """Begin a stage of a runner; one that it was in before goes on."""
        with self._lock:
            self._close(runner)
            self._now[runner] = (stage, self._clock.monotonic())

    def end(self, runner: Hashable) -> Mapping[str, float]:
        """End the runner's last stage; return the seconds of all of them, in their order."""
        with self._lock:
            self._close(runner)
            return dict(self._seconds[runner])

    def _close(self, runner: Hashable) -> None:
        if (last := self._now.pop(runner, None)) is not None:
            stage, began = last
            self._seconds[runner][stage] += self._clock.monotonic() - began
