from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.probe.config_dump import EnvoyCluster, FilterChain, Route, parse
from tests.unit.probe.build import dump, http_chain, listener, tcp_chain


def chains(*listeners: Any) -> tuple[FilterChain, ...]:
    return parse(dump(listeners=listeners)).filter_chains


@pytest.mark.parametrize(
    ("accept", "read", "shown"), [(None, False, "off"), (False, False, "off"), (True, True, "on")]
)
def test_an_http_chain_tells_whether_it_accepts_http_1_0(
    *, accept: bool | None, read: bool, shown: str
) -> None:
    (found,) = chains(
        listener(
            http_chain(
                "inbound|80||",
                accept=accept,
                destination_port=80,
                transport_protocol="raw_buffer",
                application_protocols=["http/1.1", "h2c"],
            )
        )
    )
    assert found == FilterChain(
        listener="virtualInbound",
        address="0.0.0.0:15006",
        port="80",
        transport="raw_buffer",
        applications=("http/1.1", "h2c"),
        kind="http",
        accept_http_10=read,
        destination="Route: inbound|80||",
    )
    assert found.row() == {
        "listener": "virtualInbound",
        "address": "0.0.0.0:15006",
        "takes": "Trans: raw_buffer; App: http/1.1,h2c; Port: 80",
        "as": "http",
        "accept_http_10": shown,
        "destination": "Route: inbound|80||",
    }


def test_a_tcp_chain_has_no_word_on_http_1_0() -> None:
    (found,) = chains(listener(tcp_chain("outbound|1||a", transport_protocol="tls")))
    assert (found.kind, found.accept_http_10) == ("tcp", None)
    assert (found.destination, found.takes) == ("Cluster: outbound|1||a", "Trans: tls")
    assert found.row()["accept_http_10"] == ""


def test_a_tcp_chain_to_several_clusters_is_weighted() -> None:
    chain = tcp_chain()
    del chain["filters"][0]["typed_config"]["cluster"]
    assert chains(listener(chain))[0].destination == "Cluster: weighted"


def test_a_route_that_is_fetched_is_named_as_one_that_is_inline() -> None:
    chain = http_chain()
    config = chain["filters"][1]["typed_config"]
    del config["route_config"]
    config["rds"] = {"route_config_name": "10000"}
    assert chains(listener(chain))[0].destination == "Route: 10000"


def test_another_filter_is_called_by_its_name_and_none_is_empty() -> None:
    found = chains(listener({"filters": [{"name": "envoy.echo"}]}, {"filters": []}))
    assert [(chain.kind, chain.destination) for chain in found] == [("envoy.echo", ""), ("", "")]


def test_the_default_chain_comes_last_and_takes_all() -> None:
    default = tcp_chain("PassthroughCluster", destination_port=99)
    found = chains(listener(http_chain(destination_port=80), default_filter_chain=default))
    assert [(chain.kind, chain.takes) for chain in found] == [("http", "Port: 80"), ("tcp", "ALL")]


def test_listeners_are_sorted_and_their_chains_stay_in_order() -> None:
    found = chains(
        listener(tcp_chain(destination_port=2), tcp_chain(destination_port=1), name="b"),
        listener(tcp_chain(destination_port=3), name="a"),
    )
    assert [(chain.listener, chain.port) for chain in found] == [("a", "3"), ("b", "2"), ("b", "1")]


def test_listeners_that_drain_warm_or_failed_are_left_out_and_static_ones_kept() -> None:
    tree = json.loads(dump(listeners=[listener(tcp_chain(), name="active")]))
    section = next(item for item in tree["configs"] if "ListenersConfigDump" in item["@type"])
    section["dynamic_listeners"] += [
        {"name": "draining", "draining_state": {"listener": listener(tcp_chain(), name="no")}},
        {"name": "warming", "warming_state": {"listener": listener(tcp_chain(), name="no")}},
        {"name": "failed", "error_state": {"details": "no"}},
    ]
    section["dynamic_listeners"][0]["draining_state"] = {"listener": listener(name="no")}
    section["static_listeners"] = [{"listener": listener(tcp_chain(), name="static")}]
    found = parse(json.dumps(tree)).filter_chains
    assert [chain.listener for chain in found] == ["active", "static"]


def test_versions_and_times_of_a_push_make_no_difference() -> None:
    tree = json.loads(dump(listeners=[listener(http_chain())]))
    before = parse(json.dumps(tree))
    section = next(item for item in tree["configs"] if "ListenersConfigDump" in item["@type"])
    section["version_info"] = "2026-01-26T07:54:42Z/12"
    section["dynamic_listeners"][0]["active_state"]["last_updated"] = "2026-01-26T07:54:42Z"
    assert parse(json.dumps(tree)) == before


