"""istiolab: what a notebook calls to show what a live Istio mesh does.

The names below are all that is public. Each is loaded when it is first used, so that the site's
builder, which needs no cluster, does not pay for the cluster's client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from istiolab.mesh.commands import Command
    from istiolab.mesh.pods import LivePod, Pod
    from istiolab.mesh.session import Mesh, Namespace, connect
    from istiolab.mesh.table import Listing, Table
    from istiolab.probe.access_log import AccessLogEntry
    from istiolab.probe.config_dump import EnvoyCluster, FilterChain, Route
    from istiolab.probe.fixes import Tried, try_fix
    from istiolab.probe.matrix import Finding, fill_matrix, overview
    from istiolab.probe.passage import Passage
    from istiolab.probe.reach import wait_for_service
    from istiolab.probe.send import send
    from istiolab.probe.sidecar import (
        Observed,
        access_log,
        clusters,
        listeners,
        observe,
        routes,
        trail,
        wait_for_push,
    )
    from istiolab.probe.wire import Exchange

__all__ = [
    "AccessLogEntry",
    "Command",
    "EnvoyCluster",
    "Exchange",
    "FilterChain",
    "Finding",
    "Listing",
    "LivePod",
    "Mesh",
    "Namespace",
    "Observed",
    "Passage",
    "Pod",
    "Route",
    "Table",
    "Tried",
    "access_log",
    "clusters",
    "connect",
    "fill_matrix",
    "listeners",
    "observe",
    "overview",
    "routes",
    "send",
    "trail",
    "try_fix",
    "wait_for_push",
    "wait_for_service",
]

_HOMES = {
    "mesh.commands": ("Command",),
    "mesh.pods": ("LivePod", "Pod"),
    "mesh.session": ("Mesh", "Namespace", "connect"),
    "mesh.table": ("Listing", "Table"),
    "probe.access_log": ("AccessLogEntry",),
    "probe.config_dump": ("EnvoyCluster", "FilterChain", "Route"),
    "probe.fixes": ("Tried", "try_fix"),
    "probe.matrix": ("Finding", "fill_matrix", "overview"),
    "probe.passage": ("Passage",),
    "probe.reach": ("wait_for_service",),
    "probe.send": ("send",),
    "probe.sidecar": (
        *("Observed", "access_log", "clusters", "listeners", "observe", "routes", "trail"),
        "wait_for_push",
    ),
    "probe.wire": ("Exchange",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module `istiolab` has no attribute `{name}`")
    return getattr(import_module(f"istiolab.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
