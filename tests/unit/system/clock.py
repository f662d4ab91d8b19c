"""Time that passes only when somebody sleeps."""

from __future__ import annotations


class FrozenClock:
    """A clock that writes down each pause instead of making it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
