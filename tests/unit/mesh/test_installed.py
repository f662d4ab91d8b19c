from __future__ import annotations

from typing import Any

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh import installed
from istiolab.mesh.client import Json
from istiolab.mesh.installed import (
    connect_bare,
    definitions,
    node_images,
    pods_in,
    pulls,
    ready_webhooks,
)
from istiolab.mesh.session import Mesh
from istiolab.mesh.table import Listing
from tests.unit.mesh.fakes import FakeCluster, listed, pod_json

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
HOOKS = "/apis/admissionregistration.k8s.io/v1"
NAMESPACES = "/api/v1/namespaces"


def named(name: str) -> Json:
    return {"metadata": {"name": name}}


def definition(kind: str, group: str, *versions: str, unserved: str = "") -> Json:
    listed_versions = [{"name": name, "served": name != unserved} for name in versions]
    return {"spec": {"group": group, "names": {"kind": kind}, "versions": listed_versions}}


def hook(name: str, *, policy: str = "Fail", bundle: str = "Q0E=") -> Json:
    return {
        "name": name,
        "failurePolicy": policy,
        "clientConfig": {"service": {"name": "istiod"}, **({"caBundle": bundle} if bundle else {})},
        "rules": [{"operations": ["CREATE"], "resources": ["pods"], "apiGroups": [""]}],
    }


def configuration(name: str, *hooks: Json) -> Json:
    return {"metadata": {"name": name}, "webhooks": list(hooks)}


def mesh(answers: dict[str, Any]) -> Mesh:
    return Mesh(FakeCluster(answers))


def rows(found: Listing[Any]) -> tuple[tuple[str, ...], ...]:
    return found.table.rows


def test_images_on_nodes_are_those_whose_names_begin_so_each_once() -> None:
    images = [
        {"names": ["docker.io/istio/proxyv2@sha256:aa", "docker.io/istio/proxyv2:1.28.2"]},
        {"names": ["docker.io/istio/pilot:1.28.2"]},
        {"names": ["registry.k8s.io/pause:3.10.1"]},
        {"names": None},
    ]
    found = node_images(
        mesh({"/api/v1/nodes": listed({**named("n1"), "status": {"images": images}})}),
        "docker.io/istio/",
    )
    assert rows(found) == (
        ("n1", "docker.io/istio/pilot:1.28.2"),
        ("n1", "docker.io/istio/proxyv2:1.28.2"),
    )


def test_pods_of_a_namespace_are_sorted_and_without_those_that_go() -> None:
    path = f"{NAMESPACES}/istio-system/pods"
    pods = listed(pod_json("istiod-2"), pod_json("gone-3", terminating=True), pod_json("gateway-1"))
    assert [pod.name for pod in pods_in(mesh({path: pods}), "istio-system")] == [
        "gateway-1",
        "istiod-2",
    ]


def test_what_the_kubelet_said_about_images_is_each_told_once() -> None:
    def event(reason: str, message: str) -> Json:
        return {"reason": reason, "message": message, "involvedObject": {"name": "istiod-1"}}

    there = 'Container image "x:1" already present on machine'
    events = listed(
        event("Scheduled", "assigned"),
        event("Pulled", there),
        event("Pulled", there),
        event("Pulling", 'Pulling image "y:1"'),
    )
    found = pulls(mesh({f"{NAMESPACES}/istio-system/events": events}), "istio-system")
    assert rows(found) == (
        ("istiod-1", "Pulled", there),
        ("istiod-1", "Pulling", 'Pulling image "y:1"'),
    )


def test_kinds_are_told_with_the_versions_that_are_served_the_preferred_one_first() -> None:
    answers = {
        DEFINITIONS: listed(
            definition("Gateway", "networking.istio.io", "v1alpha3", "v1beta1", "v1"),
            definition("Telemetry", "telemetry.istio.io", "v1", "v1alpha1", unserved="v1"),
            definition("Other", "example.org", "v1"),
            definition("EnvoyFilter", "networking.istio.io", "v1alpha3"),
        )
    }
    assert rows(definitions(mesh(answers), "istio.io")) == (
        ("EnvoyFilter", "networking.istio.io", "v1alpha3"),
        ("Gateway", "networking.istio.io", "v1, v1beta1, v1alpha3"),
        ("Telemetry", "telemetry.istio.io", "v1alpha1"),
    )


