"""What `ss` says of the sockets in a sidecar in, who talks to whom out.

`ss` is of iproute2, which the sidecar's image holds; it names the processes of the same user, and
Envoy and pilot-agent are both run by user 1337.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster
from istiolab.mesh.pods import SIDECAR, LivePod
from istiolab.mesh.table import Listing

# State, queues, local and peer address, and the process: `users:(("envoy",pid=15,fd=41))`.
_TCP = re.compile(
    r"(?P<state>ESTAB|LISTEN) +\d+ +\d+ +\S+:(?P<own>\d+) +(?P<address>\S+):(?P<port>\d+|\*) +"
    r'users:\(\("(?P<name>[^"]+)"'
)
# The same of a Unix socket, where an inode stands for a port: local path and inode, peer's inode.
_UNIX = re.compile(
    r"u_str +ESTAB +\d+ +\d+ +(?P<path>\S+) (?P<inode>\d+) +\* (?P<peer>\d+) +"
    r'users:\(\("(?P<name>[^"]+)"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One process in a sidecar, and what it is connected to."""

    process: str
    """The process that called."""
    peer: str
    """Whom it called: a process of the same container, or a service or pod with its port."""
    over: str
    """`TCP`, or the path of the Unix socket."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"process": self.process, "is connected to": self.peer, "over": self.over}


def connections(pod: LivePod) -> Listing[Connection]:
    """Return whom the processes in a pod's sidecar are connected to, each once, sorted.

    Over TCP only those count that a process has opened itself, to what the cluster knows as a
    service or a pod.

    Raises:
        ClusterError: the pod has no sidecar, or `ss` is not in it.
    """
    names = _names(pod.cluster)
    found = {
        *parse_unix(_ss(pod, "--unix")),
        *(
            Connection(process=process, peer=f"{names[address]}:{port}", over="TCP")
            for process, address, port in parse_tcp(_ss(pod, "--tcp", "--all"))
            if address in names
        ),
    }
    return Listing(sorted(found, key=lambda each: (each.process, each.peer, each.over)))


def parse_tcp(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield process, peer address and peer port of each TCP connection that was opened here.

    One whose own port is listened on was opened by the other side.
    """
    sockets = list(_TCP.finditer(text))
    listening = {found["own"] for found in sockets if found["state"] == "LISTEN"}
    for found in sockets:
        if found["state"] == "ESTAB" and found["own"] not in listening:
            yield found["name"], found["address"].strip("[]").removeprefix("::ffff:"), found["port"]


def parse_unix(text: str) -> Iterator[Connection]:
    """Yield the connections over Unix sockets that have a path, from the caller's side."""
    sockets = list(_UNIX.finditer(text))
    owners = {found["inode"]: found["name"] for found in sockets}
    for found in sockets:
        # Only the side that was called bears the path.
        if found["path"] != "*" and found["peer"] in owners:
            path = found["path"].removeprefix("./")
            yield Connection(process=owners[found["peer"]], peer=found["name"], over=f"unix:{path}")


def _ss(pod: LivePod, *which: str) -> str:
    done = pod.execute(SIDECAR, ["ss", "--no-header", "--numeric", "--processes", *which])
    if done.exit_code != 0:
        raise ClusterError(
            f"`ss` in the sidecar of `{pod.pod.name}` ended with {done.exit_code}",
            where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
        )
    return done.stdout.decode(errors="replace")


def _names(cluster: Cluster) -> dict[str, str]:
    """Return what the cluster calls each address: a pod, or a service of all namespaces."""
    pods = {
        item.get("status", {}).get("podIP", ""): item
        for item in cluster.items("/api/v1/pods")
        # A pod of the node's own network has the node's address.
        if not item["spec"].get("hostNetwork")
    }
    services = {
        item["spec"].get("clusterIP", ""): item for item in cluster.items("/api/v1/services")
    }
    return {
        address: f"{item['metadata']['name']}.{item['metadata']['namespace']}"
        for address, item in {**pods, **services}.items()
        if address not in ("", "None")
    }
