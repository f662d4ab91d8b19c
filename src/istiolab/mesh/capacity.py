"""What a cluster has to give: CPU and memory, in all and that no pod has asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from istiolab.mesh.client import Cluster, Json, open_cluster, quantity
from istiolab.mesh.refusals import MissingError
from istiolab.mesh.revision import control_plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """An amount of CPU and memory."""

    cores: float
    """CPU, in cores."""
    memory_bytes: float
    """Memory, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a cluster has, and what of it is spoken for."""

    offered: Capacity
    """What its nodes have for pods, whoever has asked for it."""
    left: Capacity
    """What of that no pod has asked for; what the scheduler can still hand out."""
    sidecar: Capacity
    """What each sidecar that is injected asks for."""


def read_room(kubeconfig: Path) -> Room:
    """Ask a cluster what its nodes have, what is left of it, and what a sidecar asks for.

    Raises:
        ClusterError: it does not answer.
    """
    cluster = open_cluster(kubeconfig)
    try:
        offered, asked = _offered(cluster), _asked(cluster)
        return Room(
            offered=offered,
            left=Capacity(
                cores=offered.cores - asked.cores,
                memory_bytes=offered.memory_bytes - asked.memory_bytes,
            ),
            sidecar=_sidecar(cluster),
        )
    finally:
        cluster.close()


def _offered(cluster: Cluster) -> Capacity:
    return _sum(node["status"]["allocatable"] for node in cluster.items("/api/v1/nodes"))


def _asked(cluster: Cluster) -> Capacity:
    return _sum(
        container.get("resources", {}).get("requests") or {}
        for pod in cluster.items("/api/v1/pods")
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
        for container in _containers(pod)
    )


def _sidecar(cluster: Cluster) -> Capacity:
    """Return what the injector is told to ask for each sidecar.

    An `istioctl install` without values of one's own asks for 100m and 128Mi (Istio's chart
    istio-control/istio-discovery, `global.proxy.resources`).
    """
    try:
        injector = cluster.get(control_plane(cluster).injector)
        values = json.loads(injector["data"]["values"])
        asked = values["global"]["proxy"]["resources"].get("requests") or {}
    except (MissingError, KeyError, TypeError, AttributeError, ValueError):
        asked = {"cpu": "100m", "memory": "128Mi"}
    return _sum([asked])


def _sum(amounts: Iterable[Json]) -> Capacity:
    listed = list(amounts)
    return Capacity(
        cores=sum(quantity(str(each.get("cpu", "0"))) for each in listed),
        memory_bytes=sum(quantity(str(each.get("memory", "0"))) for each in listed),
    )


def _containers(pod: Json) -> list[Json]:
    # An init container's request counts only where it is larger, save for sidecars (KEP-753).
    sidecars = [
        container
        for container in pod["spec"].get("initContainers", ())
        if container.get("restartPolicy") == "Always"
    ]
    return [*sidecars, *pod["spec"]["containers"]]
