"""istiolab: what a notebook calls to show what a live Istio mesh does.

The names below are all that is public. Each is loaded when it is first used, so that the site's
builder, which needs no cluster, does not pay for the cluster's client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from istiolab.mesh.commands import Command
    from istiolab.mesh.installed import (
        Definition,
        NodeImage,
        Pull,
        ReadyWebhook,
        connect_bare,
        definitions,
        node_images,
        pods_in,
        pulls,
        ready_webhooks,
    )
    from istiolab.mesh.mesh_config import Setting, configure_mesh
    from istiolab.mesh.pods import LivePod, Pod
    from istiolab.mesh.profiles import Component, profiles
    from istiolab.mesh.screen import on_screen
    from istiolab.mesh.session import Mesh, Namespace, connect
    from istiolab.mesh.survey import Survey, Tally, Thing, added, altered, removed, survey, tally
    from istiolab.mesh.table import Listing, Table
    from istiolab.probe.access_log import AccessLogEntry
    from istiolab.probe.arrivals import Arrivals, watch
    from istiolab.probe.birth import (
        Container,
        PodEvent,
        compare_pods,
        containers,
        events,
        read_object,
        wait_for_entries,
    )
    from istiolab.probe.certificate import Certificate, Handshake, shake_hands, trusted_root
    from istiolab.probe.config_dump import EnvoyCluster, FilterChain, Route
    from istiolab.probe.connections import Connection, connections
    from istiolab.probe.converse import converse
    from istiolab.probe.dialogue import Dialogue, compare
    from istiolab.probe.fixes import Tried, try_fix
    from istiolab.probe.here import python_server, run_here
    from istiolab.probe.hops import hops
    from istiolab.probe.injection import (
        Asked,
        Webhook,
        ask_for_pod,
        fill_switchboard,
        switchboard,
        webhooks,
    )
    from istiolab.probe.istiod import Counters, istiod_counters
    from istiolab.probe.legs import Legs, count_legs, logged
    from istiolab.probe.matrix import Finding, fill_matrix, overview
    from istiolab.probe.passage import Passage
    from istiolab.probe.push import Pushed, watch_push, xds
    from istiolab.probe.reach import wait_for_service
    from istiolab.probe.redirects import Argument, explain_redirects
    from istiolab.probe.sds import secrets
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
    from istiolab.probe.upstreams import Upstream, upstreams
    from istiolab.probe.wire import Exchange
    from istiolab.probe.xds import Held, Resource

__all__ = [
    "AccessLogEntry",
    "Argument",
    "Arrivals",
    "Asked",
    "Certificate",
    "Command",
    "Component",
    "Connection",
    "Container",
    "Counters",
    "Definition",
    "Dialogue",
    "EnvoyCluster",
    "Exchange",
    "FilterChain",
    "Finding",
    "Handshake",
    "Held",
    "Legs",
    "Listing",
    "LivePod",
    "Mesh",
    "Namespace",
    "NodeImage",
    "Observed",
    "Passage",
    "Pod",
    "PodEvent",
    "Pull",
    "Pushed",
    "ReadyWebhook",
    "Resource",
    "Route",
    "Setting",
    "Survey",
    "Table",
    "Tally",
    "Thing",
    "Tried",
    "Upstream",
    "Webhook",
    "access_log",
    "added",
    "altered",
    "ask_for_pod",
    "clusters",
    "compare",
    "compare_pods",
    "configure_mesh",
    "connect",
    "connect_bare",
    "connections",
    "containers",
    "converse",
    "count_legs",
    "definitions",
    "events",
    "explain_redirects",
    "fill_matrix",
    "fill_switchboard",
    "hops",
    "istiod_counters",
    "listeners",
    "logged",
    "node_images",
    "observe",
    "on_screen",
    "overview",
    "pods_in",
    "profiles",
    "pulls",
    "python_server",
    "read_object",
    "ready_webhooks",
    "removed",
    "routes",
    "run_here",
    "secrets",
    "send",
    "shake_hands",
    "survey",
    "switchboard",
    "tally",
    "trail",
    "trusted_root",
    "try_fix",
    "upstreams",
    "wait_for_entries",
    "wait_for_push",
    "wait_for_service",
    "watch",
    "watch_push",
    "webhooks",
    "xds",
]

_HOMES = {
    "mesh.commands": ("Command",),
    "mesh.installed": (
        *("Definition", "NodeImage", "Pull", "ReadyWebhook", "connect_bare", "definitions"),
        *("node_images", "pods_in", "pulls", "ready_webhooks"),
    ),
    "mesh.mesh_config": ("Setting", "configure_mesh"),
    "mesh.pods": ("LivePod", "Pod"),
    "mesh.profiles": ("Component", "profiles"),
    "mesh.screen": ("on_screen",),
    "mesh.session": ("Mesh", "Namespace", "connect"),
    "mesh.survey": (
        *("Survey", "Tally", "Thing", "added", "altered", "removed", "survey", "tally"),
    ),
    "mesh.table": ("Listing", "Table"),
    "probe.access_log": ("AccessLogEntry",),
    "probe.arrivals": ("Arrivals", "watch"),
    "probe.birth": (
        *("Container", "PodEvent", "compare_pods", "containers", "events", "read_object"),
        "wait_for_entries",
    ),
    "probe.certificate": ("Certificate", "Handshake", "shake_hands", "trusted_root"),
    "probe.config_dump": ("EnvoyCluster", "FilterChain", "Route"),
    "probe.connections": ("Connection", "connections"),
    "probe.converse": ("converse",),
    "probe.dialogue": ("Dialogue", "compare"),
    "probe.fixes": ("Tried", "try_fix"),
    "probe.here": ("python_server", "run_here"),
    "probe.hops": ("hops",),
    "probe.injection": (
        *("Asked", "Webhook", "ask_for_pod", "fill_switchboard", "switchboard", "webhooks"),
    ),
    "probe.istiod": ("Counters", "istiod_counters"),
    "probe.legs": ("Legs", "count_legs", "logged"),
    "probe.matrix": ("Finding", "fill_matrix", "overview"),
    "probe.passage": ("Passage",),
    "probe.push": ("Pushed", "watch_push", "xds"),
    "probe.reach": ("wait_for_service",),
    "probe.redirects": ("Argument", "explain_redirects"),
    "probe.sds": ("secrets",),
    "probe.send": ("send",),
    "probe.sidecar": (
        *("Observed", "access_log", "clusters", "listeners", "observe", "routes", "trail"),
        "wait_for_push",
    ),
    "probe.upstreams": ("Upstream", "upstreams"),
    "probe.wire": ("Exchange",),
    "probe.xds": ("Held", "Resource"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module `istiolab` has no attribute `{name}`")
    return getattr(import_module(f"istiolab.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
