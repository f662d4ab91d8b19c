from __future__ import annotations

import json
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import HostError
from istiolab.lab.network import (
    Link,
    choose_link,
    host_routes,
    interface_name,
    join_node,
    remove_link,
)
from tests.unit.lab.programs import put_first_on_path, write_program

BLOCKS = [IPv4Network(b) for b in ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")]


def subnet(link: Link) -> IPv4Network:
    return IPv4Interface(f"{link.node_address}/{link.prefix_length}").network


def networks(first: st.SearchStrategy[int], shortest: int) -> st.SearchStrategy[IPv4Network]:
    lengths = st.integers(min_value=shortest, max_value=32)
    return st.builds(lambda a, b: IPv4Network((a, b), strict=False), first, lengths)


ADDRESSES = st.integers(min_value=0, max_value=2**32 - 1)
# Routes that reach into the blocks, as well as any others.
NEAR = st.sampled_from(BLOCKS).flatmap(
    lambda block: st.integers(min_value=int(block[0]), max_value=int(block[-1]))
)
ROUTES = st.lists(networks(ADDRESSES, 1) | networks(NEAR, 22), max_size=30)


@given(routes=ROUTES)
def test_link_takes_no_address_that_is_routed_and_prefers_one_that_no_route_leads_to(
    routes: list[IPv4Network],
) -> None:
    pieces = [piece for block in BLOCKS for piece in block.subnets(new_prefix=28)]
    try:
        link = choose_link("lab", [str(route) for route in routes])
    except HostError:
        for piece in pieces:
            assert any(route.subnet_of(piece) for route in routes)
    else:
        assert not any(route.subnet_of(subnet(link)) for route in routes)
        if any(subnet(link).overlaps(route) for route in routes):
            assert all(any(piece.overlaps(route) for route in routes) for piece in pieces)


@given(routes=ROUTES)
def test_link_lies_in_a_documentation_block_with_two_host_addresses(
    routes: list[IPv4Network],
) -> None:
    try:
        link = choose_link("lab", [str(route) for route in routes])
    except HostError:
        return
    assert any(subnet(link).subnet_of(block) for block in BLOCKS)
    hosts = {str(host) for host in subnet(link).hosts()}
    assert {link.host_address, link.node_address} <= hosts
    assert link.host_address != link.node_address


def test_host_without_routes_gets_the_first_subnet() -> None:
    assert choose_link("lab", []) == Link(
        interface=interface_name("lab"),
        host_address="198.51.100.1",
        node_address="198.51.100.2",
        prefix_length=28,
    )


def test_routes_of_the_other_family_and_the_default_do_not_count() -> None:
    assert choose_link("lab", ["default", "::/0", "fe80::/64"]) == choose_link("lab", [])


def test_a_single_address_is_a_route_too() -> None:
    assert subnet(choose_link("lab", ["198.51.100.9"])) == IPv4Network("198.51.100.16/28")


def test_second_lab_gets_another_link_while_the_first_is_up() -> None:
    first = choose_link("one", [])
    # What `ip route show table all` tells of the first one.
    routes = [str(subnet(first)), first.host_address]
    second = choose_link("two", routes)
    assert not subnet(first).overlaps(subnet(second))
    assert first.interface != second.interface


def test_a_vpn_that_takes_all_traffic_leaves_room_for_a_link() -> None:
    assert choose_link("lab", ["0.0.0.0/1", "128.0.0.0/1"]) == choose_link("lab", [])


def test_up_is_refused_when_every_subnet_is_routed() -> None:
    pieces = [piece for block in BLOCKS for piece in block.subnets(new_prefix=28)]
    with pytest.raises(HostError, match="no free subnet") as caught:
        choose_link("lab", ["default", *map(str, pieces)])
    assert caught.value.where == tuple(f"route: {piece}" for piece in pieces)
    assert caught.value.hint is not None


@given(names=st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,19}", fullmatch=True), unique=True))
def test_interface_names_are_short_enough_and_differ(names: list[str]) -> None:
    interfaces = {interface_name(name) for name in names}
    assert len(interfaces) == len(names)
    # IFNAMSIZ is 16 with the closing zero.
    assert all(len(interface) <= 15 for interface in interfaces)


@pytest.fixture
def ip_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    calls = tmp_path / "calls"
    routes = [
        {"dst": "default", "dev": "eth0"},
        {"dst": "10.0.0.0/8", "dev": "eth0"},
        {"type": "local", "dst": "127.0.0.1", "dev": "lo"},
        {"type": "broadcast", "dst": "10.255.255.255", "dev": "eth0"},
    ]
    links = [{"ifname": "lo"}, {"ifname": interface_name("lab")}]
    script = (
        f'echo "$(basename "$0") $*" >> {calls}\n'
        'case "$*" in\n'
        f"*'route show'*) echo '{json.dumps(routes)}' ;;\n"
        f"*'link show'*) echo '{json.dumps(links)}' ;;\n"
        f"*-batch*) cat >> {calls} ;;\n"
        "esac"
    )
    for name in ("ip", "nsenter"):
        write_program(tmp_path / "bin" / name, script)
    put_first_on_path(monkeypatch, tmp_path / "bin")
    return calls


@pytest.mark.usefixtures("ip_calls")
def test_routes_of_the_host_are_those_that_lead_somewhere() -> None:
    assert host_routes() == ("default", "10.0.0.0/8", "127.0.0.1")


def test_link_is_removed_only_when_it_is_there(ip_calls: Path) -> None:
    remove_link(interface_name("lab"))
    remove_link(interface_name("another"))
    calls = ip_calls.read_text().splitlines()
    assert [call for call in calls if "delete" in call] == [
        f"ip link delete {interface_name('lab')}"
    ]


def test_node_gets_its_end_its_address_and_its_way_out(ip_calls: Path) -> None:
    link = choose_link("lab", [])
    join_node(link, 4711)
    assert ip_calls.read_text().splitlines() == [
        f"ip link add {link.interface} type veth peer name eth0 netns 4711",
        "ip -batch -",
        f"address add 198.51.100.1/28 dev {link.interface}",
        f"link set {link.interface} up",
        "nsenter --target 4711 --net ip -batch -",
        "link set lo up",
        "address add 198.51.100.2/28 dev eth0",
        "link set eth0 up",
        "route add default via 198.51.100.1",
    ]
