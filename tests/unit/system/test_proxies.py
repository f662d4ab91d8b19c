from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.lab.network import choose_link
from istiolab.system.proxies import OWN_NETWORKS, bypass

PROXY = {"HTTPS_PROXY": "http://127.0.0.1:9"}
ALL = ",".join(OWN_NETWORKS)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "http_proxy", "ALL_PROXY"])
def test_a_proxy_is_not_asked_for_the_labs_nodes(name: str) -> None:
    assert bypass({name: "http://127.0.0.1:9"}) == {"NO_PROXY": ALL, "no_proxy": ALL}


@pytest.mark.parametrize("given", [{}, {"HTTPS_PROXY": ""}, {"NO_PROXY": "a"}, {"no_proxy": "a"}])
def test_without_a_proxy_the_environment_stays_as_it_is(given: dict[str, str]) -> None:
    assert bypass(given) == {}


def test_what_was_not_to_be_reached_through_a_proxy_is_not_either() -> None:
    one = f"a.example,10.0.0.0/8,{ALL}"
    assert bypass({**PROXY, "NO_PROXY": "a.example, 10.0.0.0/8"}) == {
        "NO_PROXY": one,
        "no_proxy": one,
    }
    both = bypass({**PROXY, "NO_PROXY": "a", "no_proxy": "b"})
    assert both == {"NO_PROXY": f"a,{ALL}", "no_proxy": f"b,{ALL}"}


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_doing_it_twice_changes_nothing(no_proxy: str) -> None:
    once = bypass({**PROXY, "NO_PROXY": no_proxy})
    assert bypass({**PROXY, **once}) == once


def test_every_address_that_a_lab_may_get_is_among_them() -> None:
    routes: list[str] = []
    # As long as there is a subnet that is free.
    for block in OWN_NETWORKS:
        link = choose_link("a", routes)
        address = ip_address(link.node_address)
        network = next(each for each in OWN_NETWORKS if address in ip_network(each))
        assert network in {block, *OWN_NETWORKS} - set(routes)
        routes.append(network)
    assert len(routes) == len(OWN_NETWORKS)
