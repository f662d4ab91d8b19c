"""The node's life: started from a spec, found again from what is on the machine, ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from istiolab.errors import HostError, LabError
from istiolab.lab.cgroups import (
    group_of,
    host_hierarchies,
    join_group,
    remove_group,
    scope_command,
)
from istiolab.lab.network import Link, interface_name, join_node, remove_link
from istiolab.lab.pins import Pins, asset_text, asset_texts
from istiolab.lab.spec import POD_SUBNET, NodePaths, NodeSpec
from istiolab.lab.store import containerd_config
from istiolab.system.command import Completed, check, run
from istiolab.system.environment import Audience, environment_for
from istiolab.system.process import end_process, is_alive, start_detached
from istiolab.system.retry import Answer, wait_until

_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
# On the command line of a node's first process, below the state folder: before and after it turns
# into the supervisor.
_AT_ROOT = NodePaths(root=Path("/"))
_INIT_FILES = (str(_AT_ROOT.spec), str(_AT_ROOT.supervisor))
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_configuration(
    paths: NodePaths, *, pins: Pins, link: Link, programs: Mapping[str, Path]
) -> None:
    """Write the configuration files of containerd, CNI and the supervisor."""
    for folder in (paths.kubelet, paths.log, paths.config, paths.config / "cni"):
        folder.mkdir(parents=True, exist_ok=True)
    containerd = containerd_config(
        root=paths.containerd,
        pause=pins.versions["pause"],
        cni_bin=programs["cni"],
        cni_conf=paths.config / "cni",
    )
    (paths.config / "containerd.toml").write_text(containerd, encoding="utf-8")
    cni = asset_text("cni.conflist").replace("@POD_SUBNET@", POD_SUBNET)
    (paths.config / "cni" / "10-istiolab.conflist").write_text(cni)
    (paths.config / "patches").mkdir(exist_ok=True)
    for name, text in asset_texts("patches").items():
        (paths.config / "patches" / name).write_text(text)
    # Nobody answers at the host's end of the link: names from outside fail at once.
    (paths.config / "resolv.conf").write_text(f"nameserver {link.host_address}\n")
    supervisor = asset_text("supervisord.conf")
    for name, value in {
        "@SOCKET@": str(paths.socket),
        "@CONTAINERD@": shlex.quote(str(paths.config / "containerd.toml")),
        "@PATH@": search_path(programs),
    }.items():
        supervisor = supervisor.replace(name, value)
    paths.supervisor.write_text(supervisor, encoding="utf-8")


def search_path(programs: Mapping[str, Path]) -> str:
    """Return the PATH on which the node finds the built programs before the machine's own."""
    return ":".join([*(str(folder) for folder in programs.values()), _SYSTEM_PATH])


def new_group_name(lab: str) -> str:
    """Return a name for the groups of a lab, which no other lab has.

    Two labs may have one name: of two users, or in a container that sees its host's groups.
    """
    return f"istiolab-{lab}-{secrets.token_hex(4)}"


def start_node(spec: NodeSpec, link: Link) -> int:
    """Start the node's init in namespaces of its own, and join it to the host.

    Returns:
        The host's process id of the init.

    Raises:
        LabError: the init did not come to life; its log is named.
        HostError: the link could not be made.
    """
    paths = NodePaths(root=Path(spec.state))
    paths.spec.write_text(spec.to_json())
    log = paths.log / "node.log"
    launcher = start_detached(
        [
            *scope_command(spec.group),
            *(sys.executable, "-m", "istiolab.lab.node", str(paths.spec)),
        ],
        log=log,
        environment=environment_for(Audience.NODE),
    )
    try:
        pid = _wait_for_init(paths, launcher, log)
        join_node(link, pid)
    except BaseException:
        # It may start an init yet, of which nobody would know.
        end_process(launcher)
        raise
    return pid


def _wait_for_init(paths: NodePaths, launcher: int, log: Path) -> int:
    wait_until(
        lambda: Answer(done=bool(find_inits(paths.root)), hopeless=not is_alive(launcher)),
        timeout_seconds=15,
        delay_seconds=0.02,
    )
    inits = find_inits(paths.root)
    if not inits:
        raise LabError("the node did not start", where=last_lines(log), log=log)
    return inits[0]


