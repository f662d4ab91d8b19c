from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from istiolab.verdict.kinds import COLUMNS, KINDS, mask_kind
from istiolab.verdict.tokens import Identities
from istiolab.verdict.volatile import CELLS, DECLARED, RULES, mask

SAFE = "bcdfghjklmnpqrstvwxz2456789"
SUFFIXES = st.text(SAFE, min_size=5, max_size=5)
NAMES = st.sampled_from(["backend", "nginx-test", "istio-ingressgateway", "istiod", "a"])


# k8s.io/apimachinery/pkg/util/rand, SafeEncodeString, written down once more.
def safe_encoded(number: int) -> str:
    return "".join(SAFE[ord(digit) % len(SAFE)] for digit in str(number))


HASHES = st.integers(10**7, 2**32 - 1).map(safe_encoded)
PODS = st.builds("{}-{}-{}".format, NAMES, HASHES, SUFFIXES)
ADDRESSES = st.builds("10.{}.{}.{}".format, *[st.integers(0, 255)] * 3)
UIDS = st.uuids().map(str)
SERIALS = st.integers(2**120, 2**128 - 1).map("{:x}".format)
TIMES = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z")

# What pages are about, and what looks like something volatile but is not.
VOCABULARY = re.findall(
    r"\S+",
    """
    istio-ingressgateway istio-egressgateway http2 istio-http/1.1 istio-http/1.0 istio-h2
    http/1.1,h2c nginx-test backend-service backend kube-proxy kube-apiserver tcp-80 http-80
    https-443 tcp-https http2-8080 foo-http2 port-grpcs mail-smtps istio-proxy istio-init istiod
    istio-mtls istio-cni-node details-v1 reviews-v3 productpage-v1 httpbin sleep curl
    426 200 503 404 DPE UF NR UH UO URX low_version via_upstream route_not_found
    upstream_reset_before_response_started PassthroughCluster BlackHoleCluster
    InboundPassthroughCluster 1/1 2/2 0/1 Running inbound|10000|| virtualInbound virtualOutbound
    outbound|80||backend-service.demo.svc.cluster.local 0.0.0.0:15006 0.0.0.0:15001
    outbound_.10000_._.backend-service.demo.svc.cluster.local 127.0.0.6:8080 127.0.0.1:15000
    0.0.0.0 0.0.0.0_10000 10.244.0.0/16 10.96.0.0/12 10000 15006 15090 32106
    HTTP/1.0 HTTP/1.1 HTTP/2 GET /test on off yes no STRICT PERMISSIVE DISABLE mTLS tls raw_buffer
    accept_http_10 proxy_http_version ISTIO_META_HTTP10 nginx/1.22.1 1.28.2 1.34.2
    security.istio.io/v1 networking.istio.io/v1 manifests/426/backend.yaml deployment.apps/backend
    app=backend content-length spiffe://cluster.local/ns/demo/sa/default 100Mi 0 1 10 2026-11-24
    - -- <none>
    """,
)


