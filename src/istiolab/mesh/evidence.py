"""What a cluster knows about namespaces in which something went wrong, as text."""

from __future__ import annotations

from pathlib import Path

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster, open_cluster
from istiolab.mesh.namespaces import NAMESPACES, prefixed
from istiolab.mesh.pods import Pod, read_pod

LOG_LINES = 40


def collect(kubeconfig: Path, namespace_prefix: str, *, known: bool = True) -> str:
    """Write down events, pod states and last log lines of our namespaces with a prefix.

    Where a notebook made none, it is Istio itself that it was about, so it is Istio's own
    namespace that counts. Secrets are never read.

    Args:
        kubeconfig: the cluster's.
        namespace_prefix: what our namespaces' names begin with.
        known: it was there just before, so that it is worth waiting for if it is away.

    Raises:
        ClusterError: the cluster does not answer.
    """
    cluster = open_cluster(kubeconfig, known=known)
    try:
        names = prefixed(cluster, namespace_prefix) or _istio(cluster)
        parts = [_namespace(cluster, name) for name in names]
    finally:
        cluster.close()
    return "\n".join(parts) or f"no namespace of ours begins with {namespace_prefix}\n"


def _istio(cluster: Cluster) -> list[str]:
    there = [str(item["metadata"]["name"]) for item in cluster.items(NAMESPACES)]
    return [name for name in there if name == "istio-system"]


def _namespace(cluster: Cluster, name: str) -> str:
    root = f"/api/v1/namespaces/{name}"
    pods = [read_pod(item) for item in cluster.items(f"{root}/pods")]
    lines = [f"== namespace {name}", "-- pods"]
    lines += [f"{pod.name}  {pod.ready}  {pod.status}  {pod.ip}" for pod in pods]
    lines += ["-- events", *_events(cluster, root)]
    for pod in pods:
        lines += _logs(cluster, pod)
    return "\n".join(lines) + "\n"


def _events(cluster: Cluster, root: str) -> list[str]:
    found = cluster.items(f"{root}/events")
    found.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""))
    return [
        f"{item.get('lastTimestamp') or item.get('eventTime') or ''}  {item.get('type', '')}  "
        f"{item.get('reason', '')}  {item['involvedObject'].get('name', '')}  "
        f"{str(item.get('message', '')).strip()}"
        for item in found
    ]


def _logs(cluster: Cluster, pod: Pod) -> list[str]:
    lines: list[str] = []
    for container in (*pod.init_containers, *pod.containers):
        lines.append(f"-- log of {pod.name} {container}, last {LOG_LINES} lines")
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
        try:
            text = cluster.text(path, container=container, tailLines=str(LOG_LINES))
        except ClusterError as error:
            text = error.message  # a container that never started; the rest still counts
        lines += text.splitlines()
    return lines
