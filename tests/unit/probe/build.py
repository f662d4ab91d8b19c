"""Exchanges, access log entries and config dumps built in tests."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from istiolab.mesh.pods import LivePod
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.wire import Exchange, read_response
from tests.unit.mesh.fakes import FakeCluster, Said, pod

QUOTED = frozenset(
    {
        *("upstream_transport_failure_reason", "x_forwarded_for", "user_agent", "request_id"),
        *("authority", "upstream_host"),
    }
)


def entry(**fields: Any) -> AccessLogEntry:
    """An entry whose other fields are none."""
    empty: dict[str, Any] = dict.fromkeys(AccessLogEntry.__dataclass_fields__, "-")
    numbers = {"response_code": 0, "bytes_received": 0, "bytes_sent": 0}
    return AccessLogEntry(**{**empty, **numbers, **fields})


def line(written: AccessLogEntry) -> str:
    """The line that Envoy writes for an entry."""
    fields = {name: str(value) for name, value in asdict(written).items()}
    start = f"[{fields.pop('start_time')}]"
    request = f'"{fields.pop("method")} {fields.pop("path")} {fields.pop("protocol")}"'
    rest = [f'"{value}"' if name in QUOTED else value for name, value in fields.items()]
    return " ".join((start, request, *rest))


def exchange(answer: bytes = b"") -> Exchange:
    """The exchange of an answer after which the connection was closed."""
    found = read_response(answer, b"GET / HTTP/1.1\r\n\r\n", closed=True)
    assert found is not None
    return found


def answered(status: int, body: str = "", *, server: str = "") -> Exchange:
    head = f"HTTP/1.1 {status} X\r\n" + (f"Server: {server}\r\n" if server else "")
    return exchange(f"{head}\r\n{body}".encode())


LOCAL_426 = entry(
    protocol="HTTP/1.1",
    response_code=426,
    response_flags="DPE",
    response_code_details="low_version",
)
"""What a sidecar logs that turned HTTP/1.0 away."""


def live(cluster: FakeCluster, app: str, *, sidecar: bool = True) -> LivePod:
    return LivePod(cluster=cluster, pod=pod(f"{app}-1", app=app, sidecar=sidecar))


class LoggingCluster(FakeCluster):
    """A cluster whose sidecars' logs grow when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, list[AccessLogEntry]] = {}

    def log(self, app: str, *entries: AccessLogEntry) -> None:
        self.logs.setdefault(app, []).extend(entries)
        path = f"/api/v1/namespaces/demo/pods/{app}-1/log?container=istio-proxy"

        def text() -> Said:
            lines = ["2026-01-26T07:54:42Z\tinfo\tEnvoy proxy is ready"]
            return "\n".join([*lines, *map(line, self.logs[app])]) + "\n"

        self.answers[path] = text


def dump(*, listeners: Any = (), routes: Any = (), clusters: Any = ()) -> str:
    """A config dump of dynamic parts, as Envoy nests them."""
    root = "type.googleapis.com/envoy.admin.v3."
    return json.dumps(
        {
            "configs": [
                {"@type": f"{root}BootstrapConfigDump"},
                {
                    "@type": f"{root}ClustersConfigDump",
                    "dynamic_active_clusters": [{"cluster": item} for item in clusters],
                },
                {
                    "@type": f"{root}ListenersConfigDump",
                    "dynamic_listeners": [
                        {"name": item["name"], "active_state": {"listener": item}}
                        for item in listeners
                    ],
                },
                {
                    "@type": f"{root}RoutesConfigDump",
                    "dynamic_route_configs": [{"route_config": item} for item in routes],
                },
            ]
        }
    )


HTTP = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def listener(*chains: Any, name: str = "virtualInbound", port: int = 15006, **rest: Any) -> Any:
    return {
        "name": name,
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": list(chains),
        **rest,
    }


def http_chain(route: str = "inbound", *, accept: bool | None = None, **match: Any) -> Any:
    options = {} if accept is None else {"http_protocol_options": {"accept_http_10": accept}}
    config = {"@type": HTTP, "route_config": {"name": route}, **options}
    return {
        "filter_chain_match": match,
        "filters": [{"name": "istio.metadata_exchange"}, {"name": "h", "typed_config": config}],
    }


def tcp_chain(cluster: str = "InboundPassthroughCluster", **match: Any) -> Any:
    config = {"@type": TCP, "cluster": cluster}
    return {
        "filter_chain_match": match,
        "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}],
    }
