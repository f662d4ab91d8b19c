"""What the lab needs of this machine: facts gathered once, problems found purely.

`doctor` and `up` show the same list.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import HostError
from istiolab.lab.cgroups import REQUIRED_CONTROLLERS, host_hierarchies
from istiolab.lab.kernel import FEATURES, KernelFacts, State, gather_kernel, loadable, state
from istiolab.lab.spec import NodePaths
from istiolab.system.command import run
from istiolab.system.environment import SOURCES, Audience, environment_for
from istiolab.system.process import run_logged
from istiolab.system.scratch import LONGEST_SOCKET_BYTES

# Programs that the lab calls, and the Debian package that brings each.
_RUN_PROGRAMS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "curl": "curl",
    "modprobe": "kmod",
}
_BUILD_PROGRAMS = {
    "gcc": "gcc",
    "pkg-config": "pkg-config",
    "mmdebstrap": "mmdebstrap",
}
_BUILD_FILES = {
    Path("/usr/include/seccomp.h"): "libseccomp-dev",
    Path("/usr/include/stdlib.h"): "libc6-dev",
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"): "debian-archive-keyring",
}
_WHY = {
    "iproute2": "to join the node to the host",
    "util-linux": "to make the node's namespaces",
    "mount": "to make the node's mounts",
    "curl": "to ask kube-proxy for its health",
    "kmod": "to load modules of the kernel",
    "gcc": "to build runc, which links C code",
    "libc6-dev": "to build runc, which links C code",
    "pkg-config": "to build runc against libseccomp",
    "libseccomp-dev": "to build runc with seccomp",
    "mmdebstrap": "to make the images' base layer",
    "debian-archive-keyring": "to check the signatures of the base layer's packages",
}
RUN_DISK_BYTES = 3 * 10**9
STATE_DISK_BYTES = 10**9
RUN_MEMORY_BYTES = 2 * 10**9
# containerd, the kubelet, the control plane and the node's other programs watch files.
INOTIFY_INSTANCES = 32
# PATH is split at `:`, overlay's options at `,`; the rest means something to the supervisor.
_UNFIT = re.compile(r'[:,%"\\\x00-\x1f]|\s[;#]')


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What was found on this machine."""

    system: str
    """The kernel's name; the lab needs `Linux`."""
    machine: str
    """The processor's kind; the lab's pins are for `x86_64`."""
    root: bool
    """We are root."""
    programs: frozenset[str]
    """Which of the programs and headers that we look for are there, by Debian package."""
    kernel: KernelFacts
    """What the kernel has."""
    controllers: frozenset[str]
    """cgroup controllers that are offered."""
    cgroups_writable: bool
    """Control groups can be made."""
    overlay_refused: str
    """Why an overlay cannot be mounted on the lab's state folder; empty if it can be."""
    inotify_instances: int
    """How many more inotify instances can be made, counted up to those that are needed."""
    disk_bytes: int
    """Free disk under the cache folder."""
    state_disk_bytes: int
    """Free disk under the state folder."""
    memory_bytes: int
    """Memory that is available."""
    socket_bytes: int
    """How long the path of the lab's socket is."""
    paths: tuple[str, ...]
    """Folders whose paths stand in configuration files and mounts of the lab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is missing."""

    what: str
    """What is wrong, and why it matters."""
    remedy: str
    """The command, or the change, that mends it."""
    package: str = ""
    """The Debian package that mends it, if one does."""


