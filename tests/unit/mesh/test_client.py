from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from istiolab.errors import ClusterError
from istiolab.mesh import client
from istiolab.mesh.client import Cluster, open_cluster
from istiolab.mesh.refusals import ForbiddenError, MissingError, TakenError
from tests.unit.mesh.loopback import (
    CLOSE_FRAME,
    accept_websocket,
    closed_port,
    frame,
    http_api,
    peer,
    take_head,
)

SOURCES = Path(__file__).parents[3] / "src"
PLACE = ("demo", "web-1", "web")
WRONG_CLUSTER = (
    b"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
    b"clusters: [{name: c, cluster: 3}]\nusers: []\n"
)
FORBIDDEN = b'{"kind": "Status", "message": "pods is forbidden: User \\"eve\\" cannot list"}'


def kubeconfig(folder: Path, *ports: int) -> Path:
    path = folder / "kubeconfig"
    names = [f"context-{number}" for number in range(len(ports))]
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in names],
        "clusters": [
            {"name": name, "cluster": {"server": f"http://127.0.0.1:{port}"}}
            for name, port in zip(names, ports, strict=True)
        ],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


@contextmanager
def cluster_at(folder: Path, port: int) -> Iterator[Cluster]:
    cluster = Cluster(kubeconfig(folder, port))
    try:
        yield cluster
    finally:
        cluster.close()


def test_a_missing_kubeconfig_is_named_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        open_cluster(tmp_path / "absent")
    assert caught.value.message == f"the kubeconfig `{tmp_path / 'absent'}` is not there"
    assert "export KUBECONFIG=FILE" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"[1]",
        b"{[",
        b"\x00\xff",
        b"apiVersion: v1\nkind: Config\n",
        b"current-context: a\ncontexts: []\nclusters: []\nusers: []\n",
        WRONG_CLUSTER,
    ],
)
def test_a_kubeconfig_that_is_none_is_a_cluster_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kubeconfig"
    path.write_bytes(content)
    with pytest.raises(ClusterError) as caught:
        open_cluster(path)
    assert caught.value.message == f"the kubeconfig `{path}` cannot be used"
    assert len(caught.value.where) == 1
    assert "istiolab up" in (caught.value.hint or "")


def test_a_server_that_does_not_answer_is_named_with_its_kubeconfig(tmp_path: Path) -> None:
    port = closed_port()
    path = kubeconfig(tmp_path, port)
    with pytest.raises(ClusterError) as caught:
        open_cluster(path)
    assert caught.value.message == (
        f"the cluster's API at `http://127.0.0.1:{port}` does not answer"
    )
    assert caught.value.where[0] == f"kubeconfig: {path}"
    assert "Connection refused" in caught.value.where[1]
    assert "istiolab status" in (caught.value.hint or "")


def test_an_answer_that_is_no_http_is_no_answer(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        take_head(connection)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16")

    with (
        peer(talk) as port,
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match="does not answer"),
    ):
        cluster.request("POST", "/api/v1/namespaces", body={})


def test_an_answer_cut_off_in_its_body_is_no_answer(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        take_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")

    with (
        peer(talk) as port,
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match="does not answer"),
    ):
        cluster.request("DELETE", "/api/v1/namespaces/demo")


def test_something_else_at_the_address_is_no_clusters_api(tmp_path: Path) -> None:
    with (
        http_api({("GET", "/version"): (200, b"<html>it works</html>")}) as (port, _),
        pytest.raises(ClusterError, match="is no cluster's API") as caught,
    ):
        open_cluster(kubeconfig(tmp_path, port))
    assert "it works" in caught.value.where[1]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, MissingError), (409, TakenError), (401, ForbiddenError), (403, ForbiddenError),
     (422, ClusterError), (500, ClusterError), (503, ClusterError)],
)  # fmt: skip
def test_each_refusal_has_its_class_and_the_servers_words(
    tmp_path: Path, status: int, kind: type[ClusterError]
) -> None:
    with (
        http_api({("GET", "/api/v1/pods"): (status, FORBIDDEN)}) as (port, _),
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError) as caught,
    ):
        cluster.get("/api/v1/pods")
    assert type(caught.value) is kind
    assert caught.value.where == (
        "call: GET /api/v1/pods",
        f'answer: {status} pods is forbidden: User "eve" cannot list',
    )


