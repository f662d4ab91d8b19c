from __future__ import annotations

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.session import Mesh, Namespace
from istiolab.probe import fixes
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.wire import Exchange
from tests.unit.mesh.fakes import listed, pod_json
from tests.unit.probe.build import LoggingCluster, answered, entry

ROOT = "/api/v1/namespaces/demo"
COMING_IN = entry(response_code=200, upstream_cluster="inbound|80||", upstream_host="10.0.0.2:80")
GOING_OUT = entry(
    response_code=200,
    upstream_cluster="outbound|10000||backend-service",
    upstream_host="10.0.0.3:10000",
)
ARRIVING = entry(
    response_code=200,
    upstream_cluster="inbound|10000||",
    upstream_host="10.0.0.3:10000",
    requested_server_name="outbound_.10000_._.backend-service",
)


@pytest.fixture
def cluster() -> LoggingCluster:
    made = LoggingCluster()
    made.answers[f"{ROOT}/services/nginx-test"] = {"spec": {"ports": [{"nodePort": 30080}]}}
    address = {"type": "InternalIP", "address": "198.51.100.2"}
    made.answers["/api/v1/nodes"] = listed({"status": {"addresses": [address]}})
    made.answers[f"{ROOT}/pods"] = listed(
        *(
            pod_json(f"{app}-1", app=app, containers=[app], native=["istio-proxy"])
            for app in ("nginx-test", "backend")
        )
    )
    made.log("nginx-test", COMING_IN)
    made.log("backend")
    return made


def tried(
    cluster: LoggingCluster,
    monkeypatch: pytest.MonkeyPatch,
    came: Exchange,
    *,
    proxy: tuple[AccessLogEntry, ...],
    server: tuple[AccessLogEntry, ...],
) -> fixes.Tried:
    def send(url: str) -> Exchange:
        assert url == "http://198.51.100.2:30080/fix-host"
        cluster.log("nginx-test", *proxy)
        cluster.log("backend", *server)
        return came

    monkeypatch.setattr(fixes, "send", send)
    with Mesh(cluster) as mesh:
        return fixes.try_fix(Namespace(mesh, "demo"), "set the version", "/fix-host")


def test_a_fix_is_tried_through_nginx_and_followed_to_the_backend(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tried(
        cluster, monkeypatch, answered(200, "i am backend in backend-1"),
        proxy=(COMING_IN, GOING_OUT), server=(ARRIVING,),
    )  # fmt: skip
    assert (found.status, found.passage.who) == (200, "backend")
    assert found.passage.client_log == (COMING_IN, GOING_OUT)
    assert found.row() == {
        "fix": "set the version",
        "answer": "200 X",
        "leaves nginx-test's sidecar through": "outbound|10000||backend-service",
        "mTLS": "yes",
    }


def test_a_request_that_nginxs_sidecar_logs_only_once_is_an_error(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("istiolab.probe.sidecar.LOG_SECONDS", 0)
    with pytest.raises(ClusterError, match="left no trace"):
        tried(cluster, monkeypatch, answered(502), proxy=(COMING_IN,), server=(ARRIVING,))


def test_a_fix_under_which_the_backend_logs_nothing_has_no_word_on_mtls(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("istiolab.probe.sidecar.PERHAPS_SECONDS", 0)
    found = tried(cluster, monkeypatch, answered(502), proxy=(COMING_IN, GOING_OUT), server=())
    assert (found.status, found.passage.server_log) == (502, ())
    assert (found.row()["mTLS"], found.row()["answer"]) == ("-", "502 X")
