"""The lab's control groups: one group of its own in each of the host's hierarchies.

The node's first process joins the group and then makes a cgroup namespace, whose root the group is
(cgroup_namespaces(7)): the kubelet's `kubepods` lies inside it, and two labs never meet.

Rule 1: where systemd runs, the group is a scope with `Delegate=yes`, and systemd leaves alone what
lies below it (https://systemd.io/CGROUP_DELEGATION). Elsewhere it lies below the root.
Rule 2: in a v2 hierarchy, a group that hands controllers on to its children holds no process
(cgroups(7), "no internal processes"). So the program that waits for the node has a group beside the
node's, and a container's own processes leave the root of what the container sees.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import HostError
from istiolab.system.command import run
from istiolab.system.retry import Answer, wait_until

CGROUP_ROOT = Path("/sys/fs/cgroup")
REQUIRED_CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids"})
# Below a lab's v2 group: the node, and the program that waits for the node's end.
_NODE, _LAUNCHER = "node", "launcher"
# Below the v2 root that a container sees: the processes that were at that root.
_CONTAINER = "istiolab-container"
_SLICE = "system.slice"


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

    A host has the required controllers in v1 hierarchies or in the v2 hierarchy. What is mounted
    beside those is left out: the empty v2 hierarchy that systemd mounts on a v1 host, and the
    `net_cls` that a VPN mounts on a v2 host.
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
    first = tuple(found.values())
    if unified and not any(REQUIRED_CONTROLLERS & set(each.controllers) for each in first):
        return tuple(unified.values())[:1]
    return first


def host_hierarchies() -> tuple[Hierarchy, ...]:
    """Return the hierarchies that the host has mounted and that the lab uses."""
    return parse_hierarchies(Path("/proc/self/mounts").read_text())


def parse_groups(text: str) -> Mapping[frozenset[str], str]:
    """Return a process's group by controllers, from the text of its /proc/PID/cgroup (cgroups(7)).

    The v2 hierarchy has no controllers there.
    """
    groups: dict[frozenset[str], str] = {}
    for line in text.splitlines():
        _, controllers, group = line.split(":", 2)
        groups[frozenset(filter(None, controllers.split(",")))] = group
    return groups


def group_of(text: str) -> str | None:
    """Return the name of the lab's group that a process is in, from its /proc/PID/cgroup."""
    found = re.search(r"istiolab-[a-z0-9-]*-[0-9a-f]{8}(?=\.scope|/|$)", text, re.MULTILINE)
    return found.group() if found else None


def scope_command(group: str) -> tuple[str, ...]:
    """Return what stands before a command that is to run in a scope of systemd's; none without it.

    systemd-run(1) with `--scope` turns into the command.
    """
    if not Path("/run/systemd/system").is_dir():  # sd_booted(3)
        return ()
    return (
        *("systemd-run", "--scope", "--quiet", "--collect", f"--unit={group}", f"--slice={_SLICE}"),
        *("--property=Delegate=yes", "--property=TasksMax=infinity", "--"),
    )


def join_group(group: str, hierarchies: Iterable[Hierarchy]) -> None:
    """Make the lab's group in each hierarchy, and move this very process into it.

    Raises:
        HostError: the kernel refused it.
    """
    own = parse_groups(Path("/proc/self/cgroup").read_text())
    for hierarchy in hierarchies:
        within = own.get(frozenset(hierarchy.controllers), "")
        is_scope = within.endswith(f"/{group}.scope")
        folder = hierarchy.path / (within.lstrip("/") if is_scope else group)
        try:
            if not is_scope:
                _make(hierarchy, folder)
            if hierarchy.unified:
                for name in (_NODE, _LAUNCHER):
                    (folder / name).mkdir(exist_ok=True)
                _move_here(folder / _LAUNCHER)
                hand_on_controllers(folder)
            else:
                _move_here(folder)
        except OSError as refused:
            raise HostError(
                f"the control group `{folder}` cannot be used", where=(str(refused),)
            ) from refused


