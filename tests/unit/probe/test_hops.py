from __future__ import annotations

from istiolab.mesh.table import Listing
from istiolab.probe.hops import Hop, hops
from istiolab.probe.sidecar import Observed
from tests.unit.probe.build import answered, entry

OUT = entry(
    method="GET",
    path="/",
    protocol="HTTP/1.1",
    response_code=200,
    response_code_details="via_upstream",
    upstream_host="10.0.0.1:80",
    upstream_cluster="outbound|80||web",
)


def test_hops_come_request_by_request_and_sidecar_by_sidecar() -> None:
    one = Observed(exchange=answered(200), logs={"client": Listing([OUT]), "web": Listing([])})
    two = Observed(exchange=answered(200), logs={"web": Listing([OUT])})
    assert [hop.app for hop in hops(one, two)] == ["client", "web"]
    assert list(hops()) == []


def test_a_request_that_was_sent_on_says_where_and_how_it_ended() -> None:
    assert Hop(app="client", entry=OUT).row() == {
        "sidecar of": "client",
        "saw": "GET / HTTP/1.1",
        "which came by mTLS": "no",
        "answer": "200 via_upstream",
        "sent on to": "outbound|80||web",
    }


def test_a_connection_has_no_answer() -> None:
    found = Hop(
        app="web",
        entry=entry(
            upstream_host="10.0.0.1:80",
            upstream_cluster="inbound|80||",
            requested_server_name="outbound_.80_._.web",
        ),
    )
    assert found.row() == {
        "sidecar of": "web",
        "saw": "a TCP connection",
        "which came by mTLS": "yes",
        "answer": "-",
        "sent on to": "inbound|80||",
    }


def test_what_a_sidecar_answered_by_itself_was_sent_nowhere_though_it_names_a_cluster() -> None:
    found = Hop(
        app="client",
        entry=entry(
            method="GET",
            path="/",
            protocol="HTTP/1.1",
            response_code=503,
            response_flags="UH",
            response_code_details="no_healthy_upstream",
            upstream_cluster="outbound|80||web",
        ),
    )
    assert found.answer == "503 UH no_healthy_upstream"
    assert found.row()["sent on to"] == "-"
