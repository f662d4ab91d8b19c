"""The matrix: every setting of sidecars, port name and HTTP version, asked on the cluster.

Rule 1: the settings are a table; the answers come from the cluster, and none is written here.

One namespace for each setting of sidecars, at the same time; in it one client, one backend, and a
service of its own for each port name, each with a port of its own at the backend, so that no
protocol that Istio concludes from one name can touch another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

from istiolab.mesh.pods import LivePod
from istiolab.mesh.session import Mesh, Namespace
from istiolab.mesh.table import Listing, Table
from istiolab.probe.passage import Passage
from istiolab.probe.reach import wait_for_service
from istiolab.probe.send import send
from istiolab.probe.sidecar import observe


class Sidecars(StrEnum):
    """Who has a sidecar."""

    NONE = "no sidecar"
    CLIENT = "client"
    SERVER = "server"
    BOTH = "both"


# The service of the manifest that has a port so named; an unnamed port has the empty name.
SERVICES = {"http-80": "http://backend-http:10000/", "tcp-80": "http://backend-tcp:10001/"}
UNNAMED = "unnamed"
SERVICES[UNNAMED] = "http://backend-unnamed:10002/"
VERSIONS = ("1.0", "1.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One setting."""

    sidecars: Sidecars
    """Who has a sidecar."""
    port_name: str
    """The name of the service's port."""
    http: str
    """The HTTP version that the client speaks."""


CELLS = tuple(
    Cell(sidecars=sidecars, port_name=port_name, http=http)
    for sidecars, port_name, http in product(Sidecars, SERVICES, VERSIONS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A setting, and what the cluster answered."""

    cell: Cell
    """The setting."""
    passage: Passage
    """The request's way."""

    @property
    def status(self) -> int | None:
        """Return the answer's status code; None if there was no answer."""
        return self.passage.exchange.status

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "sidecars": self.cell.sidecars.value,
            "port name": self.cell.port_name,
            "HTTP": self.cell.http,
            "answer": self.passage.exchange.answer,
            "who answered": self.passage.who,
            "what that sidecar's log said": self.passage.said,
        }


def fill_matrix(
    mesh: Mesh, manifest: str | Path, *, timeout_seconds: float = 120.0
) -> Listing[Finding]:
    """Ask all 24 cells, the four settings of sidecars at the same time.

    Args:
        mesh: the mesh.
        manifest: a client, a backend and the services of `SERVICES`; it takes `CLIENT_SIDECAR`
            and `SERVER_SIDECAR`, `true` or `false`, as the pods' `sidecar.istio.io/inject`.
        timeout_seconds: how long the pods may take to be ready.

    Returns:
        The findings in the order of `CELLS`.

    Raises:
        ClusterError: pods do not get ready, or a request leaves no trace.
    """

    def lane(sidecars: Sidecars) -> list[Finding]:
        namespace = mesh.namespace(f"matrix-{sidecars.name.lower()}")
        stand_up(namespace, manifest, sidecars, timeout_seconds=timeout_seconds)
        client, server = namespace.pod("client"), namespace.pod("backend")
        for url in SERVICES.values():
            wait_for_service(client, urlsplit(url).netloc)
        return [ask(cell, client, server) for cell in CELLS if cell.sidecars is sidecars]

    with ThreadPoolExecutor(max_workers=len(Sidecars)) as lanes:
        return Listing(finding for found in lanes.map(lane, Sidecars) for finding in found)


def overview(findings: Iterable[Finding]) -> Table:
    """Return the answers side by side: a row for sidecars and port name, a column for each HTTP.

    Args:
        findings: what `fill_matrix` found; a cell that is not among them shows as empty.
    """
    answers = {found.cell: found.passage.exchange.answer for found in findings}
    rows = dict.fromkeys((cell.sidecars, cell.port_name) for cell in CELLS)
    return Table(
        columns=("sidecars", "port name", *(f"HTTP/{http}" for http in VERSIONS)),
        rows=tuple(
            (
                sidecars.value,
                port_name,
                *(
                    answers.get(Cell(sidecars=sidecars, port_name=port_name, http=http), "")
                    for http in VERSIONS
                ),
            )
            for sidecars, port_name in rows
        ),
    )


def stand_up(
    namespace: Namespace, manifest: str | Path, sidecars: Sidecars, *, timeout_seconds: float
) -> None:
    """Apply the manifest with sidecars as set, and wait for its two deployments."""
    switches = {
        "CLIENT_SIDECAR": sidecars in (Sidecars.CLIENT, Sidecars.BOTH),
        "SERVER_SIDECAR": sidecars in (Sidecars.SERVER, Sidecars.BOTH),
    }
    namespace.apply(manifest, **{name: str(on).lower() for name, on in switches.items()})
    namespace.wait_for_rollout("client", "backend", timeout_seconds=timeout_seconds)


def ask(cell: Cell, client: LivePod, server: LivePod) -> Finding:
    """Send one cell's request from the client, and gather what the sidecars logged."""
    observed = observe(
        lambda: send(SERVICES[cell.port_name], http=cell.http, source=client),
        {client: 1, server: 1},
    )
    passage = Passage(
        exchange=observed.exchange,
        server=server.pod.name,
        client_log=tuple(observed.logs.get("client", ())),
        server_log=tuple(observed.logs.get("backend", ())),
    )
    return Finding(cell=cell, passage=passage)
