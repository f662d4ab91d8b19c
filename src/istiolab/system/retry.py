"""Waiting for a condition with a deadline: the only place in the package that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from istiolab.system.deadlines import scaled


class Clock(Protocol):
    """Time as the waiting code sees it; tests hand in a frozen one."""

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one look at a condition found."""

    done: bool
    """The condition holds."""
    detail: str = ""
    """What was seen, for the message if the deadline passes."""
    hopeless: bool = False
    """It cannot come to hold any more: waiting on would be pointless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How a wait ended."""

    done: bool
    """The condition came to hold before the deadline."""
    seconds: float
    """How long was waited."""
    attempts: int
    """How often was looked."""
    detail: str
    """What the last look saw."""


def wait_until(
    look: Callable[[], Answer],
    *,
    timeout_seconds: float,
    delay_seconds: float = 0.1,
    longest_delay_seconds: float = 1.0,
    clock: Clock = SYSTEM_CLOCK,
) -> Waited:
    """Look again and again, with growing pauses, until `look` is done, hopeless, or too late.

    Args:
        look: one look at the condition; its exceptions pass through.
        timeout_seconds: the deadline, before it is scaled to this machine; the last look is made
            when it passes, not before.
        delay_seconds: the first pause; each next one is half as long again.
        longest_delay_seconds: no pause is longer.
        clock: time itself.

    Returns:
        How it ended: the caller turns `done=False` into its own error.
    """
    deadline = scaled(timeout_seconds)
    start = clock.monotonic()
    attempts = 0
    while True:
        answer = look()
        attempts += 1
        elapsed = clock.monotonic() - start
        if answer.done or answer.hopeless or elapsed >= deadline:
            return Waited(
                done=answer.done, seconds=elapsed, attempts=attempts, detail=answer.detail
            )
        clock.sleep(min(delay_seconds, longest_delay_seconds, deadline - elapsed))
        delay_seconds *= 1.5
