"""What long work tells about itself; silent unless somebody listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """One piece of work that is under way."""

    def detail(self, text: str) -> None:
        """Say what is being done just now."""

    def fraction(self, done: float) -> None:
        """Say how much of it is done, from 0 to 1."""


class Reporter(Protocol):
    """Where long work reports to."""

    @contextmanager
    def step(self, name: str, *, estimate_seconds: float | None = None) -> Iterator[Step]:
        """Frame one piece of work; leaving by an exception marks it as failed."""
        raise NotImplementedError

    def note(self, text: str) -> None:
        """Say one line."""


class _SilentStep:
    def detail(self, text: str) -> None:
        """Say nothing."""

    def fraction(self, done: float) -> None:
        """Say nothing."""


class SilentReporter:
    """Says nothing: the default wherever no person watches."""

    @contextmanager
    def step(self, name: str, *, estimate_seconds: float | None = None) -> Iterator[Step]:  # noqa: ARG002
        """Frame a piece of work without a word."""
        yield _SilentStep()

    def note(self, text: str) -> None:
        """Say nothing."""


SILENT = SilentReporter()
