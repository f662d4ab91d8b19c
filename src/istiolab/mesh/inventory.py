"""Every object of a cluster that is not in a namespace of ours, as a digest by its name.

Digests, so that no Secret's content leaves here. What is being deleted has none: it is as good as
gone, and whoever looks next does not find it, without having done anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from istiolab.lab.spec import OWNER_LABEL
from istiolab.mesh.client import Cluster, Json, open_cluster
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.refusals import MissingError

# What the cluster writes by itself all the time, or makes out of other objects that are listed
# without a note whose it is.
_ITS_OWN = frozenset(
    {
        "Binding",
        "CertificateSigningRequest",
        "ComponentStatus",
        "Endpoints",
        "Event",
        "IPAddress",
        "Lease",
        "LeaseCandidate",
        "NodeMetrics",
        "PodMetrics",
    }
)
# What the cluster makes out of other objects, with a note on it whose it is (a static pod is its
# node's); without one, a person made it.
_MADE_OF_OTHERS = frozenset({"ControllerRevision", "EndpointSlice", "Pod", "ReplicaSet"})
# The API server's own addresses: nobody's, and taken out while it is on its way down
# (kubernetes/pkg/controlplane/reconcilers).
_API_SERVER = "EndpointSlice default/kubernetes"
# Of the metadata, what a person writes; the rest is the API server's.
_METADATA = ("annotations", "finalizers", "labels")
# What controllers note on objects that are otherwise as they were.
_NOTES = (
    "control-plane.alpha.kubernetes.io/leader",
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/restartedAt",
)
# Set when it is deleted, while something has yet to be done before it is gone
# (Kubernetes API conventions, "Metadata").
_GOING = "deletionTimestamp"
_ANSWERS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One object of a listing."""

    name: str
    """`Kind namespace/name`, or `Kind name`."""
    owner: str
    """The namespace that it goes with, which is itself if it is one; empty without one."""
    digest: str | None
    """A digest of what a person wrote; None if it is being deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Namespaces:
    """The namespaces that matter, by their names."""

    ours: frozenset[str]
    """Made by us."""
    going: frozenset[str]
    """Being deleted, and with them all that is in them."""

    def __or__(self, other: _Namespaces) -> _Namespaces:
        return _Namespaces(ours=self.ours | other.ours, going=self.going | other.going)


def take(kubeconfig: Path) -> dict[str, str | None]:
    """Return a digest of each object, by `Kind namespace/name`, or `Kind name`.

    Returns:
        None in place of a digest for what is being deleted, itself or with its namespace.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list a kind.
    """
    cluster = open_cluster(kubeconfig, known=True)
    try:
        # Others make and delete namespaces while we look.
        namespaces = _namespaces(cluster)
        with ThreadPoolExecutor(max_workers=_ANSWERS_AT_ONCE) as pool:
            listed = list(pool.map(lambda kind: _list(cluster, *kind), _kinds(cluster, pool)))
        namespaces |= _namespaces(cluster)
    finally:
        cluster.close()
    return {
        item.name: None if item.owner in namespaces.going else item.digest
        for items in listed
        for item in items
        if item.owner not in namespaces.ours
    }


def _namespaces(cluster: Cluster) -> _Namespaces:
    found = [item["metadata"] for item in cluster.items(NAMESPACES)]
    return _Namespaces(
        ours=frozenset(
            str(each["name"]) for each in found if OWNER_LABEL in each.get("labels", {})
        ),
        going=frozenset(str(each["name"]) for each in found if _GOING in each),
    )


def _kinds(cluster: Cluster, pool: Executor) -> list[tuple[str, str]]:
    """Return kind and path of everything that can be listed, each resource in one version.

    That is its group's preferred one, if it is in it; Istio's prefers v1, in which there is no
    EnvoyFilter.
    """
    roots = [("", "/api/v1"), *_versions(cluster)]
    resources = pool.map(lambda root: _resources(cluster, root[1]), roots)
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for (group, root), served in zip(roots, resources, strict=True):
        for resource in served:
            kind, name = str(resource["kind"]), str(resource["name"])
            listable = "list" in resource["verbs"] and "/" not in name
            if listable and kind not in _ITS_OWN:
                found.setdefault((group, name), (kind, f"{root}/{name}"))
    return list(found.values())


def _versions(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield group and path of each version that is served, of a group the preferred one first."""
    for group in cluster.get("/apis")["groups"]:
        served = (group["preferredVersion"], *group.get("versions", ()))
        for version in dict.fromkeys(str(each["groupVersion"]) for each in served):
            yield version.partition("/")[0], f"/apis/{version}"


def _resources(cluster: Cluster, root: str) -> list[Json]:
    try:
        return list(cluster.get(root)["resources"])
    except MissingError:
        return []  # the last definition of its group has just gone


def _list(cluster: Cluster, kind: str, path: str) -> list[_Item]:
    try:
        items = cluster.items(path)
    except MissingError:
        return []  # its definition has just gone
    found = []
    for item in items:
        metadata = item["metadata"]
        namespace = str(metadata.get("namespace", ""))
        owner = metadata["name"] if kind == "Namespace" else namespace
        place = f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])
        name = f"{kind} {place}"
        derived = kind in _MADE_OF_OTHERS and metadata.get("ownerReferences")
        if not derived and name != _API_SERVER:
            written = None if _GOING in metadata else digest(item)
            found.append(_Item(name=name, owner=str(owner), digest=written))
    return found


def digest(item: Json) -> str:
    """Return a digest of what a person wrote of an object: all but its status and bookkeeping."""
    kept: dict[str, Any] = {
        key: value for key, value in item.items() if key not in ("status", "metadata")
    }
    for key in _METADATA:
        value = item["metadata"].get(key)
        if isinstance(value, Mapping):
            value = {name: text for name, text in value.items() if name not in _NOTES}
        if value:
            kept[f"metadata.{key}"] = value
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
