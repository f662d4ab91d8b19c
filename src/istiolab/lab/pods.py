"""A pod as the API tells it in; whether it is ready, what it does, and whether it is stuck out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]

# Reasons with which the kubelet says that it keeps trying the same thing in vain.
HOPELESS = frozenset(
    {"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"}
)
# Those of a container that ended: the next one may do better, so that one end says little.
CRASHING = frozenset({"CrashLoopBackOff", "RunContainerError"})
CRASHES = 2
# A kubelet that has just begun says so for a moment.
_NOT_YET = "services have not yet been read"


def is_ready(pod: Json) -> bool:
    """Tell whether the pod says that it is Ready."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod.get("status", {}).get("conditions", ())
    )


def is_static(pod: Json) -> bool:
    """Tell whether the kubelet made the pod from a file: the control plane's pods are such."""
    return "kubernetes.io/config.mirror" in pod["metadata"].get("annotations", {})


def what_it_does(pod: Json) -> str:
    """Return why a container of the pod waits, else the pod's phase."""
    waits = (str(_waiting(state).get("reason", "")) for state in _states(pod))
    return next(filter(None, waits), str(pod.get("status", {}).get("phase", "Unknown")))


def why_stuck(pod: Json) -> str:
    """Return why waiting for the pod is pointless; empty if it is not.

    A container that crashes must have been restarted `CRASHES` times: on a slow machine one may
    begin before what it needs.
    """
    if "deletionTimestamp" in pod["metadata"]:
        return ""
    for state in _states(pod):
        waiting, restarts = _waiting(state), int(state.get("restartCount", 0))
        reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        if reason in HOPELESS and _NOT_YET not in message:
            return f"container {state['name']}: {reason}"
        if reason in CRASHING and restarts >= CRASHES:
            return f"container {state['name']}: {reason}, restarted {restarts} times"
    return ""


def _waiting(state: Json) -> Json:
    waiting: Json = state.get("state", {}).get("waiting", {})
    return waiting


def _states(pod: Json) -> Iterable[Json]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses", ())
    yield from status.get("containerStatuses", ())
