"""Lines of Istio's default access log in, AccessLogEntry out.

The formats are `EnvoyTextLogFormat` and `EnvoyJSONLogFormatIstio` in Istio's
pilot/pkg/model/telemetry_logging.go (1.9 to 1.28):
https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format
What each operator means: https://www.envoyproxy.io/docs/envoy/v1.36.4/configuration/observability/access_log/usage
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# The fields in their order; the quoted ones stand in quotes in the line. Envoy writes `-` for
# a value that there is none of, and a quoted value may itself hold spaces.
_PARTS = (
    r"\[(?P<start_time>[^\]]*)\]",
    r'"(?P<method>\S+) (?P<path>.*?) (?P<protocol>HTTP/[\d.]+|-)"',
    r"(?P<response_code>\d+)",
    r"(?P<response_flags>\S+)",
    r"(?P<response_code_details>\S+)",
    r"(?P<connection_termination_details>\S+)",
    r'"(?P<upstream_transport_failure_reason>[^"]*)"',
    r"(?P<bytes_received>\d+)",
    r"(?P<bytes_sent>\d+)",
    r"(?P<duration>\d+|-)",
    r"(?P<upstream_service_time>\S+)",
    r'"(?P<x_forwarded_for>[^"]*)"',
    r'"(?P<user_agent>.*)"',
    r'"(?P<request_id>[^"]*)"',
    r'"(?P<authority>[^"]*)"',
    r'"(?P<upstream_host>[^"]*)"',
    r"(?P<upstream_cluster>\S+)",
    r"(?P<upstream_local_address>\S+)",
    r"(?P<downstream_local_address>\S+)",
    r"(?P<downstream_remote_address>\S+)",
    r"(?P<requested_server_name>\S+)",
    r"(?P<route_name>\S+)",
)
_LINE = re.compile(" ".join(_PARTS))
NONE = "-"
_INBOUND = ("inbound|", "InboundPassthrough")
_OUTBOUND = ("outbound|", "PassthroughCluster", "BlackHoleCluster")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogEntry:
    """One line of a sidecar's access log: a request, or a TCP connection. `-` is "none"."""

    start_time: str
    """When it began, in UTC."""
    method: str
    """The method."""
    path: str
    """The path."""
    protocol: str
    """`HTTP/1.1` and the like; none for TCP."""
    response_code: int
    """The status code sent downstream; 0 for TCP, or if none was sent."""
    response_flags: str
    """Why it went as it went, in Envoy's short words, such as `DPE` (downstream protocol error)."""
    response_code_details: str
    """The same in longer words, such as `low_version`; Envoy may change them with a release."""
    connection_termination_details: str
    """Why Envoy ended the connection."""
    upstream_transport_failure_reason: str
    """What went wrong in TLS towards the upstream."""
    bytes_received: int
    """Bytes of the request's body, or received over TCP."""
    bytes_sent: int
    """Bytes of the answer's body, or sent over TCP."""
    duration: str
    """How long it took, in milliseconds."""
    upstream_service_time: str
    """How long the upstream took, in milliseconds."""
    x_forwarded_for: str
    """The header field of that name."""
    user_agent: str
    """The header field of that name."""
    request_id: str
    """The header field x-request-id."""
    authority: str
    """The Host, or HTTP/2's :authority."""
    upstream_host: str
    """Address and port that it was sent on to; none if Envoy answered by itself."""
    upstream_cluster: str
    """The Envoy cluster that it was sent on through."""
    upstream_local_address: str
    """Our end of the connection to the upstream."""
    downstream_local_address: str
    """Where the caller wanted to go."""
    downstream_remote_address: str
    """Where the caller came from."""
    requested_server_name: str
    """The name in the caller's TLS handshake (SNI); none if there was no TLS."""
    route_name: str
    """The route that matched."""

    @property
    def is_inbound(self) -> bool:
        """Tell whether it was handed to the sidecar's own workload."""
        return self.upstream_cluster.startswith(_INBOUND)

    @property
    def is_outbound(self) -> bool:
        """Tell whether it was sent out for the sidecar's own workload."""
        return self.upstream_cluster.startswith(_OUTBOUND)

    @property
    def answered_here(self) -> bool:
        """Tell whether Envoy answered by itself, with no upstream asked."""
        return self.response_code != 0 and self.upstream_host == NONE

    @property
    def over_mtls(self) -> bool:
        """Tell whether the caller came over the mesh's mTLS.

        Istio's client side names the cluster in the handshake: `outbound_.80_._.host`.
        """
        return self.requested_server_name.startswith("outbound_")

    @property
    def said(self) -> str:
        """Return the part that tells the story: request, code, flags and details."""
        asked = f'"{self.method} {self.path} {self.protocol}"'
        return f"{asked} {self.response_code} {self.response_flags} {self.response_code_details}"

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table, without what differs from run to run."""
        return {
            "request": f"{self.method} {self.path} {self.protocol}",
            "code": str(self.response_code),
            "flags": self.response_flags,
            "details": self.response_code_details,
            "upstream cluster": self.upstream_cluster,
            "server name (TLS)": self.requested_server_name,
        }


_NAMES = frozenset(each.name for each in fields(AccessLogEntry))
_NUMBERS = frozenset({"response_code", "bytes_received", "bytes_sent"})


def parse_line(line: str) -> AccessLogEntry | None:
    """Read one line; None if it is no access log line (a sidecar's log holds others too)."""
    found = _LINE.fullmatch(line.rstrip("\n"))
    values: Mapping[str, Any] = found.groupdict() if found else _json_fields(line)
    if not values.keys() >= _NAMES:
        return None
    try:
        numbers = {name: int(values[name]) for name in _NUMBERS}
        words = {name: _words(values[name]) for name in _NAMES - _NUMBERS}
        return AccessLogEntry(**{**words, **numbers})  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _json_fields(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(value: Any) -> str:
    # As JSON, what there is none of is null, and numbers are numbers.
    return NONE if value is None else str(value)


def parse(text: str) -> tuple[AccessLogEntry, ...]:
    """Return the access log's entries in a sidecar's log, in their order."""
    # Not `splitlines`: a header's value may hold what Unicode takes for a line's end.
    entries = (parse_line(line) for line in text.split("\n"))
    return tuple(entry for entry in entries if entry is not None)
