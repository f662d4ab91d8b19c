from __future__ import annotations

from typing import Any

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.refusals import MissingError
from istiolab.mesh.rollout import describe, judge, selected, wait_for_rollout, warnings
from istiolab.system.retry import Answer
from tests.unit.mesh.fakes import FakeCluster, listed, pod, pod_json

ROOT = "/api/v1/namespaces/demo"
DEPLOYMENT = "/apis/apps/v1/namespaces/demo/deployments/web"


def deployment(
    *,
    replicas: int | None = None,
    seen: int = 2,
    updated: int = 1,
    available: int = 1,
    conditions: tuple[Json, ...] = (),
) -> Json:
    spec: dict[str, Any] = {"selector": {"matchLabels": {"tier": "b", "app": "web"}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "metadata": {"name": "web", "generation": 2},
        "spec": spec,
        "status": {
            "observedGeneration": seen,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "conditions": list(conditions),
        },
    }


def test_a_deployment_with_its_pods_ready_and_no_others_is_done() -> None:
    assert judge(deployment(), [pod()]) == Answer(done=True, detail="1 pods ready")
    three = deployment(replicas=3, updated=3, available=3)
    assert judge(three, [pod("a"), pod("b"), pod("c")]).done


def test_a_deployment_scaled_to_none_is_done_when_its_pods_are_gone() -> None:
    none = deployment(replicas=0, updated=0, available=0)
    assert judge(none, []).done
    assert judge(none, [pod(terminating=True)]).detail == "1 old pods are still there"


def test_what_the_controller_has_not_seen_yet_is_not_done() -> None:
    unseen = Answer(done=False, detail="not yet seen by the controller")
    assert judge(deployment(seen=1), [pod()]) == unseen
    new = {"metadata": {"generation": 1}, "spec": {"selector": {}}}
    assert judge(new, []) == unseen


@pytest.mark.parametrize(("updated", "available"), [(1, 2), (2, 1)])
def test_pods_must_be_of_the_new_kind_and_available(updated: int, available: int) -> None:
    answer = judge(
        deployment(replicas=2, updated=updated, available=available), [pod("a"), pod("b")]
    )
    assert answer == Answer(done=False, detail="1 of 2 pods ready")


def test_an_old_pod_on_its_way_out_is_waited_for() -> None:
    answer = judge(deployment(), [pod("new"), pod("old", status="Terminating", terminating=True)])
    assert answer == Answer(done=False, detail="1 old pods are still there")


def test_a_pod_that_is_stuck_makes_waiting_hopeless() -> None:
    answer = judge(deployment(available=0), [pod("a"), pod("b", stuck="no such image")])
    assert answer == Answer(done=False, hopeless=True, detail="pod b: no such image")


@pytest.mark.parametrize("reason", ["Pending", "ErrImagePull", "Running", "Terminating"])
def test_a_pod_that_may_still_come_is_not_hopeless(reason: str) -> None:
    assert not judge(deployment(available=0), [pod(status=reason)]).hopeless


def failure(message: str, status: str = "True") -> Json:
    return {"type": "ReplicaFailure", "status": status, "message": message}


def test_pods_that_may_not_be_made_are_hopeless_and_other_failures_are_not() -> None:
    quota = "pods is forbidden: exceeded quota"
    answer = judge(deployment(available=0, conditions=(failure(quota),)), [])
    assert answer == Answer(done=False, hopeless=True, detail=quota)
    for passing in (failure("webhook: connection refused"), failure(quota, "False")):
        assert not judge(deployment(available=0, conditions=(passing,)), []).hopeless


def test_a_deployment_may_come_after_its_own_progress_deadline() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert not judge(deployment(available=0, conditions=(late,)), [pod()]).hopeless


def on_cluster(found: Json, *pods: Json) -> FakeCluster:
    return FakeCluster(
        {DEPLOYMENT: found, f"{ROOT}/pods": listed(*pods), f"{ROOT}/events": listed()}
    )


def test_pods_are_selected_by_all_labels_of_the_deployment() -> None:
    cluster = on_cluster(deployment(), pod_json())
    assert [found.name for found in selected(cluster, "demo", deployment())] == ["web-1"]
    assert cluster.calls[0].query == {"labelSelector": "app=web,tier=b"}


def test_a_rollout_that_is_done_gives_its_pods_by_name() -> None:
    cluster = on_cluster(
        deployment(replicas=2, updated=2, available=2), pod_json("web-2"), pod_json("web-1")
    )
    ready = wait_for_rollout(cluster, "demo", "web", timeout_seconds=0)
    assert [found.name for found in ready] == ["web-1", "web-2"]


def test_a_rollout_is_looked_at_until_it_is_done() -> None:
    looks = [deployment(available=0), deployment()]
    cluster = on_cluster(deployment(), pod_json())
    cluster.answers[DEPLOYMENT] = lambda: looks.pop(0)
    assert len(wait_for_rollout(cluster, "demo", "web", timeout_seconds=10)) == 1
    assert looks == []


def test_a_rollout_that_is_late_tells_what_was_seen_with_events_and_log_lines() -> None:
    cluster = on_cluster(deployment(available=0), pod_json(unready=["web"]))
    cluster.answers[f"{ROOT}/pods/web-1/log?container=web&tailLines=10"] = "starting\nstill\n"
    cluster.answers[f"{ROOT}/events"] = listed(event("07:54", "Unhealthy"))
    with pytest.raises(ClusterError) as caught:
        wait_for_rollout(cluster, "demo", "web", timeout_seconds=0)
    assert caught.value.message == "deployment `demo/web` was not ready after 0 s"
    assert caught.value.where == (
        "last look: 0 of 1 pods ready",
        "pod web-1: 0/1 Running",
        "| web: starting",
        "| web: still",
        "event: web-1: Unhealthy: said so",
    )
    assert caught.value.hint == "see more: `kubectl describe pods -n demo`"


def test_a_hopeless_rollout_is_not_waited_for() -> None:
    cluster = on_cluster(deployment(available=0), pod_json(waiting={"web": "ImagePullBackOff"}))
    with pytest.raises(ClusterError, match="was not ready after 0 s") as caught:
        wait_for_rollout(cluster, "demo", "web", timeout_seconds=600)
    assert caught.value.where[0] == "last look: pod web-1: container web: ImagePullBackOff"
    assert len([call for call in cluster.calls if call.path == DEPLOYMENT]) == 1


def test_a_deployment_that_is_not_there_is_missing() -> None:
    with pytest.raises(MissingError):
        wait_for_rollout(FakeCluster(), "demo", "web", timeout_seconds=600)


def test_pods_that_are_ready_have_no_log_in_the_evidence() -> None:
    cluster = on_cluster(deployment())
    assert describe(cluster, "demo", [pod()]) == ("pod web-1: 1/1 Running",)
    assert not [call.path for call in cluster.calls if call.path.endswith("/log")]


def event(minute: str, reason: str) -> Json:
    return {
        "lastTimestamp": f"2026-01-26T{minute}:00Z",
        "reason": reason,
        "involvedObject": {"name": "web-1"},
        "message": " said so\n",
    }


def test_the_last_warnings_come_in_the_order_of_time() -> None:
    cluster = FakeCluster(
        {
            f"{ROOT}/events?fieldSelector=type%3DWarning": listed(
                *(event(f"07:0{minute}", f"R{minute}") for minute in (3, 1, 2)),
                {"involvedObject": {}, "eventTime": "2026-01-26T06:00:00Z", "reason": "R0"},
            )
        }
    )
    assert warnings(cluster, "demo", last=2) == [
        "event: web-1: R2: said so",
        "event: web-1: R3: said so",
    ]
    assert warnings(cluster, "demo")[0] == "event: : R0: "


def test_a_container_that_must_end_first_and_cannot_is_hopeless_with_its_log() -> None:
    waiting = {"istio-init": "CrashLoopBackOff", "web": "PodInitializing"}
    stuck = pod_json(init=["istio-init"], waiting=waiting, phase="Pending", restarts=2)
    log = f"{ROOT}/pods/web-1/log?container=istio-init&tailLines=10"
    cluster = FakeCluster(
        {
            DEPLOYMENT: deployment(available=0),
            f"{ROOT}/pods": listed(stuck),
            f"{ROOT}/events": listed(),
            log: "iptables: no such table\n",
        }
    )
    with pytest.raises(ClusterError) as caught:
        wait_for_rollout(cluster, "demo", "web", timeout_seconds=60)
    assert caught.value.where[0] == (
        "last look: pod web-1: container istio-init: CrashLoopBackOff, restarted 2 times"
    )
    assert "| istio-init: iptables: no such table" in caught.value.where
