"""Many notebooks and one cluster in, what came of each out: side by side, and clean afterwards.

Rule 1: notebooks that keep to their namespaces run at the same time; one that changes the mesh as
a whole, and says so in its metadata (`{"istiolab": {"changes_mesh": true}}`), runs alone.
Rule 2: the cluster is looked at before and after each wave; whoever ran while it came to be other
than it was has not passed.
Rule 3: the namespaces of a wave are gone before the next begins; those of the last one are still on
their way out on return (`RunContext.deletions`).
Rule 4: of a wave, the notebook that took longest last time begins first: it is what all wait for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from istiolab.mesh import capacity, inventory
from istiolab.mesh.capacity import Capacity, Room
from istiolab.mesh.inventory import Inventory
from istiolab.notebook.needs import said_by
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.store import last_seconds
from istiolab.runner.publish import publish
from istiolab.runner.verify import RunContext, Verified, verify
from istiolab.system.retry import Answer, wait_until
from istiolab.system.stopwatch import Stopwatch
from istiolab.verdict.judge import Outcome
from istiolab.verdict.leaks import departing, leaks

Progress = Callable[[Path, str, float], None]
"""Told which notebook, what it does now, and how much of it is done, from 0 to 1."""

# What the largest notebook was measured to take, 426-upgrade-required: 45 seconds of a processor in
# 100, most of them of containers that start and end; 370 MiB in pods, 100 MiB in its kernel.
_USES = Capacity(cores=0.5, memory_bytes=512 * 2**20)
# As many it has at a time, of which each asks for what the injector is told to ask for.
_SIDECARS = 7
MOST_WORKERS = 16
# What a notebook has made and deleted outside its namespaces may take as long: a pod has 30 seconds
# to end, a namespace five until it is looked at.
_DEPARTURE_SECONDS = 60.0


def verify_all(
    paths: Sequence[Path],
    cluster: ClusterFacts,
    *,
    context: RunContext,
    workers: int,
    progress: Progress = lambda _path, _what, _done: None,
) -> list[Verified]:
    """Verify notebooks, and publish those that passed.

    Args:
        paths: the notebooks, each once.
        cluster: where they run.
        context: how.
        workers: how many run at the same time.
        progress: told before each cell.

    Returns:
        What came of each, in the order of `paths`.

    Raises:
        KernelError: one is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
    """
    watch = Stopwatch()

    def tell(path: Path, what: str, fraction: float) -> None:
        watch.begin(path, stage_of(what))
        progress(path, what, fraction)

    found: list[Verified] = []
    for wave in plan_all(paths):
        context.deletions.wait()
        for each in wave:
            tell(each, "cluster before", 0.0)
        before = inventory.take(cluster.kubeconfig)
        for each in wave:
            tell(each, "a free worker", 0.0)
        done = context.pool.map(
            lambda path: _one(path, cluster, context=context, progress=tell), wave, workers=workers
        )
        for each in wave:
            tell(each, "cluster after", 1.0)
        left, unseen = left_since(before, cluster.kubeconfig, context)
        for verified in (_with_leaks(each, left, unseen, len(wave)) for each in done):
            tell(verified.notebook, "receipt", 1.0)
            published = publish(verified, cluster)
            found.append(replace(published, stages=watch.end(verified.notebook)))
    return sorted(found, key=lambda each: paths.index(each.notebook))


def left_since(
    before: Inventory, kubeconfig: Path, context: RunContext
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what runs left behind or altered on a cluster, a line each, and what was not seen.

    Args:
        before: the inventory from before they began.
        kubeconfig: the cluster's.
        context: where they left their namespaces.

    Raises:
        ClusterError: the cluster does not answer.
    """
    after = inventory.take(kubeconfig)
    if _leaks(before, after):
        # What Kubernetes takes away with a namespace, a volume for one, is no leak.
        context.deletions.wait()
        after = _settled(before, kubeconfig)
    return _leaks(before, after), tuple(sorted({**before.unseen, **after.unseen}))


