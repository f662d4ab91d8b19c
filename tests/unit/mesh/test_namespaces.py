from __future__ import annotations

import re
from pathlib import Path

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh import namespaces
from istiolab.mesh.client import Json
from istiolab.mesh.refusals import TakenError
from tests.unit.mesh.fakes import FakeCluster, listed

NOWHERE = Path("nowhere")


def named(*names: str) -> Json:
    return listed(*({"metadata": {"name": name}} for name in names))


def test_prefixes_are_valid_names_and_differ() -> None:
    made = {namespaces.new_prefix() for _ in range(20)}
    assert all(re.fullmatch(r"il-[0-9a-f]{4}", prefix) for prefix in made)
    assert len(made) > 1


def test_a_namespace_is_made_with_its_owner_and_once_only() -> None:
    cluster = FakeCluster()
    namespaces.create(cluster, "il-a-demo", owner="il-a")
    made = cluster.objects["/api/v1/namespaces/il-a-demo"]
    assert made["metadata"]["labels"] == {"istiolab.dev/owner": "il-a"}
    with pytest.raises(TakenError):
        namespaces.create(cluster, "il-a-demo", owner="il-a")


@pytest.mark.parametrize(("on", "value"), [(True, "enabled"), (False, "disabled")])
def test_injection_is_a_label_merged_into_the_others(*, on: bool, value: str) -> None:
    cluster = FakeCluster()
    namespaces.set_injection(cluster, "demo", on=on)
    (call,) = cluster.made("PATCH")
    assert (call.path, call.content_type) == (
        "/api/v1/namespaces/demo",
        "application/merge-patch+json",
    )
    assert call.body == {"metadata": {"labels": {"istio-injection": value, "istio.io/rev": None}}}


def test_deletion_takes_the_namespace_first_then_its_pods_at_once() -> None:
    cluster = FakeCluster()
    namespaces.create(cluster, "demo", owner="il-a")
    namespaces.start_deletion(cluster, "demo")
    assert [(call.path, dict(call.query)) for call in cluster.made("DELETE")] == [
        ("/api/v1/namespaces/demo", {}),
        ("/api/v1/namespaces/demo/pods", {"gracePeriodSeconds": "0"}),
    ]


def test_deleting_a_namespace_that_is_not_there_is_no_error() -> None:
    cluster = FakeCluster()
    namespaces.start_deletion(cluster, "demo")
    assert len(cluster.made("DELETE")) == 1


def test_only_namespaces_with_our_label_and_the_prefix_are_found_sorted() -> None:
    ours = "/api/v1/namespaces?labelSelector=istiolab.dev%2Fowner"
    cluster = FakeCluster(
        {ours: named("il-b", "il-a-2", "il-a-1"), "/api/v1/namespaces": named("il-a-not-ours")}
    )
    assert namespaces.prefixed(cluster, "il-a") == ["il-a-1", "il-a-2"]


def use(monkeypatch: pytest.MonkeyPatch, *looks: Json) -> FakeCluster:
    waiting = list(looks)
    cluster = FakeCluster(
        {"/api/v1/namespaces": lambda: waiting.pop(0) if len(waiting) > 1 else waiting[0]}
    )
    monkeypatch.setattr(namespaces, "open_cluster", lambda _, **_how: cluster)
    return cluster


def test_namespaces_of_a_prefix_are_deleted_until_they_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = use(monkeypatch, named("il-a-1", "il-a-2", "il-b"), named("il-a-2"), named("il-b"))
    namespaces.delete_prefixed(NOWHERE, "il-a")
    deleted = [call.path.rpartition("/")[2] for call in cluster.made("DELETE")]
    assert sorted(deleted) == ["il-a-1", "il-a-2"]
    assert cluster.closed == 2


def test_deletion_of_a_prefix_is_begun_without_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, named("il-a-1", "il-a-2", "il-b"))
    namespaces.begin_deletion(NOWHERE, "il-a")
    begun = {call.path.rpartition("/")[2] for call in cluster.made("DELETE")}
    assert begun == {"il-a-1", "il-a-2"}
    assert (len(cluster.made("GET")), cluster.closed) == (1, 1)


def test_several_prefixes_are_waited_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, named("il-a-1", "il-b-1", "il-c"), named("il-b-1"), named("il-c"))
    namespaces.wait_until_gone(NOWHERE, ("il-a", "il-b"))
    assert (len(cluster.made("GET")), cluster.made("DELETE")) == (3, [])


def test_namespaces_that_stay_are_named_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, named("il-a-1", "il-a-2"))
    with pytest.raises(ClusterError, match="namespaces are still there after 0 s") as caught:
        namespaces.delete_prefixed(NOWHERE, "il-a", timeout_seconds=0)
    assert caught.value.where == ("left: il-a-1, il-a-2",)
    assert "-l istiolab.dev/owner" in (caught.value.hint or "")
    assert cluster.closed == 2


def test_what_an_unavailable_api_keeps_of_a_namespace_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {
        "NamespaceDeletionDiscoveryFailure": "True",
        "NamespaceDeletionContentFailure": "False",
        "NamespaceContentRemaining": "False",
        "NamespaceFinalizersRemaining": "False",
    }
    conditions = [{"type": name, "status": status} for name, status in told.items()]
    shell = {"metadata": {"name": "il-a-1"}, "status": {"conditions": conditions}}
    cluster = use(monkeypatch, named("il-a-1", "il-a-2"), {"items": [shell]})
    namespaces.wait_until_gone(NOWHERE, ("il-a",))
    assert len(cluster.made("GET")) == 2
