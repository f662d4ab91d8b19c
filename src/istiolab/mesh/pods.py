"""A pod as the API tells it in, a frozen Pod out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from istiolab.lab.pods import why_stuck
from istiolab.mesh.client import Cluster, Json
from istiolab.mesh.programs import Executed

SIDECAR = "istio-proxy"
INIT = "Init:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod at one moment."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    app: str
    """Its label `app`; empty if it has none."""
    containers: tuple[str, ...]
    """Its containers, sidecars that run as init containers included."""
    ready_containers: int
    """How many of these are ready."""
    status: str
    """Its phase, or why a container of it waits, or Terminating.

    Behind `Init:` as kubectl shows it, why a container waits that must end before the others begin.
    """
    ip: str
    """Its address; empty while it has none."""
    terminating: bool
    """It is being deleted."""
    init_containers: tuple[str, ...] = ()
    """Its containers that must end before the others begin, in their order."""
    stuck: str = ""
    """Why waiting for it is pointless; empty if it is not."""

    @property
    def ready(self) -> str:
        """Return what `kubectl get pods` shows under READY, such as 2/2."""
        return f"{self.ready_containers}/{len(self.containers)}"

    @property
    def has_sidecar(self) -> bool:
        """Tell whether Istio's proxy was injected."""
        return SIDECAR in self.containers

    @property
    def workload(self) -> str:
        """Return the name of the workload's own container."""
        return next(name for name in self.containers if name != SIDECAR)

    def row(self) -> Mapping[str, str]:
        """Return the pod as a row of a table, named as kubectl does."""
        return {"NAME": self.name, "READY": self.ready, "STATUS": self.status, "IP": self.ip}


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePod:
    """A pod that can be asked: it runs programs and hands out its logs."""

    cluster: Cluster
    """The cluster that it is on."""
    pod: Pod
    """The pod as it was when it was looked up."""

    def execute(
        self, container: str, argv: Sequence[str], *, timeout_seconds: float = 30.0
    ) -> Executed:
        """Run a program in one of its containers, whatever its exit code.

        Raises:
            ClusterError: the container is not there, or the program took too long.
        """
        place = (self.pod.namespace, self.pod.name, container)
        return self.cluster.execute(place, argv, timeout_seconds=timeout_seconds)

    def log(self, container: str) -> str:
        """Return the whole log of one of its containers.

        Raises:
            ClusterError: the container is not there, or has not started.
        """
        path = f"/api/v1/namespaces/{self.pod.namespace}/pods/{self.pod.name}/log"
        return self.cluster.text(path, container=container)


def read_pod(item: Json) -> Pod:
    """Read a pod from the API's JSON."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status", {})
    # A sidecar of Kubernetes' own kind is an init container that restarts always (KEP-753);
    # kubectl counts it under READY, and so do we.
    sidecars = [
        container["name"]
        for container in spec.get("initContainers", ())
        if container.get("restartPolicy") == "Always"
    ]
    names = (*sidecars, *(container["name"] for container in spec["containers"]))
    first = [
        state for state in status.get("initContainerStatuses", ()) if state["name"] not in names
    ]
    states = [
        state
        for state in (
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
        )
        if state["name"] in names
    ]
    stuck = _reason(first)
    reason = f"{INIT}{stuck}" if stuck else _reason(states)
    terminating = "deletionTimestamp" in metadata
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        app=metadata.get("labels", {}).get("app", ""),
        containers=names,
        ready_containers=sum(bool(state.get("ready")) for state in states),
        status="Terminating" if terminating else reason or status.get("phase", "Unknown"),
        ip=status.get("podIP", ""),
        terminating=terminating,
        init_containers=tuple(
            container["name"]
            for container in spec.get("initContainers", ())
            if container["name"] not in sidecars
        ),
        stuck=why_stuck(item),
    )


def _reason(states: Iterable[Json]) -> str:
    for state in states:
        reason = state.get("state", {}).get("waiting", {}).get("reason", "")
        if reason and reason not in ("PodInitializing", "ContainerCreating"):
            return str(reason)
    return ""
