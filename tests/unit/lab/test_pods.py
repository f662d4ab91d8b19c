from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from istiolab.lab.pods import CRASHES, CRASHING, HOPELESS, is_ready, what_it_does, why_stuck


def state(name: str = "web", *, restarts: int = 0, **waiting: str) -> dict[str, Any]:
    now = {"waiting": waiting} if waiting else {"running": {}}
    return {"name": name, "restartCount": restarts, "state": now}


def pod(*states: Mapping[str, Any], first: Mapping[str, Any] | None = None) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": "Pending", "containerStatuses": list(states)}
    if first:
        status["initContainerStatuses"] = [first]
    return {"metadata": {"namespace": "some", "name": "web-1"}, "status": status}


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([("Initialized", "True"), ("Ready", "True")], True),
        ([("Initialized", "True"), ("Ready", "False")], False),
        ([("Ready", "Unknown")], False),
        ([("ContainersReady", "True")], False),
        ([], False),
    ],
)
def test_a_pod_is_ready_when_its_ready_condition_is_true(
    conditions: list[tuple[str, str]], *, ready: bool
) -> None:
    item = pod()
    item["status"]["conditions"] = [{"type": t, "status": s} for t, s in conditions]
    assert is_ready(item) == ready


def test_a_pod_without_a_status_is_neither_ready_nor_stuck() -> None:
    new = {"metadata": {"namespace": "some", "name": "new"}}
    assert (is_ready(new), why_stuck(new), what_it_does(new)) == (False, "", "Unknown")


@pytest.mark.parametrize("reason", sorted(HOPELESS))
def test_a_pod_whose_image_or_configuration_is_not_there_is_stuck_at_once(reason: str) -> None:
    assert why_stuck(pod(state("a"), state("b", reason=reason))) == f"container b: {reason}"


@pytest.mark.parametrize("reason", sorted(CRASHING))
def test_a_pod_is_stuck_when_it_has_crashed_repeatedly_and_not_before(reason: str) -> None:
    assert why_stuck(pod(state(restarts=CRASHES - 1, reason=reason))) == ""
    stuck = pod(state(restarts=CRASHES, reason=reason))
    assert why_stuck(stuck) == f"container web: {reason}, restarted 2 times"


def test_a_container_that_must_end_first_can_be_stuck_as_well() -> None:
    first = state("istio-init", restarts=5, reason="CrashLoopBackOff")
    stuck = pod(state(reason="PodInitializing"), first=first)
    assert why_stuck(stuck).startswith("container istio-init: CrashLoopBackOff")
    assert what_it_does(stuck) == "CrashLoopBackOff"


@pytest.mark.parametrize("reason", ["PodInitializing", "ContainerCreating", "ErrImagePull"])
def test_a_pod_that_may_still_come_is_not_stuck(reason: str) -> None:
    item = pod(state(restarts=9, reason=reason))
    assert (why_stuck(item), what_it_does(item)) == ("", reason)


def test_a_pod_that_runs_after_crashes_or_is_going_is_not_stuck() -> None:
    assert why_stuck(pod(state(restarts=9))) == ""
    going = pod(state(reason="ErrImageNeverPull"))
    going["metadata"]["deletionTimestamp"] = "2026-01-26T07:54:42Z"
    assert why_stuck(going) == ""


def test_a_kubelet_that_has_just_begun_is_waited_for() -> None:
    early = state(
        reason="CreateContainerConfigError",
        message="services have not yet been read at least once, cannot construct envvars",
    )
    assert why_stuck(pod(early)) == ""