def masked(text: str) -> str:
    return mask(text, Identities())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pod/backend-59cbfb99cc-s67hg created", "pod/backend-<hash-1>-<pod-1> created"),
        ("istio-cni-node-x8k2z", "istio-cni-node-<pod-1>"),
        ("kube-proxy-bvxqk", "kube-proxy-<pod-1>"),
        ("replicaset.apps/backend-59cbfb99cc", "replicaset.apps/backend-<hash-1>"),
        ("<a.B object at 0x7f12ab34cd50>", "<a.B object at <address>>"),
        ("il-1299-demo", "<run-1>-demo"),
        ("curl il-1299.", "curl <run-1>."),
        ("il-1299-demo-59cbfb99cc-s67hg", "<run-1>-demo-<hash-1>-<pod-1>"),
        ("10.244.0.33", "<ip-1>"),
        ("from 10.244.0.33.", "from <ip-1>."),
        ("http://10.244.0.33/200", "http://<ip-1>/200"),
        ("10.244.0.33:15006", "<ip-1>:15006"),
        ("10.244.0.33:45678", "<ip-1>:<port-1>"),
        ("127.0.0.6:45678", "127.0.0.6:<port-1>"),
        ("198.51.100.2:32106", "<ip-1>:<nodeport-1>"),
        ("80:32106/TCP,443:30443/TCP", "80:<nodeport-1>/TCP,443:<nodeport-2>/TCP"),
        ("NodePort:  http  32106/TCP", "NodePort:  http  <nodeport-1>/TCP"),
        ("    nodePort: 32106", "    nodePort: <nodeport-1>"),
        ('"nodePort": 32106,', '"nodePort": <nodeport-1>,'),
        ("x 0b5ad3c1-7e2f-4c55-9a40-2f6a9a3f3c11", "x <uid-1>"),
        ("sha256:" + "0a" * 32, "sha256:<hex-1>"),
        ("serial=" + "0A" * 14, "serial=<hex-1>"),
        (":".join(["7c"] * 16), "<hex-1>"),
        ("2026-11-24T06:57:11Z", "<time-1>"),
        ("[2026-11-24T06:57:11.123Z]", "[<time-1>]"),
        ("2026-11-24 06:57:11+00:00", "<time-1>"),
        ("< date: Tue, 24 Nov 2026 06:57:11 GMT", "< date: <time>"),
        ("[24/Nov/2026:06:57:11 +0000]", "[<time>]"),
        ("2025/11/28 21:40:01 [error] 7#7: *1", "<time> [error] 7#7: *1"),
        ("Nov  8 21:40:01 node kubelet[7]: x", "<time> node kubelet[7]: x"),
        ("Expires=Fri, 28-Nov-2025 21:40:01 GMT; path=/", "Expires=<time>; path=/"),
        ("Start Time:  Thu, 20 Nov 2025 06:01:02 +0000", "Start Time:  <time-1>"),
        ("I1128 21:40:01.1       1 main.go:52] x", "I<time-1>       1 main.go:52] x"),
        ("notBefore=Nov  8 21:40:01 2025 GMT", "notBefore=<time-1>"),
        ("Fr 28. Nov 21:40:01 UTC 2025", "<time-1>"),
        ("2025年11月28日 (週五) 21時40分01秒 UTC", "<time-1>"),
        ("2025年 11月 28日 星期五 21:40:01 CST", "<time-1>"),
        ("2025-11-28 21:40:01.123456789 +0000 UTC m=+1", "<time-1> m=+1"),
        ('{"ts":1764366001.123,"x":1764366001}', '{"ts":<time-1>,"x":1764366001}'),
        ("startTime: 1764366001", "startTime: <time-1>"),
        ("process_start_time_seconds 1.76436600112e+09", "process_start_time_seconds <time-1>"),
        ('via_upstream - "-" 0 16 12 1 "-"', 'via_upstream - "-" 0 16 <milliseconds> '),
        ("< x-envoy-upstream-service-time: 12", "< x-envoy-upstream-service-time: <milliseconds>"),
        ("waited 1.5s", "waited <duration>"),
        ("1 (3m20s ago)", "1 (<duration> ago)"),
        ("took 12 ms, then 3 seconds", "took <duration>, then <duration>"),
    ],
)
def test_each_volatile_value_becomes_a_token_of_its_kind(text: str, expected: str) -> None:
    assert masked(text).startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "10.244.0.0/16",
        "10.96.0.1/32",
        "http2",
        "foo-http2",
        "tcp-https",
        "istio-http/1.1",
        "tcp-24678",
        "foo-http2grpc",
        "foo-http2grpc-https",
        "0a1b2c3d4e5f60718293a4b5c6d",
        "0.0.0.0:15006",
        "127.0.0.6",
        "1.28.2",
        "HTTP/1.1 200",
        "port 32106",
        "inbound|10000||",
        "nodePort: http",
        "06:57",
        "100Mi",
        "mark 0x7f12ab34",
        "2025-11-28",
        "Nov 28",
        "export: 1764366001",
        "at 1764366001",
        "time: 30",
        "E1128 x",
    ],
)
def test_what_merely_looks_volatile_stays(text: str) -> None:
    assert masked(text) == text


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(VOCABULARY), max_size=12),
    st.sampled_from([" ", "  ", "\n", " | ", ", ", '" "', ": ", "; "]),
)
def test_text_without_volatile_values_is_unchanged(words: list[str], between: str) -> None:
    text = between.join(words)
    # `before 1 - ` and the like between quotation marks is a piece of an access log.
    assume(not re.search(r'" \d+ \d+ \d+ ', text))
    assert masked(text) == text