def test_a_user_without_rights_is_refused_when_the_cluster_is_opened(tmp_path: Path) -> None:
    with (
        http_api({("GET", "/version"): (403, FORBIDDEN)}) as (port, _),
        pytest.raises(ClusterError, match="user may not do this"),
    ):
        open_cluster(kubeconfig(tmp_path, port))


def test_json_lists_and_text_are_read_with_their_query(tmp_path: Path) -> None:
    answers = {
        ("GET", "/api/v1/pods?labelSelector=app%3Dweb"): (200, b'{"items": [{"a": 1}]}'),
        ("GET", "/log?tailLines=2"): (200, b"one\n\xff\n"),
    }
    with http_api(answers) as (port, _), cluster_at(tmp_path, port) as cluster:
        assert cluster.items("/api/v1/pods", labelSelector="app=web") == [{"a": 1}]
        assert cluster.text("/log", tailLines="2") == "one\n\N{REPLACEMENT CHARACTER}\n"


@pytest.mark.parametrize(
    ("method", "content_type"),
    [
        ("POST", "application/json"),
        ("PATCH", "application/merge-patch+json"),
        ("PATCH", "application/apply-patch+yaml"),
    ],
)
def test_a_body_is_sent_as_json_under_its_content_type(
    tmp_path: Path, method: str, content_type: str
) -> None:
    body = {"metadata": {"name": "demo"}}
    with (
        http_api({(method, "/x?force=true"): (201, b"{}")}) as (port, heard),
        cluster_at(tmp_path, port) as cluster,
    ):
        answer = cluster.request(
            method, "/x", query={"force": "true"}, body=body, content_type=content_type
        )
    assert answer == b"{}"
    assert (heard[0].content_type, json.loads(heard[0].body)) == (content_type, body)


def test_the_environments_kubeconfig_counts_if_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_api({("GET", "/version"): (200, b"{}")}) as (port, heard):
        path = kubeconfig(tmp_path, port)
        monkeypatch.setenv("KUBECONFIG", str(path))
        cluster = open_cluster()
        cluster.close()
    assert cluster.kubeconfig == path
    assert cluster.address == f"http://127.0.0.1:{port}"
    assert [call.path for call in heard] == ["/version", "/readyz"]


def exec_talk(*frames: bytes, asked: list[str] | None = None) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        line = accept_websocket(connection)
        if asked is not None:
            asked.append(line)
        connection.sendall(b"".join(frames))
        connection.recv(4096)  # the client's goodbye

    return talk


FAILED = json.dumps(
    {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }
).encode()


def test_a_program_in_a_container_gives_its_output_and_exit_code(tmp_path: Path) -> None:
    asked: list[str] = []
    talk = exec_talk(
        frame(1, b"a\xff"), frame(2, b"oh\n"), frame(1, b"b\n"), frame(3, FAILED), CLOSE_FRAME,
        asked=asked,
    )  # fmt: skip
    with peer(talk) as port, cluster_at(tmp_path, port) as cluster:
        done = cluster.execute(PLACE, ["sh", "-c", "exit 7"])
    assert (done.stdout, done.stderr, done.exit_code) == (b"a\xffb\n", "oh\n", 7)
    method, target, _ = asked[0].split(" ")
    assert (method, urlsplit(target).path) == ("GET", "/api/v1/namespaces/demo/pods/web-1/exec")
    query = parse_qs(urlsplit(target).query)
    assert (query["container"], query["command"]) == (["web"], ["sh", "-c", "exit 7"])


