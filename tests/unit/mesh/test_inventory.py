from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError, SilentError
from istiolab.mesh import inventory
from istiolab.mesh.client import quantity
from istiolab.mesh.refusals import refusal
from tests.unit.mesh.fakes import FakeCluster, an_object, inventory_of


def _ours(name: str) -> dict[str, Any]:
    return an_object(name, metadata={"labels": {"istiolab.dev/owner": "il-1"}})


def _going(name: str, *, namespace: str = "") -> dict[str, Any]:
    return an_object(
        name, namespace=namespace, metadata={"deletionTimestamp": "2026-11-27T20:00:00Z"}
    )


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
            "/api/v1/namespaces": {"items": [an_object("default"), _ours("il-1-a")]},
            "/api/v1/configmaps": {
                "items": [
                    an_object("stray", namespace="default", data={"a": "b"}),
                    an_object("own", namespace="il-1-a", data={"a": "b"}),
                ]
            },
            "/api/v1/secrets": {
                "items": [an_object("key", namespace="default", data={"password": "Y2FuYXJ5"})]
            },
            "/api/v1/pods": {
                "items": [
                    an_object(
                        "web-1",
                        namespace="default",
                        metadata={"ownerReferences": [{"controller": True}]},
                    ),
                ]
            },
            "/apis/apps/v1/deployments": {
                "items": [an_object("web", namespace="default", spec={})]
            },
        }
    )


