"""Observed requests in, one narrow table of all their hops out: who saw what, and sent it where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from istiolab.mesh.table import Listing
from istiolab.probe.access_log import NONE, AccessLogEntry
from istiolab.probe.sidecar import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What one sidecar wrote about one request, or one connection."""

    app: str
    """The pod's label `app`."""
    entry: AccessLogEntry
    """The entry of its access log."""

    @property
    def answer(self) -> str:
        """Return the code, with flags and details if there are any; `-` for a TCP connection."""
        if self.entry.response_code == 0:
            return NONE
        words = (self.entry.response_flags, self.entry.response_code_details)
        return " ".join((str(self.entry.response_code), *(word for word in words if word != NONE)))

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        asked = (self.entry.method, self.entry.path, self.entry.protocol)
        is_tcp = asked == (NONE, NONE, NONE)
        return {
            "sidecar of": self.app,
            "saw": "a TCP connection" if is_tcp else " ".join(asked),
            "which came by mTLS": "yes" if self.entry.over_mtls else "no",
            "answer": self.answer,
            "sent on to": self.entry.upstream_cluster if not self.entry.answered_here else NONE,
        }


def hops(*observed: Observed) -> Listing[Hop]:
    """Return what the sidecars wrote about requests, in the requests' order, sidecar by sidecar."""
    return Listing(
        Hop(app=app, entry=entry)
        for each in observed
        for app, entries in each.logs.items()
        for entry in entries
    )
