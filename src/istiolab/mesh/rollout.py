"""A deployment's rollout: is it done, can it still be, and what is wrong if not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster, Json
from istiolab.mesh.pods import Pod, read_pod
from istiolab.mesh.waits import wait_for
from istiolab.system.retry import Answer

TAIL_LINES = 10


def judge(deployment: Json, pods: Sequence[Pod]) -> Answer:
    """Say whether a deployment runs as it was asked to, and nothing older is left of it.

    Old pods must be gone, not only replaced: until then a request may still reach one.

    Args:
        deployment: the API's JSON.
        pods: the pods that its selector finds.
    """
    hopeless = _hopeless(deployment, pods)
    if hopeless:
        return Answer(done=False, hopeless=True, detail=hopeless)
    status = deployment.get("status", {})
    wanted = deployment["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Answer(done=False, detail="not yet seen by the controller")
    ready = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    if ready < wanted:
        return Answer(done=False, detail=f"{ready} of {wanted} pods ready")
    if len(pods) > wanted:
        return Answer(done=False, detail=f"{len(pods) - wanted} old pods are still there")
    return Answer(done=True, detail=f"{wanted} pods ready")


def _hopeless(deployment: Json, pods: Sequence[Pod]) -> str:
    """Return why waiting is pointless; empty if it is not."""
    stuck = next((pod for pod in pods if pod.stuck), None)
    if stuck is not None:
        return f"pod {stuck.name}: {stuck.stuck}"
    conditions = {item["type"]: item for item in deployment.get("status", {}).get("conditions", ())}
    failure = conditions.get("ReplicaFailure", {})
    # Quotas and admission say "forbidden"; any other failure to make a pod may pass.
    if failure.get("status") == "True" and "forbidden" in str(failure.get("message", "")):
        return str(failure["message"])
    return ""


def wait_for_rollout(
    cluster: Cluster, namespace: str, deployment: str, *, timeout_seconds: float
) -> tuple[Pod, ...]:
    """Wait until `judge` is content, and return the deployment's pods.

    Raises:
        ClusterError: the deadline has passed or waiting is pointless, with the pods' states, the
            last warnings and the last log lines.
    """
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"
    seen: list[Pod] = []

    def look() -> Answer:
        found = cluster.get(path)
        seen[:] = selected(cluster, namespace, found)
        return judge(found, seen)

    waited = wait_for(f"rollout of {deployment}", look, timeout_seconds=timeout_seconds)
    if waited.done:
        return tuple(sorted(seen, key=lambda pod: pod.name))
    raise ClusterError(
        f"deployment `{namespace}/{deployment}` was not ready after {waited.seconds:.0f} s",
        where=(f"last look: {waited.detail}", *describe(cluster, namespace, seen)),
        hint=f"see more: `kubectl describe pods -n {namespace}`",
    )


def selected(cluster: Cluster, namespace: str, deployment: Json) -> list[Pod]:
    """Return the pods that a deployment's selector finds."""
    labels = deployment["spec"]["selector"].get("matchLabels", {})
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    found = cluster.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)
    return [read_pod(item) for item in found]


def describe(cluster: Cluster, namespace: str, pods: Iterable[Pod]) -> tuple[str, ...]:
    """Return the evidence on pods that are not ready: states, warnings, last log lines."""
    lines: list[str] = []
    for pod in pods:
        lines.append(f"pod {pod.name}: {pod.ready} {pod.status}")
        if pod.ready_containers < len(pod.containers):
            lines += _last_lines(cluster, pod)
    return (*lines, *warnings(cluster, namespace))


def warnings(cluster: Cluster, namespace: str, *, last: int = 5) -> list[str]:
    """Return the namespace's last warning events, one line each."""
    found = cluster.items(f"/api/v1/namespaces/{namespace}/events", fieldSelector="type=Warning")
    found.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""))
    return [
        f"event: {item['involvedObject'].get('name', '')}: {item.get('reason', '')}: "
        f"{str(item.get('message', '')).strip()}"
        for item in found[-last:]
    ]


def _last_lines(cluster: Cluster, pod: Pod) -> list[str]:
    lines = []
    for container in (*pod.init_containers, *pod.containers):
        try:
            text = cluster.text(
                f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log",
                container=container,
                tailLines=str(TAIL_LINES),
            )
        except ClusterError:
            continue  # a container that never started has no log
        lines += [f"| {container}: {line}" for line in text.splitlines()]
    return lines