@pytest.mark.parametrize("words", [PODS, ADDRESSES, UIDS, SERIALS, TIMES])
def test_the_same_value_has_one_token_and_others_have_others(
    words: st.SearchStrategy[str],
) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(words, min_size=2, max_size=6, unique=True))
    def check(values: list[str]) -> None:
        identities = Identities()
        first = [mask(value, identities) for value in values]
        again = [mask(f"so {value}, too", identities) for value in reversed(values)]
        assert len(set(first)) == len(values)
        assert again == [f"so {token}, too" for token in reversed(first)]

    check()


# As strftime writes them: kubectl describe and `date -R`; `date` in C and in en_US; C's ctime;
# openssl; Python's logging and repr; Go's String; ISO 8601 with and without separators.
FORMS = (
    *("%a, %d %b %Y %H:%M:%S +0000", "%a %b %e %H:%M:%S UTC %Y", "%a %b %d %I:%M:%S %p UTC %Y"),
    *("%a %b %d %H:%M:%S %Y", "%a %d %b %Y %I:%M:%S %p UTC", "%b %e %H:%M:%S %Y GMT"),
    *("%Y-%m-%d %H:%M:%S,%f", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f +0000 UTC"),
    *("%Y-%m-%d %H:%M:%S +0000", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S+08:00"),
    *("%Y%m%dT%H%M%SZ", "ts: %s", '"exp":"%s"'),
)
MOMENTS = st.datetimes(datetime(2001, 9, 11), datetime(2033, 5, 17)).map(  # noqa: DTZ001 - of any zone
    lambda moment: moment.replace(microsecond=0)
)


@settings(deadline=None)
@given(st.sampled_from(FORMS), st.lists(MOMENTS, min_size=2, unique=True))
def test_a_time_in_any_usual_form_is_one_token_and_another_time_another(
    form: str, moments: list[datetime]
) -> None:
    identities = Identities()
    texts = [moment.strftime(form) for moment in moments]
    lines = mask("\n".join(f"[{text}] x" for text in (*texts, texts[0])), identities).split("\n")
    assert lines[-1] == lines[0]
    assert len(set(lines)) == len(moments)
    assert all(re.search(r"<time-\d+>\"?\] x$", line) for line in lines)
    assert not any(re.search(r"\d\d:\d\d|\d{5}", line) for line in lines)


@settings(deadline=None)
@given(NAMES, HASHES, SUFFIXES)
@example("backend", "bcdfbcdf", "bvxqk")
def test_a_pod_and_its_replica_set_share_the_hash(name: str, hash_: str, suffix: str) -> None:
    identities = Identities()
    assert mask(f"{name}-{hash_}-{suffix}", identities) == f"{name}-<hash-1>-<pod-1>"
    assume(re.search(r"\d", hash_))
    assert mask(f"{name}-{hash_}", identities) == f"{name}-<hash-1>"


def test_the_same_port_of_two_nodes_has_one_token_wherever_it_stands() -> None:
    identities = Identities()
    texts = ["198.51.100.2:32106", "80:32106/TCP", "nodePort: 32106", "198.51.100.3:32106"]
    assert [mask(text, identities) for text in texts] == [
        "<ip-1>:<nodeport-1>",
        "80:<nodeport-1>/TCP",
        "nodePort: <nodeport-1>",
        "<ip-2>:<nodeport-1>",
    ]


PIECES = st.one_of(
    PODS,
    ADDRESSES,
    UIDS,
    SERIALS,
    TIMES,
    SUFFIXES,
    HASHES,
    st.sampled_from(VOCABULARY),
    st.sampled_from(
        [" ", "-", ".", ":", "/", '" ', "\n", "il-12ab", "12s", "1.5 ms", "80:32106/TCP"]
    ),
    st.text(max_size=4),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example("0.0.0.0:" + "9" * 5000)
@example('" 1 2 3 4 " 5 "')
def test_masking_never_fails_and_twice_is_as_once(text: str) -> None:
    identities = Identities()
    once = mask(text, identities)
    assert mask(once, identities) == once
    assert mask(once, Identities()) == once


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    once = masked(text)
    assert masked(once) == once
    for kind in KINDS:
        assert mask_kind(mask_kind(text, kind), kind) == mask_kind(text, kind)


@pytest.mark.parametrize("repeated", ["a-", "1s", "1.", "a.", "0a:", "9", "il-12ab", '" 1 2 3 '])
def test_long_lines_take_no_time_that_grows_without_bound(repeated: str) -> None:
    assert masked(repeated * 2000 + "!").endswith("!")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("age", value) for value in ["3s", "2m10s", "5h", "3d4h", "1y20d", "<duration>"]],
        *[("duration", value) for value in ["12", "0.5", "1.5s", "12 ms", "3m", "<duration>"]],
        *[("duration", value) for value in ["3m20s", "1h2m", "12 seconds", "1 minute", "5us"]],
        *[("counter", value) for value in ["0", "12345"]],
    ],
)
def test_a_value_of_a_declared_kind_is_masked(kind: str, value: str) -> None:
    assert mask_kind(value, kind) == f"<{kind}>"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("age", value) for value in ["", "never", "<unknown>", "<invalid>", "3"]],
        *[("duration", value) for value in ["", "never", "-", "-1", "infinity", "1.2.3"]],
        *[("counter", value) for value in ["", "-", "many", "1.5", "-1"]],
    ],
)
def test_a_value_that_does_not_look_like_its_kind_stays(kind: str, value: str) -> None:
    assert mask_kind(value, kind) == value


