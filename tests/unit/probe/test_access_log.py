from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.probe.access_log import AccessLogEntry, parse, parse_line
from tests.unit.probe.build import LOCAL_426, entry, line

LOW_VERSION = (
    '[2026-01-26T07:54:42.977Z] "- - HTTP/1.1" 426 DPE low_version - "-" 0 16 0 - "-" "-" "-" "-" '
    '"-" - - 10.244.0.5:80 10.244.0.6:1234 - -'
)
OUTBOUND = (
    '[2026-01-26T07:55:01.112Z] "GET /test?a=b HTTP/1.1" 200 - via_upstream - "-" 0 39 12 11 "-" '
    '"curl/8.5.0 (x; "y")" "2b6c3c0e-2f3f-9d4a-b3b5-4c0f0c1d2e3f" "backend-service:10000" '
    '"10.244.0.7:10000" outbound|10000||backend-service.demo.svc.cluster.local 10.244.0.6:48210 '
    "10.96.12.34:10000 10.244.0.6:39146 - default"
)
INBOUND = (
    '[2026-01-26T07:55:01.114Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 39 1 0 "-" "istiolab" '
    '"-" "backend-service:10000" "10.244.0.7:10000" inbound|10000|| 127.0.0.6:45471 '
    "10.244.0.7:10000 10.244.0.6:48210 "
    "outbound_.10000_._.backend-service.demo.svc.cluster.local default"
)
TCP = (
    '[2026-01-26T07:56:09.001Z] "- - -" 0 - - - "-" 88 190 3 - "-" "-" "-" "-" '
    '"10.244.0.7:10001" outbound|10001||backend-tcp.demo.svc.cluster.local 10.244.0.6:50112 '
    "10.96.1.2:10001 10.244.0.6:50110 - -"
)
NO_ROUTE = (
    '[2026-01-26T07:57:00.500Z] "GET / HTTP/1.1" 503 UF,URX upstream_reset_before_response_started'
    '{connection_termination} - "TLS_error: wrong version number" 0 95 42 - "10.0.0.9" "a b" "-" '
    '"backend" "10.244.0.7:80" PassthroughCluster - 10.244.0.7:80 10.244.0.6:50200 - allow_any'
)


def read(text: str) -> AccessLogEntry:
    found = parse_line(text)
    assert found is not None
    return found


def test_a_line_of_http_1_0_turned_away_is_read() -> None:
    found = read(LOW_VERSION)
    assert found == replace(
        LOCAL_426,
        start_time="2026-01-26T07:54:42.977Z",
        bytes_sent=16,
        duration="0",
        downstream_local_address="10.244.0.5:80",
        downstream_remote_address="10.244.0.6:1234",
    )
    assert found.said == '"- - HTTP/1.1" 426 DPE low_version'
    assert (found.answered_here, found.over_mtls) == (True, False)
    assert (found.is_inbound, found.is_outbound) == (False, False)


def test_a_line_of_a_request_going_out_is_read() -> None:
    found = read(OUTBOUND)
    assert (found.method, found.path, found.protocol) == ("GET", "/test?a=b", "HTTP/1.1")
    assert (found.response_code, found.response_code_details) == (200, "via_upstream")
    assert (found.duration, found.upstream_service_time) == ("12", "11")
    assert found.user_agent == 'curl/8.5.0 (x; "y")'
    assert found.request_id == "2b6c3c0e-2f3f-9d4a-b3b5-4c0f0c1d2e3f"
    assert (found.authority, found.upstream_host) == ("backend-service:10000", "10.244.0.7:10000")
    assert found.upstream_cluster == "outbound|10000||backend-service.demo.svc.cluster.local"
    assert found.route_name == "default"
    assert (found.is_inbound, found.is_outbound) == (False, True)
    assert (found.answered_here, found.over_mtls) == (False, False)


def test_a_line_of_a_request_coming_in_over_mtls_is_read() -> None:
    found = read(INBOUND)
    assert (found.is_inbound, found.is_outbound, found.over_mtls) == (True, False, True)
    assert found.row() == {
        "request": "GET / HTTP/1.1",
        "code": "200",
        "flags": "-",
        "details": "via_upstream",
        "upstream cluster": "inbound|10000||",
        "server name (TLS)": "outbound_.10000_._.backend-service.demo.svc.cluster.local",
    }


def test_a_line_of_a_tcp_connection_is_read() -> None:
    found = read(TCP)
    assert (found.method, found.path, found.protocol, found.response_code) == ("-", "-", "-", 0)
    assert (found.bytes_received, found.bytes_sent, found.duration) == (88, 190, "3")
    assert (found.is_outbound, found.answered_here) == (True, False)


def test_a_line_with_several_flags_and_a_reason_with_spaces_is_read() -> None:
    found = read(NO_ROUTE)
    assert found.response_flags == "UF,URX"
    assert found.upstream_transport_failure_reason == "TLS_error: wrong version number"
    assert (found.x_forwarded_for, found.user_agent) == ("10.0.0.9", "a b")
    assert (found.is_outbound, found.route_name) == (True, "allow_any")


@pytest.mark.parametrize(
    ("cluster", "inbound", "outbound"),
    [
        ("inbound|80||", True, False),
        ("InboundPassthroughCluster", True, False),
        ("InboundPassthroughClusterIpv4", True, False),
        ("outbound|80|v1|a.b", False, True),
        ("PassthroughCluster", False, True),
        ("BlackHoleCluster", False, True),
        ("-", False, False),
        ("agent", False, False),
    ],
)
def test_the_cluster_tells_the_direction(cluster: str, *, inbound: bool, outbound: bool) -> None:
    found = entry(upstream_cluster=cluster)
    assert (found.is_inbound, found.is_outbound) == (inbound, outbound)