def host(name: str, *routes: Any, domains: tuple[str, ...] = ("*",)) -> Any:
    return {"name": name, "domains": list(domains), "routes": list(routes)}


def routes(*configs: Any) -> tuple[Route, ...]:
    return parse(dump(routes=configs)).routes


def test_routes_are_read_by_configuration_and_virtual_host() -> None:
    to = {"match": {"prefix": "/"}, "route": {"cluster": "outbound|80||b"}}
    found = routes(
        {"name": "80", "virtual_hosts": [host("b:80", to, domains=("b", "b.demo")), host("a", to)]},
        {"name": "10000", "virtual_hosts": [host("c", to)]},
    )
    assert [(route.config, route.virtual_host) for route in found] == [
        ("10000", "c"),
        ("80", "a"),
        ("80", "b:80"),
    ]
    assert found[2].row() == {
        "route": "80",
        "virtual host": "b:80",
        "domains": "b (+1)",
        "match": "/*",
        "destination": "outbound|80||b",
    }
    assert found[1].row()["domains"] == "*"


@pytest.mark.parametrize(
    ("route", "destination"),
    [
        ({"route": {"cluster": "c"}}, "c"),
        ({"route": {"weighted_clusters": {}}}, "weighted_clusters"),
        ({"redirect": {}}, "redirect"),
        ({"direct_response": {"status": 502}}, "answers 502"),
        ({}, ""),
    ],
)
def test_every_kind_of_destination_is_told(route: Any, destination: str) -> None:
    (found,) = routes({"name": "r", "virtual_hosts": [host("h", route)]})
    assert found.destination == destination


@pytest.mark.parametrize(
    ("match", "shown"),
    [
        ({"prefix": "/a"}, "/a*"),
        ({"path": "/a"}, "/a"),
        ({"safe_regex": {}, "headers": []}, "headers, safe_regex"),
        ({}, "ALL"),
    ],
)
def test_every_kind_of_match_is_told(match: Any, shown: str) -> None:
    (found,) = routes({"name": "r", "virtual_hosts": [host("h", {"match": match})]})
    assert found.match == shown


def test_a_virtual_host_without_domains_or_routes_is_no_failure() -> None:
    assert routes({"virtual_hosts": [{"name": "h"}]}, {"name": "empty"}) == ()
    (found,) = routes({"virtual_hosts": [{"name": "h", "routes": [{}]}]})
    assert (found.config, found.row()["domains"]) == ("", "")


def test_clusters_are_sorted_and_tell_type_and_tls() -> None:
    found = parse(
        dump(
            clusters=[
                {"name": "d", "transport_socket_matches": [], "transport_socket": {}},
                {"name": "c", "cluster_type": {"name": "envoy.clusters.dns"}},
                {"name": "b", "type": "ORIGINAL_DST", "transport_socket": {}},
                {"name": "a"},
            ]
        )
    ).clusters  # fmt: skip
    assert found == (
        EnvoyCluster(name="a", kind="STATIC", tls="no"),
        EnvoyCluster(name="b", kind="ORIGINAL_DST", tls="yes"),
        EnvoyCluster(name="c", kind="envoy.clusters.dns", tls="no"),
        EnvoyCluster(name="d", kind="STATIC", tls="per endpoint"),
    )
    assert found[3].row() == {"cluster": "d", "type": "STATIC", "TLS": "per endpoint"}


def test_a_dump_without_sections_is_empty() -> None:
    found = parse('{"configs": []}')
    assert (found.filter_chains, found.routes, found.clusters) == ((), (), ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no healthy upstream",
        b"\xff",
        "[]",
        "null",
        "{}",
        '{"configs": {"a": 1}}',
        '{"configs": [{}]}',
        '{"configs": [{"@type": 3}]}',
        '{"configs": [{"@type": ".ListenersConfigDump", "static_listeners": [{"listener": 1}]}]}',
        '{"configs": [{"@type": ".ClustersConfigDump", "static_clusters": [{"cluster": {}}]}]}',
        '{"configs": [{"@type": ".RoutesConfigDump", "static_route_configs": [{}]}]}',
    ],
)  # fmt: skip
def test_what_is_no_config_dump_is_a_cluster_error(text: str | bytes) -> None:
    with pytest.raises(ClusterError, match="the proxy sent no config dump") as caught:
        parse(text)
    assert len(caught.value.where) == 1


@given(st.binary() | st.text())
def test_text_of_any_kind_is_refused_as_no_config_dump(text: str | bytes) -> None:
    with pytest.raises(ClusterError):
        parse(text)
