from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.probe.upstreams import parse, upstreams
from tests.unit.mesh.fakes import FakeCluster, executed
from tests.unit.probe.build import live


def host(address: Any, health: Any = None, **counts: int) -> Any:
    stats = [{"name": "rq_timeout"}] + [
        {"name": name, "value": str(value)} for name, value in counts.items()
    ]
    known = health or {"eds_health_status": "HEALTHY"}
    return {"address": address, "stats": stats, "health_status": known}


def at(address: str, port: int) -> Any:
    return {"socket_address": {"address": address, "port_value": port}}


def said(*hosts: Any, name: str = "outbound|80||web") -> str:
    return json.dumps({"cluster_statuses": [{"name": name, "host_statuses": list(hosts)}]})


def test_an_endpoint_is_told_with_its_counts() -> None:
    text = said(host(at("10.0.0.1", 80), rq_total=3, rq_error=1, cx_total=2))
    (found,) = parse(text)
    assert found.row() == {
        "cluster": "outbound|80||web",
        "endpoint": "10.0.0.1:80",
        "health": "healthy",
        "connections": "2",
        "requests": "3",
        "errors": "1",
    }


def test_what_was_never_counted_is_zero() -> None:
    (found,) = parse(said(host(at("10.0.0.1", 80))))
    assert (found.requests, found.errors, found.connections) == (0, 0, 0)


@pytest.mark.parametrize(
    ("health", "shown"),
    [
        ({"eds_health_status": "HEALTHY"}, "healthy"),
        ({}, "healthy"),
        ({"failed_outlier_check": True, "eds_health_status": "HEALTHY"}, "failed_outlier_check"),
        ({"failed_outlier_check": False}, "healthy"),
        ({"eds_health_status": "DRAINING"}, "draining"),
        (
            {"pending_dynamic_removal": True, "failed_active_health_check": True},
            "failed_active_health_check, pending_dynamic_removal",
        ),
    ],
)
def test_health_is_a_word_or_the_flags_against_it(health: Any, shown: str) -> None:
    (found,) = parse(said(host(at("10.0.0.1", 80), health or {"eds_health_status": "HEALTHY"})))
    assert found.health == shown


def test_endpoints_are_sorted_and_a_unix_socket_is_one() -> None:
    text = said(host({"pipe": {"path": "./etc/XDS"}}), host(at("10.0.0.1", 80)))
    assert [each.address for each in parse(text)] == ["10.0.0.1:80", "unix:etc/XDS"]


def test_a_sidecar_is_asked_in_json() -> None:
    cluster = FakeCluster()
    cluster.run = lambda *_: executed(said(host(at("10.0.0.1", 80))).encode())
    assert len(upstreams(live(cluster, "client"))) == 1
    assert cluster.programs[0][1][-1] == "clusters?format=json"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"cluster_statuses": [{"host_statuses": [{}]}]}']
)
def test_what_is_no_list_of_clusters_is_an_error(text: str) -> None:
    with pytest.raises(ClusterError, match="no list of its clusters"):
        parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "stats", "value", "address", "health_status"]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_read_or_is_an_error_of_ours(value: Any) -> None:
    with suppress(ClusterError):
        parse(json.dumps({"cluster_statuses": [{"name": "a", "host_statuses": value}]}))
