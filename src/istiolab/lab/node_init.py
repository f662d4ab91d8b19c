"""The first process of the node: makes the node's view of the machine, then becomes the supervisor.

Started as PID 1 of fresh mount, network, PID, UTS and IPC namespaces, it makes its cgroup namespace
itself, once it is in the node's group. Whatever it mounts is gone with it: the host is never
changed, which is why folders that the host may lack (/etc/kubernetes, /var/lib/kubelet, …) appear
on overlays whose upper side is memory, and settings of the whole kernel are files of the node's.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path

from istiolab.lab.cgroups import (
    CGROUP_ROOT,
    Hierarchy,
    hand_on_controllers,
    host_hierarchies,
    join_node,
)
from istiolab.lab.spec import NODE_NAME, NodePaths, NodeSpec
from istiolab.system.command import check

_OVERLAID = ("/etc", "/var", "/opt")
_STASH = Path("/run/istiolab-stash")
_UPPER = Path("/run/istiolab-upper")
_SETTINGS = Path("/run/istiolab-sysctl")
# What the kubelet sets for the whole machine, not for its network namespace alone
# (kubernetes, pkg/kubelet/cm/container_manager_linux.go, `setupKernelTunables`).
MACHINE_SYSCTLS = (
    *("vm.overcommit_memory", "vm.panic_on_oom", "kernel.panic", "kernel.panic_on_oops"),
    *("kernel.keys.root_maxkeys", "kernel.keys.root_maxbytes"),
)
_CLONE_NEWCGROUP = 0x02000000  # sched.h


def main() -> None:
    """Make the node's mounts, and turn into supervisord."""
    spec = NodeSpec.from_json(Path(sys.argv[1]).read_text())
    paths = NodePaths(root=Path(spec.state))
    hierarchies = host_hierarchies()
    join_node(hierarchies)
    _unshare_cgroups()
    _mount("--make-rprivate", "/")
    _mount("-t", "proc", "proc", "/proc")
    _mount("-t", "sysfs", "sysfs", "/sys")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    kept = _stash(spec.keep)
    for folder in _OVERLAID:
        _overlay(folder)
    _mount("-t", "tmpfs", "tmpfs", "/tmp")
    _restore(kept)
    _mount_cgroups(hierarchies)
    _keep_settings()
    _bind(paths.kubelet, Path("/var/lib/kubelet"))
    _bind(paths.log, Path("/var/log"))
    _mount("--make-rshared", "/")
    for folder in ("/run/lock", "/run/netns"):
        Path(folder).mkdir(exist_ok=True)
    # Pods get their own; the node itself asks nobody.
    Path("/etc/resolv.conf").unlink(missing_ok=True)
    Path("/etc/resolv.conf").write_text((paths.config / "resolv.conf").read_text())
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{spec.node_address} {NODE_NAME}\n")
    socket.sethostname(NODE_NAME)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "supervisor.supervisord"),
            *("--nodaemon", "--configuration", str(paths.config / "supervisord.conf")),
        ],
    )


def _mount(*arguments: str) -> None:
    check(["mount", *arguments])


def _bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(source), str(target))


def _hidden(folder: str) -> bool:
    return any(Path(folder).is_relative_to(top) for top in (*_OVERLAID, "/tmp"))


def _stash(folders: tuple[str, ...]) -> dict[str, Path]:
    """Bind the folders that our mounts would hide to a place of safety."""
    kept: dict[str, Path] = {}
    for number, folder in enumerate(folders):
        if _hidden(folder):
            kept[folder] = _STASH / str(number)
            _bind(Path(folder), kept[folder])
    return kept


def _restore(kept: dict[str, Path]) -> None:
    for folder, place in kept.items():
        _bind(place, Path(folder))


def _overlay(folder: str) -> None:
    """Lay a writable layer of memory over a folder of the host."""
    upper, work = _UPPER / folder.strip("/"), _UPPER / f"{folder.strip('/')}.work"
    upper.mkdir(parents=True)
    work.mkdir()
    options = f"lowerdir={folder},upperdir={upper},workdir={work}"
    _mount("-t", "overlay", "-o", options, "overlay", folder)


def _unshare_cgroups() -> None:
    # os.unshare() is there from Python 3.12 on.
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_CLONE_NEWCGROUP) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWCGROUP)")


def _keep_settings() -> None:
    """Put files of the node's own over the settings of the machine that the kubelet writes."""
    _SETTINGS.mkdir()
    for name in MACHINE_SYSCTLS:
        setting = Path("/proc/sys") / name.replace(".", "/")
        if setting.exists():
            (_SETTINGS / name).write_text(setting.read_text())
            _mount("--bind", str(_SETTINGS / name), str(setting))


def _mount_cgroups(hierarchies: tuple[Hierarchy, ...]) -> None:
    """Mount the hierarchies anew: in our cgroup namespace they begin at the node's group."""
    if hierarchies[0].unified:
        _mount("-t", "cgroup2", "cgroup2", str(CGROUP_ROOT))
        leaf = CGROUP_ROOT / "istiolab-init"
        leaf.mkdir()
        # cgroups(7), "no internal processes": a group that hands on controllers holds none.
        (leaf / "cgroup.procs").write_text("0")
        hand_on_controllers(CGROUP_ROOT)
        return
    _mount("-t", "tmpfs", "tmpfs", str(CGROUP_ROOT))
    for hierarchy in hierarchies:
        named = [c.removeprefix("name=") for c in hierarchy.controllers]
        target = CGROUP_ROOT / ",".join(named)
        target.mkdir()
        options = ",".join(hierarchy.controllers)
        if options.startswith("name="):
            options = f"none,{options}"
        _mount("-t", "cgroup", "-o", options, "cgroup", str(target))
        for name in named if len(named) > 1 else []:
            (CGROUP_ROOT / name).symlink_to(target.name)


if __name__ == "__main__":
    main()
