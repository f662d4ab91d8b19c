from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh import inventory
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
    monkeypatch.setattr(inventory, "open_cluster", lambda _, **_how: cluster)
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


@given(cores=st.integers(min_value=0, max_value=100_000))
def test_a_quantity_in_thousandths_is_a_thousandth(cores: int) -> None:
    assert quantity(f"{cores}m") == pytest.approx(cores / 1000)


def test_what_is_no_quantity_is_told() -> None:
    with pytest.raises(ClusterError, match="no quantity"):
        quantity("much")


def test_namespaces_that_others_make_while_we_look_are_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = _take(monkeypatch, _cluster())
    cluster = _cluster()
    ours = "/api/v1/namespaces?labelSelector=istiolab.dev%2Fowner"
    looks = iter([{"items": [_object("il-1-a")]}, {"items": [_object("il-2-a")]}])
    cluster.answers[ours] = lambda: next(looks)
    cluster.answers["/api/v1/namespaces"] = {
        "items": [_object("default"), _object("il-1-a"), _object("il-2-a")]
    }
    assert _take(monkeypatch, cluster) == before


def test_a_group_of_kinds_that_goes_meanwhile_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = _cluster()
    groups = cluster.answers["/apis"]
    assert isinstance(groups, dict)
    groups["groups"].append({"preferredVersion": {"groupVersion": "networking.istio.io/v1"}})
    assert "ConfigMap default/stray" in _take(monkeypatch, cluster)