def running_nodes() -> dict[int, Path]:
    """Return the state folder of each node on this machine, by the host's id of its init.

    They are found by what they are (PID 1 of a PID namespace, with a file of a state folder on its
    command line), so that a node is found whatever was lost or killed.
    """
    found: dict[int, Path] = {}
    for process in psutil.process_iter(["pid", "cmdline"]):
        for word in process.info["cmdline"] or ():
            if word.endswith(_INIT_FILES) and _inner_pid(process.info["pid"]) == 1:
                found[process.info["pid"]] = Path(word).parent.parent
    return found


def find_inits(state: Path) -> list[int]:
    """Return the host's ids of node inits whose files lie in `state`."""
    return [pid for pid, folder in running_nodes().items() if folder == state]


def _inner_pid(pid: int) -> int:
    """Return the id that a process has in its innermost PID namespace (proc_pid_status(5))."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:") and len(line.split()) > 2:
                return int(line.split()[-1])
    return 0


def in_node(pid: int, argv: list[str], *, path: str, timeout_seconds: float = 60.0) -> Completed:
    """Run a program inside the node, and return how it ended."""
    enter = ("nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--uts", "--ipc")
    return run(
        [*enter, "--cgroup", "--", *argv],
        environment=environment_for(Audience.NODE, {"PATH": path}),
        timeout_seconds=timeout_seconds,
    )


def supervise(paths: NodePaths, *arguments: str) -> Completed:
    """Tell the node's supervisor something, as `supervisorctl` does."""
    config = str(paths.supervisor)
    return check(
        [sys.executable, "-m", "supervisor.supervisorctl", "--configuration", config, *arguments]
    )


def wake_supervisor(paths: NodePaths) -> None:
    """Make the supervisor look at its programs now.

    It starts them in its loop, which goes round once a second, or when somebody knocks
    (supervisor/supervisord.py, `runforever`).
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
        knock.connect(str(paths.socket))


def end_node(paths: NodePaths) -> bool:
    """End the node and take away all that it was on this machine, whatever state it is in.

    The kernel ends every process of a PID namespace whose init dies (pid_namespaces(7)); the
    mounts, links and firewall rules go with the last process.

    Returns:
        Whether there was a node to end.

    Raises:
        HostError: the control groups are still in use.
        LabError: the init does not die.
    """
    inits = find_inits(paths.root)
    groups = _groups(paths, inits)
    for pid in inits:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    gone = wait_until(
        lambda: Answer(done=not any(is_alive(pid) for pid in inits)),
        timeout_seconds=20,
        delay_seconds=0.02,
    )
    if not gone.done:
        raise LabError(f"the node's init {inits} does not end", log=paths.log / "node.log")
    for group in groups:
        remove_link(interface_name(group))
        remove_group(group, host_hierarchies())
    return bool(inits)


def _groups(paths: NodePaths, inits: list[int]) -> set[str]:
    """Return the groups of a lab: the one that its spec names, and those that its inits are in."""
    found = set()
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found.add(NodeSpec.from_json(paths.spec.read_text()).group)
    for pid in inits:
        with contextlib.suppress(OSError):
            found.add(group_of(Path(f"/proc/{pid}/cgroup").read_text()) or "")
    return found - {""}


def last_lines(log: Path) -> tuple[str, ...]:
    """Return the last ten lines of a log, as errors show them; none if it is not there."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return tuple(f"| {line}" for line in lines[-10:])


def _launch(spec_file: Path) -> None:
    """Join the lab's control groups, then turn into the node's init in fresh namespaces."""
    spec = NodeSpec.from_json(spec_file.read_text())
    try:
        join_group(spec.group, host_hierarchies())
    except HostError as refused:
        sys.exit(refused.render())
    os.execvpe(
        "unshare",
        [
            *("unshare", *_NAMESPACES, "--fork"),
            *(sys.executable, "-m", "istiolab.lab.node_init", str(spec_file)),
        ],
        environment_for(Audience.NODE),
    )


if __name__ == "__main__":
    _launch(Path(sys.argv[1]))
