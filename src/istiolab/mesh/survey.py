"""What is on a cluster, looked at twice: what came, what went, what is not as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from istiolab.errors import ClusterError
from istiolab.mesh import inventory
from istiolab.mesh.installed import DEFINITIONS
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.session import Mesh
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.system.retry import Answer

# What takes a while to go: it waits for what is in it, or for its pods.
_SLOW = (NAMESPACES, DEFINITIONS, "/apis/apps/v1/deployments", "/api/v1/pods")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Every object of a cluster at one moment; none that was made out of others, as most pods."""

    objects: Mapping[str, str]
    """A digest by name, as `inventory.take` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object."""

    kind: str
    """Its kind."""
    namespace: str
    """Its namespace; empty if it belongs to the cluster as a whole."""
    name: str
    """Its name."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"kind": self.kind, "namespace": self.namespace or "-", "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many objects of a kind there are, and where."""

    kind: str
    """The kind."""
    namespaces: tuple[str, ...]
    """Their namespaces; none if they belong to the cluster as a whole."""
    count: int
    """How many there are."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        where = ", ".join(self.namespaces) or "the whole cluster"
        return {"kind": self.kind, "how many": str(self.count), "where": where}


def survey(mesh: Mesh, *, timeout_seconds: float = 60.0) -> Survey:
    """Look at every object of the cluster, once nothing is on its way out.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list a kind; or what goes is not
            gone at the deadline.
    """
    taken: list[inventory.Inventory] = []

    def look() -> Answer:
        going = _going(mesh)  # of what takes long first: most looks find some of it
        if not going:
            taken.append(_whole(mesh))
            going = [name for name, digest in taken[-1].objects.items() if digest is None]
        return Answer(done=not going, detail=f"going: {', '.join(going)}")

    waited = wait_for("what is deleted to go", look, timeout_seconds=timeout_seconds)
    if not waited.done:
        raise ClusterError(
            f"what was deleted is still there after {waited.seconds:.0f} s", where=(waited.detail,)
        )
    objects = taken[-1].objects
    there = {name: digest for name, digest in objects.items() if digest is not None}
    return Survey(objects=there)


def added(before: Survey, after: Survey) -> Listing[Thing]:
    """Return what is there after and was not before, sorted."""
    return _things(after.objects.keys() - before.objects.keys())


def removed(before: Survey, after: Survey) -> Listing[Thing]:
    """Return what was there before and is not after, sorted."""
    return _things(before.objects.keys() - after.objects.keys())


def altered(before: Survey, after: Survey) -> Listing[Thing]:
    """Return what is there both times, and is not what it was, sorted."""
    both = before.objects.keys() & after.objects.keys()
    return _things({name for name in both if before.objects[name] != after.objects[name]})


def tally(things: Listing[Thing]) -> Listing[Tally]:
    """Count things by their kind."""
    found = []
    for kind in sorted({thing.kind for thing in things}):
        own = things.where(lambda thing, kind=kind: thing.kind == kind)  # type: ignore[misc]
        spaces = sorted({thing.namespace for thing in own if thing.namespace})
        found.append(Tally(kind=kind, namespaces=tuple(spaces), count=len(own)))
    return Listing(found)


def _whole(mesh: Mesh) -> inventory.Inventory:
    """Look at everything; what a page says of all objects is not said of some."""
    found = inventory.take(mesh.cluster.kubeconfig)
    for refused in found.unseen.values():
        raise refused
    return found


def _going(mesh: Mesh) -> list[str]:
    return [
        str(item["metadata"]["name"])
        for path in _SLOW
        for item in mesh.cluster.items(path)
        if "deletionTimestamp" in item["metadata"]
    ]


def _things(names: set[str]) -> Listing[Thing]:
    return Listing(_thing(name) for name in sorted(names))


def _thing(name: str) -> Thing:
    # `Kind namespace/name`, or `Kind name`.
    kind, _, place = name.partition(" ")
    namespace, slash, own = place.partition("/")
    return Thing(kind=kind, namespace=namespace if slash else "", name=own if slash else place)
