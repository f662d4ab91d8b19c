"""What a notebook holds: a connection to the mesh, and namespaces that go when it ends."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from istiolab.errors import ClusterError
from istiolab.mesh import namespaces
from istiolab.mesh.client import Cluster, open_cluster
from istiolab.mesh.commands import Command, run_command
from istiolab.mesh.facts import versions
from istiolab.mesh.manifests import Applied, apply_objects, fill, parse, read_source
from istiolab.mesh.pods import LivePod, Pod, read_pod
from istiolab.mesh.rollout import wait_for_rollout
from istiolab.mesh.table import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The version of one part of the mesh."""

    part: str
    """Kubernetes, Istio or Envoy."""
    version: str
    """What it says of itself."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"part": self.part, "version": self.version}


class Mesh:
    """A cluster with Istio, and the namespaces that we made on it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        # A family is shared by several notebooks, which may all make a namespace of one name.
        family = os.environ.get("ISTIOLAB_NAMESPACE_FAMILY")
        own = f"{family}-{namespaces.new_prefix()}" if family else namespaces.new_prefix()
        self.prefix = os.environ.get("ISTIOLAB_NAMESPACE_PREFIX") or own
        self._made: list[Namespace] = []
        atexit.register(self.close)

    @property
    def versions(self) -> Listing[Version]:
        """Return what runs: the versions of Kubernetes, Istio and Envoy."""
        names = {"kubernetes": "Kubernetes", "istio": "Istio", "envoy": "Envoy"}
        found = versions(self.cluster)
        return Listing(Version(part=names[key], version=found[key]) for key in names)

    def namespace(self, name: str) -> Namespace:
        """Make a namespace, named with this mesh's prefix; it goes when the notebook ends.

        Raises:
            TakenError: this notebook has made one of that name already.
            ClusterError: the cluster refuses.
        """
        made = Namespace(self, f"{self.prefix}-{name}")
        namespaces.create(self.cluster, made.name, owner=self.prefix)
        self._made.append(made)
        return made

    def kubectl(self, arguments: str) -> Command:
        """Run `kubectl` and show the line and its output.

        Raises:
            ClusterError: it ended badly.
        """
        return run_command(self.cluster, "kubectl", arguments)

    def istioctl(self, arguments: str) -> Command:
        """Run `istioctl` and show the line and its output.

        Raises:
            ClusterError: it ended badly.
        """
        return run_command(self.cluster, "istioctl", arguments)

    def close(self) -> None:
        """Have the namespaces deleted, in the background, and hang up; calling twice is fine."""
        atexit.unregister(self.close)
        for made in self._made:
            made.delete()
        self._made.clear()
        self.cluster.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Namespace:
    """A namespace of our own."""

    def __init__(self, mesh: Mesh, name: str) -> None:
        self.name = name
        self._mesh = mesh
        self._cluster = mesh.cluster

    def inject(self, on: bool = True) -> None:  # noqa: FBT001, FBT002  # as the label reads
        """Switch sidecar injection on or off for pods that are made from now on."""
        namespaces.set_injection(self._cluster, self.name, on=on)

    def apply(self, source: str | Path, **values: str) -> Listing[Applied]:
        """Apply a manifest to this namespace by server-side apply.

        Args:
            source: the manifest's text, or a file's path.
            values: what to put in for `${NAME}` in it.

        Returns:
            Each object, and whether it was created, changed or left as it was.

        Raises:
            UsageError: the file is not there, is no manifest, or a value is lacking.
            ClusterError: the cluster refuses an object.
        """
        objects = parse(fill(read_source(source), values))
        return Listing(apply_objects(self._cluster, self.name, objects))

    def wait_for_rollout(self, *deployments: str, timeout_seconds: float = 120.0) -> Listing[Pod]:
        """Wait until deployments run as asked and none of their older pods is left.

        Raises:
            ClusterError: one does not get there, with its events and last log lines.
        """
        ready: list[Pod] = []
        for deployment in deployments:
            ready += wait_for_rollout(
                self._cluster, self.name, deployment, timeout_seconds=timeout_seconds
            )
        return Listing(ready)

    def restart(self, deployment: str) -> Command:
        """Restart a deployment's pods, as `kubectl rollout restart` does."""
        return self.kubectl(f"rollout restart deployment {deployment}")

    def kubectl(self, arguments: str) -> Command:
        """Run `kubectl` in this namespace and show the line and its output."""
        return self._mesh.kubectl(f"-n {self.name} {arguments}")

    def pods(self) -> Listing[Pod]:
        """Return the pods that are not on their way out, sorted by name."""
        found = self._cluster.items(f"/api/v1/namespaces/{self.name}/pods")
        pods = (read_pod(item) for item in found)
        kept = sorted((pod for pod in pods if not pod.terminating), key=lambda pod: pod.name)
        return Listing(kept)

    def pod(self, app: str) -> LivePod:
        """Return the one pod whose label `app` is this.

        Raises:
            ClusterError: there is none, or more than one.
        """
        found = self.pods().where(lambda pod: pod.app == app)
        if len(found) != 1:
            raise ClusterError(
                f"namespace `{self.name}` has {len(found)} pods with the label app={app}, not one",
                where=tuple(f"pod: {pod.name} {pod.status}" for pod in found),
            )
        return LivePod(cluster=self._cluster, pod=found[0])

    def url(self, service: str, path: str = "/") -> str:
        """Return a URL by which this machine reaches a service of type NodePort.

        Raises:
            ClusterError: the service has no node port, or no node an address.
        """
        found = self._cluster.get(f"/api/v1/namespaces/{self.name}/services/{service}")
        port = found["spec"]["ports"][0].get("nodePort")
        addresses = [
            address["address"]
            for node in self._cluster.items("/api/v1/nodes")
            for address in node["status"].get("addresses", ())
            if address["type"] == "InternalIP"
        ]
        if not port or not addresses:
            raise ClusterError(f"service `{service}` of `{self.name}` has no node port")
        return f"http://{addresses[0]}:{port}{path}"

    def delete(self) -> None:
        """Have the namespace deleted, in the background."""
        try:
            namespaces.start_deletion(self._cluster, self.name)
        except ClusterError:
            # Called when a kernel ends, where nobody reads an error; `delete_prefixed` and
            # `istiolab down` find by its label what is left.
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.delete()


def connect(kubeconfig: str | Path | None = None) -> Mesh:
    """Connect to a cluster with Istio.

    Args:
        kubeconfig: its kubeconfig; None means the environment's `KUBECONFIG`.

    Raises:
        ClusterError: the kubeconfig cannot be used, or the cluster does not answer.
    """
    # Whoever runs a notebook has just seen that the cluster is there.
    known = "ISTIOLAB_MAKER" in os.environ
    return Mesh(open_cluster(Path(kubeconfig) if kubeconfig else None, known=known))
