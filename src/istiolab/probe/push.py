"""A change made, and what istiod pushed to sidecars because of it: what, and after how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from istiolab.errors import ClusterError
from istiolab.mesh.pods import LivePod
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.probe import xds as dumps
from istiolab.probe.admin import ask_envoy
from istiolab.probe.xds import Held, Resource
from istiolab.system.retry import SYSTEM_CLOCK, Answer

PUSH_SECONDS = 15.0
NONE = "-"

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One resource of a sidecar that a push has changed."""

    app: str
    """The pod's label `app`."""
    kind: str
    """`LDS`, `RDS`, `CDS`, `EDS` or `SDS`."""
    name: str
    """The resource's name."""
    outcome: str
    """`new`, `changed` or `gone`."""
    seconds: float
    """How long after the change the sidecar was first seen as it is now."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "sidecar of": self.app,
            "xDS": self.kind,
            "resource": self.name,
            "outcome": self.outcome,
            "seconds": f"{self.seconds:.2f}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field of a resource that a push has changed."""

    app: str
    """The pod's label `app`."""
    kind: str
    """The resource's kind."""
    name: str
    """The resource's name."""
    field: str
    """Where in the resource, such as `virtual_hosts[0].routes[1].match.prefix`."""
    before: str
    """The value; `-` if there was none."""
    after: str
    """The value; `-` if there is none."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table, which is about one resource."""
        return {"field": self.field, "now": self.after, "before": self.before}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Generic[Made]):
    """A change, and what became of it in sidecars."""

    made: Made
    """What making the change returned."""
    changes: Listing[Change]
    """The resources that are not as before, sidecar by sidecar."""
    fields: Listing[FieldChange]
    """The same, field by field."""

    def of(self, app: str, name: str, *, under: str = "") -> Listing[FieldChange]:
        """Return the fields of one resource in one sidecar.

        Args:
            app: the pod's label `app`.
            name: the resource's name.
            under: how the fields' names must begin; it is left out of them.
        """
        return Listing(
            replace(each, field=each.field.removeprefix(under))
            for each in self.fields
            if (each.app, each.name) == (app, name) and each.field.startswith(under)
        )

    def _repr_html_(self) -> str:
        return self.changes._repr_html_()

    def __str__(self) -> str:
        return str(self.changes)

    def __repr__(self) -> str:
        return str(self)


def xds(pod: LivePod) -> Held:
    """Return what a pod's sidecar was told over xDS.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    return dumps.parse(ask_envoy(pod, "config_dump?include_eds"))


def differs(before: Held, after: Held) -> bool:
    """Tell whether a sidecar holds anything else than before."""
    return list(before.resources) != list(after.resources)


def watch_push(
    change: Callable[[], Made],
    *pods: LivePod,
    until: Callable[[Held, Held], bool] = differs,
) -> Pushed[Made]:
    """Change something, and wait until the sidecars of `pods` have taken it up and are calm again.

    A push comes in parts (clusters first, then listeners, then routes), so two looks in a row must
    find the same.

    Args:
        change: makes the change, such as `lambda: demo.apply(…)`.
        pods: those whose sidecars must take it up.
        until: tells from what a sidecar held before and holds now whether it has.

    Raises:
        ClusterError: a sidecar has not taken it up at the deadline.
    """
    before = {pod: xds(pod) for pod in pods}
    made = change()
    start = SYSTEM_CLOCK.monotonic()
    seen: dict[LivePod, tuple[Held, float]] = {}

    def look() -> Answer:
        calm = True
        for pod in pods:
            held = xds(pod)
            if pod not in seen or differs(seen[pod][0], held):
                seen[pod] = (held, SYSTEM_CLOCK.monotonic() - start)
                calm = False
        stale = [pod.pod.name for pod in pods if not until(before[pod], seen[pod][0])]
        return Answer(done=calm and not stale, detail=", ".join(stale))

    waited = wait_for("push to sidecars", look, timeout_seconds=PUSH_SECONDS)
    if not waited.done:
        raise ClusterError(
            f"sidecars have not taken the change up after {waited.seconds:.0f} s",
            where=(f"pods: {waited.detail or 'all have, and go on changing'}",),
            hint="see what istiod sent them: `istioctl proxy-status`",
        )
    return Pushed(
        made=made,
        changes=Listing(
            found
            for pod in pods
            for found in changes(pod.pod.app, before[pod], seen[pod][0], seconds=seen[pod][1])
        ),
        fields=Listing(
            found for pod in pods for found in field_changes(pod.pod.app, before[pod], seen[pod][0])
        ),
    )


def changes(app: str, before: Held, after: Held, *, seconds: float) -> Iterator[Change]:
    """Yield the resources that differ, sorted as they are held; those that are gone come last."""
    for resource, old, new in _pairs(before, after):
        outcome = "gone" if new is None else "new" if old is None else "changed"
        yield Change(
            app=app, kind=resource.kind, name=resource.name, outcome=outcome, seconds=seconds
        )


def field_changes(app: str, before: Held, after: Held) -> Iterator[FieldChange]:
    """Yield the fields that differ, resource by resource."""
    for resource, old, new in _pairs(before, after):
        left, right = dict(fields(old or {})), dict(fields(new or {}))
        for field in dict.fromkeys((*left, *right)):
            if left.get(field) != right.get(field):
                yield FieldChange(
                    app=app,
                    kind=resource.kind,
                    name=resource.name,
                    field=field,
                    before=left.get(field, NONE),
                    after=right.get(field, NONE),
                )


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field of a JSON value that holds no others: its path, and its value as text."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from fields(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from fields(each, f"{path}[{place}]")
    else:
        yield path, str(value)


def _pairs(before: Held, after: Held) -> Iterator[tuple[Resource, Any, Any]]:
    old = {(each.kind, each.name): each for each in before.resources}
    new = {(each.kind, each.name): each for each in after.resources}
    for key in dict.fromkeys((*new, *old)):
        left, right = old.get(key), new.get(key)
        found = right or left
        if found is not None and left != right:
            yield found, left and left.body, right and right.body
