"""Many notebooks and one cluster in, what came of each out: side by side, and clean afterwards.

Rule 1: notebooks that keep to their namespaces run at the same time; one that changes the mesh as
a whole, and says so in its metadata (`{"istiolab": {"changes_mesh": true}}`), runs alone.
Rule 2: the cluster is looked at before and after each wave; whoever ran while it came to be other
than it was has not passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from istiolab.mesh import capacity, inventory
from istiolab.mesh.capacity import Capacity
from istiolab.notebook.document import load_document
from istiolab.receipt.model import ClusterFacts
from istiolab.verdict.judge import Outcome
from istiolab.verdict.leaks import leaks
from istiolab.verify import Verified, Wish, publish, verify

Progress = Callable[[Path, str, float], None]
"""Told which notebook, what it does now, and how much of it is done, from 0 to 1."""

# What a notebook's pods take while they start: a few small nginx, and a sidecar for each.
_NEEDS = Capacity(cores=0.25, memory_bytes=512 * 2**20)
MOST_WORKERS = 16


def verify_all(
    paths: Sequence[Path],
    cluster: ClusterFacts,
    *,
    wish: Wish,
    workers: int,
    progress: Progress = lambda _path, _what, _done: None,
) -> list[Verified]:
    """Verify notebooks, and publish those that passed.

    Args:
        paths: the notebooks.
        cluster: where they run.
        wish: how.
        workers: how many run at the same time.
        progress: told before each cell.

    Raises:
        KernelError: one is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
    """
    found: list[Verified] = []
    for wave in plan_waves([(path, changes_mesh(path)) for path in paths]):
        before = inventory.take(cluster.kubeconfig)
        with ThreadPoolExecutor(max_workers=workers) as pool:
            done = list(
                pool.map(lambda path: _one(path, cluster, wish=wish, progress=progress), wave)
            )
        left = leaks(before, inventory.take(cluster.kubeconfig))
        done = [_with_leaks(each, left, len(wave)) for each in done]
        for each in done:
            publish(each, cluster)
        found += done
    return found


def plan_waves(notebooks: Iterable[tuple[Path, bool]]) -> tuple[tuple[Path, ...], ...]:
    """Return who runs with whom: all that keep to themselves first, then each other one alone."""
    listed = list(notebooks)
    shared = tuple(path for path, alone in listed if not alone)
    return (*((shared,) if shared else ()), *((path,) for path, alone in listed if alone))


def changes_mesh(path: Path) -> bool:
    """Tell whether a notebook says of itself that it changes the mesh as a whole.

    Raises:
        KernelError: it is no notebook.
    """
    return bool(load_document(path).metadata.get("istiolab", {}).get("changes_mesh", False))


def workers_for(kubeconfig: Path) -> int:
    """Return how many notebooks the cluster has room for at the same time; at least one.

    Raises:
        ClusterError: it does not answer.
    """
    return plan_workers(capacity.free(kubeconfig))


def plan_workers(left: Capacity) -> int:
    """Return how many notebooks fit into what is left."""
    fit = min(left.cores / _NEEDS.cores, left.memory_bytes / _NEEDS.memory_bytes)
    return max(1, min(MOST_WORKERS, int(fit)))


def _one(path: Path, cluster: ClusterFacts, *, wish: Wish, progress: Progress) -> Verified:
    return verify(path, cluster, wish=wish, progress=lambda what, done: progress(path, what, done))


def _with_leaks(found: Verified, left: tuple[str, ...], together: int) -> Verified:
    if not left:
        return found
    passed = found.outcome in (Outcome.VERIFIED, Outcome.UPDATED, Outcome.DRIFTED)
    shared = () if together == 1 else (f"{together} notebooks ran at the time; run each alone",)
    return replace(
        found,
        outcome=Outcome.LEAKED if passed else found.outcome,
        leaks=(*left, *shared),
    )
