"""The link between the host and the node: a free subnet chosen from what the host routes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from istiolab.errors import HostError
from istiolab.system.command import check, failure, run

# RFC 5737: blocks for documentation, which no network should route. Cut into pieces of 14 hosts,
# so that many labs fit.
_BLOCKS = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")
_PIECE_BITS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A veth pair: one end on the host, the other is the node's eth0."""

    interface: str
    """The host's end; a name of 15 characters at the most (IFNAMSIZ)."""
    host_address: str
    """The host's address on it."""
    node_address: str
    """The node's address on it."""
    prefix_length: int
    """Bits of the subnet."""


def choose_link(group: str, routes: Iterable[str]) -> Link:
    """Choose a subnet for a lab's link: one that no route of the host leads to.

    Where there is none, it is one that only wider routes lead to, as those of a VPN that sends
    everything through its tunnel (0.0.0.0/1 and 128.0.0.0/1): the narrower route wins.

    Args:
        group: the name of the lab's groups; the interface is named after it.
        routes: destinations as `ip route` names them; `default` is passed over.

    Raises:
        HostError: a part of every candidate is routed already.
    """
    taken = [IPv4Network(r, strict=False) for r in routes if r != "default" and ":" not in r]
    pieces = [p for b in _BLOCKS for p in IPv4Network(b).subnets(new_prefix=_PIECE_BITS)]
    for piece in pieces:
        if not any(piece.overlaps(other) for other in taken):
            return _link(group, piece)
    for piece in pieces:
        if not any(other.subnet_of(piece) for other in taken):
            return _link(group, piece)
    raise HostError(
        "no free subnet for the lab's link",
        where=tuple(f"route: {route}" for route in taken),
        hint="take down a lab that is not needed: `istiolab status --all` lists them",
    )


def interface_name(group: str) -> str:
    """Return the name of the host's end of a lab's link."""
    return "il" + hashlib.sha256(group.encode()).hexdigest()[:10]


def _link(group: str, piece: IPv4Network) -> Link:
    return Link(
        interface=interface_name(group),
        host_address=str(piece[1]),
        node_address=str(piece[2]),
        prefix_length=piece.prefixlen,
    )


def host_routes() -> tuple[str, ...]:
    """Ask the host for the destinations that it routes, in all tables."""
    done = check(["ip", "-4", "-json", "route", "show", "table", "all"], error=HostError)
    return tuple(
        route["dst"]
        for route in json.loads(done.stdout or "[]")
        if route.get("type") not in {"multicast", "broadcast", "anycast"}
    )


def join_node(link: Link, pid: int) -> None:
    """Make the veth pair and give its other end to the node whose init is `pid`.

    Raises:
        HostError: the kernel refused a step.
    """
    address = f"{link.node_address}/{link.prefix_length}"
    check(
        [
            *("ip", "link", "add", link.interface, "type", "veth"),
            *("peer", "name", "eth0", "netns", str(pid)),
        ],
        error=HostError,
    )
    batch = (
        f"address add {link.host_address}/{link.prefix_length} dev {link.interface}\n"
        f"link set {link.interface} up\n"
    )
    check(["ip", "-batch", "-"], stdin=batch, error=HostError)
    inner = (
        "link set lo up\n"
        f"address add {address} dev eth0\n"
        "link set eth0 up\n"
        f"route add default via {link.host_address}\n"
    )
    check(
        ["nsenter", "--target", str(pid), "--net", "ip", "-batch", "-"],
        stdin=inner,
        error=HostError,
    )


def remove_link(interface: str) -> None:
    """Remove the host's end if it is there; with it goes the other end.

    The kernel takes a dead node's link away by itself, a moment after its last process: that it is
    gone when we come to delete it is no error.

    Raises:
        HostError: it is there, and cannot be removed.
    """
    if not _is_there(interface):
        return
    deleted = run(["ip", "link", "delete", interface], error=HostError)
    if deleted.exit_code != 0 and _is_there(interface):
        raise failure(deleted, error=HostError)


def _is_there(interface: str) -> bool:
    listed = check(["ip", "-json", "link", "show"], error=HostError)
    return any(entry["ifname"] == interface for entry in json.loads(listed.stdout))
