"""What an installation of Istio stands on, and what it brought: images, pods, kinds, webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.pods import Pod, read_pod
from istiolab.mesh.refusals import MissingError
from istiolab.mesh.session import Mesh, connect
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.system.retry import Answer

_HOOKS = "/apis/admissionregistration.k8s.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Kubernetes sorts a kind's versions like that: v1 before v1beta1 before v1alpha3
# (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority).
_STAGES = {"": 0, "beta": 1, "alpha": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeImage:
    """An image that a node holds."""

    node: str
    """The node."""
    image: str
    """The image's name with its tag."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"node": self.node, "image": self.image}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """What the kubelet said about the image of a container that it was to start."""

    pod: str
    """The pod."""
    reason: str
    """`Pulling`, or `Pulled`, which it also says of an image that was there."""
    message: str
    """Its words."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"pod": self.pod, "reason": self.reason, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A kind of object that a CustomResourceDefinition brought."""

    kind: str
    """The kind."""
    group: str
    """Its API group."""
    versions: tuple[str, ...]
    """The versions in which it can be written and read, the preferred one first."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"kind": self.kind, "API group": self.group, "versions": ", ".join(self.versions)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyWebhook:
    """What the API server asks before it takes an object."""

    configuration: str
    """The configuration that holds it."""
    kind: str
    """`mutating` or `validating`."""
    name: str
    """Its name."""
    asked: str
    """On what it is asked: operations, resources, and their API groups."""
    policy: str
    """What becomes of the object when nobody answers: `Fail`, or `Ignore`."""
    trusted: bool
    """The API server knows by which authority to tell that it is the right one."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "configuration": self.configuration,
            "kind": self.kind,
            "webhook": self.name,
            "asked on": self.asked,
            "without an answer": self.policy,
        }


def connect_bare() -> Mesh:
    """Connect to a cluster without Istio: for what installs it, and removes it again.

    Raises:
        ClusterError: Istio is on it, which would be removed; or the cluster does not answer.
    """
    mesh = connect()
    there = [item["metadata"]["name"] for item in mesh.cluster.items("/api/v1/namespaces")]
    if "istio-system" in there or _definitions(mesh, "istio.io"):
        mesh.close()
        raise ClusterError(
            f"the cluster of `{mesh.cluster.kubeconfig}` has Istio, which this would remove",
            hint="bring up a lab without it: `istiolab up --bare --name play`",
        )
    return mesh


def node_images(mesh: Mesh, beginning: str) -> Listing[NodeImage]:
    """Return the images on the nodes whose names begin so, sorted.

    The kubelet lists those that it has, the largest 50 (`nodeStatusMaxImages`).
    """
    return Listing(
        NodeImage(node=str(node["metadata"]["name"]), image=name)
        for node in mesh.cluster.items("/api/v1/nodes")
        for name in sorted(_names(node))
        if name.startswith(beginning)
    )


def _names(node: Json) -> Iterable[str]:
    for image in node["status"].get("images", ()):
        # A name with a digest stands for the same image once more.
        yield from (str(name) for name in image.get("names") or () if "@" not in name)


def pods_in(mesh: Mesh, namespace: str) -> Listing[Pod]:
    """Return the pods of a namespace that are not on their way out, sorted by name."""
    found = (read_pod(item) for item in mesh.cluster.items(f"/api/v1/namespaces/{namespace}/pods"))
    return Listing(sorted((pod for pod in found if not pod.terminating), key=lambda pod: pod.name))


def pulls(mesh: Mesh, namespace: str) -> Listing[Pull]:
    """Return what the kubelet said about images in a namespace, sorted by pod and words."""
    found = {
        (str(event["involvedObject"]["name"]), str(event["reason"]), str(event["message"]))
        for event in mesh.cluster.items(f"/api/v1/namespaces/{namespace}/events")
        if event.get("reason") in ("Pulling", "Pulled", "Failed", "BackOff", "ErrImageNeverPull")
    }
    return Listing(Pull(pod=pod, reason=why, message=said) for pod, why, said in sorted(found))


def definitions(mesh: Mesh, ending: str) -> Listing[Definition]:
    """Return the kinds of object whose API group ends so, sorted by group and kind."""
    return Listing(_definitions(mesh, ending))


def _definitions(mesh: Mesh, ending: str) -> list[Definition]:
    found = [
        Definition(
            kind=str(item["spec"]["names"]["kind"]),
            group=str(item["spec"]["group"]),
            versions=tuple(
                sorted(
                    (str(each["name"]) for each in item["spec"]["versions"] if each["served"]),
                    key=_priority,
                )
            ),
        )
        for item in mesh.cluster.items(DEFINITIONS)
        if str(item["spec"]["group"]).endswith(ending)
    ]
    return sorted(found, key=lambda each: (each.group, each.kind))


def _priority(version: str) -> tuple[int, str]:
    stage = next((name for name in ("alpha", "beta") if name in version), "")
    return _STAGES[stage], version


def ready_webhooks(mesh: Mesh, *, timeout_seconds: float = 30.0) -> Listing[ReadyWebhook]:
    """Return Istio's webhooks as they are once istiod has put its certificate authority in.

    A cluster without any is not waited for.

    Raises:
        ClusterError: istiod does not do so.
    """
    found: list[ReadyWebhook] = []

    def look() -> Answer:
        found[:] = _webhooks(mesh)
        waiting = [each.name for each in found if not each.trusted or each.policy != "Fail"]
        return Answer(done=not waiting, detail=f"not ready: {', '.join(waiting)}")

    waited = wait_for("istiod to make its webhooks ready", look, timeout_seconds=timeout_seconds)
    if not waited.done:
        raise ClusterError(
            f"webhooks were not ready after {waited.seconds:.0f} s", where=(waited.detail,)
        )
    return Listing(found)


def _webhooks(mesh: Mesh) -> list[ReadyWebhook]:
    return [
        ReadyWebhook(
            configuration=str(item["metadata"]["name"]),
            kind=kind,
            name=str(hook["name"]),
            asked=_asked(hook),
            policy=str(hook.get("failurePolicy", "Fail")),
            trusted=bool(hook["clientConfig"].get("caBundle")),
        )
        for kind in ("mutating", "validating")
        for item in _hooks(mesh, kind)
        for hook in item.get("webhooks", ())
        if str(hook["name"]).endswith("istio.io")
    ]


def _hooks(mesh: Mesh, kind: str) -> list[Json]:
    try:
        found = mesh.cluster.items(f"{_HOOKS}/{kind}webhookconfigurations")
    except MissingError:
        return []
    return sorted(found, key=lambda item: str(item["metadata"]["name"]))


def _asked(hook: Json) -> str:
    # Where a revision tag has taken a webhook's place, istioctl gives it a selector that nothing
    # matches, instead of deleting it (istioctl/pkg/tag/util.go, DeactivateIstioInjectionWebhook).
    labels = hook.get("namespaceSelector", {}).get("matchLabels", {})
    if "istio.io/deactivated" in labels:
        return "nothing: it is deactivated"
    return "; ".join(_rule(rule) for rule in hook.get("rules", ()))


def _rule(rule: Json) -> str:
    groups = [group for group in rule["apiGroups"] if group]
    what = f"{', '.join(rule['operations'])} {', '.join(rule['resources'])}"
    return f"{what} of {', '.join(groups)}" if groups else what