def test_the_words_of_a_program_arrive_as_they_are(tmp_path: Path) -> None:
    asked: list[str] = []
    words = ["sh", "-c", "echo 'a&b=c' > \"/x y\"; echo 100%+#", "ß", "-"]
    talk = exec_talk(frame(3, b'{"status": "Success"}'), CLOSE_FRAME, asked=asked)
    with peer(talk) as port, cluster_at(tmp_path, port) as cluster:
        cluster.execute(PLACE, words)
    assert parse_qs(urlsplit(asked[0].split(" ")[1]).query)["command"] == words


def test_the_models_of_every_kind_are_not_loaded() -> None:
    code = "import sys, istiolab.mesh.client as c; print('core_v1' in ' '.join(sys.modules), c)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("False ")
    assert str(SOURCES) in done.stdout


def test_the_socket_of_a_program_is_closed_when_it_has_ended(tmp_path: Path) -> None:
    ended: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        accept_websocket(connection)
        connection.sendall(frame(3, b'{"status": "Success"}') + CLOSE_FRAME)
        while part := connection.recv(4096):
            ended.append(part)
        ended.append(b"")

    with peer(talk) as port, cluster_at(tmp_path, port) as cluster:
        cluster.execute(PLACE, ["true"])
    assert ended[-1] == b""


def test_a_program_that_prints_nothing_and_succeeds_ends_with_0(tmp_path: Path) -> None:
    talk = exec_talk(frame(3, b'{"status": "Success"}'), CLOSE_FRAME)
    with peer(talk) as port, cluster_at(tmp_path, port) as cluster:
        done = cluster.execute(PLACE, ["true"])
    assert (done.stdout, done.stderr, done.exit_code) == (b"", "", 0)


@pytest.mark.parametrize(
    "frames",
    [
        (frame(1, b"half"), CLOSE_FRAME),
        (frame(3, b'{"status": "Failure", "message": "no such program"}'), CLOSE_FRAME),
        (frame(3, b'{"status": "Fail'), CLOSE_FRAME),
    ],
)
def test_a_program_without_an_exit_code_broke_off(
    tmp_path: Path, frames: tuple[bytes, ...]
) -> None:
    with (
        peer(exec_talk(*frames)) as port,
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match=r"`cat` in `demo/web-1` \(web\) broke off"),
    ):
        cluster.execute(PLACE, ["cat", "/etc/hosts"])


def test_a_connection_cut_without_goodbye_broke_off(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        accept_websocket(connection)
        connection.sendall(frame(1, b"half"))

    with (
        peer(talk) as port,
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match="broke off"),
    ):
        cluster.execute(PLACE, ["cat"])


def test_a_program_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with (
        peer(exec_talk(frame(1, b"still at it"))) as port,
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match=r"did not end within 0\.05 s"),
    ):
        cluster.execute(PLACE, ["sleep", "60"], timeout_seconds=0.05)


def test_a_program_in_a_container_has_more_time_on_a_slow_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", "20")
    with (
        peer(exec_talk(frame(1, b"still at it"))) as port,
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match=r"did not end within 0\.2 s \(timeout scale 20\)"),
    ):
        cluster.execute(PLACE, ["sleep", "60"], timeout_seconds=0.01)


def test_an_answer_may_come_later_on_a_slow_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_late(connection: socket.socket) -> None:
        take_head(connection)
        threading.Event().wait(0.4)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.1)
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", "20")
    with peer(answer_late) as port, cluster_at(tmp_path, port) as cluster:
        assert cluster.get("/version") == {}


def test_a_container_that_is_not_there_is_told_with_the_servers_status(tmp_path: Path) -> None:
    with (
        http_api({}) as (port, _),
        cluster_at(tmp_path, port) as cluster,
        pytest.raises(ClusterError, match=r"could not run `true` in `demo/web-1`") as caught,
    ):
        cluster.execute(PLACE, ["true"])
    assert "404" in caught.value.where[0]
