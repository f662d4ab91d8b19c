"""A machine in, what a lab might leave on it out: to be compared before and after."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

FOLDERS = ("/etc", "/opt", "/run", "/usr/lib/cni", "/usr/local", "/var/lib")


def take(
    lab: str, *, without: Iterable[Path] = (), temporary: Iterable[Path] = ()
) -> Mapping[str, frozenset[str]]:
    """Return what is there, by kind; of processes the lab's, and no files under `without`.

    `temporary` are the lab's own folders of temporary files.
    """
    return {
        "processes": _processes(lab),
        "mounts": _mounts(),
        "links": _links(),
        "routes": _routes(),
        "firewall": _firewall(),
        "cgroups": _cgroups(lab),
        "settings": _settings(),
        "files": _files(tuple(str(path) for path in without), tuple(map(str, temporary))),
    }


def difference(
    before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]
) -> dict[str, list[str]]:
    """Return what is new and what is gone, by kind; nothing if all is as it was.

    A setting that is new came with a module of the kernel, which stays loaded.
    """
    found: dict[str, list[str]] = {}
    for kind, was in before.items():
        now = after[kind]
        if kind == "settings":
            now = frozenset(e for e in now if e in was or _name(e) in {_name(w) for w in was})
        new = [f"+ {each}" for each in sorted(now - was)]
        gone = [f"- {each}" for each in sorted(was - now)]
        if new or gone:
            found[kind] = new + gone
    return found


def _processes(lab: str) -> frozenset[str]:
    """Return what runs for the lab: in its control groups, or with its name on its command line.

    Other labs on the machine, and what is done with them meanwhile, are left out.
    """
    found = set()
    for process in psutil.process_iter(["pid", "cmdline", "create_time"]):
        command = " ".join(process.info["cmdline"] or ())
        if lab in command or f"istiolab-{lab}" in _groups_of(process.info["pid"]):
            found.add(f"{process.info['pid']} {process.info['create_time']:.0f} {command}")
    return frozenset(found)


def _groups_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""  # it has just ended


def _mounts() -> frozenset[str]:
    # proc_pid_mountinfo(5): the fifth field is the mount point.
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return frozenset(line.split()[4] for line in lines)


def _links() -> frozenset[str]:
    return frozenset(each["ifname"] for each in json.loads(_run("ip", "-json", "link", "show")))


def _routes() -> frozenset[str]:
    return frozenset(
        json.dumps({key: route.get(key) for key in ("dst", "gateway", "dev", "table")})
        for family in ("-4", "-6")
        for route in json.loads(
            _run("ip", family, "-json", "route", "show", "table", "all") or "[]"
        )
    )


def _firewall() -> frozenset[str]:
    found = set()
    for program in (("iptables-save",), ("ip6tables-save",), ("nft", "list", "ruleset")):
        if shutil.which(program[0]):
            lines = _run(*program).splitlines()
            found |= {line for line in lines if line.startswith(("-A", "\t", "table", ":"))}
    for name in ("ip_tables_names", "ip6_tables_names"):
        tables = Path("/proc/net") / name
        found |= set(tables.read_text().split()) if tables.exists() else set()
    return frozenset(found)


def _cgroups(lab: str) -> frozenset[str]:
    """Return all control groups but those of other labs, and of systemd, where they come and go."""
    found = set()
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        folders[:] = [
            name
            for name in folders
            if name.startswith(f"istiolab-{lab}-")
            or (
                not name.startswith("istiolab-")
                and (name == "system.slice" or not name.endswith(_UNITS))
            )
        ]
        found |= {f"{folder}/{name}" for name in folders}
    return frozenset(found)


# What systemd gives a group.
_UNITS = (".service", ".scope", ".slice", ".mount", ".socket")
# Counters, and what the kernel draws by lot.
_MOVING = (
    "fs.dentry-state",
    "fs.file-nr",
    "fs.inode-",
    "fs.quota.",
    "kernel.ns_last_pid",
    "kernel.pty.nr",
    "kernel.random.",
    "net.netfilter.nf_conntrack_count",
)


def _settings() -> frozenset[str]:
    """Return sysctls but those that move by themselves, and those of links that come and go."""
    done = subprocess.run(["sysctl", "--all"], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    handed_on = Path("/sys/fs/cgroup/cgroup.subtree_control")
    if handed_on.exists():
        lines.append(f"{handed_on} = {handed_on.read_text().strip()}")
    return frozenset(
        line
        for line in lines
        if not line.startswith(_MOVING) and not re.search(r"\.(il[0-9a-f]{10}|veth\w+)\.", line)
    )


def _name(setting: str) -> str:
    return setting.partition(" = ")[0]


def _files(without: tuple[str, ...], temporary: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for top in (*FOLDERS, *temporary):
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if f"{folder}/{name}" not in without]
            found |= {f"{folder}/{name}" for name in (*folders, *files)}
    return frozenset(found)


def _run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