def join_node(hierarchies: Iterable[Hierarchy]) -> None:
    """Move this very process from the launcher's v2 group to the node's beside it."""
    own = parse_groups(Path("/proc/self/cgroup").read_text())
    for hierarchy in hierarchies:
        if hierarchy.unified:
            _move_here(hierarchy.path / own[frozenset()].lstrip("/") / ".." / _NODE)


def _make(hierarchy: Hierarchy, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if "cpuset" in hierarchy.controllers:
        # cpuset(7): a new v1 cpuset is empty, and no process may join an empty one.
        for name in ("cpuset.cpus", "cpuset.mems"):
            (folder / name).write_text((hierarchy.path / name).read_text())
    if hierarchy.unified:
        try:
            hand_on_controllers(hierarchy.path)
        except OSError as busy:
            if busy.errno != errno.EBUSY:
                raise
            # Only the real root may hold processes; this is the one that a container sees.
            _move_all(hierarchy.path, hierarchy.path / _CONTAINER)
            hand_on_controllers(hierarchy.path)


def hand_on_controllers(folder: Path) -> None:
    """Hand the controllers that the kubelet needs on from a v2 group to its children.

    Raises:
        OSError: a process is in the group (EBUSY), or the hierarchy cannot be written.
    """
    offered = set((folder / "cgroup.controllers").read_text().split())
    handed = set((folder / "cgroup.subtree_control").read_text().split())
    for name in sorted((offered & REQUIRED_CONTROLLERS) - handed):
        (folder / "cgroup.subtree_control").write_text(f"+{name}")


def _move_here(folder: Path) -> None:
    # cgroups(7): 0 is the writing process, whatever its id is in which namespace.
    (folder / "cgroup.procs").write_text("0")


def _move_all(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for pid in (source / "cgroup.procs").read_text().split():
        # It may have ended; and one of another PID namespace, which has no id here, stays (0).
        with contextlib.suppress(OSError):
            (target / "cgroup.procs").write_text(pid)


def remove_group(group: str, hierarchies: Iterable[Hierarchy]) -> None:
    """Remove the lab's group from each hierarchy, once its last process is gone.

    Raises:
        HostError: processes are still in it after 10 seconds.
    """
    if scope_command(group):
        # Its processes have ended; this waits until systemd has removed the scope (5: it has).
        run(["systemctl", "stop", f"{group}.scope"], timeout_seconds=120, error=HostError)
    for hierarchy in hierarchies:
        for folder in _folders(hierarchy, group):
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
        if hierarchy.unified and (hierarchy.path / _CONTAINER).is_dir():
            _give_back_root(hierarchy.path)


def _give_back_root(root: Path) -> None:
    """Move a container's processes back to the root that it sees, after its last lab."""
    if any(each.name != _CONTAINER for each in root.glob("istiolab-*")):
        return
    # Where somebody else in the container hands controllers on as well, it stays as it is.
    with contextlib.suppress(OSError):
        for name in (root / "cgroup.subtree_control").read_text().split():
            (root / "cgroup.subtree_control").write_text(f"-{name}")
        _move_all(root / _CONTAINER, root)
        _removed(root / _CONTAINER)


def _folders(hierarchy: Hierarchy, group: str) -> tuple[Path, Path]:
    return hierarchy.path / group, hierarchy.path / _SLICE / f"{group}.scope"


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
    """Return the anonymous and shared memory that a lab's processes hold now; 0 if it is down.

    Page cache is left out: the kernel takes it back when something else needs the memory.
    """
    group = f"istiolab-{lab}-" + "[0-9a-f]" * 8
    for hierarchy in hierarchies:
        if hierarchy.unified or "memory" in hierarchy.controllers:
            below = [*hierarchy.path.glob(group), *hierarchy.path.glob(f"{_SLICE}/{group}.scope")]
            return sum(parse_memory(folder / "memory.stat") for folder in below)
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
