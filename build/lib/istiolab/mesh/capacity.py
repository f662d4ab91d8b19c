"""What a cluster has left to give: CPU and memory that no pod has asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from istiolab.mesh.client import Cluster, Json, open_cluster, quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """An amount of CPU and memory."""

    cores: float
    """CPU, in cores."""
    memory_bytes: float
    """Memory, in bytes."""


def free(kubeconfig: Path) -> Capacity:
    """Ask a cluster what its nodes can hand out and its pods have not asked for.

    Raises:
        ClusterError: it does not answer.
    """
    cluster = open_cluster(kubeconfig)
    try:
        return _free(cluster)
    finally:
        cluster.close()


def _free(cluster: Cluster) -> Capacity:
    offered = [node["status"]["allocatable"] for node in cluster.items("/api/v1/nodes")]
    asked = [
        container.get("resources", {}).get("requests") or {}
        for pod in cluster.items("/api/v1/pods")
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
        for container in _containers(pod)
    ]

    def left(name: str) -> float:
        return sum(quantity(each.get(name, "0")) for each in offered) - sum(
            quantity(each.get(name, "0")) for each in asked
        )

    return Capacity(cores=left("cpu"), memory_bytes=left("memory"))


def _containers(pod: Json) -> list[Json]:
    # An init container's request counts only where it is larger, save for sidecars (KEP-753).
    sidecars = [
        container
        for container in pod["spec"].get("initContainers", ())
        if container.get("restartPolicy") == "Always"
    ]
    return [*sidecars, *pod["spec"]["containers"]]
