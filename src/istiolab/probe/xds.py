"""Envoy's /config_dump?include_eds in, the resources that came over xDS out, by kind.

Rule 1: only what is in force counts: a listener that drains is out, and with it the routes that it
alone asked for; an endpoint list counts if its cluster gets it over EDS.
Rule 2: version and time fields are left out: they differ from push to push without a meaning.

The kinds: https://www.envoyproxy.io/docs/envoy/v1.36.4/api-docs/xds_protocol#resource-types
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from istiolab.errors import ClusterError
from istiolab.mesh.table import Listing

Json = Mapping[str, Any]

KINDS: Mapping[str, str] = {
    "LDS": "listeners: on which address it takes connections, and by which filters",
    "RDS": "routes: which request goes to which cluster",
    "CDS": "clusters: upstreams, and how to deal with each",
    "EDS": "endpoints: the addresses behind a cluster",
    "SDS": "secrets: certificates, and whom to trust",
}
"""What each kind holds, in the order in which a request meets them."""

# The field that says where a kind's resources come from, wherever in the configuration it stands
# (config.core.v3.ConfigSource); RDS's is within `rds`, under a name that others use, too.
_SOURCES = {"lds_config": "LDS", "cds_config": "CDS", "eds_config": "EDS", "sds_config": "SDS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One thing that a proxy was told over xDS."""

    kind: str
    """`LDS`, `RDS`, `CDS`, `EDS` or `SDS`."""
    name: str
    """Its name; for EDS it is the cluster's."""
    body: Json
    """What it says, as JSON."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"xDS": self.kind, "resource": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindHeld:
    """How much of one kind a proxy holds."""

    kind: str
    """`LDS`, `RDS`, `CDS`, `EDS` or `SDS`."""
    held: int
    """How many resources."""
    through: tuple[str, ...]
    """The address that Envoy asks for them: a Unix socket's path, or `host:port`."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "xDS": self.kind,
            "what it holds": KINDS[self.kind],
            "held": str(self.held),
            "Envoy asks for it at": ", ".join(self.through),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a proxy has been told over xDS, and by whom."""

    resources: Listing[Resource]
    """By kind, then by name."""
    through: Mapping[str, tuple[str, ...]]
    """For each kind the addresses that Envoy asks."""

    @property
    def kinds(self) -> Listing[KindHeld]:
        """Return a row for each kind, with how many there are of it."""
        return Listing(
            KindHeld(
                kind=kind,
                held=sum(each.kind == kind for each in self.resources),
                through=self.through.get(kind, ()),
            )
            for kind in KINDS
        )

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of one kind's resources."""
        return tuple(each.name for each in self.resources if each.kind == kind)


def parse(text: str | bytes) -> Held:
    """Read a config dump that was made with its endpoints.

    Raises:
        ClusterError: this is no config dump.
    """
    try:
        sections = {item["@type"].rpartition(".")[2]: item for item in json.loads(text)["configs"]}
        found = sorted(_resources(sections), key=lambda each: (_place(each.kind), each.name))
        return Held(resources=Listing(found), through=_through(sections))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError("the proxy sent no config dump", where=(repr(error)[:200],)) from error


def _place(kind: str) -> int:
    return list(KINDS).index(kind)


def _resources(sections: Mapping[str, Json]) -> Iterator[Resource]:
    listeners = [
        item["active_state"]["listener"]
        for item in _dynamic(sections, "ListenersConfigDump", "dynamic_listeners")
        if "active_state" in item
    ]
    clusters = _bodies(sections, "ClustersConfigDump", "dynamic_active_clusters", "cluster")
    asked = {each["route_config_name"] for each in _under(listeners, "rds")}
    fed = {each["name"] for each in clusters if each.get("type") == "EDS"}
    routes = _bodies(sections, "RoutesConfigDump", "dynamic_route_configs", "route_config")
    endpoints = _bodies(
        sections, "EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config"
    )
    secrets = _bodies(sections, "SecretsConfigDump", "dynamic_active_secrets", "secret")
    yield from _named("LDS", listeners)
    yield from (each for each in _named("RDS", routes) if each.name in asked)
    yield from _named("CDS", clusters)
    yield from (
        Resource(kind="EDS", name=each["cluster_name"], body=each)
        for each in endpoints
        if each["cluster_name"] in fed
    )
    yield from _named("SDS", secrets)


def _dynamic(sections: Mapping[str, Json], section: str, key: str) -> list[Json]:
    return list(sections.get(section, {}).get(key, ()))


def _bodies(sections: Mapping[str, Json], section: str, key: str, body: str) -> list[Json]:
    return [item[body] for item in _dynamic(sections, section, key)]


def _named(kind: str, bodies: Iterable[Json]) -> Iterator[Resource]:
    return (Resource(kind=kind, name=str(each["name"]), body=each) for each in bodies)


def _through(sections: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    """Return the addresses of the clusters that the config sources name, kind by kind."""
    bootstrap = sections["BootstrapConfigDump"]["bootstrap"]
    ads = bootstrap["dynamic_resources"].get("ads_config", {})
    addresses = {
        item["cluster"]["name"]: tuple(_addresses(item["cluster"]))
        for item in sections["ClustersConfigDump"].get("static_clusters", ())
    }
    sources = [
        (kind, source)
        for field, kind in _SOURCES.items()
        for source in _under(list(sections.values()), field)
    ]
    sources += [
        ("RDS", each["config_source"])
        for each in _under(list(sections.values()), "rds")
        if "config_source" in each
    ]
    found: dict[str, set[str]] = {}
    for kind, source in sources:
        asked = ads if "ads" in source else source.get("api_config_source", {})
        for cluster in _under(asked, "envoy_grpc"):
            found.setdefault(kind, set()).update(addresses.get(cluster["cluster_name"], ()))
    return {kind: tuple(sorted(each)) for kind, each in found.items()}


def _addresses(cluster: Json) -> Iterator[str]:
    for address in _under(cluster.get("load_assignment", {}), "address"):
        if not isinstance(address, Mapping):
            continue
        if "pipe" in address:
            yield f"unix:{address['pipe']['path'].removeprefix('./')}"
        elif "socket_address" in address:
            socket = address["socket_address"]
            yield f"{socket['address']}:{socket['port_value']}"


def _under(value: Any, field: str) -> Iterator[Any]:
    """Yield what stands under a field's name, at any depth."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key == field:
                yield each
            yield from _under(each, field)
    elif isinstance(value, list):
        for each in value:
            yield from _under(each, field)
