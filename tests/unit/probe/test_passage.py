from __future__ import annotations

import pytest

from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.passage import Passage
from istiolab.probe.wire import Exchange
from tests.unit.probe.build import LOCAL_426, answered, entry, exchange

OUT = entry(
    method="GET",
    path="/",
    protocol="HTTP/1.1",
    response_code=426,
    response_code_details="via_upstream",
    upstream_host="10.0.0.1:80",
    upstream_cluster="outbound|80||backend",
)
IN = entry(
    method="GET",
    path="/",
    protocol="HTTP/1.1",
    response_code=200,
    response_code_details="via_upstream",
    upstream_host="10.0.0.1:80",
    upstream_cluster="inbound|80||",
    requested_server_name="outbound_.80_._.backend",
)
TCP_OUT = entry(upstream_host="10.0.0.1:80", upstream_cluster="outbound|80||backend")


def passage(
    came: Exchange,
    *,
    client: tuple[AccessLogEntry, ...] = (),
    server: tuple[AccessLogEntry, ...] = (),
) -> Passage:
    return Passage(exchange=came, server="backend-7f", client_log=client, server_log=server)


@pytest.mark.parametrize(
    ("found", "who", "said"),
    [
        (passage(answered(200, "i am backend in backend-7f\n")), "backend", "-"),
        (
            passage(answered(200, "in backend-7f"), client=(OUT,), server=(IN,)),
            "backend",
            '"GET / HTTP/1.1" 200 - via_upstream',
        ),
        (
            passage(answered(426), client=(LOCAL_426,)),
            "client's sidecar",
            '"- - HTTP/1.1" 426 DPE low_version',
        ),
        (
            passage(answered(426), server=(LOCAL_426,)),
            "server's sidecar",
            '"- - HTTP/1.1" 426 DPE low_version',
        ),
        (
            passage(answered(426), client=(OUT,), server=(LOCAL_426,)),
            "server's sidecar",
            '"- - HTTP/1.1" 426 DPE low_version',
        ),
        (
            passage(answered(426), client=(LOCAL_426,), server=(IN,)),
            "client's sidecar",
            '"- - HTTP/1.1" 426 DPE low_version',
        ),
        (passage(exchange(), client=(TCP_OUT,)), "nobody", '"- - -" 0 - -'),
        (passage(exchange()), "nobody", "-"),
        (passage(answered(502, server="nginx/1.22.1"), client=(OUT,)), "nginx", OUT.said),
        (passage(answered(404, server="istio-envoy")), "istio-envoy", "-"),
        (passage(answered(404)), "nobody", "-"),
    ],
)
def test_who_answered_and_what_that_sidecar_said(found: Passage, who: str, said: str) -> None:
    assert (found.who, found.said) == (who, said)


def test_a_sidecar_that_sent_another_code_did_not_answer() -> None:
    found = passage(answered(404, server="nginx"), client=(LOCAL_426,), server=(LOCAL_426,))
    assert found.who == "nginx"


def test_the_way_out_is_the_first_entry_that_is_not_inbound() -> None:
    found = passage(answered(200), client=(IN, OUT, TCP_OUT))
    assert (found.leaving, found.via) == (OUT, "outbound|80||backend")
    assert passage(answered(200), client=(IN,)).via == "-"
    assert passage(answered(200)).leaving is None


def test_mtls_is_told_by_the_servers_sidecar_alone() -> None:
    plain = entry(upstream_cluster="inbound|80||")
    assert passage(answered(200), client=(IN,)).mtls == "-"
    assert passage(answered(200), server=(IN,)).mtls == "yes"
    assert passage(answered(200), server=(plain,)).mtls == "no"
    assert passage(answered(200), server=(plain, IN)).arriving == plain
