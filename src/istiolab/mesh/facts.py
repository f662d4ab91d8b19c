"""What the cluster runs: versions and image digests, as plain values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster, Json, open_cluster
from istiolab.mesh.pods import SIDECAR, read_pod
from istiolab.mesh.revision import WEBHOOKS, control_plane, injector_webhooks

SYSTEM_NAMESPACES = ("istio-system", "kube-system")
NOT_RUNNING = "not running"
_INJECTOR = "istio-sidecar-injector"
_RELEASE = re.compile(r"\d+\.\d+\.\d+[^\s\"/]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a cluster runs."""

    versions: Mapping[str, str]
    """Versions under `kubernetes`, `istio` and `envoy`; without a mesh just the first."""
    images: Mapping[str, str]
    """The digest, as the node reports it, of each image of the system's pods, by its name."""
    mesh_config_sha256: str
    """A digest of the mesh's configuration, the injector's included; empty without a mesh."""


def gather(kubeconfig: Path, *, mesh: bool = True) -> Facts:
    """Ask a cluster what it runs.

    Args:
        kubeconfig: the cluster's.
        mesh: it has one; where not, Istio is not asked after.

    Raises:
        ClusterError: the cluster does not answer, or has no Istio where it is to have it.
    """
    cluster = open_cluster(kubeconfig)
    try:
        if not mesh:
            version = str(cluster.get("/version")["gitVersion"]).removeprefix("v")
            return Facts(
                versions={"kubernetes": version},
                images=images(cluster),
                mesh_config_sha256="",
            )
        return Facts(
            versions=versions(cluster),
            images=images(cluster),
            mesh_config_sha256=mesh_config_sha256(cluster),
        )
    finally:
        cluster.close()


def mesh_config_sha256(cluster: Cluster) -> str:
    """Return a digest of the mesh's configuration.

    It is of the ConfigMap `istio` (or its revision's), of istiod's variables, and of what decides
    on sidecars: the injector's ConfigMaps, which hold their template, and the webhooks by which it
    is asked.

    Raises:
        ClusterError: there is no such ConfigMap.
    """
    config = cluster.get(control_plane(cluster).config_map)
    variables = [
        container.get("env", [])
        for item in cluster.items(
            "/apis/apps/v1/namespaces/istio-system/deployments", labelSelector="app=istiod"
        )
        for container in item["spec"]["template"]["spec"]["containers"]
    ]
    parts = [config.get("data", {}), variables, _templates(cluster), _webhooks(cluster)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _templates(cluster: Cluster) -> dict[str, Json]:
    """Return what the injector's ConfigMaps hold; an Istio with a revision has one of its own."""
    return {
        str(item["metadata"]["name"]): item.get("data", {})
        for item in cluster.items("/api/v1/namespaces/istio-system/configmaps")
        if str(item["metadata"]["name"]).startswith(_INJECTOR)
    }


def _webhooks(cluster: Cluster) -> dict[str, Json]:
    """Return the injector's webhooks, by name and configuration, as they were written.

    Without their authority's certificate, which istiod writes in, and which each lab makes anew.
    """
    found: dict[str, Json] = {}
    for configuration in cluster.items(WEBHOOKS):
        for hook in injector_webhooks(configuration):
            client = {**hook["clientConfig"]}
            client.pop("caBundle", None)
            name = f"{configuration['metadata']['name']} {hook['name']}"
            found[name] = {**hook, "clientConfig": client}
    return found


def versions(cluster: Cluster) -> dict[str, str]:
    """Return the versions of Kubernetes, Istio and Envoy.

    Istio's is what istiod's own program says, Envoy's what a running proxy says; where no proxy
    runs, Envoy is `not running`.

    Raises:
        ClusterError: there is no istiod that runs.
    """
    return {
        "kubernetes": str(cluster.get("/version")["gitVersion"]).removeprefix("v"),
        "istio": _istio(cluster),
        "envoy": _envoy(cluster),
    }


def images(cluster: Cluster) -> dict[str, str]:
    """Return the digests of the images of the system's pods, by image name, sorted."""
    found: dict[str, str] = {}
    for namespace in SYSTEM_NAMESPACES:
        for pod in cluster.items(f"/api/v1/namespaces/{namespace}/pods"):
            found.update(image_digests(pod))
    return dict(sorted(found.items()))


def image_digests(pod: Json) -> dict[str, str]:
    """Return image name -> digest from one pod's status; containers not yet started are left out.

    The kubelet's `imageID` is `name@sha256:…` for an image that was pulled, and the bare digest
    for one that was imported.
    """
    status = pod.get("status", {})
    states = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    return {
        str(state["image"]): str(state["imageID"]).rpartition("@")[2]
        for state in states
        if state.get("imageID")
    }


def _istio(cluster: Cluster) -> str:
    selector = control_plane(cluster).selector
    for item in _running(cluster, selector):
        pod = read_pod(item)
        place = (pod.namespace, pod.name, "discovery")
        done = cluster.execute(place, ["pilot-discovery", "version", "--output", "json"])
        if done.exit_code == 0:
            report = json.loads(done.stdout)
            return str((report.get("clientVersion") or report)["version"])
    raise ClusterError(
        "the cluster has no Istio that runs",
        where=(f"looked for: pods with the labels {selector}",),
        hint="install it: `istioctl install --set profile=default -y`",
    )


def _envoy(cluster: Cluster) -> str:
    # A gateway first: it is there whether or not a workload has a sidecar just now.
    for selector in ("istio=ingressgateway", "security.istio.io/tlsMode=istio"):
        for item in _running(cluster, selector):
            pod = read_pod(item)
            if not pod.has_sidecar:
                continue
            place = (pod.namespace, pod.name, SIDECAR)
            done = cluster.execute(place, ["pilot-agent", "request", "GET", "server_info"])
            release = envoy_release(done.stdout)
            if release:
                return release
    return NOT_RUNNING


def envoy_release(server_info: bytes) -> str:
    """Return the release from Envoy's `/server_info`; empty if it has none.

    Its `version` is commit/release/state/build/library: `c3e…/1.36.4/Clean/RELEASE/BoringSSL`.
    """
    try:
        found = _RELEASE.search(str(json.loads(server_info)["version"]).partition("/")[2])
    except (ValueError, KeyError, TypeError):
        return ""
    return found[0] if found else ""


def _running(cluster: Cluster, selector: str) -> Iterable[Json]:
    return cluster.items(
        "/api/v1/pods", labelSelector=selector, fieldSelector="status.phase=Running"
    )