def gather_facts(cache: Path, lab: NodePaths) -> HostFacts:
    """Look at this machine; changes nothing.

    Args:
        cache: the cache folder, which need not be there yet.
        lab: where the lab's files will be.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return HostFacts(
        system=platform.system(),
        machine=platform.machine(),
        root=root,
        programs=frozenset(_present_packages()),
        kernel=gather_kernel(),
        controllers=_controllers(),
        cgroups_writable=all(os.access(each.path, os.W_OK) for each in host_hierarchies()),
        overlay_refused=_overlay_refused(_existing(lab.root))
        if root and shutil.which("unshare") and shutil.which("mount")
        else "",
        inotify_instances=_inotify_instances(INOTIFY_INSTANCES),
        disk_bytes=shutil.disk_usage(_existing(cache)).free,
        state_disk_bytes=shutil.disk_usage(_existing(lab.root)).free,
        memory_bytes=_memory_available(),
        socket_bytes=len(os.fsencode(lab.socket)),
        paths=tuple(str(path) for path in (cache, lab.root, sys.prefix, SOURCES)),
    )


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def problems(facts: HostFacts, *, building: bool, disk_bytes: int) -> tuple[Problem, ...]:
    """Return everything that keeps the lab from coming up, all at once.

    Args:
        facts: what the machine is.
        building: programs or images have yet to be built.
        disk_bytes: how much free disk that needs.
    """
    found = list(_wrong_machine(facts))
    if found:
        return tuple(found)
    found += _missing_packages(facts, building=building)
    found += _kernel_problems(facts)
    found += _disk_problems(facts, disk_bytes)
    if facts.memory_bytes < RUN_MEMORY_BYTES:
        found.append(
            Problem(
                what=f"{facts.memory_bytes / 1e9:.1f} GB of memory are available, and "
                f"{RUN_MEMORY_BYTES / 1e9:.1f} GB are needed",
                remedy="end other programs, or use a larger machine",
            )
        )
    if facts.socket_bytes > LONGEST_SOCKET_BYTES:
        found.append(
            Problem(
                what=f"the path of the lab's socket has {facts.socket_bytes} bytes, and "
                f"{LONGEST_SOCKET_BYTES} are the most that Linux takes",
                remedy="keep the lab in a folder with a shorter path: "
                "`export ISTIOLAB_STATE=FOLDER`",
            )
        )
    found += [
        Problem(
            what=f"`{path}` has `{wrong.group().strip() or ' '}` in it, which ends a path for the "
            "PATH, a mount's options or the supervisor",
            remedy="choose another folder: `export ISTIOLAB_CACHE=FOLDER ISTIOLAB_STATE=FOLDER`, "
            "or move the checkout",
        )
        for path in dict.fromkeys(facts.paths)
        if (wrong := _UNFIT.search(path))
    ]
    return tuple(found)


def _disk_problems(facts: HostFacts, disk_bytes: int) -> Iterable[Problem]:
    for free, needed, what, variable in (
        (facts.disk_bytes, disk_bytes, "the cache", "ISTIOLAB_CACHE"),
        (facts.state_disk_bytes, STATE_DISK_BYTES, "the lab's state", "ISTIOLAB_STATE"),
    ):
        if free < needed:
            yield Problem(
                what=f"{free / 1e9:.1f} GB of disk are free for {what}, and "
                f"{needed / 1e9:.1f} GB are needed",
                remedy=f"free some, or put it elsewhere: `export {variable}=FOLDER`",
            )
    if facts.overlay_refused:
        yield Problem(
            what="containerd cannot keep its snapshots in the lab's state folder: "
            f"{facts.overlay_refused}",
            remedy="put it on a disk of its own, in a container a volume, with ext4 or xfs: "
            "`export ISTIOLAB_STATE=FOLDER`",
        )


_CHOICES = (
    "run as root on Linux (`sudo` will do), or use a cluster of your own: "
    "`istiolab up --provider existing --kubeconfig FILE`; "
    "reading the site needs neither: `make serve`"
)


def _wrong_machine(facts: HostFacts) -> Iterable[Problem]:
    if facts.system != "Linux":
        yield Problem(what=f"the embedded lab needs Linux; this is {facts.system}", remedy=_CHOICES)
    elif facts.machine != "x86_64":
        yield Problem(
            what=f"the embedded lab's parts are for x86_64; this is {facts.machine}",
            remedy=_CHOICES,
        )
    elif not facts.root:
        yield Problem(
            what="the embedded lab needs root, to make namespaces and mounts", remedy=_CHOICES
        )


def _missing_packages(facts: HostFacts, *, building: bool) -> Iterable[Problem]:
    wanted = set(_RUN_PROGRAMS.values())
    if not loadable(facts.kernel):
        wanted.discard("kmod")
    if building:
        wanted |= {*_BUILD_PROGRAMS.values(), *_BUILD_FILES.values()}
    for package in sorted(wanted - facts.programs):
        yield Problem(
            what=f"the Debian package `{package}` is missing, {_WHY[package]}",
            remedy=f"apt-get install --no-install-recommends {package}",
            package=package,
        )


def _kernel_problems(facts: HostFacts) -> Iterable[Problem]:
    for feature in FEATURES:
        if state(feature, facts.kernel) is State.ABSENT:
            yield Problem(
                what=f"the kernel has no `{feature.module}`, for {feature.wanted_by}",
                remedy=f"use a kernel with CONFIG_{feature.option}, as each distribution's own is",
            )
    for name in sorted(REQUIRED_CONTROLLERS - facts.controllers):
        yield Problem(
            what=f"the kernel offers no cgroup controller `{name}`",
            remedy="mount the cgroup hierarchies, or enable it on the kernel's command line",
        )
    if not facts.cgroups_writable:
        yield Problem(
            what="control groups cannot be made: their file system is read-only",
            remedy="run the container with `--privileged`",
        )
    if facts.inotify_instances < INOTIFY_INSTANCES:
        yield Problem(
            what=f"{facts.inotify_instances} more inotify instances can be made, and "
            f"{INOTIFY_INSTANCES} are needed",
            remedy="allow more: `sysctl -w fs.inotify.max_user_instances=512`",
        )


def install_packages(packages: Iterable[str], *, log: Path) -> None:
    """Install Debian packages by name.

    Raises:
        HostError: apt could not; its last lines and the log's path are in it.
    """
    environment = environment_for(Audience.BUILD, {"DEBIAN_FRONTEND": "noninteractive"})
    run_logged(["apt-get", "update"], log=log, environment=environment, error=HostError)
    run_logged(
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
        log=log,
        environment=environment,
        error=HostError,
    )


def _present_packages() -> Iterable[str]:
    for program, package in {**_RUN_PROGRAMS, **_BUILD_PROGRAMS}.items():
        if shutil.which(program):
            yield package
    for header, package in _BUILD_FILES.items():
        if header.exists():
            yield package


def _overlay_refused(folder: Path) -> str:
    """Try to mount an overlay on a new folder in `folder`, in a mount namespace that then ends."""
    try:
        with tempfile.TemporaryDirectory(prefix=".istiolab-", dir=folder) as name:
            for part in ("lower", "upper", "work"):
                (Path(name) / part).mkdir()
            options = "lowerdir=lower,upperdir=upper,workdir=work"
            mount = ("mount", "-t", "overlay", "-o", options, "overlay", "lower")
            done = run(["unshare", "--mount", f"--wd={name}", *mount], error=HostError)
    except (OSError, HostError) as failed:
        return str(failed)
    lines = done.stderr.strip().splitlines()
    return (lines[0] if lines else "mount failed") if done.exit_code != 0 else ""


def _inotify_instances(most: int) -> int:
    library = ctypes.CDLL(None)
    made: list[int] = []
    while len(made) < most and (descriptor := library.inotify_init()) >= 0:
        made.append(descriptor)
    for descriptor in made:
        os.close(descriptor)
    return len(made)


def _controllers() -> frozenset[str]:
    try:
        hierarchies = host_hierarchies()
    except OSError:
        return frozenset()
    names: set[str] = set()
    for hierarchy in hierarchies:
        if hierarchy.unified:
            names |= set((hierarchy.path / "cgroup.controllers").read_text().split())
        else:
            names |= set(hierarchy.controllers)
    return frozenset(names)


def _memory_available() -> int:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in text.splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
