"""Waiting until a service takes connections from where a pod is.

A rollout is done when the API says so; kube-proxy writes its rules, and istiod tells the sidecars,
a moment later. A request in that moment is refused, or goes to a pod that is gone.
"""

from __future__ import annotations

import re

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.pods import SIDECAR, LivePod
from istiolab.mesh.waits import wait_for
from istiolab.system.deadlines import scaled
from istiolab.system.retry import Answer

# Three in a row: while old rules stand beside new ones, one alone may be luck.
_CONNECT = (
    "for attempt in 1 2 3; do "
    'timeout "$3" bash -c \'exec 3<>"/dev/tcp/$0/$1"\' "$1" "$2" || exit 7; sleep 0.1; done'
)
_ONE_TRY_SECONDS = 1.0
_ENDPOINT = r"^outbound\|{port}\|\|{host}\.[^:]*::([\d.]+:\d+)::health_flags::healthy$"


def wait_for_service(source: LivePod, address: str, *, timeout_seconds: float = 20.0) -> None:
    """Wait until a service of the pod's namespace takes connections from where the pod is.

    Two things must have come about: the rules of the service's ClusterIP lead to its pods (asked by
    connecting, from the sidecar's own container, whose traffic no sidecar catches); and the pod's
    sidecar, if it has one, knows just the addresses that the API knows.

    Args:
        source: the pod.
        address: `service:port`.
        timeout_seconds: the deadline of each of the two, before it is scaled to this machine.

    Raises:
        UsageError: the address is none.
        ClusterError: it has not come about at the deadline.
    """
    host, _, port = address.partition(":")
    if not (host and port.isdigit()):
        raise UsageError(f"`{address}` is no `service:port`")
    waited = wait_for(
        f"connection to {address}",
        lambda: _connects(source, host, port),
        timeout_seconds=timeout_seconds,
    )
    if waited.done and source.pod.has_sidecar:
        waited = wait_for(
            f"endpoints of {address}",
            lambda: _knows(source, host, port),
            timeout_seconds=timeout_seconds,
        )
    if not waited.done:
        raise ClusterError(
            f"`{address}` takes no connection from pod `{source.pod.name}` "
            f"after {waited.seconds:.0f} s",
            where=(f"last look: {waited.detail}",),
        )


def _connects(source: LivePod, host: str, port: str) -> Answer:
    container = SIDECAR if source.pod.has_sidecar else source.pod.workload
    limit = f"{scaled(_ONE_TRY_SECONDS):g}"
    done = source.execute(container, ["bash", "-c", _CONNECT, "bash", host, port, limit])
    return Answer(done=done.exit_code == 0, detail=done.stderr.strip().rpartition("\n")[2])


def _knows(source: LivePod, host: str, port: str) -> Answer:
    done = source.execute(SIDECAR, ["pilot-agent", "request", "GET", "clusters"])
    # A sidecar knows the services of all namespaces.
    full_name = f"{host}.{source.pod.namespace}.svc"
    known = parse_endpoints(done.stdout.decode(errors="replace"), host=full_name, port=port)
    wanted = _addresses(source, host)
    detail = f"the sidecar knows {sorted(known)}, the API {sorted(wanted)}"
    return Answer(done=bool(wanted) and {each.partition(":")[0] for each in known} == wanted,
                  detail=detail)  # fmt: skip


def parse_endpoints(clusters: str, *, host: str, port: str) -> set[str]:
    """Return the healthy endpoints, `address:port`, of a service in Envoy's `/clusters`.

    Args:
        clusters: the text.
        host: the service as `name.namespace.svc`; the cluster's domain may follow.
        port: the service's port.

    The format: https://www.envoyproxy.io/docs/envoy/v1.36.4/operations/admin#get--clusters
    """
    pattern = _ENDPOINT.format(port=port, host=re.escape(host))
    return set(re.findall(pattern, clusters, re.MULTILINE))


def _addresses(source: LivePod, host: str) -> set[str]:
    slices = source.cluster.items(
        f"/apis/discovery.k8s.io/v1/namespaces/{source.pod.namespace}/endpointslices",
        labelSelector=f"kubernetes.io/service-name={host}",
    )
    return {
        address
        for each in slices
        for endpoint in each.get("endpoints") or ()
        if endpoint.get("conditions", {}).get("ready", True)
        for address in endpoint["addresses"]
    }
