from __future__ import annotations

import socket
import struct
import time

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.probe.converse import converse
from istiolab.probe.wire import MalformedError
from tests.unit.mesh.loopback import closed_port, peer, take_head, wait_for_close

OLD = "GET / HTTP/1.0"
NEW = "GET / HTTP/1.1\nHost: a"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def once(connection: socket.socket) -> None:
    take_head(connection)
    connection.sendall(OK)


def always(connection: socket.socket) -> None:
    while True:
        once(connection)


def reset(connection: socket.socket) -> None:
    once(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_requests_follow_their_answers_on_one_connection_with_nothing_added() -> None:
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        for _ in range(2):
            heard.append(take_head(connection))
            connection.sendall(OK)
        wait_for_close(connection)

    with peer(listen) as port:
        found = converse(f"http://127.0.0.1:{port}", OLD, NEW, server="x")
    assert heard == [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
    assert (found.statuses, found.closed, found.server) == ((200, 200), False, "x")
    assert [turn.sent for turn in found.turns] == heard
    assert {turn.received for turn in found.turns} == {OK}


@pytest.mark.parametrize("hang_up", [once, reset])
def test_a_connection_that_is_closed_leaves_the_rest_unanswered(hang_up: object) -> None:
    with peer(hang_up) as port:  # type: ignore[arg-type]
        found = converse(f"http://127.0.0.1:{port}", OLD, OLD, OLD)
    assert (found.answered, found.closed) == (1, True)
    assert [turn.received for turn in found.turns] == [OK, b""]


def test_requests_at_once_are_all_sent_before_the_first_answer() -> None:
    def wait_for_all(connection: socket.socket) -> None:
        taken = b""
        while taken.count(b"\r\n\r\n") < 3:
            taken += connection.recv(4096)
        connection.sendall(OK * 3)

    with peer(wait_for_all) as port:
        found = converse(f"http://127.0.0.1:{port}", NEW, NEW, NEW, at_once=True)
    assert found.statuses == (200, 200, 200)
    (turn,) = found.turns
    assert turn.sent == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3


def test_an_answer_may_end_with_the_connection() -> None:
    def close(connection: socket.socket) -> None:
        take_head(connection)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")

    with peer(close) as port:
        found = converse(f"http://127.0.0.1:{port}", OLD)
    assert (found.answers[0].text, found.closed) == ("until the end", True)


def test_the_pause_lies_between_answer_and_next_request() -> None:
    moments: list[float] = []

    def note(connection: socket.socket) -> None:
        for _ in range(2):
            once(connection)
            moments.append(time.monotonic())

    with peer(note) as port:
        converse(f"http://127.0.0.1:{port}", NEW, NEW, pause_seconds=0.2)
    assert moments[1] - moments[0] >= 0.2


@pytest.mark.parametrize("hang_up", [once, reset])
def test_a_pause_ends_when_the_server_hangs_up(hang_up: object) -> None:
    start = time.monotonic()
    with peer(hang_up) as port:  # type: ignore[arg-type]
        found = converse(f"http://127.0.0.1:{port}", NEW, NEW, pause_seconds=60.0)
    assert time.monotonic() - start < 30
    assert (found.answered, found.closed, len(found.turns)) == (1, True, 1)


def test_no_answer_in_time_on_an_open_connection_is_an_error_with_what_came() -> None:
    def half(connection: socket.socket) -> None:
        take_head(connection)
        connection.sendall(OK[:-1])
        wait_for_close(connection)

    with (
        peer(half) as port,
        pytest.raises(ClusterError, match=r"was not answered within 0\.2 s") as caught,
    ):
        converse(f"http://127.0.0.1:{port}", NEW, timeout_seconds=0.2)
    assert "Content-Length: 2" in caught.value.render()


def test_an_answer_that_is_cut_off_or_no_http_is_an_error() -> None:
    def cut(connection: socket.socket) -> None:
        take_head(connection)
        connection.sendall(OK[:-1])

    with peer(cut) as port, pytest.raises(MalformedError):
        converse(f"http://127.0.0.1:{port}", NEW)


def test_a_port_that_nobody_listens_on_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("istiolab.probe.connect.CONNECT_SECONDS", 0.2)
    port = closed_port()
    with pytest.raises(ClusterError, match=f"cannot connect to `127.0.0.1:{port}`"):
        converse(f"http://127.0.0.1:{port}", NEW)


@pytest.mark.parametrize(("url", "request_"), [("https://a", NEW), ("http://a", "")])
def test_no_url_and_no_request_are_usage_errors(url: str, request_: str) -> None:
    with pytest.raises(UsageError):
        converse(url, request_)
