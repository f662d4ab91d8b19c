"""How a pod came about: its events in order, its containers, and what injection changed in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from istiolab.mesh.client import Json
from istiolab.mesh.pods import LivePod
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.sidecar import access_log, unlogged
from istiolab.system.retry import Answer

_CONTAINER = re.compile(r"spec\.(?:initContainers|containers)\{(.*)\}")
# What two pods of one deployment never have in common, and nobody injects.
_OF_ONE_POD = (
    "metadata.creationTimestamp",
    "metadata.generateName",
    "metadata.generation",
    "metadata.labels.pod-template-hash",
    "metadata.managedFields",
    "metadata.name",
    "metadata.ownerReferences",
    "metadata.resourceVersion",
    "metadata.uid",
    "metadata.annotations.kubectl.kubernetes.io/restartedAt",
)
# The API server names a volume for each pod's token at random.
_TOKEN_VOLUME = re.compile(r"kube-api-access-\w{5}")
# Where nothing at all is compared as if it were an empty list, so that each item is told.
_BY_ITEM = ("metadata.annotations", "metadata.labels", "spec.initContainers", "spec.volumes")
_LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEvent:
    """One event of a pod."""

    reason: str
    """The event's reason, such as Started."""
    container: str
    """The container that it is about; empty for the pod as a whole."""
    message: str
    """What it says."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"reason": self.reason, "container": self.container, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod."""

    name: str
    """Its name."""
    listed: str
    """The list of the pod's specification that it stands in."""
    restarts: str
    """Its own `restartPolicy`; empty if it has none."""
    image: str
    """Its image."""
    user: str
    """The user that it runs as; empty if that is not said."""
    capabilities: tuple[str, ...]
    """What it may do beyond that user."""

    @property
    def kind(self) -> str:
        """Return what Kubernetes calls such a container."""
        if self.listed == "containers":
            return "container"
        # https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
        return "sidecar container" if self.restarts == "Always" else "init container"

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "container": self.name,
            "kind": self.kind,
            "listed under": self.listed,
            "restartPolicy": self.restarts,
            "user": self.user,
            "capabilities": ", ".join(self.capabilities),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two pods are not alike."""

    place: str
    """The field, by its path; an item of a list by its name."""
    before: str
    """What the one has; empty if nothing."""
    after: str
    """What the other has; empty if nothing."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"field": self.place, "without": self.before, "with": self.after}


def events(pod: LivePod) -> Listing[PodEvent]:
    """Return the events of a pod, in the order in which the API server got them.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = pod.cluster.items(
        f"/api/v1/namespaces/{pod.pod.namespace}/events",
        fieldSelector=f"involvedObject.name={pod.pod.name}",
    )
    # Their times are whole seconds. The order is etcd's, whose revision grows with each write.
    found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
    return Listing(
        PodEvent(
            reason=str(event["reason"]),
            container=_container_of(event),
            message=str(event["message"]),
        )
        for event in found
    )


def containers(pod: LivePod) -> Listing[Container]:
    """Return the containers of a pod in the order in which they start.

    Raises:
        ClusterError: the cluster does not answer, or the pod is gone.
    """
    spec = read_object(pod)["spec"]
    return Listing(
        Container(
            name=str(each["name"]),
            listed=listed,
            restarts=str(each.get("restartPolicy", "")),
            image=str(each["image"]),
            user=str(each.get("securityContext", {}).get("runAsUser", "")),
            capabilities=tuple(
                each.get("securityContext", {}).get("capabilities", {}).get("add", ())
            ),
        )
        for listed in ("initContainers", "containers")
        for each in spec.get(listed, ())
    )


def wait_for_entries(
    ask: Callable[[], object], pod: LivePod, *, timeout_seconds: float = 60.0
) -> Listing[AccessLogEntry]:
    """Ask again and again until the pod's sidecar has logged what came in; return these lines.

    What the workload then asks of others is logged as well, and may come first: a line is written
    when its connection is over. It is left out here.

    Args:
        ask: sends the pod a request that goes through the sidecar.
        pod: the pod.
        timeout_seconds: the deadline; how long it took is in the record of waits.

    Raises:
        ClusterError: nothing that came in is in the log at the deadline.
    """

    def came_in() -> Listing[AccessLogEntry]:
        return Listing(entry for entry in access_log(pod) if entry.is_inbound)

    def look() -> Answer:
        ask()
        return Answer(done=len(came_in()) > 0)

    waited = wait_for(
        f"first line of {pod.pod.app}'s access log", look, timeout_seconds=timeout_seconds
    )
    if not waited.done:
        message = f"the sidecar of `{pod.pod.name}` has logged no request in {waited.seconds:.0f} s"
        raise unlogged(message, pod.cluster)
    return came_in()


def read_object(pod: LivePod) -> Json:
    """Return a pod as the API tells it, without its status.

    Raises:
        ClusterError: the cluster does not answer, or the pod is gone.
    """
    found = pod.cluster.get(f"/api/v1/namespaces/{pod.pod.namespace}/pods/{pod.pod.name}")
    return {key: found[key] for key in ("metadata", "spec")}


def compare_pods(before: Json, after: Json) -> Listing[Difference]:
    """Return where two pods of one deployment are not alike, but for what each pod has of its own.

    Args:
        before: a pod as `read_object` returns it.
        after: another one.
    """
    return Listing(
        each
        for each in differences(_plain(before), _plain(after))
        if not each.place.startswith(_OF_ONE_POD)
    )


def differences(before: Any, after: Any, place: str = "") -> Iterator[Difference]:
    """Yield where two trees differ; what only one of them has is one difference as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{place}.{key}" if place else str(key)
            one, other = before.get(key), after.get(key)
            if inner in _BY_ITEM:
                one, other = one or {}, other or {}
            if one is None and other is None:
                continue
            if one is None or other is None:
                yield Difference(place=inner, before=_short(one), after=_short(other))
            else:
                yield from differences(one, other, inner)
    elif before != after:
        yield Difference(place=place, before=_short(before), after=_short(after))


def _plain(value: Any) -> Any:
    """Turn lists of named things into mappings, so that they are compared by name."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        names = [each.get("name") if isinstance(each, Mapping) else None for each in value]
        if all(names) and len(set(names)) == len(names):
            return {_unnamed(str(each["name"])): _plain(each) for each in value}
        return [_plain(each) for each in value]
    return _unnamed(value) if isinstance(value, str) else value


def _unnamed(text: str) -> str:
    return _TOKEN_VOLUME.sub("kube-api-access", text)


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and "name" in value:
        value = {key: each for key, each in value.items() if key != "name"}
    text = _flat(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flat(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_flat(each) for each in value) + "]"
    return str(value)


def _container_of(event: Json) -> str:
    found = _CONTAINER.match(event["involvedObject"].get("fieldPath", ""))
    return found[1] if found else ""
