from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from time import sleep

import pytest

from istiolab.errors import ClusterError, KernelError
from istiolab.mesh import inventory, pending_deletions
from istiolab.mesh.capacity import Capacity, Room
from istiolab.mesh.inventory import Inventory
from istiolab.mesh.pending_deletions import PendingDeletions
from istiolab.receipt.store import write_receipt
from istiolab.runner import batch
from istiolab.runner.batch import (
    changes_mesh,
    longest_first,
    plan_waves,
    plan_workers,
    verify_all,
)
from istiolab.runner.verify import Progress, RunContext, Verified
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import verified
from tests.unit.mesh.fakes import inventory_of
from tests.unit.notebook.build import code, write
from tests.unit.receipt.build import receipt
from tests.unit.runner.test_publish import CLUSTER


def test_those_that_change_the_mesh_run_alone_after_the_others() -> None:
    one, two, mesh, other = (Path(name) for name in ("one", "two", "mesh", "other"))
    waves = plan_waves([(mesh, True), (one, False), (other, True), (two, False)])
    assert waves == ((one, two), (mesh,), (other,))
    assert plan_waves([]) == ()
    assert plan_waves([(mesh, True)]) == ((mesh,),)


def test_the_longest_begins_first_and_one_of_which_nothing_is_known_before_it() -> None:
    short, long, new, other = (Path(name) for name in ("short", "long", "new", "other"))
    told = [(short, 1.0), (long, 3.0), (new, None), (other, 1.0)]
    assert longest_first(told) == (new, long, short, other)
    assert longest_first([]) == ()


@pytest.mark.parametrize("flag", [True, False])
def test_a_notebook_says_in_its_metadata_that_it_changes_the_mesh(
    tmp_path: Path, *, flag: bool
) -> None:
    path = write(tmp_path, code("1"))
    tree = json.loads(path.read_text())
    assert not changes_mesh(path)
    tree["metadata"]["istiolab"] = {"changes_mesh": flag}
    path.write_text(json.dumps(tree))
    assert changes_mesh(path) is flag


GIB = 2**30
LAB = Room(
    offered=Capacity(cores=2.0, memory_bytes=23.5 * GIB),
    left=Capacity(cores=1.1, memory_bytes=23.1 * GIB),
    sidecar=Capacity(cores=0.01, memory_bytes=40 * 2**20),
)


def room(**parts: Capacity) -> Room:
    return replace(LAB, **parts)


def test_on_the_lab_processors_decide_how_many_notebooks_run_at_once() -> None:
    assert plan_workers(LAB) == 4
    eight = Capacity(cores=8.0, memory_bytes=23.5 * GIB)
    assert plan_workers(room(offered=eight, left=eight)) == 16


def test_what_sidecars_ask_for_decides_where_they_ask_for_much() -> None:
    usual = Capacity(cores=0.1, memory_bytes=128 * 2**20)
    four = Capacity(cores=4.0, memory_bytes=16 * GIB)
    assert plan_workers(room(offered=four, left=replace(four, cores=3.0), sidecar=usual)) == 4
    assert plan_workers(room(offered=four, left=replace(four, cores=0.9), sidecar=usual)) == 1
    little = Capacity(cores=4.0, memory_bytes=2 * GIB)
    assert plan_workers(room(offered=four, left=little, sidecar=usual)) == 2


def test_sidecars_that_ask_for_nothing_leave_it_to_what_is_used() -> None:
    nothing = Capacity(cores=0.0, memory_bytes=0.0)
    assert plan_workers(room(sidecar=nothing)) == 4


def test_there_is_always_one_worker_and_never_too_many() -> None:
    none = Capacity(cores=0.0, memory_bytes=0.0)
    assert plan_workers(room(offered=none, left=none)) == 1
    plenty = Capacity(cores=1000.0, memory_bytes=1000 * GIB)
    assert plan_workers(room(offered=plenty, left=plenty)) == 16


