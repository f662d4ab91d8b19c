"""A machine in, what a lab might leave on it out: to be compared before and after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

FOLDERS = ("/etc", "/opt", "/run", "/usr/lib/cni", "/usr/local", "/var/lib", "/var/run")


def take(*, without: Iterable[Path] = ()) -> Mapping[str, frozenset[str]]:
    """Return what is there, by kind; files under `without` are left out."""
    return {
        "processes": _processes(),
        "mounts": _mounts(),
        "links": _links(),
        "routes": _routes(),
        "firewall": _firewall(),
        "cgroups": _cgroups(),
        "files": _files(tuple(str(path) for path in without)),
    }


def difference(
    before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]
) -> dict[str, list[str]]:
    """Return what is new and what is gone, by kind; nothing if all is as it was."""
    found: dict[str, list[str]] = {}
    for kind, was in before.items():
        new = [f"+ {each}" for each in sorted(after[kind] - was)]
        # Processes of others end while we look; everything else that is gone was taken away.
        gone = [f"- {each}" for each in sorted(was - after[kind])] if kind != "processes" else []
        if new or gone:
            found[kind] = new + gone
    return found


def _processes() -> frozenset[str]:
    """Return what runs without a parent that is somebody else's: what a lab could leave behind."""
    ours = os.getpid()
    found = set()
    for process in psutil.process_iter(["pid", "ppid", "cmdline", "create_time"]):
        ancestors = _ancestors(process)
        if process.info["pid"] != ours and (ours in ancestors or process.info["ppid"] == 1):
            command = " ".join(process.info["cmdline"] or ())
            found.add(f"{process.info['pid']} {process.info['create_time']:.0f} {command}")
    return frozenset(found)


def _ancestors(process: psutil.Process) -> set[int]:
    try:
        return {parent.pid for parent in process.parents()}
    except psutil.NoSuchProcess:
        return set()


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


def _cgroups() -> frozenset[str]:
    return frozenset(folder for folder, _, _ in os.walk("/sys/fs/cgroup"))


def _files(without: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for top in FOLDERS:
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if f"{folder}/{name}" not in without]
            found |= {f"{folder}/{name}" for name in (*folders, *files)}
    left = {str(path) for path in Path("/tmp").glob("istiolab-*")}
    return frozenset(found | left)


def _run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
