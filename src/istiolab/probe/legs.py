"""How many connections carry some requests, counted on each leg from a client to a server.

Envoy's access log names both ends of each connection: who came (`downstream_remote_address`), and
from where it went on (`upstream_local_address`). As many addresses as there are, so many
connections there were. At the end stands a witness, which counts for itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from istiolab.mesh.pods import LivePod
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.probe.access_log import NONE, AccessLogEntry
from istiolab.probe.arrivals import Arrivals, watch
from istiolab.probe.sidecar import LOG_SECONDS, access_log, unlogged
from istiolab.system.retry import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """Requests on their way through two sidecars."""

    label: str
    """What is asked, in a few words."""
    client_log: tuple[AccessLogEntry, ...]
    """What the client's sidecar wrote."""
    server_log: tuple[AccessLogEntry, ...]
    """What the server's sidecar wrote."""
    arrivals: Arrivals
    """What came to the server."""

    @property
    def leaving(self) -> int:
        """Return how many connections the client made to its sidecar."""
        return len({entry.downstream_remote_address for entry in self.client_log})

    @property
    def between(self) -> int:
        """Return how many connections came to the server's sidecar."""
        return len({entry.downstream_remote_address for entry in self.server_log})

    @property
    def arriving(self) -> int:
        """Return how many connections came to the server."""
        return self.arrivals.connections

    @property
    def mtls(self) -> str:
        """Tell whether they came to the server's sidecar over mTLS: `yes`, `no` or `both`."""
        found = {"yes" if entry.over_mtls else "no" for entry in self.server_log}
        return found.pop() if len(found) == 1 else "both"

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "asked": self.label,
            "requests": str(self.arrivals.requests),
            "client to its sidecar": str(self.leaving),
            "sidecar to sidecar": str(self.between),
            "sidecar to server": str(self.arriving),
            "mTLS": self.mtls,
        }


def count_legs(
    client: LivePod, server: LivePod, ask: Callable[[str], object], *, requests: int, label: str
) -> Legs:
    """Ask something, and count the connections that it took, leg by leg.

    Args:
        client: the pod that asks; it has a sidecar, through which nothing else goes meanwhile.
        server: the pod of a witness; it has a sidecar.
        ask: sends the requests, each on a connection of its own; it is given the path to ask for,
            which tells them from all others.
        requests: how many it sends.
        label: what is asked, in a few words, for a table.

    Raises:
        ClusterError: a pod has no sidecar, or the requests have left no trace in time.
    """
    path = f"/{secrets.token_hex(4)}"
    before = len(access_log(client))
    arrivals = watch(server, lambda: ask(path), requests=requests, sender=label)
    return Legs(
        label=label,
        # What went out as TCP has no path in the log.
        client_log=tuple(
            entry
            for entry in _wait(client, lambda: access_log(client)[before:], least=requests)
            if entry.path in (path, NONE)
        ),
        server_log=tuple(logged(server, lambda entry: entry.path == path, least=requests)),
        arrivals=arrivals,
    )


def logged(
    pod: LivePod, wanted: Callable[[AccessLogEntry], bool], *, least: int = 1
) -> Listing[AccessLogEntry]:
    """Return those entries of a sidecar's access log that are wanted, once they are there.

    Args:
        pod: the pod.
        wanted: tells whether an entry is.
        least: how many there must be.

    Raises:
        ClusterError: the pod has no sidecar, or it has not written so many in time.
    """
    return _wait(pod, lambda: access_log(pod).where(wanted), least=least)


def _wait(
    pod: LivePod, read: Callable[[], Listing[AccessLogEntry]], *, least: int
) -> Listing[AccessLogEntry]:
    found = [read()]

    def look() -> Answer:
        found[0] = read()
        detail = f"sidecar of {pod.pod.name}: {len(found[0])} of {least} entries"
        return Answer(done=len(found[0]) >= least, detail=detail)

    waited = wait_for("access log entries", look, timeout_seconds=LOG_SECONDS)
    if not waited.done:
        message = "requests have left no trace in a sidecar's access log"
        raise unlogged(message, pod.cluster, where=(waited.detail,))
    return found[0]
