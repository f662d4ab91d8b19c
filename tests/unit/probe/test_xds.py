from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.probe.xds import KINDS, parse
from tests.unit.probe.told import eds, endpoint, routed, told

ADS = ("unix:etc/istio/proxy/XDS",)


def held(text: str) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in parse(text).resources]


WHOLE = told(
    listeners=[routed("virtualOutbound", "80"), routed("b", "81")],
    routes=[{"name": "81"}, {"name": "80"}],
    clusters=[eds("web"), {"name": "Passthrough", "type": "ORIGINAL_DST"}],
    endpoints=[endpoint("web", "10.0.0.1"), endpoint("Passthrough")],
    secrets=[{"name": "default"}, {"name": "ROOTCA"}],
)


def test_what_was_told_is_listed_by_kind_and_name() -> None:
    assert held(WHOLE) == [
        ("LDS", "b"),
        ("LDS", "virtualOutbound"),
        ("RDS", "80"),
        ("RDS", "81"),
        ("CDS", "Passthrough"),
        ("CDS", "web"),
        ("EDS", "web"),
        ("SDS", "ROOTCA"),
        ("SDS", "default"),
    ]


def test_a_listener_that_drains_is_out_and_its_routes_with_it() -> None:
    text = told(
        listeners=[routed("a", "80")], draining=["81"], routes=[{"name": "80"}, {"name": "81"}]
    )
    assert held(text) == [("LDS", "a"), ("RDS", "80")]


def test_endpoints_count_if_their_cluster_gets_them_over_eds() -> None:
    text = told(
        clusters=[{"name": "fixed", "type": "STATIC"}],
        endpoints=[endpoint("fixed"), endpoint("gone")],
    )
    assert held(text) == [("CDS", "fixed")]


def test_each_kind_has_its_count_and_where_envoy_asks_for_it() -> None:
    found = parse(WHOLE)
    assert [(each.kind, each.held) for each in found.kinds] == [
        ("LDS", 2),
        ("RDS", 2),
        ("CDS", 2),
        ("EDS", 1),
        ("SDS", 2),
    ]
    ways = {each.kind: each.through for each in found.kinds}
    assert ways == {kind: ADS for kind in KINDS if kind != "SDS"} | {
        "SDS": ("unix:var/run/socket",)
    }
    assert found.kinds[4].row() == {
        "xDS": "SDS",
        "what it holds": KINDS["SDS"],
        "held": "2",
        "Envoy asks for it at": "unix:var/run/socket",
    }
    assert found.names("EDS") == ("web",)


def test_a_kind_that_nothing_asks_for_has_no_way() -> None:
    assert {each.kind for each in parse(told()).kinds if not each.through} == {"RDS", "EDS", "SDS"}


def test_versions_and_times_make_no_difference() -> None:
    other = WHOLE.replace('"version_info": "7"', '"version_info": "8"').replace('"now"', '"then"')
    assert other != WHOLE
    assert list(parse(other).resources) == list(parse(WHOLE).resources)


@pytest.mark.parametrize("said", ["", "{}", "[]", '{"configs": [{}]}', '{"configs": []}', "no"])
def test_what_is_no_dump_is_an_error_never_an_empty_list(said: str) -> None:
    with pytest.raises(ClusterError, match="sent no config dump"):
        parse(said)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "name", "address", "cluster", "listener"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["Listeners", "Clusters", "Routes", "Endpoints", "Secrets"]), JSON)
def test_any_json_is_read_or_is_an_error_of_ours(value: Any, section: str, item: Any) -> None:
    configs = json.loads(WHOLE)["configs"]
    for each in configs:
        if each["@type"].endswith(f".{section}ConfigDump"):
            each |= {key: [item] for key in each if key.startswith(("dynamic", "static"))}
    for text in (json.dumps({"configs": value}), json.dumps({"configs": configs})):
        with suppress(ClusterError):
            parse(text)
