from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import ClusterError, SilentError
from istiolab.mesh import preflight as module
from istiolab.mesh.client import Json
from istiolab.mesh.preflight import preflight
from istiolab.mesh.refusals import refusal
from istiolab.mesh.revision import WEBHOOKS, ControlPlane
from tests.unit.mesh.fakes import FakeCluster, an_object, listed
from tests.unit.mesh.test_revision import INJECTION, by_revision, injector

ISTIODS = "/apis/apps/v1/deployments?labelSelector=app%3Distiod%2Cistio.io%2Frev%3D{}"
NAMESPACES = "/api/v1/namespaces"
AWAY = "/apis/away.example/v1"
FORBIDDEN = refusal("GET", 403, b'{"message": "not you"}')
STDOUT = {"data": {"mesh": "accessLogFile: /dev/stdout"}}


def istiod(*, namespace: str = "istio-system", ready: int = 1) -> Json:
    return listed(an_object("istiod", namespace=namespace, status={"readyReplicas": ready}))


class Given(FakeCluster):
    """A cluster that has and allows what the notebooks need, but for what it is told."""

    def __init__(self, revision: str = "default") -> None:
        super().__init__(
            {
                "/apis": {"groups": []},
                "/api/v1": {"resources": []},
                NAMESPACES: listed(an_object("kube-system"), an_object("default")),
                WEBHOOKS: listed(injector("default", INJECTION)),
                ISTIODS.format(revision): istiod(),
                ControlPlane(revision=revision).config_map: STDOUT,
            }
        )
        self.denied: set[tuple[str, str]] = set()
        self.refuses: Callable[[Json], str] = lambda _made: ""
        self.injects = True
        self.asked = ""

    def request(self, method: str, path: str, **how: Any) -> bytes:
        if method == "GET":
            return super().request(method, path, **how)
        body = how["body"]
        if path.endswith("/selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            return json.dumps(
                {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.denied}}
            ).encode()
        assert (method, how["query"]) == ("POST", {"dryRun": "All"}), "something was changed"
        if why := self.refuses(body):
            raise refusal("POST", 403, json.dumps({"message": why}).encode())
        made = {**body, "spec": {**body.get("spec", {}), "initContainers": []}}
        if self.injects:
            made["spec"]["initContainers"] = [{"name": "istio-proxy"}]
        self.asked = path
        return json.dumps(made).encode()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    made = Given()
    monkeypatch.setattr(module, "open_cluster", lambda _: made)
    return made


def run() -> tuple[str, ...]:
    return preflight(Path("nowhere"), "nginx")


def lacks() -> tuple[str, ...]:
    with pytest.raises(ClusterError, match="nothing was changed") as caught:
        run()
    return caught.value.where


def test_a_cluster_that_has_and_allows_all_is_fit_and_nothing_is_changed(given: Given) -> None:
    assert run() == ()
    assert given.asked == f"{NAMESPACES}/default/pods"
    assert given.closed == 1


def test_all_that_is_lacking_is_told_at_once(given: Given) -> None:
    given.denied = {("create", "namespaces"), ("create", "pods")}
    kinds = [{"name": "secrets", "kind": "Secret", "verbs": ["list"]}]
    given.answers["/api/v1"] = {"resources": kinds}
    given.answers["/api/v1/secrets"] = FORBIDDEN
    given.injects = False
    rights, pod = lacks()
    assert "may not: create namespaces, create pods, create pods/exec, list /api/v1/secrets" in (
        rights
    )
    assert "Istio injects no sidecar" in pod


def test_rights_to_look_around_are_told_too(given: Given) -> None:
    given.answers[NAMESPACES] = given.answers[WEBHOOKS] = FORBIDDEN
    (rights,) = lacks()
    assert f"may not: list {NAMESPACES}" in rights


@pytest.mark.parametrize(
    ("istiods", "said"),
    [
        (listed(), "no Istio is ready"),
        (istiod(ready=0), "no Istio is ready"),
        (istiod(namespace="mesh"), "in the namespace mesh, not in istio-system"),
    ],
)
def test_an_istio_that_cannot_be_used_is_told(given: Given, istiods: Json, said: str) -> None:
    given.answers[ISTIODS.format("default")] = istiods
    (lack,) = lacks()
    assert said in lack


def test_several_revisions_without_a_default_are_told_with_the_way_out(given: Given) -> None:
    given.answers[WEBHOOKS] = listed(by_revision("r1"), by_revision("r2"))
    (lack,) = lacks()
    assert "istioctl tag set default" in lack


def test_a_mesh_without_its_configuration_is_told(given: Given) -> None:
    del given.answers[ControlPlane().config_map]
    (lack,) = lacks()
    assert ControlPlane().config_map in lack


def test_a_revision_alone_is_fit_and_what_differs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Given("r1")
    given.answers[WEBHOOKS] = listed(by_revision("r1"))
    labels: list[Json] = []
    given.refuses = lambda made: labels.append(made["metadata"]["labels"]) or ""  # type: ignore[func-returns-value]
    monkeypatch.setattr(module, "open_cluster", lambda _: given)
    (note,) = run()
    assert "istio.io/rev=r1 alone" in note
    assert all(each["istio.io/rev"] == "r1" for each in labels)


def test_what_cannot_be_read_of_the_access_log_is_said(given: Given) -> None:
    given.answers[ControlPlane().config_map] = {"data": {"mesh": "accessLogFormat: a"}}
    (note,) = run()
    assert "`accessLogFile` is not set" in note


def test_policies_that_refuse_the_notebooks_pods_are_told(given: Given) -> None:
    given.refuses = lambda made: "violates PodSecurity" if made["kind"] == "Pod" else "no label"
    namespace, pod = lacks()
    assert "no label" in namespace
    assert "violates PodSecurity" in pod


def test_pods_that_only_some_notebooks_make_may_be_refused(given: Given) -> None:
    given.refuses = lambda made: "no NET_ADMIN" if "NET_ADMIN" in str(made) else ""
    (note,) = run()
    assert "no NET_ADMIN" in note


@pytest.mark.parametrize(
    "label", ["pod-security.kubernetes.io/enforce", "istio-injection", "istio.io/rev"]
)
def test_pods_are_tried_where_no_label_decides_on_them(given: Given, label: str) -> None:
    told = an_object("default", metadata={"labels": {label: "any"}})
    given.answers[NAMESPACES] = listed(told, an_object("kube-public"), an_object("plain"))
    assert run() == ()
    assert given.asked == f"{NAMESPACES}/plain/pods"
    given.answers[NAMESPACES] = listed(told, an_object("kube-public"))
    (note,) = run()
    assert "is not known" in note


@pytest.mark.parametrize("aggregated", [True, False])
def test_an_api_that_is_unavailable_is_said_and_only_the_clusters_own_is_a_lack(
    given: Given, *, aggregated: bool
) -> None:
    given.answers["/apis"] = {"groups": [{"preferredVersion": {"groupVersion": "away.example/v1"}}]}
    given.answers[AWAY] = refusal("GET", 503, b"unavailable")
    service = "/apis/apiregistration.k8s.io/v1/apiservices/v1.away.example"
    given.answers[service] = {"spec": {"service": {"name": "gone"}} if aggregated else {}}
    (said,) = run() if aggregated else lacks()
    assert AWAY in said
    assert "503" in said


def test_a_cluster_that_falls_silent_is_no_lack(given: Given) -> None:
    given.answers[WEBHOOKS] = SilentError("it does not answer")
    with pytest.raises(SilentError):
        run()
    assert given.closed == 1
