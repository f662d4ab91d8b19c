"""Every object of a cluster that is not in a namespace of ours, as a digest by its name.

Digests, so that no Secret's content leaves here. What is being deleted has none: it is as good as
gone, and whoever looks next does not find it, without having done anything.

An aggregated API, which another server than the cluster's own answers for, may be unavailable for
as long as that one is away. It is passed over and named: of what is behind it nobody can say
anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import ClusterError, SilentError
from istiolab.lab.spec import OWNER_LABEL
from istiolab.mesh.client import Cluster, Json, open_cluster
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.refusals import ForbiddenError, MissingError
from istiolab.mesh.written import digest, is_going, is_made_of_another

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
# The API server's own addresses: nobody's, and taken out while it is on its way down
# (kubernetes/pkg/controlplane/reconcilers).
_API_SERVER = "EndpointSlice default/kubernetes"
_AUTOSCALER = "HorizontalPodAutoscaler"
_ANSWERS_AT_ONCE = 8
_API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One object of a listing."""

    kind: str
    """Its kind."""
    path: str
    """The API path of its kind."""
    namespace: str
    """Its namespace; empty if it belongs to the cluster as a whole."""
    content: Json
    """What the API server says of it."""

    @property
    def name(self) -> str:
        """Return `Kind namespace/name`, or `Kind name`."""
        return _name(self.kind, self.namespace, str(self.content["metadata"]["name"]))

    @property
    def home(self) -> str:
        """Return the namespace that it comes and goes with, which is itself if it is one."""
        is_one = self.kind == "Namespace"
        return str(self.content["metadata"]["name"]) if is_one else self.namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class _Namespaces:
    """The namespaces that matter, by their names."""

    ours: frozenset[str]
    """Made by us."""
    going: frozenset[str]
    """Being deleted, and with them all that is in them."""

    def __or__(self, other: _Namespaces) -> _Namespaces:
        return _Namespaces(ours=self.ours | other.ours, going=self.going | other.going)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is on a cluster at one moment."""

    objects: Mapping[str, str | None]
    """A digest of each object, by `Kind namespace/name`, or `Kind name`.

    None for what is being deleted, itself or with its namespace."""
    paths: Mapping[str, str]
    """The API path of each one's kind."""
    unseen: Mapping[str, ClusterError]
    """What could not be looked at: API paths of versions and kinds, and why."""

    def seen(self, other: Inventory) -> dict[str, str | None]:
        """Return the objects of the kinds that could be looked at here and in another one."""
        dark = tuple(f"{path}/" for path in (*self.unseen, *other.unseen))
        return {
            name: digest
            for name, digest in self.objects.items()
            if not f"{self.paths[name]}/".startswith(dark)
        }


def take(kubeconfig: Path) -> Inventory:
    """Look at every object of a cluster.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list a kind of its own.
    """
    cluster = open_cluster(kubeconfig, known=True)
    try:
        found = look(cluster)
        for path, refused in found.unseen.items():
            if not is_aggregated(cluster, path):
                raise refused
        return found
    finally:
        cluster.close()


def is_aggregated(cluster: Cluster, path: str) -> bool:
    """Tell whether another server than the cluster's own answers for an API path."""
    _, root, group, version, *_ = (*path.split("/"), "", "")
    if root != "apis":
        return False
    try:
        service = cluster.get(f"{_API_SERVICES}/{version}.{group}")
    except MissingError:  # it has just gone
        return True
    except ForbiddenError:
        return False
    return bool(service["spec"].get("service"))


def look(cluster: Cluster) -> Inventory:
    """Look at every object of a cluster, whatever cannot be looked at.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list namespaces.
    """
    unseen: dict[str, ClusterError] = {}
    # Others make and delete namespaces while we look.
    namespaces = _namespaces(cluster)
    with ThreadPoolExecutor(max_workers=_ANSWERS_AT_ONCE) as pool:
        kinds = _kinds(cluster, pool, unseen)
        listed = list(pool.map(lambda kind: _list(cluster, kind, unseen), kinds))
    namespaces |= _namespaces(cluster)
    objects = [each for items in listed for each in items]
    scaled = {_scaled(each) for each in objects if each.kind == _AUTOSCALER}
    kept = [each for each in objects if each.home not in namespaces.ours]
    return Inventory(
        objects={
            each.name: None
            if each.home in namespaces.going or is_going(each.content)
            else digest(each.content, scaled=each.name in scaled)
            for each in kept
        },
        paths={each.name: each.path for each in kept},
        unseen=dict(sorted(unseen.items())),
    )


def _namespaces(cluster: Cluster) -> _Namespaces:
    items = cluster.items(NAMESPACES)
    found = [item["metadata"] for item in items]
    return _Namespaces(
        ours=frozenset(
            str(each["name"]) for each in found if OWNER_LABEL in each.get("labels", {})
        ),
        going=frozenset(str(item["metadata"]["name"]) for item in items if is_going(item)),
    )


def _kinds(
    cluster: Cluster, pool: Executor, unseen: dict[str, ClusterError]
) -> list[tuple[str, str]]:
    """Return kind and path of everything that can be listed, each resource in one version.

    That is its group's preferred one, if it is in it; Istio's prefers v1, in which there is no
    EnvoyFilter. Of kinds of the same name in several groups, as `Gateway`, the group is told.
    """
    roots = [("", "/api/v1"), *_versions(cluster)]
    resources = pool.map(lambda root: _resources(cluster, root[1], unseen), roots)
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for (group, root), served in zip(roots, resources, strict=True):
        for resource in served:
            kind, name = str(resource["kind"]), str(resource["name"])
            listable = "list" in resource["verbs"] and "/" not in name
            if listable and kind not in _ITS_OWN:
                found.setdefault((group, name), (kind, f"{root}/{name}"))
    served_by = Counter(kind for kind, _ in found.values())
    return [
        (kind if served_by[kind] == 1 or not group else f"{kind}.{group}", path)
        for (group, _), (kind, path) in found.items()
    ]


def _versions(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield group and path of each version that is served, of a group the preferred one first."""
    for group in cluster.get("/apis")["groups"]:
        served = (group["preferredVersion"], *group.get("versions", ()))
        for version in dict.fromkeys(str(each["groupVersion"]) for each in served):
            yield version.partition("/")[0], f"/apis/{version}"


def _resources(cluster: Cluster, root: str, unseen: dict[str, ClusterError]) -> list[Json]:
    try:
        return list(cluster.get(root)["resources"])
    except MissingError:
        return []  # the last definition of its group has just gone
    except SilentError:
        raise
    except ClusterError as refused:
        unseen[root] = refused
        return []


def _list(cluster: Cluster, of: tuple[str, str], unseen: dict[str, ClusterError]) -> list[_Listed]:
    kind, path = of
    try:
        items = cluster.items(path)
    except MissingError:
        return []  # its definition has just gone
    except SilentError:
        raise
    except ClusterError as refused:
        unseen[path] = refused
        return []
    found = (
        _Listed(
            kind=kind,
            path=path,
            namespace=str(item["metadata"].get("namespace", "")),
            content=item,
        )
        for item in items
        if not is_made_of_another(item)
    )
    return [each for each in found if each.name != _API_SERVER]


def _scaled(autoscaler: _Listed) -> str:
    """Return the name of what an autoscaler gives its number of replicas."""
    target = autoscaler.content["spec"]["scaleTargetRef"]
    return _name(str(target["kind"]), autoscaler.namespace, str(target["name"]))


def _name(kind: str, namespace: str, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
