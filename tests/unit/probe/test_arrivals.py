from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.probe import arrivals as module
from istiolab.probe.arrivals import Arrivals, Piece, read_log, renumber, watch
from tests.unit.mesh.fakes import FakeCluster
from tests.unit.probe.build import live

ASKED = b"GET / HTTP/1.0\r\nHost: witness:8080\r\nConnection: close\r\n\r\n"
PATH = "/api/v1/namespaces/demo/pods/witness-1/log?container=witness"


def line(connection: int, data: bytes = ASKED) -> str:
    return json.dumps({"connection": connection, "bytes": b64encode(data).decode()}) + "\n"


def piece(connection: int, data: bytes = ASKED) -> Piece:
    return Piece(connection=connection, data=data)


class Witness(FakeCluster):
    """A cluster whose witness's log grows when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = line(7)
        self.answers[PATH] = lambda: self.written


@given(st.lists(st.tuples(st.integers(1, 9), st.binary())))
def test_what_a_witness_wrote_is_read_back(wrote: list[tuple[int, bytes]]) -> None:
    text = "".join(line(connection, data) for connection, data in wrote)
    assert read_log(text) == [piece(connection, data) for connection, data in wrote]


@pytest.mark.parametrize(
    "text", ["hello", "{}", '{"connection": 1}', '{"connection": 1, "bytes": "?"}', "3"]
)
def test_a_line_that_no_witness_writes_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(ClusterError, match="no witness writes") as caught:
        read_log(line(1) + text)
    assert text[:20] in caught.value.render()


def test_connections_are_counted_from_one_in_the_order_in_which_they_came() -> None:
    found = renumber([piece(9), piece(4), piece(9), piece(12)])
    assert [each.connection for each in found] == [1, 2, 1, 3]


def test_pipelined_requests_are_one_piece_and_several_requests() -> None:
    found = Arrivals(sender="x", pieces=(piece(1, ASKED * 3), piece(1)))
    assert (found.requests, found.connections, found.first) == (4, 1, ASKED)
    assert found.pieces[0].row() == {
        "connection": "1",
        "requests in this piece": "3",
        "first line": "GET / HTTP/1.0",
    }


def test_a_row_tells_what_the_first_request_spoke() -> None:
    assert Arrivals(sender="ab", pieces=(piece(1), piece(2))).row() == {
        "sender": "ab",
        "version": "HTTP/1.0",
        "Host": "witness:8080",
        "Connection": "close",
        "requests": "2",
        "connections": "2",
    }


def test_fields_are_found_in_any_case_and_absent_ones_shown_as_none() -> None:
    found = Arrivals(
        sender="", pieces=(piece(1, b"GET / HTTP/1.1\r\nhost: a\r\nX: 1\r\nx: 2\r\n\r\n"),)
    )
    assert [found.field(name) for name in ("Host", "X", "Connection")] == ["a", "1, 2", "-"]


def test_nothing_that_came_has_no_version_and_no_fields() -> None:
    nothing = Arrivals(sender="x", pieces=())
    assert (nothing.requests, nothing.first, nothing.http_version) == (0, b"", "")
    assert nothing.row()["version"] == nothing.field("Host") == "-"


def test_only_what_comes_after_the_question_is_returned() -> None:
    cluster = Witness()

    def ask() -> None:
        cluster.written += line(9) + line(8)

    found = watch(live(cluster, "witness", sidecar=False), ask, requests=2, sender="me")
    assert [each.connection for each in found.pieces] == [1, 2]
    assert found.sender == "me"


def test_requests_that_do_not_come_are_an_error_with_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ARRIVAL_SECONDS", 0.1)
    cluster = Witness()

    def ask() -> None:
        cluster.written += line(9)

    with pytest.raises(ClusterError, match="have not come to `witness-1`") as caught:
        watch(live(cluster, "witness", sidecar=False), ask, requests=2, sender="curl")
    assert "1 of 2 requests" in caught.value.render()
    assert "curl" in caught.value.render()
