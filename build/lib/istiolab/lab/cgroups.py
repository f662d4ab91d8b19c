"""The lab's control groups: one subtree of its own in each of the host's hierarchies.

The node's init joins that subtree before it gets a cgroup namespace, whose root the subtree then is
(cgroup_namespaces(7)): the kubelet's `kubepods` lies inside it, and two labs never meet.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import HostError
from istiolab.system.retry import Answer, wait_until

CGROUP_ROOT = Path("/sys/fs/cgroup")
REQUIRED_CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """One mounted cgroup hierarchy."""

    path: Path
    """Where the host has it mounted."""
    controllers: tuple[str, ...]
    """Its v1 controllers or `name=…`; empty for the v2 hierarchy."""

    @property
    def unified(self) -> bool:
        """Tell whether this is the v2 hierarchy."""
        return not self.controllers


def parse_hierarchies(mounts: str) -> tuple[Hierarchy, ...]:
    """Return the hierarchies in the text of /proc/self/mounts (fstab(5) fields).

    On a host with v1 controllers the v2 hierarchy that systemd or others mount beside them carries
    none, and is left out.
    """
    known = {
        "rw",
        "ro",
        "nosuid",
        "nodev",
        "noexec",
        "relatime",
        "noatime",
        "nodiratime",
        "seclabel",
        "xattr",
        "clone_children",
    }
    found: dict[str, Hierarchy] = {}
    unified: dict[str, Hierarchy] = {}
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 4:
            continue
        path, kind, options = fields[1], fields[2], fields[3]
        if kind == "cgroup2":
            unified.setdefault(path, Hierarchy(path=Path(path), controllers=()))
        elif kind == "cgroup":
            names = tuple(
                o
                for o in options.split(",")
                if o not in known and not o.startswith("release_agent")
            )
            found.setdefault(path, Hierarchy(path=Path(path), controllers=names))
    return tuple(found.values()) if found else tuple(unified.values())[:1]


def host_hierarchies() -> tuple[Hierarchy, ...]:
    """Return the hierarchies that the host has mounted."""
    return parse_hierarchies(Path("/proc/self/mounts").read_text())


def subtree_name(lab: str) -> str:
    """Return the name of the lab's subtree."""
    return f"istiolab-{lab}"


def make_subtree(lab: str, hierarchies: Iterable[Hierarchy]) -> None:
    """Make the lab's subtree in each hierarchy.

    Raises:
        HostError: the kernel does not let us.
    """
    for hierarchy in hierarchies:
        folder = hierarchy.path / subtree_name(lab)
        try:
            folder.mkdir(exist_ok=True)
            if "cpuset" in hierarchy.controllers:
                # cpuset(7): a new v1 cpuset is empty, and no process may join an empty one.
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (folder / name).write_text((hierarchy.path / name).read_text())
            if hierarchy.unified:
                _delegate(hierarchy.path)
        except OSError as refused:
            raise HostError(
                f"the control group `{folder}` cannot be made", where=(str(refused),)
            ) from refused


def _delegate(root: Path) -> None:
    """Hand the controllers that the kubelet needs from the v2 root to its children."""
    offered = set((root / "cgroup.controllers").read_text().split())
    handed = set((root / "cgroup.subtree_control").read_text().split())
    for name in sorted((offered & REQUIRED_CONTROLLERS) - handed):
        (root / "cgroup.subtree_control").write_text(f"+{name}")


def join_subtree(lab: str, hierarchies: Iterable[Hierarchy]) -> None:
    """Move this very process into the lab's subtree."""
    for hierarchy in hierarchies:
        (hierarchy.path / subtree_name(lab) / "cgroup.procs").write_text(str(os.getpid()))


def remove_subtree(lab: str, hierarchies: Iterable[Hierarchy]) -> None:
    """Remove the lab's subtree from each hierarchy, once its last process is gone.

    Raises:
        HostError: processes are still in it after 10 seconds.
    """
    for hierarchy in hierarchies:
        folder = hierarchy.path / subtree_name(lab)
        gone = wait_until(
            lambda folder=folder: Answer(done=_removed(folder)),  # type: ignore[misc]
            timeout_seconds=10,
            delay_seconds=0.02,
        )
        if not gone.done:
            raise HostError(
                f"the control group `{folder}` is still in use",
                hint=f"see what runs in it: `cat {folder}/cgroup.procs`",
            )


def _removed(folder: Path) -> bool:
    if not folder.is_dir():
        return True
    # From the leaves up: a group with children cannot be removed.
    for inner in sorted(folder.rglob("*"), key=lambda p: len(p.parts), reverse=True):
        if inner.is_dir():
            with contextlib.suppress(OSError):
                inner.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.is_dir()


def memory_bytes(lab: str, hierarchies: Iterable[Hierarchy]) -> int:
    """Return the anonymous and shared memory that the lab's processes hold now; 0 if it is down.

    Page cache is left out: the kernel takes it back when something else needs the memory.
    """
    for hierarchy in hierarchies:
        if hierarchy.unified or "memory" in hierarchy.controllers:
            return parse_memory(hierarchy.path / subtree_name(lab) / "memory.stat")
    return 0


def parse_memory(stat: Path) -> int:
    """Read a `memory.stat`: of cgroup v1 (`total_rss`, `total_shmem`) or v2 (`anon`, `shmem`)."""
    try:
        lines = stat.read_text().splitlines()
    except OSError:
        return 0  # the lab is not there, or has just gone
    found = {name: int(value) for name, _, value in (line.partition(" ") for line in lines)}
    names = ("total_rss", "total_shmem") if "total_rss" in found else ("anon", "shmem")
    return sum(found.get(name, 0) for name in names)
