from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.programs import Executed
from istiolab.probe.send import make_request, send
from istiolab.probe.wire import MalformedError, Request
from tests.unit.mesh.fakes import FakeCluster, Place, executed
from tests.unit.mesh.loopback import closed_port, peer, take_head, wait_for_close
from tests.unit.probe.build import live

FRAMED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("http://backend", "backend", 80, "/"),
        ("http://backend:10000/a/b?c=d&e#f", "backend", 10000, "/a/b?c=d&e"),
        ("http://127.0.0.1:1?x", "127.0.0.1", 1, "/?x"),
        ("HTTP://Backend/A", "backend", 80, "/A"),
    ],
)
def test_a_request_is_made_from_a_url(url: str, host: str, port: int, target: str) -> None:
    made = make_request(url, http="1.0", headers={"A": "b"})
    assert made == Request(
        host=host, port=port, target=target, http_version="1.0", headers={"A": "b"}
    )


@pytest.mark.parametrize(
    "url",
    ["", "backend", "https://backend", "ftp://backend/", "http://", "http:///a", "http://[::1",
     "http://backend:99999/", "http://backend:port/", "http://backend/é"],
)  # fmt: skip
def test_what_is_no_http_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="is no http:// URL"):
        make_request(url, http="1.1", headers={})


@pytest.mark.parametrize("http", ["", "2", "1", "1.2", "HTTP/1.1"])
def test_another_version_than_1_0_and_1_1_is_a_usage_error(http: str) -> None:
    with pytest.raises(UsageError, match=r"is none of 1\.0 and 1\.1"):
        send("http://backend/", http=http)


def say(
    *parts: bytes, heard: list[bytes] | None = None, stay: bool = False
) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        head = take_head(connection)
        if heard is not None:
            heard.append(head)
        for part in parts:
            connection.sendall(part)
        if stay:
            wait_for_close(connection)

    return talk


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("http", ["1.0", "1.1"])
def test_each_version_is_sent_as_it_is_and_the_answer_kept_raw(http: str) -> None:
    heard: list[bytes] = []
    answer = f"HTTP/{http} 200 OK\r\nServer: x\r\n\r\nhi\n".encode()
    with peer(say(answer, heard=heard)) as port:
        found = send(f"http://127.0.0.1:{port}/a", http=http, headers={"X": "y"})
    assert heard == [found.request]
    assert found.request.startswith(f"GET /a HTTP/{http}\r\nHost: 127.0.0.1:{port}\r\n".encode())
    assert b"\r\nX: y\r\n" in found.request
    assert (found.received, found.http_version, found.text) == (answer, http, "hi")


def test_a_whole_answer_is_not_waited_on_though_the_connection_stays_open() -> None:
    with peer(say(FRAMED, stay=True)) as port:
        assert send(f"http://127.0.0.1:{port}/", timeout_seconds=5).text == "hi"


def test_an_answer_in_pieces_is_put_together() -> None:
    with peer(say(*(bytes([byte]) for byte in FRAMED))) as port:
        assert send(f"http://127.0.0.1:{port}/").received == FRAMED


def test_a_close_without_an_answer_is_no_answer() -> None:
    with peer(say()) as port:
        found = send(f"http://127.0.0.1:{port}/")
    assert (found.status, found.received) == (None, b"")


def test_a_reset_without_an_answer_is_no_answer() -> None:
    def talk(connection: socket.socket) -> None:
        take_head(connection)
        reset(connection)

    with peer(talk) as port:
        assert send(f"http://127.0.0.1:{port}/").status is None


def test_an_answer_cut_off_is_an_error() -> None:
    with (
        peer(say(FRAMED[:-1])) as port,
        pytest.raises(MalformedError, match="cut off"),
    ):
        send(f"http://127.0.0.1:{port}/")


def test_an_answer_that_is_no_http_is_an_error() -> None:
    with (
        peer(say(b"SSH-2.0-x\r\n", stay=True)) as port,
        pytest.raises(MalformedError, match="status line"),
    ):
        send(f"http://127.0.0.1:{port}/")


def test_an_answer_that_does_not_come_in_time_is_an_error_with_what_came() -> None:
    with (
        peer(say(FRAMED[:20], stay=True)) as port,
        pytest.raises(ClusterError, match=r"sent no whole answer within 0\.05 s") as caught,
    ):
        send(f"http://127.0.0.1:{port}/", timeout_seconds=0.05)
    assert caught.value.where == (f"received: {FRAMED[:20]!r}",)


