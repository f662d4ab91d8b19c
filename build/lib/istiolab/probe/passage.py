"""One request through up to two sidecars: who answered, by which way, and what the log says.

Rule 1: everything here is read from the answer and the logs; nothing is expected.
"""

from __future__ import annotations

from dataclasses import dataclass

from istiolab.probe.access_log import NONE, AccessLogEntry
from istiolab.probe.wire import Exchange

CLIENT_SIDECAR = "client's sidecar"
SERVER_SIDECAR = "server's sidecar"
NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A request from a client to a server, and the traces that it left in their sidecars."""

    exchange: Exchange
    """What the client saw."""
    server: str
    """The server's pod name, which its own answers hold."""
    client_log: tuple[AccessLogEntry, ...] = ()
    """The client's sidecar's new entries; empty if it has none."""
    server_log: tuple[AccessLogEntry, ...] = ()
    """The server's sidecar's new entries; empty if it has none."""

    @property
    def leaving(self) -> AccessLogEntry | None:
        """Return the client's sidecar's entry on the way out."""
        return next((entry for entry in self.client_log if not entry.is_inbound), None)

    @property
    def arriving(self) -> AccessLogEntry | None:
        """Return the server's sidecar's entry."""
        return next(iter(self.server_log), None)

    @property
    def who(self) -> str:
        """Return who answered.

        The server's pod is known by its name in the body, a sidecar by its log: the same code, and
        no upstream that could have sent it. Who is neither is called by the answer's Server field.
        """
        if self.exchange.status is None:
            return NOBODY
        if self.server in self.exchange.text:
            return "backend"
        for name, log in ((SERVER_SIDECAR, self.server_log), (CLIENT_SIDECAR, self.client_log)):
            if any(
                entry.answered_here and entry.response_code == self.exchange.status for entry in log
            ):
                return name
        return self.exchange.header("server").partition("/")[0] or NOBODY

    @property
    def said(self) -> str:
        """Return what the answering sidecar logged; else the one nearest to the server."""
        entry = self.arriving or self.leaving
        if self.who == CLIENT_SIDECAR:
            entry = self.leaving
        return entry.said if entry else NONE

    @property
    def via(self) -> str:
        """Return the upstream cluster by which it left the client's sidecar."""
        return self.leaving.upstream_cluster if self.leaving else NONE

    @property
    def mtls(self) -> str:
        """Tell whether it came to the server's sidecar over mTLS: `yes`, `no`, or none to tell."""
        if self.arriving is None:
            return NONE
        return "yes" if self.arriving.over_mtls else "no"
