"""Notebooks and a lab in, what one tool took for them out: on a fresh copy, clean afterwards."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic

from istiolab.lab.spec import Lab
from istiolab.mesh.client import open_cluster
from istiolab.mesh.namespaces import delete_prefixed, new_prefix, wait_until_gone
from istiolab.mesh.orphans import clear_up, orphans
from istiolab.race.course import Course
from istiolab.race.peers import Argv, Lineup, Peer
from istiolab.race.result import OURS, Again, Run
from istiolab.race.said import longest, our_problem, problem
from istiolab.receipt.store import load_receipt
from istiolab.system.crew import Crew
from istiolab.system.load import watched
from istiolab.system.timed import Timed, run_timed

# Our own command, by the Python that runs: whatever is first on somebody's PATH.
_ISTIOLAB = (sys.executable, "-c", "from istiolab.cli.main import main; main()")
_TIMES_AGAIN = 3
_AGAIN_SECONDS = 120.0
# Ours takes back what its runs have begun; of what a peer has begun nothing is left but namespaces,
# which we delete.
_GRACE_SECONDS = 60.0
_PEER_GRACE_SECONDS = 3.0
_LOG = "log.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Where all tools run."""

    lab: Lab
    """The lab."""
    environment: Mapping[str, str]
    """The variables by which a kernel finds it."""
    workers: int
    """How many notebooks run at a time."""
    python: str
    """The Python that has the peers."""
    crew: Crew = field(default_factory=Crew)
    """The threads that have the peers run, and the word for them to stop."""


def run_ours(course: Course, track: Track, *, timeout_seconds: float) -> Run:
    """Execute a course's notebooks with `istiolab verify`, whatever their receipts say."""
    argv = (*_verify(course, track), "--force")
    try:
        with watched() as load:
            done = _timed(argv, course, track, timeout_seconds)
    finally:
        _take_back(track.lab.kubeconfig)
    if done.exit_code != 0:
        why = our_problem(done, _log(course), limit_seconds=timeout_seconds)
        return _failed(OURS, course, track.workers, why)
    path, stages = longest(done.stdout)
    return Run(
        who=OURS,
        notebooks=len(course.notebooks),
        at_once=min(track.workers, len(course.notebooks)),
        seconds=done.seconds,
        verdict_seconds=done.first_line_seconds,
        cells_seconds=_cells_seconds(course.home / Path(path).name),
        stages=stages,
        longest=Path(path).stem,
        cores_busy=load.cores_busy,
        memory_bytes=load.memory_bytes,
    )


def run_peer(peer: Peer, course: Course, track: Track, *, timeout_seconds: float) -> Run:
    """Execute a course's notebooks with a peer, and delete the namespaces that it leaves."""
    lineup = peer.line_up(track.python, course.notebooks, track.workers)
    prefix = new_prefix()
    try:
        for argv in lineup.prepare:
            _timed(argv, course, track, timeout_seconds, grace_seconds=_PEER_GRACE_SECONDS)
        with watched() as load:
            done, seconds = _all(lineup, course, track, prefix=prefix, seconds=timeout_seconds)
    finally:
        delete_prefixed(track.lab.kubeconfig, prefix)
    failed = [each for each in done if peer.failed(each)]
    if failed:
        why = problem(failed[0], _log(course), limit_seconds=timeout_seconds)
        return _failed(peer.key, course, lineup.width, why)
    return Run(
        who=peer.key,
        notebooks=len(course.notebooks),
        at_once=lineup.width,
        seconds=seconds,
        cores_busy=load.cores_busy,
        memory_bytes=load.memory_bytes,
    )


def run_again(course: Course, track: Track, peer: Peer | None = None) -> Again:
    """Ask for notebooks that have just passed once more, several times; return the median.

    Args:
        course: in which they passed.
        track: where.
        peer: who is asked; None means ourselves.
    """
    if peer is None:
        argv: Argv = _verify(course, track)
        grace = _GRACE_SECONDS
    else:
        (argv,) = peer.line_up(track.python, course.notebooks, track.workers).commands
        grace = _PEER_GRACE_SECONDS
    done = [
        _timed(argv, course, track, _AGAIN_SECONDS, grace_seconds=grace)
        for _ in range(_TIMES_AGAIN)
    ]
    failed = [each for each in done if each.exit_code != 0]
    return Again(
        who=peer.key if peer else OURS,
        notebooks=len(course.notebooks),
        seconds=median(each.seconds for each in done),
        problem=problem(failed[0], _log(course), limit_seconds=_AGAIN_SECONDS) if failed else None,
    )


def _take_back(kubeconfig: Path) -> None:
    """Delete what verifications left that were killed; one that is asked to end does so itself."""
    cluster = open_cluster(kubeconfig)
    try:
        names = orphans(cluster)
    finally:
        cluster.close()
    clear_up(kubeconfig)
    if names:
        wait_until_gone(kubeconfig, names)


def _verify(course: Course, track: Track) -> Argv:
    names = tuple(str(path) for path in course.notebooks)
    options = ("--name", track.lab.name, "--workers", str(track.workers), "--json")
    return (*_ISTIOLAB, "verify", *options, *names)


def _all(
    lineup: Lineup, course: Course, track: Track, *, prefix: str, seconds: float
) -> tuple[list[Timed], float]:
    start = monotonic()

    def one(argv: Argv) -> Timed:
        left = max(1.0, seconds - (monotonic() - start))
        return _timed(argv, course, track, left, prefix=prefix, grace_seconds=_PEER_GRACE_SECONDS)

    # Peers are in sessions of their own: what interrupts us does not reach them.
    done = track.crew.map(one, lineup.commands, workers=lineup.at_once)
    return done, monotonic() - start


def _timed(
    argv: Sequence[str],
    course: Course,
    track: Track,
    seconds: float,
    *,
    prefix: str = "",
    grace_seconds: float = _GRACE_SECONDS,
) -> Timed:
    own = {
        "IPYTHONDIR": str(course.ipython),
        # Nobody's own settings, and no file of ours among a user's.
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_RUNTIME_DIR": str(course.folder / "runtime"),
        "JUPYTERCACHE": str(course.home / ".jupyter_cache"),
        **({"ISTIOLAB_NAMESPACE_PREFIX": prefix} if prefix else {}),
    }
    return run_timed(
        argv,
        log=course.folder / _LOG,
        environment={**track.environment, **own},
        folder=course.home,
        timeout_seconds=seconds,
        grace_seconds=grace_seconds,
        is_stopped=track.crew.is_stopped,
    )


def _failed(who: str, course: Course, at_once: int, why: str) -> Run:
    return Run(who=who, notebooks=len(course.notebooks), at_once=at_once, problem=why)


def _log(course: Course) -> str:
    return (course.folder / _LOG).read_text(errors="replace")


def _cells_seconds(notebook: Path) -> float | None:
    receipt = load_receipt(notebook)
    return sum(cell.seconds for cell in receipt.cells) if receipt else None
