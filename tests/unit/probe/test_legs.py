from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable

import pytest

from istiolab.errors import ClusterError
from istiolab.probe import legs as module
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.arrivals import Arrivals, Piece
from istiolab.probe.legs import Legs, count_legs, logged
from tests.unit.probe.build import LoggingCluster, entry, live

MTLS = "outbound_.8080_._.server.demo.svc.cluster.local"


def http(path: str, came_from: str, *, name: str = "-") -> AccessLogEntry:
    return entry(
        method="GET",
        path=path,
        protocol="HTTP/1.1",
        response_code=200,
        downstream_remote_address=came_from,
        requested_server_name=name,
    )


class Way(LoggingCluster):
    """Two sidecars and a witness, to whose logs a question adds."""

    def __init__(self) -> None:
        super().__init__()
        self.log("client")
        self.log("server")
        self.came = ""
        path = "/api/v1/namespaces/demo/pods/server-1/log?container=server"
        self.answers[path] = lambda: self.came

    def arrive(self, connection: int) -> None:
        data = b64encode(b"GET / HTTP/1.1\r\n\r\n").decode()
        self.came += json.dumps({"connection": connection, "bytes": data}) + "\n"


def count(way: Way, ask: Callable[[str], None], requests: int = 2) -> Legs:
    client, server = live(way, "client"), live(way, "server")
    return count_legs(client, server, ask, requests=requests, label="x")


def test_each_leg_counts_connections_and_not_requests() -> None:
    way = Way()

    def ask(path: str) -> None:
        for number in (1, 2):
            way.log("client", http(path, f"10.0.0.1:{number}"))
            way.log("server", http(path, "10.0.0.1:9", name=MTLS))
            way.arrive(4)

    found = count(way, ask)
    assert (found.leaving, found.between, found.arriving, found.mtls) == (2, 1, 1, "yes")
    assert found.row() == {
        "asked": "x",
        "requests": "2",
        "client to its sidecar": "2",
        "sidecar to sidecar": "1",
        "sidecar to server": "1",
        "mTLS": "yes",
    }


def test_what_left_as_tcp_counts_and_what_others_asked_does_not() -> None:
    way = Way()
    way.log("client", entry(downstream_remote_address="10.0.0.1:1"))

    def ask(path: str) -> None:
        way.log("server", http("/other", "10.0.0.9:9", name=MTLS))
        for number in (2, 3):
            way.log("client", entry(downstream_remote_address=f"10.0.0.1:{number}"))
            way.log("server", http(path, f"10.0.0.1:5{number}"))
            way.arrive(number)
        way.log("client", http("/other", "10.0.0.1:4"))

    found = count(way, ask)
    assert (found.leaving, found.between, found.arriving, found.mtls) == (2, 2, 2, "no")


def test_each_question_has_a_path_of_its_own() -> None:
    way = Way()
    paths: list[str] = []

    def ask(path: str) -> None:
        paths.append(path)
        way.log("client", http(path, "10.0.0.1:1"))
        way.log("server", http(path, "10.0.0.1:9"))
        way.arrive(1)

    for _ in range(2):
        count(way, ask, 1)
    assert len(set(paths)) == 2
    assert all(path.startswith("/") for path in paths)


def test_plain_and_mtls_side_by_side_are_both() -> None:
    arrivals = Arrivals(sender="x", pieces=(Piece(connection=1, data=b""),))
    log = (http("/", "a:1"), http("/", "a:2", name=MTLS))
    assert Legs(label="x", client_log=(), server_log=log, arrivals=arrivals).mtls == "both"


def test_requests_without_a_trace_are_an_error_that_says_how_many_have_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOG_SECONDS", 0.1)
    way = Way()

    def ask(path: str) -> None:
        way.log("client", http(path, "10.0.0.1:1"))
        way.log("server", http(path, "10.0.0.1:9"))
        way.arrive(1)
        way.arrive(2)

    with pytest.raises(ClusterError, match="have left no trace") as caught:
        count(way, ask)
    assert "sidecar of client-1: 1 of 2 entries" in caught.value.render()


def test_wanted_entries_are_picked_from_the_log() -> None:
    way = Way()
    way.log("server", http("/a", "x:1"), http("/b", "x:2"), http("/a", "x:3"))
    found = logged(live(way, "server"), lambda each: each.path == "/a", least=2)
    assert [each.downstream_remote_address for each in found] == ["x:1", "x:3"]