def _take(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> dict[str, str | None]:
    monkeypatch.setattr(inventory, "open_cluster", lambda _, **_how: cluster)
    return dict(inventory.take(Path("nowhere")).objects)


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
    default, ours, others = an_object("default"), _ours("il-1-a"), _ours("il-2-a")
    # The first look, the listing, the last look.
    looks = iter([[default, ours], [default, ours, others], [default, others]])
    cluster.answers["/api/v1/namespaces"] = lambda: {"items": next(looks)}
    assert _take(monkeypatch, cluster) == before


def test_what_is_being_deleted_has_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = _cluster()
    cluster.answers["/api/v1/configmaps"] = {
        "items": [_going("stray", namespace="default"), an_object("other", namespace="default")]
    }
    found = _take(monkeypatch, cluster)
    assert found["ConfigMap default/stray"] is None
    assert found["ConfigMap default/other"] is not None


@pytest.mark.parametrize("begun", [0, 1, 2], ids=["before", "while listing", "at the end"])
def test_what_is_in_a_namespace_that_is_being_deleted_has_no_digest(
    begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = _cluster()
    cluster.answers["/api/v1/configmaps"] = {"items": [an_object("stray", namespace="theirs")]}
    looks = iter(
        {
            "items": [
                an_object("default"),
                _going("theirs") if look >= begun else an_object("theirs"),
            ]
        }
        for look in range(3)
    )
    cluster.answers["/api/v1/namespaces"] = lambda: next(looks)
    found = _take(monkeypatch, cluster)
    assert found["Namespace theirs"] is None
    assert found["ConfigMap theirs/stray"] is None
    assert found["Namespace default"] is not None


def test_a_group_of_kinds_that_goes_meanwhile_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = _cluster()
    groups = cluster.answers["/apis"]
    assert isinstance(groups, dict)
    groups["groups"].append({"preferredVersion": {"groupVersion": "networking.istio.io/v1"}})
    assert "ConfigMap default/stray" in _take(monkeypatch, cluster)


def _serving(*versions: str, **resources: tuple[str, ...]) -> FakeCluster:
    """Return the cluster with one group more: its versions, the preferred first, and what is in."""
    cluster = _cluster()
    served = [{"groupVersion": f"networking.istio.io/{version}"} for version in versions]
    groups = cluster.answers["/apis"]
    assert isinstance(groups, dict)
    # Kubernetes does not promise that the preferred version is the first of the list.
    groups["groups"].append({"preferredVersion": served[0], "versions": [*served[1:], served[0]]})
    for version in versions:
        root = f"/apis/networking.istio.io/{version}"
        kinds = resources.get(version, ())
        cluster.answers[root] = {
            "resources": [
                {"name": f"{kind.lower()}s", "kind": kind, "verbs": ["list"]} for kind in kinds
            ]
        }
        for kind in kinds:
            stray = an_object("stray", namespace="istio-system", apiVersion=version)
            cluster.answers[f"{root}/{kind.lower()}s"] = {"items": [stray]}
    return cluster


def test_a_kind_that_its_groups_preferred_version_lacks_is_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = _serving(
        "v1",
        "v1beta1",
        "v1alpha3",
        v1=("Gateway",),
        v1beta1=("Gateway", "ProxyConfig"),
        v1alpha3=("Gateway", "EnvoyFilter"),
    )
    assert {
        "EnvoyFilter istio-system/stray",
        "Gateway istio-system/stray",
        "ProxyConfig istio-system/stray",
    } <= _take(monkeypatch, cluster).keys()


KINDS = st.lists(st.sampled_from(["Gateway", "ProxyConfig", "EnvoyFilter"]), unique=True)


@given(v1=KINDS, v1beta1=KINDS, v1alpha3=KINDS)
def test_each_resource_is_asked_for_once_in_the_preferred_version_that_has_it(
    v1: list[str], v1beta1: list[str], v1alpha3: list[str]
) -> None:
    order = {"v1": tuple(v1), "v1beta1": tuple(v1beta1), "v1alpha3": tuple(v1alpha3)}
    cluster = _serving(*order, **order)
    with pytest.MonkeyPatch.context() as patch:
        found = _take(patch, cluster)
    for kind in ("Gateway", "ProxyConfig", "EnvoyFilter"):
        having = [version for version, kinds in order.items() if kind in kinds]
        lists = [
            call.path for call in cluster.made("GET") if call.path.endswith(f"/{kind.lower()}s")
        ]
        first = [f"/apis/networking.istio.io/{version}/{kind.lower()}s" for version in having[:1]]
        assert lists == first
        assert (f"{kind} istio-system/stray" in found) == bool(having)
    # Two looks at our namespaces, the groups, each version once, and one list for each resource.
    kept = len({kind for kinds in order.values() for kind in kinds})
    assert len(cluster.made("GET")) == 2 + 1 + (2 + 3) + (5 + kept)


def test_a_version_that_goes_meanwhile_takes_no_kind_of_the_others_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = _serving("v1", "v1alpha3", v1=("Gateway",), v1alpha3=("EnvoyFilter",))
    del cluster.answers["/apis/networking.istio.io/v1"]
    found = _take(monkeypatch, cluster)
    assert "EnvoyFilter istio-system/stray" in found
    assert "Gateway istio-system/stray" not in found


MADE_OF_OTHERS = ("Pod", "ReplicaSet", "EndpointSlice", "ControllerRevision", "Job")


@pytest.mark.parametrize("kind", MADE_OF_OTHERS)
def test_what_is_made_of_another_object_is_not_in_it_and_what_stands_alone_is(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = {"kind": "Node", "name": "a", "controller": True}
    cluster = _serving("v1", v1=(kind,))
    # A pod is of the core group, and of another one here: the name tells which.
    told = f"{kind}.networking.istio.io" if kind == "Pod" else kind
    cluster.answers[f"/apis/networking.istio.io/v1/{kind.lower()}s"] = {
        "items": [
            an_object("owned", namespace="default", metadata={"ownerReferences": [owner]}),
            an_object("stray", namespace="default", metadata={"ownerReferences": []}),
            an_object("bare", namespace="default"),
            an_object("own", namespace="il-1-a"),
        ]
    }
    found = [name for name in _take(monkeypatch, cluster) if name.startswith(f"{told} ")]
    assert sorted(found) == [f"{told} default/bare", f"{told} default/stray"]


@pytest.mark.parametrize("kind", ["Endpoints", "Event", "IPAddress", "Lease", "LeaseCandidate"])
def test_what_the_cluster_writes_by_itself_is_not_even_asked_for(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = _serving("v1", v1=(kind,))
    assert f"{kind} istio-system/stray" not in _take(monkeypatch, cluster)
    assert not [call for call in cluster.calls if call.path.endswith(f"/{kind.lower()}s")]


def test_the_api_servers_own_addresses_are_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = _serving("v1", v1=("EndpointSlice",))
    own, stray = (an_object(name, namespace="default") for name in ("kubernetes", "stray"))
    cluster.answers["/apis/networking.istio.io/v1/endpointslices"] = {"items": [own, stray]}
    found = _take(monkeypatch, cluster)
    assert "EndpointSlice default/stray" in found
    assert "EndpointSlice default/kubernetes" not in found


def test_how_many_replicas_an_autoscaler_gives_is_no_change_and_anything_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found(*, replicas: int = 1, image: str = "a", autoscaled: bool = True) -> str | None:
        cluster = _serving("v1", v1=("HorizontalPodAutoscaler",))
        target = {"kind": "Deployment", "name": "web" if autoscaled else "other"}
        cluster.answers["/apis/networking.istio.io/v1/horizontalpodautoscalers"] = {
            "items": [an_object("any", namespace="default", spec={"scaleTargetRef": target})]
        }
        spec = {"replicas": replicas, "image": image}
        cluster.answers["/apis/apps/v1/deployments"] = {
            "items": [an_object("web", namespace="default", spec=spec)]
        }
        return _take(monkeypatch, cluster)["Deployment default/web"]

    assert found(replicas=1) == found(replicas=3)
    assert found(image="a") != found(image="b")
    assert found(replicas=1, autoscaled=False) != found(replicas=3, autoscaled=False)


def test_kinds_of_the_same_name_in_two_groups_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = _serving("v1", v1=("Gateway", "Namespace"))
    groups = cluster.answers["/apis"]
    assert isinstance(groups, dict)
    groups["groups"].append({"preferredVersion": {"groupVersion": "gateway.networking.k8s.io/v1"}})
    cluster.answers["/apis/gateway.networking.k8s.io/v1"] = {
        "resources": [{"name": "gateways", "kind": "Gateway", "verbs": ["list"]}]
    }
    cluster.answers["/apis/gateway.networking.k8s.io/v1/gateways"] = {
        "items": [an_object("stray", namespace="istio-system")]
    }
    found = _take(monkeypatch, cluster)
    assert {
        "Gateway.gateway.networking.k8s.io istio-system/stray",
        "Gateway.networking.istio.io istio-system/stray",
    } <= found.keys()
    # The core group has no name.
    assert "Namespace default" in found


AWAY = "/apis/away.example/v1"
SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1.away.example"


def _with_an_api(*, aggregated: bool, discovered: bool) -> FakeCluster:
    """Return the cluster with one API more, which cannot be listed, or not even discovered."""
    cluster = _cluster()
    groups = cluster.answers["/apis"]
    assert isinstance(groups, dict)
    groups["groups"].append({"preferredVersion": {"groupVersion": "away.example/v1"}})
    down = refusal("GET", 503, b"service unavailable")
    kinds = {"resources": [{"name": "things", "kind": "Thing", "verbs": ["list"]}]}
    cluster.answers[AWAY] = kinds if discovered else down
    cluster.answers[f"{AWAY}/things"] = down
    cluster.answers[SERVICE] = {"spec": {"service": {"name": "gone"}} if aggregated else {}}
    return cluster


@pytest.mark.parametrize("discovered", [True, False])
def test_an_aggregated_api_that_is_unavailable_is_passed_over_and_named(
    monkeypatch: pytest.MonkeyPatch, *, discovered: bool
) -> None:
    cluster = _with_an_api(aggregated=True, discovered=discovered)
    monkeypatch.setattr(inventory, "open_cluster", lambda _, **_how: cluster)
    found = inventory.take(Path("nowhere"))
    assert list(found.unseen) == [f"{AWAY}/things" if discovered else AWAY]
    assert "ConfigMap default/stray" in found.objects


def test_an_api_of_the_clusters_own_that_is_refused_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ClusterError, match="refused a call"):
        _take(monkeypatch, _with_an_api(aggregated=False, discovered=True))


@pytest.mark.parametrize("silent", [True, False])
def test_a_cluster_that_is_silent_is_never_passed_over(
    monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    cluster = _with_an_api(aggregated=True, discovered=True)
    cluster.answers[AWAY if silent else f"{AWAY}/things"] = SilentError("no answer")
    with pytest.raises(SilentError):
        _take(monkeypatch, cluster)


def test_of_two_looks_only_what_both_could_see_is_compared() -> None:
    one = inventory_of({"Thing a": "1", "Other b": "1"})
    two = inventory_of({"Other b": "2"}, "/Thing")
    assert one.seen(two) == {"Other b": "1"}
    assert two.seen(one) == {"Other b": "2"}
    # Not by the beginning of a word.
    assert inventory_of({"Things a": "1"}).seen(two) == {"Things a": "1"}