def test_an_access_log_tells_no_upstream_from_some_milliseconds() -> None:
    line = '"- - HTTP/1.1" 426 DPE low_version - "-" 0 16 {} {} "-" "-"'
    assert masked(line.format(0, "-")) == line.format("<milliseconds>", "-")
    assert masked(line.format(7, "1")) == line.format("<milliseconds>", "<milliseconds>")


def test_a_declared_duration_is_no_measured_one() -> None:
    assert mask("2s for 10.0.0.1", Identities(), DECLARED) == "2s for <ip-1>"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1 (3m20s ago)", "1 (<duration> ago)"),
        ("SYNCED (12s ago)", "SYNCED (<duration> ago)"),
        ("2s", "2s"),
        ("12 ms", "12 ms"),
        ("timeout 3 seconds", "timeout 3 seconds"),
        ("after (3s)", "after (3s)"),
        ("3s ago", "3s ago"),
    ],
)
def test_in_a_tables_cell_a_duration_is_measured_only_where_it_says_how_long_ago(
    cell: str, expected: str
) -> None:
    assert mask(cell, Identities(), CELLS) == expected


def test_tables_name_rules_and_kinds_that_there_are() -> None:
    assert set(COLUMNS.values()) <= set(KINDS)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert [rule for rule in RULES if rule not in DECLARED] == [RULES[-1]]
    assert RULES[-1].name.startswith("durations")
