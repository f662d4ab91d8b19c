from __future__ import annotations

import json
from pathlib import Path

import pytest

from istiolab.mesh import capacity
from istiolab.mesh.capacity import Capacity, read_room
from istiolab.mesh.client import Json
from tests.unit.mesh.fakes import FakeCluster, Said, listed

INJECTOR = "/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector"
MIB = 2**20
NODE = {"status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "250"}}}


def container(**requests: str) -> Json:
    return {"name": "c", "resources": {"requests": requests}}


def pod(phase: str, *containers: Json, init: tuple[Json, ...] = ()) -> Json:
    return {
        "spec": {"containers": list(containers), "initContainers": list(init)},
        "status": {"phase": phase},
    }


def injector(requests: Json | None) -> Json:
    values = {"global": {"proxy": {"resources": {"requests": requests}}}}
    return {"data": {"values": json.dumps(values)}}


def read(monkeypatch: pytest.MonkeyPatch, *pods: Json, said: Said | None = None) -> capacity.Room:
    answers: dict[str, Said] = {"/api/v1/nodes": listed(NODE), "/api/v1/pods": listed(*pods)}
    cluster = FakeCluster({**answers, **({INJECTOR: said} if said else {})})
    monkeypatch.setattr(capacity, "open_cluster", lambda _: cluster)
    found = read_room(Path("nowhere"))
    assert cluster.closed == 1
    return found


def test_what_is_left_is_what_no_pod_that_runs_has_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = read(
        monkeypatch,
        pod("Running", container(cpu="100m", memory="128Mi"), container(cpu="0.4")),
        pod("Pending", container(memory="128Mi"), {"name": "asks for nothing"}),
        pod("Succeeded", container(cpu="1")),
        pod("Failed", container(cpu="1")),
    )
    assert found.offered == Capacity(cores=2.0, memory_bytes=4096 * MIB)
    assert found.left.cores == pytest.approx(1.5)
    assert found.left.memory_bytes == 3840 * MIB


def test_a_sidecar_counts_and_another_init_container_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sidecar = {**container(cpu="10m"), "restartPolicy": "Always"}
    found = read(monkeypatch, pod("Running", container(), init=(sidecar, container(cpu="1"))))
    assert found.left.cores == pytest.approx(1.99)


def test_what_a_sidecar_asks_for_is_what_the_injector_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = injector({"cpu": "10m", "memory": "40Mi"})
    found = read(monkeypatch, said=said)
    assert found.sidecar == Capacity(cores=0.01, memory_bytes=40 * MIB)
    assert read(monkeypatch, said=injector(None)).sidecar == Capacity(cores=0.0, memory_bytes=0.0)


@pytest.mark.parametrize(
    "said", [None, {"data": {}}, {"data": {"values": "{"}}, {"data": {"values": "[]"}}]
)
def test_without_that_it_is_what_istio_asks_for_by_itself(
    monkeypatch: pytest.MonkeyPatch, said: Json | None
) -> None:
    assert read(monkeypatch, said=said).sidecar == Capacity(cores=0.1, memory_bytes=128 * MIB)
