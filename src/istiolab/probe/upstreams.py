"""Envoy's /clusters in JSON in, each endpoint with its health and its counts out.

The format: https://www.envoyproxy.io/docs/envoy/v1.36.4/operations/admin#get--clusters?format=json
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from istiolab.errors import ClusterError
from istiolab.mesh.pods import LivePod
from istiolab.mesh.table import Listing
from istiolab.probe.admin import ask_envoy

# The reasons for which Envoy may leave an endpoint out (admin.v3.HostHealthStatus), but for what
# EDS says of it, which is a word and not a flag.
_EDS = "eds_health_status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An endpoint of a cluster, as one proxy sees it."""

    cluster: str
    """The cluster's name."""
    address: str
    """Address and port, or a Unix socket's path."""
    health: str
    """`healthy`, or the flags for which Envoy leaves it out."""
    requests: int
    """How many requests it was sent."""
    errors: int
    """How many of them failed: a 5xx, or no answer."""
    connections: int
    """How many connections were opened to it."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "cluster": self.cluster,
            "endpoint": self.address,
            "health": self.health,
            "connections": str(self.connections),
            "requests": str(self.requests),
            "errors": str(self.errors),
        }


def upstreams(pod: LivePod) -> Listing[Upstream]:
    """Return the endpoints that a pod's sidecar knows, by cluster.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    return Listing(parse(ask_envoy(pod, "clusters?format=json")))


def parse(text: str | bytes) -> tuple[Upstream, ...]:
    """Read the endpoints, sorted by cluster and address.

    Raises:
        ClusterError: this is no list of clusters.
    """
    try:
        found = [
            each for cluster in json.loads(text)["cluster_statuses"] for each in _endpoints(cluster)
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(
            "the proxy sent no list of its clusters", where=(repr(error)[:200],)
        ) from error
    return tuple(sorted(found, key=lambda each: (each.cluster, each.address)))


def _endpoints(cluster: Mapping[str, Any]) -> Iterator[Upstream]:
    for host in cluster.get("host_statuses", ()):
        # A value of 0 is left out.
        counts = {each["name"]: int(each.get("value", 0)) for each in host.get("stats", ())}
        yield Upstream(
            cluster=str(cluster["name"]),
            address=_address(host.get("address", {})),
            health=_health(host.get("health_status", {})),
            requests=counts.get("rq_total", 0),
            errors=counts.get("rq_error", 0),
            connections=counts.get("cx_total", 0),
        )


def _address(address: Mapping[str, Any]) -> str:
    if "pipe" in address:
        return f"unix:{address['pipe']['path'].removeprefix('./')}"
    socket = address.get("socket_address", {})
    return f"{socket.get('address', '')}:{socket.get('port_value', '')}"


def _health(status: Mapping[str, Any]) -> str:
    flags = sorted(name for name, value in status.items() if value and name != _EDS)
    told = str(status.get(_EDS, "HEALTHY"))
    return ", ".join((*flags, *(() if told == "HEALTHY" else (told.lower(),)))) or "healthy"
