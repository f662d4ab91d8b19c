from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import pytest

from istiolab.mesh.manifests import Applied, fill, parse
from istiolab.mesh.pods import LivePod, Pod
from istiolab.mesh.session import Mesh, Namespace
from istiolab.mesh.table import Listing
from istiolab.probe import matrix
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.matrix import CELLS, SERVICES, Cell, Finding, Sidecars
from istiolab.probe.passage import Passage
from istiolab.probe.wire import Exchange
from tests.unit.mesh.fakes import FakeCluster
from tests.unit.probe.build import LOCAL_426, LoggingCluster, answered, entry, exchange, live

MANIFEST = Path(__file__).parents[3] / "notebooks/manifests/426/matrix.yaml"


def finding(
    came: Exchange,
    *,
    server_log: tuple[AccessLogEntry, ...] = (),
    sidecars: Sidecars = Sidecars.SERVER,
) -> Finding:
    cell = Cell(sidecars=sidecars, port_name="http-80", http="1.0")
    return Finding(
        cell=cell, passage=Passage(exchange=came, server="backend-7f", server_log=server_log)
    )


def test_the_cells_are_every_setting_once() -> None:
    assert len(CELLS) == len(set(CELLS)) == 24
    settings = {(cell.sidecars, cell.port_name, cell.http) for cell in CELLS}
    names = ("http-80", "tcp-80", "unnamed")
    assert settings == set(product(Sidecars, names, ("1.0", "1.1")))


def test_a_row_tells_setting_and_what_the_cluster_did() -> None:
    assert finding(answered(426), server_log=(LOCAL_426,)).row() == {
        "sidecars": "server",
        "port name": "http-80",
        "HTTP": "1.0",
        "answer": "426 X",
        "who answered": "server's sidecar",
        "what that sidecar's log said": '"- - HTTP/1.1" 426 DPE low_version',
    }


def test_a_row_follows_the_answer_and_expects_none() -> None:
    said = [
        finding(came, sidecars=sidecars).row()["answer"]
        for sidecars in Sidecars
        for came in (answered(200, "backend-7f"), answered(426), answered(503), exchange())
    ]
    assert said == ["200 X", "426 X", "503 X", "no answer"] * len(Sidecars)


def test_a_finding_has_the_status_of_its_answer() -> None:
    assert finding(answered(426)).status == 426
    assert finding(exchange()).status is None


def test_the_manifest_has_a_service_for_each_port_name_with_a_port_of_its_own() -> None:
    switches = {"CLIENT_SIDECAR": "true", "SERVER_SIDECAR": "false"}
    objects = parse(fill(MANIFEST.read_text(encoding="utf-8"), switches))
    ports = {
        item["metadata"]["name"]: item["spec"]["ports"]
        for item in objects
        if item["kind"] == "Service"
    }
    urls = {name: urlsplit(url) for name, url in SERVICES.items()}
    assert {str(url.hostname): url.port for url in urls.values()} == {
        name: found[0]["port"] for name, found in ports.items()
    }
    assert len({found[0]["port"] for found in ports.values()}) == len(SERVICES)
    for name, url in urls.items():
        port_name = ports[str(url.hostname)][0].get("name", "unnamed")
        assert port_name == name


def test_the_overview_has_a_row_for_sidecars_and_port_and_a_column_for_each_version() -> None:
    shown = matrix.overview([finding(answered(426)), finding(exchange(), sidecars=Sidecars.BOTH)])
    assert shown.columns == ("sidecars", "port name", "HTTP/1.0", "HTTP/1.1")
    assert len(shown.rows) == 12
    filled = [row for row in shown.rows if row[2] or row[3]]
    assert filled == [("server", "http-80", "426 X", ""), ("both", "http-80", "no answer", "")]


@dataclass(frozen=True)
class Order:
    sources: list[tuple[str | Path, dict[str, str]]]
    waits: list[tuple[tuple[str, ...], float]]