class Cluster:
    """Stands in for the lab: notes what is done to it, and says what is in it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *looks: dict[str, str | None] | Inventory
    ) -> None:
        self.done: list[str] = []
        self._looks = [*looks]
        monkeypatch.setattr(inventory, "take", self._take)
        monkeypatch.setattr(batch, "verify", self._verify)
        monkeypatch.setattr(
            pending_deletions, "begin_deletion", lambda *_: self.done.append("begin")
        )
        monkeypatch.setattr(
            pending_deletions, "wait_until_gone", lambda *_: self.done.append("gone")
        )

    def _take(self, _: Path) -> Inventory:
        self.done.append("look")
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return look if isinstance(look, Inventory) else inventory_of(look)

    def _verify(
        self, path: Path, _: object, *, context: RunContext, progress: Progress
    ) -> Verified:
        self.done.append(path.stem)
        progress("kernel", 0.0)
        progress("cell 1 of 2", 0.0)
        progress("cell 2 of 2", 0.5)
        progress("namespaces", 1.0)
        context.deletions.begin(Path("kubeconfig"), "il-a")
        return verified(Outcome.VERIFIED, notebook=path)


CONTEXT = RunContext(environment={}, reports=Path("reports"))


def context() -> RunContext:
    return replace(CONTEXT, deletions=PendingDeletions())


def test_the_namespaces_of_a_wave_are_gone_before_the_next_and_those_of_the_last_on_their_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch, {})
    one, mesh = write(tmp_path, code("1"), name="one"), write(tmp_path, code("1"), name="mesh")
    alone = '"istiolab": {"changes_mesh": true}, "kernelspec"'
    mesh.write_text(mesh.read_text().replace('"kernelspec"', alone))
    wished = context()
    verify_all([mesh, one], CLUSTER, context=wished, workers=2)
    assert cluster.done == [
        *("look", "one", "begin", "look"),
        *("gone", "look", "mesh", "begin", "look"),
    ]
    assert wished.deletions.pending


def test_a_wave_begins_with_the_longest_and_what_came_of_it_is_told_in_the_order_that_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch, {})
    paths = [write(tmp_path, code("1"), name=name) for name in ("short", "long", "other")]
    for path, seconds in zip(paths, (2.0, 3.0, 1.0), strict=True):
        write_receipt(path, receipt(path, duration_seconds=seconds))
    found = verify_all(paths, CLUSTER, context=context(), workers=1)
    assert [each for each in cluster.done if each not in ("look", "begin", "gone")] == [
        *("long", "short", "other")
    ]
    assert [each.notebook for each in found] == paths


def test_what_goes_with_a_namespace_is_no_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, code("1"))
    cluster = Cluster(monkeypatch, {}, {"PersistentVolume a": "1"}, {})
    (found,) = verify_all([path], CLUSTER, context=context(), workers=1)
    assert cluster.done == ["look", "some", "begin", "look", "gone", "look"]
    assert (found.outcome, found.leaks) == (Outcome.VERIFIED, ())
    Cluster(monkeypatch, {}, {"ConfigMap default/stray": "1"})
    (left,) = verify_all([path], CLUSTER, context=context(), workers=1)
    assert (left.outcome, left.leaks) == (
        Outcome.LEAKED,
        ("left behind: ConfigMap default/stray",),
    )


def test_what_a_run_has_made_and_deleted_again_is_given_time_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, code("1"))
    going: dict[str, str | None] = {"Namespace theirs": None}
    cluster = Cluster(monkeypatch, {}, going, going, {})
    (found,) = verify_all([path], CLUSTER, context=context(), workers=1)
    assert cluster.done == ["look", "some", "begin", "look", "gone", "look", "look"]
    assert (found.outcome, found.leaks) == (Outcome.VERIFIED, ())

    Cluster(monkeypatch, {}, going)
    monkeypatch.setattr(batch, "_DEPARTURE_SECONDS", 0.2)
    (stuck,) = verify_all([path], CLUSTER, context=context(), workers=1)
    assert (stuck.outcome, stuck.leaks) == (
        Outcome.LEAKED,
        ("left behind, being deleted: Namespace theirs",),
    )


def test_what_others_were_deleting_before_is_no_leak_and_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, code("1"))
    going: dict[str, str | None] = {"Namespace theirs": None}
    for after in (going, {}):
        cluster = Cluster(monkeypatch, going, after)
        (found,) = verify_all([path], CLUSTER, context=context(), workers=1)
        assert cluster.done == ["look", "some", "begin", "look"]
        assert (found.outcome, found.leaks) == (Outcome.VERIFIED, ())


def test_what_could_not_be_looked_at_is_no_leak_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, code("1"))
    there = {"Thing a": "1", "Node b": "1"}
    for before, after in (
        (inventory_of(there), inventory_of({"Node b": "1"}, "/Thing")),
        (inventory_of({"Node b": "1"}, "/Thing"), inventory_of(there)),
    ):
        Cluster(monkeypatch, before, after)
        (found,) = verify_all([path], CLUSTER, context=context(), workers=1)
        assert (found.outcome, found.leaks) == (Outcome.VERIFIED, ())
        assert found.unseen == ("/Thing",)
    Cluster(monkeypatch, inventory_of({}, "/Thing"), inventory_of({"Node c": "1"}, "/Thing"))
    (found,) = verify_all([path], CLUSTER, context=context(), workers=1)
    assert (found.outcome, found.leaks) == (Outcome.LEAKED, ("left behind: Node c",))


def test_every_stage_of_a_run_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(monkeypatch, {})
    (found,) = verify_all([write(tmp_path, code("1"))], CLUSTER, context=context(), workers=1)
    assert list(found.stages) == [
        *("cluster before", "a free worker", "kernel", "cells", "namespaces", "the others"),
        *("cluster after", "receipt"),
    ]
    assert all(seconds >= 0 for seconds in found.stages.values())


def test_a_cluster_that_is_gone_stops_every_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch, {})
    together, failed = Barrier(2, timeout=10), Event()
    stopped: list[bool] = []

    def lost(path: Path, _: object, *, context: RunContext, progress: Progress) -> Verified:
        together.wait()
        if path.stem == "lost":
            failed.set()
            raise ClusterError("it does not answer")
        assert failed.wait(10)
        try:
            for _ in range(1000):
                if context.pool.is_stopped():
                    break
                sleep(0.01)
            stopped.append(context.pool.is_stopped())
        finally:
            progress("namespaces", 1.0)
            context.deletions.begin(Path("kubeconfig"), "il-a")
        raise KernelError("it was stopped")

    monkeypatch.setattr(batch, "verify", lost)
    paths = [write(tmp_path, code("1"), name=name) for name in ("lost", "other")]
    with pytest.raises(ClusterError, match="does not answer"):
        verify_all(paths, CLUSTER, context=context(), workers=2)
    assert stopped == [True]
    # What it had made was sent off all the same.
    assert cluster.done == ["look", "begin"]
