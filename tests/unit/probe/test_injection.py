from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.mesh.session import Mesh
from istiolab.probe.injection import (
    NAMESPACE_LABELS,
    SWITCH,
    Asked,
    Switches,
    ask_for_pod,
    container_names,
    fill_switchboard,
    pod_body,
    read_webhook,
    switchboard,
    webhooks,
)
from tests.unit.mesh.fakes import FakeCluster, listed

PODS = "/pods"


class Webhooked(FakeCluster):
    """A cluster that gives a sidecar to what its namespace's label and the pod's label ask for."""

    def request(self, method: str, path: str, **how: Any) -> bytes:
        if method != "POST" or not path.endswith(PODS):
            return super().request(method, path, **how)
        assert how["query"] == {"dryRun": "All"}, "a pod would really be made"
        body = json.loads(json.dumps(how["body"]))
        body["spec"]["containers"].insert(0, {"name": "istio-proxy"})
        return json.dumps(body).encode()


@pytest.mark.parametrize("host_network", [True, False])
def test_a_pod_is_asked_for_by_a_dry_run_with_just_what_is_set(*, host_network: bool) -> None:
    with Mesh(Webhooked()) as mesh:
        asked = ask_for_pod(
            mesh, mesh.namespace("a"), annotation="false", host_network=host_network
        )
    assert asked.injected
    assert asked.row() == {
        "namespace label": "not set",
        "pod label": "not set",
        "pod annotation": "false",
        "network": "the node's" if host_network else "its own",
        "containers": "istio-proxy, app",
    }


def test_every_setting_of_the_three_switches_is_asked_once() -> None:
    cluster = Webhooked()
    with Mesh(cluster) as mesh:
        asked = fill_switchboard(mesh)
    assert len({each.switches for each in asked}) == len(asked) == 27
    assert len(cluster.made("PATCH")) == 2, "the namespace without a label stays without"


@given(st.sets(st.tuples(st.sampled_from(NAMESPACE_LABELS), *[st.sampled_from(SWITCH)] * 2)))
def test_the_switchboard_shows_each_answer_in_its_own_place(
    injected: set[tuple[str | None, str | None, str | None]],
) -> None:
    asked = [
        Asked(
            switches=Switches(namespace=namespace, label=label, annotation=annotation),
            host_network=False,
            containers=("istio-proxy",) if (namespace, label, annotation) in injected else ("app",),
        )
        for namespace in NAMESPACE_LABELS
        for label in SWITCH
        for annotation in SWITCH
    ]
    table = switchboard(asked)
    cells = [cell for row in table.rows for cell in row[2:]]
    assert cells == [each.said for each in asked]
    assert cells.count("sidecar") == len(injected)


def test_what_was_not_asked_is_empty_and_not_an_answer() -> None:
    assert {cell for row in switchboard([]).rows for cell in row[2:]} == {""}


def test_a_body_holds_no_switch_that_is_not_set() -> None:
    body = pod_body(label=None, annotation=None, host_network=False)
    assert (body["metadata"]["labels"], body["metadata"]["annotations"]) == ({}, {})


def test_containers_that_run_first_are_named_first() -> None:
    pod = {"spec": {"initContainers": [{"name": "a"}], "containers": [{"name": "b"}]}}
    assert container_names(pod) == ("a", "b")


def test_a_webhooks_selectors_read_as_conditions() -> None:
    hook = {
        "name": "some",
        "namespaceSelector": {
            "matchLabels": {"team": "a"},
            "matchExpressions": [
                {"key": "istio-injection", "operator": "In", "values": ["enabled", "on"]},
                {"key": "istio.io/rev", "operator": "DoesNotExist"},
            ],
        },
        "objectSelector": {
            "matchExpressions": [
                {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]},
                {"key": "app", "operator": "Exists"},
            ]
        },
    }
    assert read_webhook(hook).row() == {
        "webhook": "some",
        "namespace's labels": (
            "team is a; istio-injection is enabled or on; istio.io/rev is not set"
        ),
        "pod's labels": "sidecar.istio.io/inject is not false; app is set",
    }


def test_webhooks_of_others_and_those_that_are_switched_off_are_left_out() -> None:
    off = {"matchLabels": {"istio.io/deactivated": "never-match"}}
    configuration = {
        "webhooks": [
            {"name": "namespace.sidecar-injector.istio.io"},
            {"name": "rev.namespace.sidecar-injector.istio.io", "namespaceSelector": off},
            {"name": "something.else"},
        ]
    }
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    with Mesh(FakeCluster({path: listed(configuration)})) as mesh:
        found = webhooks(mesh)
    assert [each.name for each in found] == ["namespace.sidecar-injector.istio.io"]
