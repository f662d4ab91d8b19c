from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh import capacity, inventory
from istiolab.mesh.client import quantity
from istiolab.mesh.inventory import digest
from tests.unit.mesh.fakes import FakeCluster


def _object(name: str, *, namespace: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": {**metadata, **fields.pop("metadata", {})}, **fields}


def _cluster() -> FakeCluster:
    return FakeCluster(
        {
            "/apis": {"groups": [{"preferredVersion": {"groupVersion": "apps/v1"}}]},
            "/api/v1": {
                "resources": [
                    {"name": "namespaces", "kind": "Namespace", "verbs": ["list"]},
                    {"name": "configmaps", "kind": "ConfigMap", "verbs": ["list"]},
                    {"name": "secrets", "kind": "Secret", "verbs": ["list"]},
                    {"name": "pods", "kind": "Pod", "verbs": ["list"]},
                    {"name": "pods/log", "kind": "Pod", "verbs": ["list"]},
                    {"name": "bindings", "kind": "Binding", "verbs": ["create"]},
                ]
            },
            "/apis/apps/v1": {
                "resources": [{"name": "deployments", "kind": "Deployment", "verbs": ["list"]}]
            },
            "/api/v1/namespaces?labelSelector=istiolab.dev%2Fowner": {"items": [_object("il-1-a")]},
            "/api/v1/namespaces": {"items": [_object("default"), _object("il-1-a")]},
            "/api/v1/configmaps": {
                "items": [
                    _object("stray", namespace="default", data={"a": "b"}),
                    _object("own", namespace="il-1-a", data={"a": "b"}),
                ]
            },
            "/api/v1/secrets": {
                "items": [_object("key", namespace="default", data={"password": "Y2FuYXJ5"})]
            },
            "/apis/apps/v1/deployments": {"items": [_object("web", namespace="default", spec={})]},
        }
    )


def _take(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> dict[str, str]:
    monkeypatch.setattr(inventory, "open_cluster", lambda _: cluster)
    return inventory.take(Path("nowhere"))


def test_an_inventory_names_everything_but_our_namespaces_and_what_is_in_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = _cluster()
    assert sorted(_take(monkeypatch, cluster)) == [
        "ConfigMap default/stray",
        "Deployment default/web",
        "Namespace default",
        "Secret default/key",
    ]
    assert cluster.closed == 1


def test_no_secret_is_in_an_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Y2FuYXJ5" not in str(_take(monkeypatch, _cluster()))


@pytest.mark.parametrize(
    "noise",
    [
        {"status": {"replicas": 3}},
        {"metadata": {"resourceVersion": "7", "generation": 2, "managedFields": [{}]}},
        {"metadata": {"annotations": {"control-plane.alpha.kubernetes.io/leader": "me"}}},
        {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}},
    ],
)
def test_what_a_cluster_writes_by_itself_does_not_alter_an_object(noise: dict[str, Any]) -> None:
    quiet = _object("web", namespace="default", spec={"replicas": 1})
    loud = _object("web", namespace="default", spec={"replicas": 1}, **noise)
    assert digest(quiet) == digest(loud)


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"replicas": 2}},
        {"data": {"mesh": "accessLogFile: ''"}},
        {"webhooks": [{"name": "a"}]},
        {"metadata": {"labels": {"stray": "yes"}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"finalizers": ["a"]}},
    ],
)
def test_what_somebody_wrote_alters_an_object(change: dict[str, Any]) -> None:
    assert digest(_object("web")) != digest(_object("web", **change))


def test_what_is_free_is_what_nodes_offer_without_what_pods_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def pod(*requests: dict[str, str], phase: str = "Running", **spec: Any) -> dict[str, Any]:
        containers = [{"resources": {"requests": each}} for each in requests]
        return {"spec": {"containers": containers, **spec}, "status": {"phase": phase}}

    sidecar = {"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}
    cluster = FakeCluster(
        {
            "/api/v1/nodes": {
                "items": [{"status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}]
            },
            "/api/v1/pods": {
                "items": [
                    pod({"cpu": "250m", "memory": "1Gi"}, {}),
                    pod({"cpu": "50m"}, initContainers=[sidecar, {"resources": {}}]),
                    pod({"cpu": "1"}, phase="Succeeded"),
                ]
            },
        }
    )
    monkeypatch.setattr(capacity, "open_cluster", lambda _: cluster)
    left = capacity.free(Path("nowhere"))
    assert left.cores == pytest.approx(1.6)
    assert left.memory_bytes == 3 * 2**30


@given(cores=st.integers(min_value=0, max_value=100_000))
def test_a_quantity_in_thousandths_is_a_thousandth(cores: int) -> None:
    assert quantity(f"{cores}m") == pytest.approx(cores / 1000)


def test_what_is_no_quantity_is_told() -> None:
    with pytest.raises(ClusterError, match="no quantity"):
        quantity("much")