def test_an_answer_that_drips_does_not_put_off_the_deadline() -> None:
    def talk(connection: socket.socket) -> None:
        take_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.settimeout(0.01)
        while True:
            connection.sendall(b".")
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    with (
        peer(talk) as port,
        pytest.raises(ClusterError, match=r"sent no whole answer within 0\.1 s"),
    ):
        send(f"http://127.0.0.1:{port}/", timeout_seconds=0.1)


def test_a_port_where_nobody_listens_is_an_error_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("istiolab.probe.connect.CONNECT_SECONDS", 0.05)
    port = closed_port()
    with pytest.raises(ClusterError, match=f"cannot connect to `127.0.0.1:{port}`") as caught:
        send(f"http://127.0.0.1:{port}/")
    assert "refused" in caught.value.where[0]
    assert "source=…" in (caught.value.hint or "")


def test_connecting_is_tried_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.create_connection
    tries: list[object] = []

    def late(address: tuple[str, int], timeout: float) -> socket.socket:
        tries.append(address)
        if len(tries) < 2:
            raise ConnectionRefusedError
        return connect(address, timeout=timeout)

    with peer(say(FRAMED)) as port:
        monkeypatch.setattr(socket, "create_connection", late)
        assert send(f"http://127.0.0.1:{port}/").status == 200
    assert len(tries) == 2


def shell(
    place: Place, argv: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Executed:
    """Run what would run in a container on this machine."""
    assert place == ("demo", "client-1", "client")
    done = subprocess.run(argv, capture_output=True, check=False, env=environment)
    return executed(done.stdout, stderr=done.stderr.decode(), exit_code=done.returncode)


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.run = shell
    return made


@pytest.mark.parametrize("http", ["1.0", "1.1"])
@pytest.mark.parametrize("sidecar", [True, False])
def test_from_a_pod_the_workloads_container_sends_the_same_bytes(
    cluster: FakeCluster, http: str, *, sidecar: bool
) -> None:
    heard: list[bytes] = []
    with peer(say(b"HTTP/1.0 200 OK\r\n\r\n\xff\x00hi", heard=heard)) as port:
        url = f"http://127.0.0.1:{port}/a?b=%20'\"$HOME"
        source = live(cluster, "client", sidecar=sidecar)
        found = send(url, http=http, source=source)
    assert heard == [found.request]
    assert heard[0] == make_request(url, http=http, headers={}).to_bytes()
    assert (found.status, found.body) == (200, b"\xff\x00hi")


def test_from_a_pod_a_close_without_an_answer_is_no_answer(cluster: FakeCluster) -> None:
    with peer(say()) as port:
        assert send(f"http://127.0.0.1:{port}/", source=live(cluster, "client")).status is None


def test_from_a_pod_a_reset_is_no_answer(cluster: FakeCluster) -> None:
    def talk(connection: socket.socket) -> None:
        take_head(connection)
        reset(connection)

    with peer(talk) as port:
        assert send(f"http://127.0.0.1:{port}/", source=live(cluster, "client")).status is None


def test_from_a_pod_a_port_where_nobody_listens_is_an_error(cluster: FakeCluster) -> None:
    port = closed_port()
    message = f"pod `client-1` cannot connect to `127.0.0.1:{port}`"
    with pytest.raises(ClusterError, match=message) as caught:
        send(f"http://127.0.0.1:{port}/", source=live(cluster, "client"))
    assert "refused" in " ".join(caught.value.where)


def test_from_a_pod_an_answer_that_does_not_come_in_time_is_an_error(cluster: FakeCluster) -> None:
    with (
        peer(say(FRAMED[:20], stay=True)) as port,
        pytest.raises(ClusterError, match=r"sent no whole answer within 0\.1 s"),
    ):
        send(f"http://127.0.0.1:{port}/", source=live(cluster, "client"), timeout_seconds=0.1)


def test_from_a_pod_a_whole_answer_counts_though_the_connection_stays_open(
    cluster: FakeCluster,
) -> None:
    with peer(say(FRAMED, stay=True)) as port:
        found = send(
            f"http://127.0.0.1:{port}/", source=live(cluster, "client"), timeout_seconds=0.1
        )
    assert found.text == "hi"


@pytest.mark.parametrize("exit_code", [2, 126, 127, 137])
def test_a_shell_that_fails_in_the_pod_does_not_pass_for_no_answer(
    cluster: FakeCluster, exit_code: int
) -> None:
    cluster.run = lambda *_: executed(stderr="timeout: not found\n", exit_code=exit_code)
    with pytest.raises(ClusterError, match=f"its shell ended with {exit_code}") as caught:
        send("http://backend/", source=live(cluster, "client"))
    assert caught.value.where == ("| timeout: not found",)
