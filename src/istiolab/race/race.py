"""Notebooks and tools in, all that was measured out: heat by heat, within a limit of time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from istiolab.race.course import laid_out
from istiolab.race.peers import Peer
from istiolab.race.result import OURS, Again, Race, Run, ours
from istiolab.race.run import Track, run_again, run_ours, run_peer
from istiolab.system.load import watched
from istiolab.system.progress import Reporter
from istiolab.system.retry import SYSTEM_CLOCK

_QUIET_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Something that all tools do, one after the other."""

    together: bool
    """All notebooks; else copies of one."""
    copies: int
    """How many copies of each."""
    again: bool
    """Afterwards they are asked once more, to see what they skip."""


def plan_heats(notebooks: int, copies: Sequence[int]) -> tuple[Heat, ...]:
    """Return what is run, in order.

    Args:
        notebooks: how many there are.
        copies: how many copies of the longest are asked for; one alone is always measured, since
            everything is a ratio to it.
    """
    several = notebooks > 1
    numbers = sorted({1, *copies})
    return (
        *((Heat(together=True, copies=1, again=True),) if several else ()),
        *(
            Heat(together=False, copies=number, again=number == 1 and not several)
            for number in numbers
        ),
    )


def run_race(
    notebooks: Sequence[Path],
    track: Track,
    peers: Sequence[Peer],
    *,
    copies: Sequence[int],
    minutes: float,
    reporter: Reporter,
) -> Race:
    """Measure `istiolab verify` and its peers on the same notebooks and the same lab.

    Args:
        notebooks: which; of one folder.
        track: where.
        peers: beside whom.
        copies: how many copies of the longest notebook to try.
        minutes: how long all of it may take; what does not fit is left out, and says so.
        reporter: told of each run.

    Raises:
        UsageError: the notebooks are in several folders.
        ClusterError: the cluster does not answer any more.
    """
    with (
        reporter.step("is the machine quiet?", estimate_seconds=_QUIET_SECONDS),
        watched() as before,
    ):
        SYSTEM_CLOCK.sleep(_QUIET_SECONDS)
    meeting = _Meeting(track, peers, minutes=minutes, reporter=reporter)
    longest = notebooks[0]
    together: list[Run] = []
    copied: list[Run] = []
    for heat in plan_heats(len(notebooks), copies):
        if heat.together:
            together = meeting.hold(heat, notebooks)
            known = {path.stem: path for path in notebooks}
            longest = next((known[run.longest] for run in ours(together)), longest)
        else:
            copied += meeting.hold(heat, [longest])
    return Race(
        longest=longest.stem,
        workers=track.workers,
        cores=os.cpu_count() or 1,
        cores_busy_before=before.cores_busy,
        together=tuple(together),
        copies=tuple(copied),
        again=tuple(meeting.again),
    )


class _Meeting:
    """Heats one after the other, and the time that is left for them."""

    def __init__(
        self, track: Track, peers: Sequence[Peer], *, minutes: float, reporter: Reporter
    ) -> None:
        self.again: list[Again] = []
        self._track = track
        self._peers = peers
        self._minutes = minutes
        self._end = monotonic() + 60 * minutes
        self._reporter = reporter
        self._last: dict[str, float] = {}

    def hold(self, heat: Heat, notebooks: Sequence[Path]) -> list[Run]:
        """Have every tool run, ourselves first."""
        return [self._one(heat, notebooks, peer) for peer in (None, *self._peers)]

    def _one(self, heat: Heat, notebooks: Sequence[Path], peer: Peer | None) -> Run:
        who, call = (peer.key, peer.call) if peer else (OURS, "istiolab verify")
        number = len(notebooks) * heat.copies
        left = self._end - monotonic()
        # More copies never take less time.
        expected = self._last.get(who, 0.0)
        if left <= max(1.0, expected):
            problem = f"left out: {self._minutes:g} minutes were over"
            return Run(who=who, notebooks=number, at_once=0, problem=problem)
        what = f"{number} {'notebook' if number == 1 else 'notebooks'}"
        with (
            laid_out(notebooks, heat.copies) as course,
            self._reporter.step(f"{call}, {what}", estimate_seconds=expected or None),
        ):
            if peer:
                run = run_peer(peer, course, self._track, timeout_seconds=left)
            else:
                run = run_ours(course, self._track, timeout_seconds=left)
            if heat.again and run.problem is None and (peer is None or peer.remembers):
                self.again.append(run_again(course, self._track, peer))
        if run.problem:
            self._reporter.note(f"   {run.problem}")
        self._last[who] = run.seconds or expected
        return run
