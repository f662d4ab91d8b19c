"""Measured runs in; ratios, shares and what is within its limit out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "istiolab"
MOST_TOGETHER = 1.25
"""All notebooks together, as a ratio to the longest one alone, where the cluster has room."""
MOST_AGAIN_SECONDS = 2.0
"""Unchanged notebooks, all of them."""
MOST_OVERHEAD = 0.05
"""What is no cell, as a share of the time to the verdict."""
_ALL_BUSY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one tool took to execute notebooks."""

    who: str
    """The tool's key; `istiolab` for ourselves."""
    notebooks: int
    """How many notebooks it executed."""
    at_once: int
    """How many at a time."""
    seconds: float | None = None
    """How long it took, from the command's start to its end; None if it did not succeed."""
    cores_busy: float = 0.0
    """How many of the machine's cores were busy on average."""
    memory_bytes: int = 0
    """How much memory it took at the worst moment, pods and kernels included."""
    problem: str | None = None
    """Why it did not succeed."""
    verdict_seconds: float | None = None
    """Ours: when the verdict was there; after it the namespaces go."""
    cells_seconds: float | None = None
    """Ours: how long the cells of the longest notebook ran, without anything around them."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """Ours: how long each stage of the longest notebook took."""
    longest: str = ""
    """Ours: which notebook took longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What one tool took for notebooks that had not changed."""

    who: str
    """The tool's key."""
    notebooks: int
    """How many notebooks there were."""
    seconds: float
    """How long it took, start of the process included; the median of several times."""
    problem: str | None = None
    """Why it did not succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Something that was promised, and what was found."""

    name: str
    """What it is about, with its limit, in words."""
    limit: float
    """The most that it may be."""
    found: float | None
    """What was found; None if it could not be told."""
    note: str = ""
    """Where it was found, or why it could not be."""

    @property
    def met(self) -> bool | None:
        """Tell whether the promise is kept; None if it could not be told."""
        return None if self.found is None else self.found <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Everything that was measured."""

    longest: str
    """The notebook that was copied."""
    workers: int
    """How many notebooks the cluster has room for at a time."""
    cores: int
    """How many cores the machine has."""
    cores_busy_before: float
    """How many of them were busy before anything was run: none, on a quiet machine."""
    together: tuple[Run, ...]
    """All notebooks together; nothing if there was just one."""
    copies: tuple[Run, ...]
    """Copies of the longest notebook, by their number."""
    again: tuple[Again, ...]
    """Notebooks that had not changed."""


def ours(runs: Iterable[Run]) -> list[Run]:
    """Return our own runs that succeeded, by the number of notebooks."""
    own = [run for run in runs if run.who == OURS and run.seconds is not None]
    return sorted(own, key=lambda run: run.notebooks)


def ratio(run: Run, runs: Iterable[Run]) -> float | None:
    """Return how much longer a run took than the same tool's run of one notebook among `runs`."""
    one = next((each.seconds for each in runs if each.who == run.who and each.notebooks == 1), None)
    return run.seconds / one if run.seconds is not None and one else None


def overhead(run: Run) -> float | None:
    """Return what share of the time to the verdict was spent on anything but cells."""
    if run.verdict_seconds is None or run.cells_seconds is None:
        return None
    return 1 - run.cells_seconds / run.verdict_seconds


def breakdown(run: Run) -> list[tuple[str, float]]:
    """Return where the time of a run of one notebook went, in order, in seconds; all of it."""
    if run.seconds is None or run.verdict_seconds is None or run.cells_seconds is None:
        return []
    stages = dict(run.stages)
    around = stages.pop("cells", run.cells_seconds) - run.cells_seconds
    kernel = stages.pop("kernel", 0.0) + stages.pop("a free worker", 0.0) + around
    # Of one notebook alone there are no others to wait for: what is left of that is switching.
    rest = run.verdict_seconds - run.cells_seconds - kernel - sum(stages.values())
    named = {
        "start of the command, a look at the cluster": rest + stages.pop("the others", 0.0),
        "inventory before": stages.pop("cluster before", 0.0),
        "kernel: start and end": kernel,
        "cells": run.cells_seconds,
        "namespaces: pods gone": stages.pop("namespaces", 0.0),
        "comparison": stages.pop("comparison", 0.0),
        "inventory after": stages.pop("cluster after", 0.0),
        "receipt": stages.pop("receipt", 0.0),
        **stages,
        "after the verdict: Kubernetes removes the namespaces": run.seconds - run.verdict_seconds,
    }
    return list(named.items())


def full_at(runs: Iterable[Run], *, cores: int) -> Run | None:
    """Return our first run, by the number of notebooks, in which all cores were busy."""
    return next((run for run in ours(runs) if is_full(run, cores=cores)), None)


def is_full(run: Run, *, cores: int) -> bool:
    """Tell whether all cores were busy during a run: then there was no room for more."""
    return run.cores_busy >= _ALL_BUSY * cores


def goals(race: Race) -> tuple[Goal, ...]:
    """Return what was promised of verification, and what was found."""
    return (_together_goal(race), _again_goal(race.again), _overhead_goal(race.copies))


def _together_goal(race: Race) -> Goal:
    name = f"all notebooks together, to the longest one: at most {MOST_TOGETHER}"
    alone = next((run.seconds for run in ours(race.copies) if run.notebooks == 1), None)
    # All notebooks if there are several, else copies of the one.
    several = [run for run in ours(race.together or race.copies) if run.notebooks > 1]
    fitting = [run for run in several if run.notebooks <= race.workers]
    roomy = [run for run in fitting if not is_full(run, cores=race.cores)]
    if alone is None or not roomy:
        why = "no run of one alone"
        if alone is not None:
            why = f"no room: {race.workers} at a time fit"
        if alone is not None and fitting:
            why = f"no room: {fitting[0].notebooks} at a time keep all {race.cores} cores busy"
        return Goal(name=name, limit=MOST_TOGETHER, found=None, note=why)
    most = roomy[-1]
    what = "notebooks" if race.together else f"copies of {race.longest}"
    return Goal(
        name=name,
        limit=MOST_TOGETHER,
        found=(most.seconds or 0.0) / alone,
        note=f"{most.notebooks} {what}, {most.at_once} at a time",
    )


def _again_goal(again: Sequence[Again]) -> Goal:
    name = f"unchanged notebooks, all of them: at most {MOST_AGAIN_SECONDS:g} s"
    own = next((each for each in again if each.who == OURS and each.problem is None), None)
    return Goal(
        name=name,
        limit=MOST_AGAIN_SECONDS,
        found=own.seconds if own else None,
        note=f"{own.notebooks}, start of the process included" if own else "they were not skipped",
    )


def _overhead_goal(copies: Iterable[Run]) -> Goal:
    name = f"what is no cell, of the time to the verdict: at most {MOST_OVERHEAD:.0%}"
    one = next((run for run in ours(copies) if run.notebooks == 1), None)
    found = overhead(one) if one else None
    note = f"one notebook, {one.longest}" if one else "no run of one notebook"
    return Goal(name=name, limit=MOST_OVERHEAD, found=found, note=note)
