"""Envoy's /config_dump in, listeners, routes and clusters out, sorted.

The format: https://www.envoyproxy.io/docs/envoy/v1.36.4/api-v3/admin/v3/config_dump_shared.proto
Version and time fields are left out: they differ from push to push without a meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from istiolab.errors import ClusterError

Json = Mapping[str, Any]
_HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
_TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3."
ANY = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterChain:
    """One way through a listener: what it takes, and what it does with it."""

    listener: str
    """The listener's name."""
    address: str
    """Address and port that it listens on."""
    port: str
    """The destination port that it takes; `ALL` if it does not ask."""
    transport: str
    """`tls`, `raw_buffer` (plain text), or `ALL`."""
    applications: tuple[str, ...]
    """The application protocols that it takes (ALPN, or sniffed); none means all."""
    kind: str
    """`http` for an HTTP connection manager, `tcp` for a TCP proxy, else the filter's name."""
    accept_http_10: bool | None
    """Whether its HTTP connection manager accepts HTTP/1.0; None if it has none."""
    destination: str
    """The route configuration, or the cluster."""

    @property
    def takes(self) -> str:
        """Return what it takes as istioctl writes it, such as `App: http/1.1,h2c`."""
        parts = []
        if self.transport != ANY:
            parts.append(f"Trans: {self.transport}")
        if self.applications:
            parts.append(f"App: {','.join(self.applications)}")
        if self.port != ANY:
            parts.append(f"Port: {self.port}")
        return "; ".join(parts) or ANY

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        accepts = {None: "", True: "on", False: "off"}[self.accept_http_10]
        return {
            "listener": self.listener,
            "address": self.address,
            "takes": self.takes,
            "as": self.kind,
            "accept_http_10": accepts,
            "destination": self.destination,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of a virtual host."""

    config: str
    """The route configuration's name; for outbound HTTP it is the port."""
    virtual_host: str
    """The virtual host's name."""
    domains: tuple[str, ...]
    """The Host values that it takes."""
    match: str
    """The paths that it takes."""
    destination: str
    """The cluster, or what else becomes of the request."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table; of the domains the first one stands for all."""
        more = f" (+{len(self.domains) - 1})" if len(self.domains) > 1 else ""
        return {
            "route": self.config,
            "virtual host": self.virtual_host,
            "domains": f"{self.domains[0] if self.domains else ''}{more}",
            "match": self.match,
            "destination": self.destination,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoyCluster:
    """An upstream of the proxy."""

    name: str
    """Its name: direction, port, subset and host, set apart by bars."""
    kind: str
    """How it finds its endpoints: `EDS`, `ORIGINAL_DST`, `STATIC`, …"""
    tls: str
    """Whether it speaks TLS: `no`, `yes`, or `per endpoint` (Istio's auto mTLS)."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"cluster": self.name, "type": self.kind, "TLS": self.tls}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDump:
    """A proxy's configuration, read."""

    filter_chains: tuple[FilterChain, ...]
    """By listener, in the order in which Envoy has them."""
    routes: tuple[Route, ...]
    """By route configuration and virtual host."""
    clusters: tuple[EnvoyCluster, ...]
    """By name."""


def parse(text: str | bytes) -> ConfigDump:
    """Read a config dump.

    Raises:
        ClusterError: this is no config dump.
    """
    try:
        sections = json.loads(text)["configs"]
        listeners = [chain for item in _listeners(sections) for chain in _chains(item)]
        routes = [route for item in _route_configs(sections) for route in _routes(item)]
        clusters = [_cluster(item) for item in _clusters(sections)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError("the proxy sent no config dump", where=(repr(error)[:200],)) from error
    return ConfigDump(
        # Stable: within a listener Envoy's order of chains stays.
        filter_chains=tuple(sorted(listeners, key=lambda chain: (chain.listener, chain.address))),
        routes=tuple(sorted(routes, key=lambda route: (route.config, route.virtual_host))),
        clusters=tuple(sorted(clusters, key=lambda cluster: cluster.name)),
    )


def _section(sections: Iterable[Json], name: str) -> Json:
    return next((item for item in sections if item["@type"].endswith(name)), {})


def _listeners(sections: list[Json]) -> Iterator[Json]:
    dump = _section(sections, ".ListenersConfigDump")
    for item in dump.get("static_listeners", ()):
        yield item["listener"]
    for item in dump.get("dynamic_listeners", ()):
        # A listener that only drains, or has only an error, is not in force.
        if "active_state" in item:
            yield item["active_state"]["listener"]


def _route_configs(sections: list[Json]) -> Iterator[Json]:
    dump = _section(sections, ".RoutesConfigDump")
    for key in ("static_route_configs", "dynamic_route_configs"):
        for item in dump.get(key, ()):
            yield item["route_config"]


def _clusters(sections: list[Json]) -> Iterator[Json]:
    dump = _section(sections, ".ClustersConfigDump")
    for key in ("static_clusters", "dynamic_active_clusters"):
        for item in dump.get(key, ()):
            yield item["cluster"]


def _chains(listener: Json) -> Iterator[FilterChain]:
    found = list(listener.get("filter_chains", ()))
    if "default_filter_chain" in listener:
        # What no other chain takes; it never has a match of its own that counts.
        found.append({**listener["default_filter_chain"], "filter_chain_match": {}})
    socket = listener.get("address", {}).get("socket_address", {})
    for chain in found:
        match = chain.get("filter_chain_match", {})
        kind, accepts, destination = _terminal(chain)
        yield FilterChain(
            listener=listener.get("name", ""),
            address=f"{socket.get('address', '')}:{socket.get('port_value', '')}",
            port=str(match.get("destination_port", ANY)),
            transport=match.get("transport_protocol", ANY),
            applications=tuple(match.get("application_protocols", ())),
            kind=kind,
            accept_http_10=accepts,
            destination=destination,
        )


def _terminal(chain: Json) -> tuple[str, bool | None, str]:
    """Return kind, accept_http_10 and destination of a chain's last filter."""
    filters = chain.get("filters", ())
    if not filters:
        return "", None, ""
    last = filters[-1]
    config = last.get("typed_config", {})
    if config.get("@type", "").startswith(_HTTP):
        # The default of accept_http_10 is false, and a dump leaves defaults out.
        options = config.get("http_protocol_options", {})
        return "http", bool(options.get("accept_http_10", False)), _route_name(config)
    if config.get("@type", "").startswith(_TCP):
        return "tcp", None, f"Cluster: {config.get('cluster', 'weighted')}"
    return str(last.get("name", "")), None, ""


def _route_name(manager: Json) -> str:
    inline = manager.get("route_config", {}).get("name")
    return f"Route: {inline or manager.get('rds', {}).get('route_config_name', '')}"


def _routes(config: Json) -> Iterator[Route]:
    for host in config.get("virtual_hosts", ()):
        for route in host.get("routes", ()):
            yield Route(
                config=str(config.get("name", "")),
                virtual_host=host["name"],
                domains=tuple(host.get("domains", ())),
                match=_match(route.get("match", {})),
                destination=_destination(route),
            )


def _match(match: Json) -> str:
    if "prefix" in match:
        return f"{match['prefix']}*"
    if "path" in match:
        return str(match["path"])
    return ", ".join(sorted(match)) or ANY


def _destination(route: Json) -> str:
    action = route.get("route", {})
    if "cluster" in action:
        return str(action["cluster"])
    if "direct_response" in route:
        return f"answers {route['direct_response'].get('status', '')}"
    return next(
        (key for key in ("redirect", "weighted_clusters") if key in {**route, **action}), ""
    )


def _cluster(cluster: Json) -> EnvoyCluster:
    tls = "yes" if "transport_socket" in cluster else "no"
    if "transport_socket_matches" in cluster:
        tls = "per endpoint"
    kind = cluster.get("type") or cluster.get("cluster_type", {}).get("name") or "STATIC"
    return EnvoyCluster(name=cluster["name"], kind=str(kind), tls=tls)
