"""A pod asked for without being made: whether it would get a sidecar, and whom the webhooks mind.

Asked by a dry run (`dryRun=All`), which passes admission as a real request does and stores nothing;
Kubernetes calls a webhook then too, if that says of itself that it has no side effects, as Istio's
does (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from istiolab.mesh.client import Json
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.revision import WEBHOOKS, injector_webhooks
from istiolab.mesh.session import Mesh, Namespace
from istiolab.mesh.table import Listing, Table

SIDECAR = "istio-proxy"
INJECT = "sidecar.istio.io/inject"
# What a switch can say; None: it is not there.
NAMESPACE_LABELS = ("enabled", "disabled", None)
SWITCH = ("true", "false", None)
ABSENT = "not set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What says whether a pod gets a sidecar; None for what is not set."""

    namespace: str | None
    """The namespace's label `istio-injection`."""
    label: str | None
    """The pod's label `sidecar.istio.io/inject`."""
    annotation: str | None
    """The pod's annotation of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A pod that was asked for, and what would have been made of it."""

    switches: Switches
    """What it came with."""
    host_network: bool
    """Whether it was to use the node's network instead of one of its own."""
    containers: tuple[str, ...]
    """All its containers' names, those that run to their end first included."""

    @property
    def injected(self) -> bool:
        """Tell whether it would get a sidecar."""
        return SIDECAR in self.containers

    @property
    def said(self) -> str:
        """Return that in two words."""
        return "sidecar" if self.injected else "none"

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "namespace label": self.switches.namespace or ABSENT,
            "pod label": self.switches.label or ABSENT,
            "pod annotation": self.switches.annotation or ABSENT,
            "network": "the node's" if self.host_network else "its own",
            "containers": ", ".join(self.containers),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook by which pods get their sidecars: whom it is asked about."""

    name: str
    """Its name."""
    namespaces: tuple[str, ...]
    """What the namespace's labels must be, a condition each."""
    pods: tuple[str, ...]
    """What the pod's labels must be."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "webhook": self.name,
            "namespace's labels": "; ".join(self.namespaces),
            "pod's labels": "; ".join(self.pods),
        }


def ask_for_pod(
    mesh: Mesh,
    namespace: Namespace,
    *,
    label: str | None = None,
    annotation: str | None = None,
    host_network: bool = False,
    switch: str | None = None,
) -> Asked:
    """Ask what would become of a pod, without making one.

    Args:
        mesh: the mesh.
        namespace: where it would be.
        label: its label `sidecar.istio.io/inject`; None means that it has none.
        annotation: its annotation of the same name.
        host_network: whether it uses the node's network instead of one of its own.
        switch: the namespace's label `istio-injection`, for the record; it is set before.

    Raises:
        ClusterError: the cluster refuses such a pod.
    """
    body = pod_body(label=label, annotation=annotation, host_network=host_network)
    path = f"{NAMESPACES}/{namespace.name}/pods"
    made = json.loads(mesh.cluster.request("POST", path, query={"dryRun": "All"}, body=body))
    return Asked(
        switches=Switches(namespace=switch, label=label, annotation=annotation),
        host_network=host_network,
        containers=container_names(made),
    )


def fill_switchboard(mesh: Mesh) -> Listing[Asked]:
    """Ask for a pod under each of the 27 settings of the three switches.

    Args:
        mesh: the mesh; a namespace is made for each of the three settings of its label.

    Raises:
        ClusterError: the cluster refuses.
    """
    found = []
    for switch in NAMESPACE_LABELS:
        namespace = mesh.namespace(f"label-{switch or 'none'}")
        if switch is not None:
            namespace.inject(on=switch == "enabled")
        found += [
            ask_for_pod(mesh, namespace, label=label, annotation=annotation, switch=switch)
            for label, annotation in product(SWITCH, SWITCH)
        ]
    return Listing(found)


def switchboard(asked: Iterable[Asked]) -> Table:
    """Return the answers side by side: a row for both labels, a column for each annotation.

    Args:
        asked: what `fill_switchboard` found; what is not among it shows as empty.
    """
    said = {each.switches: each.said for each in asked}

    def cell(namespace: str | None, label: str | None, annotation: str | None) -> str:
        switches = Switches(namespace=namespace, label=label, annotation=annotation)
        return said.get(switches, "")

    return Table(
        columns=(
            *("namespace label", "pod label"),
            *(f"annotation {annotation or ABSENT}" for annotation in SWITCH),
        ),
        rows=tuple(
            (
                namespace or ABSENT,
                label or ABSENT,
                *(cell(namespace, label, annotation) for annotation in SWITCH),
            )
            for namespace, label in product(NAMESPACE_LABELS, SWITCH)
        ),
    )


def webhooks(mesh: Mesh) -> Listing[Webhook]:
    """Return the webhooks that inject sidecars, but for those that are switched off.

    Raises:
        ClusterError: the cluster does not answer.
    """
    return Listing(
        read_webhook(hook)
        for configuration in mesh.cluster.items(WEBHOOKS)
        for hook in injector_webhooks(configuration)
        if not _is_off(hook)
    )


def read_webhook(hook: Json) -> Webhook:
    """Read whom a webhook is asked about."""
    return Webhook(
        name=str(hook["name"]),
        namespaces=_conditions(hook.get("namespaceSelector", {})),
        pods=_conditions(hook.get("objectSelector", {})),
    )


def pod_body(*, label: str | None, annotation: str | None, host_network: bool) -> dict[str, Any]:
    """Return a pod with these switches, whose container would do nothing."""
    container = {"name": "app", "image": "app"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "asked",
            "labels": {} if label is None else {INJECT: label},
            "annotations": {} if annotation is None else {INJECT: annotation},
        },
        "spec": {"containers": [container], "hostNetwork": host_network},
    }


def container_names(pod: Json) -> tuple[str, ...]:
    """Return the names of a pod's containers, those that run first and end included."""
    spec = pod["spec"]
    return tuple(
        str(each["name"]) for each in (*spec.get("initContainers", ()), *spec["containers"])
    )


# A label that nothing has: by it Istio switches a webhook off which another one replaces.
def _is_off(hook: Json) -> bool:
    return "istio.io/deactivated" in hook.get("namespaceSelector", {}).get("matchLabels", {})


def _conditions(selector: Json) -> tuple[str, ...]:
    labels = (f"{key} is {value}" for key, value in selector.get("matchLabels", {}).items())
    return (*labels, *(_condition(each) for each in selector.get("matchExpressions", ())))


def _condition(expression: Json) -> str:
    key, values = str(expression["key"]), _joined(expression.get("values", ()))
    return {
        "In": f"{key} is {values}",
        "NotIn": f"{key} is not {values}",
        "Exists": f"{key} is set",
        "DoesNotExist": f"{key} is not set",
    }[str(expression["operator"])]


def _joined(values: Sequence[str]) -> str:
    return " or ".join(values)
