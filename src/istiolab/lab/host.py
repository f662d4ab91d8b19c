"""What the lab needs of this machine: facts gathered once, problems found purely.

`doctor` and `up` show the same list.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import HostError
from istiolab.lab.cgroups import REQUIRED_CONTROLLERS, host_hierarchies
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
    "gcc": "to build runc, which links C code",
    "libc6-dev": "to build runc, which links C code",
    "pkg-config": "to build runc against libseccomp",
    "libseccomp-dev": "to build runc with seccomp",
    "mmdebstrap": "to make the images' base layer",
    "debian-archive-keyring": "to check the signatures of the base layer's packages",
}
RUN_DISK_BYTES = 3 * 10**9
RUN_MEMORY_BYTES = 2 * 10**9
# PATH is split at `:`, overlay's options at `,`; the rest means something to the supervisor.
_UNFIT = re.compile(r'[:,%"\\\x00-\x1f]|\s[;#]')
FILE_SYSTEMS = frozenset({"overlay", "tmpfs", "proc", "sysfs"})


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
    file_systems: frozenset[str]
    """What the kernel can mount."""
    controllers: frozenset[str]
    """cgroup controllers that are offered."""
    disk_bytes: int
    """Free disk under the cache folder."""
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


def gather_facts(cache: Path, socket: Path) -> HostFacts:
    """Look at this machine; changes nothing.

    Args:
        cache: the cache folder, which need not be there yet.
        socket: where the lab's socket will be.
    """
    existing = next(p for p in (cache, *cache.parents) if p.exists())
    return HostFacts(
        system=platform.system(),
        machine=platform.machine(),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        programs=frozenset(_present_packages()),
        file_systems=_file_systems(),
        controllers=_controllers(),
        disk_bytes=shutil.disk_usage(existing).free,
        memory_bytes=_memory_available(),
        socket_bytes=len(os.fsencode(socket)),
        paths=tuple(str(path) for path in (cache, socket.parent, sys.prefix, SOURCES)),
    )


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
    if facts.disk_bytes < disk_bytes:
        found.append(
            Problem(
                what=f"{facts.disk_bytes / 1e9:.1f} GB of disk are free, and "
                f"{disk_bytes / 1e9:.1f} GB are needed",
                remedy="free some, or put the cache elsewhere: `export ISTIOLAB_CACHE=FOLDER`",
            )
        )
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
    if building:
        wanted |= {*_BUILD_PROGRAMS.values(), *_BUILD_FILES.values()}
    for package in sorted(wanted - facts.programs):
        yield Problem(
            what=f"the Debian package `{package}` is missing, {_WHY[package]}",
            remedy=f"apt-get install --no-install-recommends {package}",
            package=package,
        )


def _kernel_problems(facts: HostFacts) -> Iterable[Problem]:
    for name in sorted(FILE_SYSTEMS - facts.file_systems):
        yield Problem(
            what=f"the kernel has no `{name}` file system",
            remedy=f"load the module: `modprobe {name}`, or use a kernel that has it",
        )
    for name in sorted(REQUIRED_CONTROLLERS - facts.controllers):
        yield Problem(
            what=f"the kernel offers no cgroup controller `{name}`",
            remedy="mount the cgroup hierarchies, or enable it on the kernel's command line",
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


def _file_systems() -> frozenset[str]:
    try:
        text = Path("/proc/filesystems").read_text()
    except OSError:
        return frozenset()
    known = {line.split()[-1] for line in text.splitlines() if line.split()}
    if "overlay" not in known and shutil.which("modinfo"):
        # A module that mount(8) would load by itself counts as there.
        known |= {"overlay"} if run(["modinfo", "overlay"]).exit_code == 0 else set()
    return frozenset(known)


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
