"""What a cluster that is given must have and allow, asked for before anything is changed in it.

Nothing of this stays on the cluster: reviews of rights and dry runs are answered, and not stored
(https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from istiolab.errors import ClusterError, SilentError
from istiolab.lab.spec import OWNER_LABEL
from istiolab.mesh.client import Cluster, Json, open_cluster
from istiolab.mesh.inventory import is_aggregated, look
from istiolab.mesh.mesh_config import Trouble, access_log_trouble
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.pods import SIDECAR
from istiolab.mesh.refusals import ForbiddenError, MissingError
from istiolab.mesh.revision import INJECTION_LABEL, REVISION_LABEL, ControlPlane, control_plane

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_ISTIODS = "/apis/apps/v1/deployments"
_SYSTEM = "istio-system"
_REVIEWS_AT_ONCE = 8
# Verbs, and what they are for as `resource.group`: in namespaces that are made anew, so in all.
_RIGHTS = (
    ("create patch delete", "namespaces"),
    ("create patch get list", "configmaps services serviceaccounts deployments.apps"),
    ("create get list delete deletecollection", "pods"),
    ("create get", "pods/exec"),
    ("get", "pods/log"),
    ("create patch", "destinationrules.networking.istio.io envoyfilters.networking.istio.io"),
    ("create patch", "sidecars.networking.istio.io virtualservices.networking.istio.io"),
    ("create patch", "peerauthentications.security.istio.io"),
)
# A namespace's label by which Pod Security is stricter or laxer in it than elsewhere.
_POD_SECURITY = "pod-security.kubernetes.io/enforce"


def preflight(kubeconfig: Path, image: str) -> tuple[str, ...]:
    """Look whether a cluster has what the notebooks need, and change nothing.

    Args:
        kubeconfig: the cluster's.
        image: what the workloads run.

    Returns:
        What else there is to say: what some notebooks will not find.

    Raises:
        ClusterError: it lacks something; all of it is told.
    """
    cluster = open_cluster(kubeconfig)
    notes: list[str] = []
    try:
        lacks = [*_rights(cluster, notes), *_istio(cluster, image, notes)]
    finally:
        cluster.close()
    if lacks:
        raise ClusterError(
            "the cluster lacks what the notebooks need; nothing was changed",
            where=tuple(f"- {lack.what}\n    {lack.remedy}" for lack in lacks),
            hint="when it is mended, run the same command again",
        )
    return tuple(notes)


def _rights(cluster: Cluster, notes: list[str]) -> Iterator[Trouble]:
    wanted = [
        (verb, resource)
        for verbs, resources in _RIGHTS
        for resource in resources.split()
        for verb in verbs.split()
    ]
    with ThreadPoolExecutor(max_workers=_REVIEWS_AT_ONCE) as pool:
        allowed = pool.map(lambda right: _may(cluster, *right), wanted)
        lacking = [
            f"{verb} {what}" for (verb, what), may in zip(wanted, allowed, strict=True) if not may
        ]
    for path, why in _unseen(cluster).items():
        said = why.where[-1] if why.where else why.message
        if is_aggregated(cluster, path):
            notes.append(
                f"{path} is passed over ({said}); what is left behind there is not seen, and "
                "Kubernetes keeps deleted namespaces, empty, until it answers"
            )
        elif isinstance(why, ForbiddenError):
            # Secrets among them, whose values are taken out of what is published.
            lacking.append(f"list {path}")
        else:
            yield Trouble(
                what=f"{path} cannot be listed ({said})",
                remedy="mend what serves it: what a notebook leaves behind there would not be seen",
            )
    if lacking:
        yield Trouble(
            what=f"the kubeconfig's user lacks rights; may not: {', '.join(lacking)}",
            remedy="ask for them, for all namespaces, or name another user's context: `--context`",
        )


def _may(cluster: Cluster, verb: str, resource: str) -> bool:
    name, _, group = resource.partition(".")
    name, _, subresource = name.partition("/")
    asked = {"verb": verb, "group": group, "resource": name, "subresource": subresource}
    body = {"spec": {"resourceAttributes": asked}}
    return bool(cluster.post(_REVIEWS, body)["status"].get("allowed"))


def _unseen(cluster: Cluster) -> Mapping[str, ClusterError]:
    try:
        return look(cluster).unseen
    except ForbiddenError as refused:
        return {NAMESPACES: refused}


def _istio(cluster: Cluster, image: str, notes: list[str]) -> Iterator[Trouble]:
    try:
        plane = control_plane(cluster)
        istiods = cluster.items(_ISTIODS, labelSelector=plane.selector)
    except ForbiddenError:
        return  # told among the rights
    except SilentError:
        raise
    except ClusterError as several:
        yield Trouble(what="; ".join((several.message, *several.where)), remedy=several.hint or "")
        return
    ready = [each for each in istiods if each.get("status", {}).get("readyReplicas")]
    if not ready:
        yield Trouble(
            what=f"no Istio is ready: no deployment with the labels {plane.selector} is",
            remedy="install it: `istioctl install --set profile=default -y`",
        )
        return
    places = {str(each["metadata"]["namespace"]) for each in ready}
    if _SYSTEM not in places:
        yield Trouble(
            what=f"Istio is in the namespace {', '.join(sorted(places))}, not in {_SYSTEM}",
            remedy=f"the notebooks read what it is made of in {_SYSTEM}: install it there",
        )
        return
    if plane.by_revision:
        notes.append(
            f"Istio injects by the label {REVISION_LABEL}={plane.revision} alone; notebooks about "
            f"{INJECTION_LABEL} will not pass until it is told to mind that one: "
            f"`istioctl tag set default --revision {plane.revision}`"
        )
    yield from _access_log(cluster, notes)
    yield from _admission(cluster, plane, image, notes)


def _access_log(cluster: Cluster, notes: list[str]) -> Iterator[Trouble]:
    try:
        trouble = access_log_trouble(cluster)
    except MissingError as missing:
        yield Trouble(
            what=f"the mesh's configuration is not there ({missing.where[0]})",
            remedy="the notebooks read it; `istioctl install` makes it",
        )
        return
    except ForbiddenError:
        return  # told among the rights
    if trouble:
        notes.append(
            f"{trouble.what}; notebooks that read it may not pass until it is mended: "
            f"{trouble.remedy}"
        )


def _admission(
    cluster: Cluster, plane: ControlPlane, image: str, notes: list[str]
) -> Iterator[Trouble]:
    """Ask for what the notebooks make, by dry runs."""
    name = "il-preflight"
    metadata = {"name": name, "labels": {OWNER_LABEL: name, **_set(plane)}}
    if refused := _refused(cluster, NAMESPACES, {"kind": "Namespace", "metadata": metadata}):
        yield Trouble(
            what=f"a namespace as the notebooks make it is refused: {refused}", remedy=_ADMIT
        )
    if (namespace := _ordinary(cluster)) is None:
        notes.append(
            "whether the cluster takes the notebooks' pods is not known: every namespace "
            "has labels that decide on it"
        )
        return
    path = f"{NAMESPACES}/{namespace}/pods"
    if refused := _refused(cluster, path, _pod(plane, image), with_sidecar=True):
        yield Trouble(what=f"a pod as the notebooks make it is refused: {refused}", remedy=_ADMIT)
    elif refused := _refused(cluster, path, _pod(plane, image, capabilities=["NET_ADMIN"])):
        notes.append(
            f"pods that look at the network are refused, and notebooks that make such "
            f"will not pass: {refused}"
        )


_ADMIT = "let the cluster's policies take it in namespaces with the label `istiolab.dev/owner`"


def _ordinary(cluster: Cluster) -> str | None:
    """Return a namespace like those that are made anew: no label of its own decides on its pods."""
    telling = {_POD_SECURITY, INJECTION_LABEL, REVISION_LABEL}
    names = [
        str(item["metadata"]["name"])
        for item in cluster.items(NAMESPACES)
        if not telling & item["metadata"].get("labels", {}).keys()
    ]
    ordinary = [each for each in names if not each.startswith("kube-") and each != _SYSTEM]
    return min(ordinary, key=lambda each: (each != "default", each), default=None)


def _refused(cluster: Cluster, path: str, body: Json, *, with_sidecar: bool = False) -> str | None:
    """Return why the cluster would not take an object; None if it would."""
    try:
        made = cluster.post(path, {"apiVersion": "v1", **body}, dryRun="All")
    except SilentError:
        raise
    except ClusterError as refused:
        return refused.where[-1] if refused.where else refused.message
    if with_sidecar and SIDECAR not in _containers(made):
        return "Istio injects no sidecar into it"
    return None


def _containers(pod: Json) -> set[str]:
    spec = pod["spec"]
    return {str(each["name"]) for each in (*spec.get("initContainers", ()), *spec["containers"])}


def _set(plane: ControlPlane) -> dict[str, str]:
    return {name: value for name, value in plane.labels(on=True).items() if value is not None}


def _pod(plane: ControlPlane, image: str, *, capabilities: list[str] | None = None) -> Json:
    container: dict[str, Any] = {"name": "app", "image": image}
    if capabilities:
        container["securityContext"] = {"runAsUser": 0, "capabilities": {"add": capabilities}}
    # What the namespace's label says in namespaces of ours, the pod's says in another.
    revision = {REVISION_LABEL: plane.revision} if plane.by_revision else {}
    labels = {"sidecar.istio.io/inject": "true", **revision}
    return {
        "kind": "Pod",
        "metadata": {"name": "il-preflight", "labels": labels},
        "spec": {"containers": [container]},
    }