class Recorder(Namespace):
    def __init__(self, mesh: Mesh, name: str = "demo") -> None:
        super().__init__(mesh, name)
        self.order = Order([], [])

    def apply(self, source: str | Path, **values: str) -> Listing[Applied]:
        self.order.sources.append((source, values))
        return Listing([])

    def wait_for_rollout(self, *deployments: str, timeout_seconds: float = 120.0) -> Listing[Pod]:
        self.order.waits.append((deployments, timeout_seconds))
        return Listing([])


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    with Mesh(FakeCluster()) as made:
        yield made


@pytest.mark.parametrize(
    ("sidecars", "client", "server"),
    [
        (Sidecars.NONE, "false", "false"),
        (Sidecars.CLIENT, "true", "false"),
        (Sidecars.SERVER, "false", "true"),
        (Sidecars.BOTH, "true", "true"),
    ],
)
def test_standing_up_switches_the_sidecars_and_waits_for_both(
    mesh: Mesh, sidecars: Sidecars, client: str, server: str
) -> None:
    namespace = Recorder(mesh)
    matrix.stand_up(namespace, MANIFEST, sidecars, timeout_seconds=7)
    switches = {"CLIENT_SIDECAR": client, "SERVER_SIDECAR": server}
    assert namespace.order.sources == [(MANIFEST, switches)]
    assert namespace.order.waits == [(("client", "backend"), 7)]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_asking_sends_the_cells_request_from_the_client_and_reads_the_sidecars_there(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = LoggingCluster()
    both = cell.sidecars is Sidecars.BOTH
    client = live(cluster, "client", sidecar=both or cell.sidecars is Sidecars.CLIENT)
    server = live(cluster, "backend", sidecar=both or cell.sidecars is Sidecars.SERVER)
    out, arrived = entry(upstream_cluster="outbound|1||b"), entry(upstream_cluster="inbound|1||")
    cluster.log("client")
    cluster.log("backend")

    def send(url: str, *, http: str, source: LivePod) -> Exchange:
        assert (url, http, source) == (SERVICES[cell.port_name], cell.http, client)
        cluster.log("client", out)
        cluster.log("backend", arrived)
        return answered(200, "i am backend in backend-1")

    monkeypatch.setattr(matrix, "send", send)
    found = matrix.ask(cell, client, server)
    assert (found.cell, found.passage.who) == (cell, "backend")
    assert found.passage.client_log == ((out,) if client.pod.has_sidecar else ())
    assert found.passage.server_log == ((arrived,) if server.pod.has_sidecar else ())


def test_the_matrix_is_filled_in_the_order_of_the_cells_from_four_namespaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster, lock = LoggingCluster(), Lock()
    stood: list[tuple[str, Sidecars, float]] = []
    reached: list[tuple[str, str]] = []

    class Lanes(Mesh):
        def namespace(self, name: str) -> Namespace:
            return Recorder(self, name)

    def stand_up(
        namespace: Namespace, _: str | Path, sidecars: Sidecars, *, timeout_seconds: float
    ) -> None:
        with lock:
            stood.append((namespace.name, sidecars, timeout_seconds))

    def wait(client: LivePod, address: str) -> None:
        with lock:
            reached.append((client.pod.app, address))

    def ask(cell: Cell, client: LivePod, server: LivePod) -> Finding:
        assert (client.pod.app, server.pod.app) == ("client", "backend")
        assert ("client", urlsplit(SERVICES[cell.port_name]).netloc) in reached
        return Finding(cell=cell, passage=Passage(exchange=exchange(), server=server.pod.name))

    monkeypatch.setattr(matrix, "stand_up", stand_up)
    monkeypatch.setattr(matrix, "ask", ask)
    monkeypatch.setattr(matrix, "wait_for_service", wait)
    monkeypatch.setattr(Recorder, "pod", lambda _, app: live(cluster, app))
    with Lanes(cluster) as mesh:
        found = matrix.fill_matrix(mesh, "manifest", timeout_seconds=9)
    assert tuple(one.cell for one in found) == CELLS
    assert sorted(stood) == sorted(
        (f"matrix-{sidecars.name.lower()}", sidecars, 9.0) for sidecars in Sidecars
    )
    assert len(reached) == len(Sidecars) * len(SERVICES)