def hooks(*validating: Json) -> dict[str, Any]:
    return {
        f"{HOOKS}/mutatingwebhookconfigurations": listed(
            configuration("b", hook("namespace.sidecar-injector.istio.io")),
            configuration("a", hook("x.example.org")),
        ),
        f"{HOOKS}/validatingwebhookconfigurations": listed(*validating),
    }


def test_istios_webhooks_are_told_with_what_they_are_asked_on() -> None:
    rule = {
        "operations": ["CREATE", "UPDATE"],
        "resources": ["*"],
        "apiGroups": ["security.istio.io", "networking.istio.io"],
    }
    validating = {**hook("rev.validation.istio.io"), "rules": [rule]}
    found = ready_webhooks(mesh(hooks(configuration("v", validating))))
    assert rows(found) == (
        ("b", "mutating", "namespace.sidecar-injector.istio.io", "CREATE pods", "Fail"),
        (
            *("v", "validating", "rev.validation.istio.io"),
            "CREATE, UPDATE * of security.istio.io, networking.istio.io",
            "Fail",
        ),
    )


def test_a_webhook_whose_place_a_tag_has_taken_is_asked_on_nothing() -> None:
    selector = {"matchLabels": {"istio.io/deactivated": "never-match"}}
    off = {**hook("namespace.sidecar-injector.istio.io"), "namespaceSelector": selector}
    answers = {f"{HOOKS}/mutatingwebhookconfigurations": listed(configuration("x", off))}
    assert [each.asked for each in ready_webhooks(mesh(answers))] == ["nothing: it is deactivated"]


@pytest.mark.parametrize(
    "unready",
    [hook("rev.validation.istio.io", policy="Ignore"), hook("rev.validation.istio.io", bundle="")],
    ids=["lenient", "no authority"],
)
def test_webhooks_are_waited_for_until_istiod_has_made_them_ready(unready: Json) -> None:
    seen: list[Json] = []

    def answer() -> Json:
        seen.append(unready if len(seen) < 2 else hook("rev.validation.istio.io"))
        return listed(configuration("v", seen[-1]))

    answers = {**hooks(), f"{HOOKS}/validatingwebhookconfigurations": answer}
    assert all(each.trusted and each.policy == "Fail" for each in ready_webhooks(mesh(answers)))
    assert len(seen) == 3

    with pytest.raises(ClusterError, match="webhooks were not ready") as caught:
        ready_webhooks(mesh(hooks(configuration("v", unready))), timeout_seconds=0.2)
    assert caught.value.where == ("not ready: rev.validation.istio.io",)


def test_a_cluster_without_webhooks_is_not_waited_for() -> None:
    assert list(ready_webhooks(mesh({}), timeout_seconds=0.0)) == []


@pytest.mark.parametrize("there", ["namespace", "definition"])
def test_a_cluster_with_istio_is_not_connected_to_as_a_bare_one(
    there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = [named("default"), *([named("istio-system")] if there == "namespace" else [])]
    kinds = [definition("Gateway", "networking.istio.io", "v1")] if there == "definition" else []
    cluster = FakeCluster({NAMESPACES: listed(*spaces), DEFINITIONS: listed(*kinds)})
    monkeypatch.setattr(installed, "connect", lambda: Mesh(cluster))
    with pytest.raises(ClusterError, match="has Istio, which this would remove") as caught:
        connect_bare()
    assert caught.value.hint is not None
    assert "up --bare" in caught.value.hint
    assert cluster.closed == 1


def test_a_cluster_without_istio_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    other = definition("Other", "example.org", "v1")
    cluster = FakeCluster({NAMESPACES: listed(named("default")), DEFINITIONS: listed(other)})
    monkeypatch.setattr(installed, "connect", lambda: Mesh(cluster))
    assert connect_bare().cluster is cluster
    assert cluster.closed == 0
