"""Progress for people, on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress_bar import ProgressBar

from istiolab.system.progress import SILENT, Reporter, Step


def make_reporter(quiet: bool) -> Reporter:  # noqa: FBT001 - the one switch there is
    """Return what long work reports to: silence, a live bar, or plain lines."""
    if quiet:
        return SILENT
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return _TerminalReporter()
    return _PlainReporter()


def _estimate(seconds: float | None) -> str:
    if seconds is None or seconds < 2:
        return ""
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


class _PlainStep:
    """Without a terminal, details would be noise; a sign of life twice a minute is not."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start = self._last = monotonic()

    def detail(self, text: str) -> None:
        """Print the detail if half a minute has passed since the last line."""
        now = monotonic()
        if now - self._last >= 30:
            self._last = now
            _say(f"   {self._name} … {now - self._start:.0f} s, {text}")

    def fraction(self, done: float) -> None:
        """Leave it out: lines cannot be taken back."""


class _PlainReporter:
    @contextmanager
    def step(self, name: str, *, estimate_seconds: float | None = None) -> Iterator[Step]:
        """Print a line at the beginning and one at the end."""
        estimate = _estimate(estimate_seconds)
        _say(f" • {name} …{f' ({estimate})' if estimate else ''}")
        start = monotonic()
        try:
            yield _PlainStep(name)
        except BaseException:
            _say(f" ✗ {name}  {monotonic() - start:.1f} s")
            raise
        _say(f" ✓ {name}  {monotonic() - start:.1f} s")

    def note(self, text: str) -> None:
        """Print a line."""
        _say(text)


class _TerminalStep:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def detail(self, text: str) -> None:
        """Show the detail beside the bar."""
        self._progress.update(self._task, detail=text)

    def fraction(self, done: float) -> None:
        """Set the bar."""
        self._progress.update(self._task, total=1.0, completed=done)


class _EstimatedBar(BarColumn):
    """A bar that, where nothing counts the work, fills as the estimated time goes by."""

    def render(self, task: Task) -> ProgressBar:
        estimate = task.fields["estimate_seconds"]
        if task.total is not None or not estimate:
            return super().render(task)
        # Never full: what takes longer than estimated is not done for that.
        done = min(task.elapsed or 0.0, 0.95 * estimate)
        return ProgressBar(total=estimate, completed=done, width=self.bar_width)


class _TerminalReporter:
    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)

    @contextmanager
    def step(self, name: str, *, estimate_seconds: float | None = None) -> Iterator[Step]:
        """Show a bar with the time gone and the estimate, then leave one line."""
        start = monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            _EstimatedBar(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[estimate]} {task.fields[detail]}"),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(
                name,
                total=None,
                estimate=_estimate(estimate_seconds),
                estimate_seconds=estimate_seconds,
                detail="",
            )
            try:
                yield _TerminalStep(progress, task)
            except BaseException:
                self._console.print(f" [red]✗[/red] {name}  {monotonic() - start:.1f} s")
                raise
        self._console.print(f" [green]✓[/green] {name}  {monotonic() - start:.1f} s")

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