def _leaks(before: Inventory, after: Inventory) -> tuple[str, ...]:
    return leaks(before.seen(after), after.seen(before))


def _settled(before: Inventory, kubeconfig: Path) -> Inventory:
    """Look again until what came and was deleted is gone, or has had its time."""
    looks: list[Inventory] = []

    def look() -> Answer:
        looks.append(inventory.take(kubeconfig))
        going = departing(before.seen(looks[-1]), looks[-1].seen(before))
        return Answer(done=not going)

    wait_until(look, timeout_seconds=_DEPARTURE_SECONDS)
    return looks[-1]


def stage_of(what: str) -> str:
    """Return in which stage of a run something is done: all cells together are one."""
    return "cells" if what.startswith("cell ") else what


def plan_all(paths: Sequence[Path]) -> tuple[tuple[Path, ...], ...]:
    """Return who runs with whom, and in which order they begin.

    Raises:
        KernelError: one is no notebook.
    """
    ordered = longest_first([(path, last_seconds(path)) for path in paths])
    return plan_waves([(path, changes_mesh(path)) for path in ordered])


def plan_waves(notebooks: Iterable[tuple[Path, bool]]) -> tuple[tuple[Path, ...], ...]:
    """Return who runs with whom: all that keep to themselves first, then each other one alone."""
    listed = list(notebooks)
    shared = tuple(path for path, alone in listed if not alone)
    return (*((shared,) if shared else ()), *((path,) for path, alone in listed if alone))


def longest_first(notebooks: Iterable[tuple[Path, float | None]]) -> tuple[Path, ...]:
    """Return in which order notebooks begin: one of which nothing is known may be the longest."""
    known = [(path, math.inf if seconds is None else seconds) for path, seconds in notebooks]
    return tuple(path for path, _ in sorted(known, key=lambda each: -each[1]))


def changes_mesh(path: Path) -> bool:
    """Tell whether a notebook says of itself that it changes the mesh as a whole.

    Raises:
        KernelError: it is no notebook, or what it says about itself is no mapping.
    """
    return bool(said_by(path).get("changes_mesh", False))


def workers_for(kubeconfig: Path) -> int:
    """Return how many notebooks the cluster has room for at the same time; at least one.

    Raises:
        ClusterError: it does not answer.
    """
    return plan_workers(capacity.read_room(kubeconfig))


def plan_workers(room: Room) -> int:
    """Return how many notebooks fit into a cluster: by what they use, and by what they ask for.

    Both, since the scheduler heeds only what pods ask for, which may be far less or far more than
    what they use: too much asked for leaves pods pending, too much used has all of them wait.
    """
    fit = min(
        room.offered.cores / _USES.cores,
        room.left.memory_bytes / _USES.memory_bytes,
        _times(room.left.cores, _SIDECARS * room.sidecar.cores),
        _times(room.left.memory_bytes, _SIDECARS * room.sidecar.memory_bytes),
    )
    return max(1, min(MOST_WORKERS, int(fit)))


def _times(left: float, asked: float) -> float:
    return left / asked if asked else math.inf


def _one(path: Path, cluster: ClusterFacts, *, context: RunContext, progress: Progress) -> Verified:
    done = verify(
        path, cluster, context=context, progress=lambda what, done: progress(path, what, done)
    )
    progress(path, "the others", 1.0)
    return done


def _with_leaks(
    found: Verified, left: tuple[str, ...], unseen: tuple[str, ...], together: int
) -> Verified:
    found = replace(found, unseen=unseen)
    if not left:
        return found
    passed = found.outcome in (Outcome.VERIFIED, Outcome.UPDATED, Outcome.DRIFTED)
    shared = () if together == 1 else (f"{together} notebooks ran at the time; run each alone",)
    return replace(
        found,
        outcome=Outcome.LEAKED if passed else found.outcome,
        leaks=(*left, *shared),
    )
