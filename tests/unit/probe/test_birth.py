from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.pods import LivePod
from istiolab.probe import birth
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.birth import (
    compare_pods,
    containers,
    differences,
    events,
    read_object,
    wait_for_entries,
)
from istiolab.system.retry import Waited
from tests.unit.mesh.fakes import FakeCluster, listed, pod
from tests.unit.probe.build import entry

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def spec(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": f"{name}:1", **more}


def tree(**more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "a-1", "uid": "1", "labels": {"app": "a", "pod-template-hash": "x"}},
        "spec": {
            "containers": [spec("a")],
            "volumes": [{"name": "kube-api-access-abcde", "projected": {}}],
            **more,
        },
        "status": {"phase": "Running"},
    }


def event(revision: str, reason: str, field: str | None = None) -> Json:
    involved = {"fieldPath": field} if field else {}
    return {
        "metadata": {"resourceVersion": revision},
        "involvedObject": involved,
        "reason": reason,
        "message": f"{reason}!",
    }


def live(found: Json | None = None, *said: Json) -> LivePod:
    cluster = FakeCluster(
        {
            "/api/v1/namespaces/demo/pods/a-1": found or tree(),
            "/api/v1/namespaces/demo/events": listed(*said),
        }
    )
    return LivePod(cluster=cluster, pod=pod("a-1"))


def test_events_are_in_the_order_in_which_they_were_written_as_numbers() -> None:
    found = events(
        live(
            None,
            event("100", "Started", "spec.containers{a}"),
            event("99", "Created", "spec.initContainers{istio-init}"),
            event("9", "Scheduled"),
        )
    )
    assert [(one.reason, one.container) for one in found] == [
        ("Scheduled", ""),
        ("Created", "istio-init"),
        ("Started", "a"),
    ]


def test_an_init_container_that_restarts_always_is_a_sidecar() -> None:
    found = containers(
        live(
            tree(
                initContainers=[
                    spec(
                        "init",
                        securityContext={"runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}},
                    ),
                    spec("proxy", restartPolicy="Always"),
                ]
            )
        )
    )
    assert [(one.name, one.kind) for one in found] == [
        ("init", "init container"),
        ("proxy", "sidecar container"),
        ("a", "container"),
    ]
    assert (found[0].user, found[0].capabilities) == ("0", ("NET_ADMIN",))
    assert (found[2].user, found[2].restarts) == ("", "")


def test_two_pods_of_one_deployment_differ_in_nothing_but_what_each_has_of_its_own() -> None:
    other = deepcopy(tree())
    other["metadata"] |= {"name": "a-2", "uid": "2"}
    other["metadata"]["labels"]["pod-template-hash"] = "y"
    other["spec"]["volumes"][0]["name"] = "kube-api-access-vwxyz"
    assert list(compare_pods(tree(), other)) == []


def test_what_was_put_into_a_pod_is_told_item_by_item() -> None:
    before = read_object(live())
    after = read_object(live(tree(initContainers=[spec("proxy", args=["a", "b"])])))
    (found,) = compare_pods(before, after)
    assert (found.place, found.before) == ("spec.initContainers.proxy", "")
    assert found.after == "image: proxy:1, args: [a, b]"


def test_a_changed_field_shows_both_values_and_a_long_one_is_cut() -> None:
    (found,) = differences({"a": {"b": "x"}}, {"a": {"b": "y" * 200}})
    assert (found.place, found.before) == ("a.b", "x")
    assert found.after == "y" * 120 + "…"


@given(TREES)
def test_a_tree_does_not_differ_from_itself(value: Any) -> None:
    assert list(differences(value, deepcopy(value))) == []


@given(TREES, TREES)
def test_trees_that_are_not_equal_differ_somewhere(one: Any, other: Any) -> None:
    # What is not there, and what is there as nothing, are the same to the API.
    if _without_none(one) != _without_none(other):
        assert list(differences(one, other))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return repr(value)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Let the log say something else at each look; after the last one comes the deadline."""

    def prepare(*looks: list[AccessLogEntry]) -> list[int]:
        asked: list[int] = []

        def wait(_what: str, look: Any, *, timeout_seconds: float) -> Waited:
            done = any(look().done for _ in looks)
            return Waited(done=done, seconds=timeout_seconds, attempts=1, detail="")

        monkeypatch.setattr(birth, "wait_for", wait)
        monkeypatch.setattr(birth, "access_log", lambda _pod: looks[max(0, len(asked) - 1)])
        return asked

    return prepare


OWN = entry(path="-", upstream_cluster="PassthroughCluster")
CAME_IN = entry(path="/test", upstream_cluster="inbound|80||")


@pytest.mark.parametrize("logged", [[], [OWN]])
def test_a_log_without_what_came_in_is_an_error_and_not_an_empty_table(
    waiting: Callable[..., list[int]], logged: list[AccessLogEntry]
) -> None:
    asked = waiting(logged, logged, logged)
    with pytest.raises(ClusterError, match="has logged no request in 60 s"):
        wait_for_entries(lambda: asked.append(1), live())
    assert asked == [1, 1, 1]


def test_what_the_workload_asked_of_others_is_not_taken_for_what_came_in(
    waiting: Callable[..., list[int]],
) -> None:
    asked = waiting([OWN], [OWN, CAME_IN])
    assert list(wait_for_entries(lambda: asked.append(1), live())) == [CAME_IN]
    assert asked == [1, 1]