@pytest.mark.parametrize(
    ("code", "host", "here"),
    [(426, "-", True), (503, "10.0.0.1:80", False), (0, "-", False), (0, "10.0.0.1:80", False)],
)
def test_envoy_answered_itself_if_it_sent_a_code_and_asked_nobody(
    code: int, host: str, *, here: bool
) -> None:
    assert entry(response_code=code, upstream_host=host).answered_here is here


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-26T07:54:42.977Z\tinfo\tEnvoy proxy is ready",
        LOW_VERSION[:-2],
        LOW_VERSION + " more",
        "x" + LOW_VERSION,
        LOW_VERSION.replace(" 426 ", " many "),
        LOW_VERSION.replace('"- - HTTP/1.1"', '"- - GOPHER"'),
    ],
)
def test_what_is_no_access_log_line_is_none(text: str) -> None:
    assert parse_line(text) is None


def test_a_log_gives_its_entries_in_order_and_passes_over_others() -> None:
    text = f"info\tstarting\n{OUTBOUND}\n\nwarning: a\n{TCP}\n"
    assert parse(text) == (read(OUTBOUND), read(TCP))
    assert parse("") == ()


# ASCII that is neither a space nor a quotation mark, as Envoy writes unquoted values.
WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"'), min_size=1
)
ANY_TEXT = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))
UNQUOTED_TEXT = st.text(st.characters(exclude_characters='\n"', exclude_categories=["Cs"]))
NUMBER = st.integers(0, 10**12)
ENTRIES = st.builds(
    AccessLogEntry,
    start_time=UNQUOTED_TEXT.filter(lambda text: "]" not in text),
    method=WORD,
    path=UNQUOTED_TEXT,
    protocol=st.sampled_from(["-", "HTTP/1.0", "HTTP/1.1", "HTTP/2"]),
    response_code=st.integers(0, 599),
    response_flags=WORD,
    response_code_details=WORD,
    connection_termination_details=WORD,
    upstream_transport_failure_reason=UNQUOTED_TEXT,
    bytes_received=NUMBER,
    bytes_sent=NUMBER,
    duration=NUMBER.map(str) | st.just("-"),
    upstream_service_time=WORD,
    x_forwarded_for=UNQUOTED_TEXT,
    user_agent=ANY_TEXT,
    request_id=UNQUOTED_TEXT,
    authority=UNQUOTED_TEXT,
    upstream_host=UNQUOTED_TEXT,
    upstream_cluster=WORD,
    upstream_local_address=WORD,
    downstream_local_address=WORD,
    downstream_remote_address=WORD,
    requested_server_name=WORD,
    route_name=WORD,
)


@given(ENTRIES)
def test_any_entry_is_read_back_from_its_line(written: AccessLogEntry) -> None:
    assert parse_line(line(written)) == written
    assert parse_line(line(written) + "\n") == written


@given(st.lists(ENTRIES, max_size=3))
def test_any_entries_are_read_back_from_a_log(written: list[AccessLogEntry]) -> None:
    text = "".join(f"{line(one)}\nsomething else\n" for one in written)
    assert parse(text) == tuple(written)


@given(st.text() | st.text(alphabet='[]" -0/HTP.1'))
def test_any_text_is_an_entry_or_none(text: str) -> None:
    found = parse_line(text)
    assert found is None or line(found) == text.rstrip("\n")


# As a sidecar of Istio 1.28 wrote it: what there is none of is null, numbers are numbers.
JSON = (
    '{"authority":"backend:8000","bytes_received":0,"bytes_sent":39,'
    '"connection_termination_details":null,"downstream_local_address":"10.96.1.2:8000",'
    '"downstream_remote_address":"10.244.0.6:39146","duration":12,"method":"GET","path":"/a?b=c",'
    '"protocol":"HTTP/1.1","request_id":"2b6c3c0e-2f3f-9d4a-b3b5-4c0f0c1d2e3f",'
    '"requested_server_name":null,"response_code":200,"response_code_details":"via_upstream",'
    '"response_flags":"-","route_name":"default","start_time":"2026-01-26T07:55:01.112Z",'
    '"upstream_cluster":"outbound|8000||backend.demo.svc.cluster.local",'
    '"upstream_host":"10.244.0.7:80","upstream_local_address":"10.244.0.6:48210",'
    '"upstream_service_time":"11","upstream_transport_failure_reason":null,'
    '"user_agent":"curl/8.5.0","x_forwarded_for":null}'
)


def test_a_line_of_json_says_what_a_line_of_text_does() -> None:
    found = read(JSON)
    assert found == read(line(found))
    assert (found.response_code, found.bytes_sent, found.duration) == (200, 39, "12")
    assert (found.x_forwarded_for, found.connection_termination_details) == ("-", "-")
    assert found.is_outbound


@pytest.mark.parametrize(
    "text",
    [
        '{"level":"info","time":"2026-01-26T07:55:01.112Z","msg":"Envoy proxy is ready"}',
        *("[]", "3", "null", '"a"', "{", JSON.replace('"duration":12,', "")),
        *(
            JSON.replace('"response_code":200', f'"response_code":{each}')
            for each in ("null", '"x"')
        ),
    ],
)
def test_json_that_is_no_line_of_istios_format_is_none(text: str) -> None:
    assert parse_line(text) is None


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_fields_that_are_added_to_json_change_nothing(more: dict[str, str | int | None]) -> None:
    fields = json.loads(JSON)
    assert parse_line(json.dumps({**more, **fields})) == read(JSON)
