"""A path of Envoy's admin API in, what the sidecar of a pod answers out.

https://www.envoyproxy.io/docs/envoy/v1.36.4/operations/admin
"""

from __future__ import annotations

from istiolab.errors import ClusterError
from istiolab.mesh.pods import SIDECAR, LivePod


def ask_envoy(pod: LivePod, path: str) -> bytes:
    """Return what a pod's sidecar answers to GET of a path, such as `clusters?format=json`.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    if not pod.pod.has_sidecar:
        raise ClusterError(
            f"pod `{pod.pod.name}` has no sidecar",
            where=(f"containers: {', '.join(pod.pod.containers)}",),
            hint="switch injection on and restart it: `namespace.inject()`, `namespace.restart(…)`",
        )
    done = pod.execute(SIDECAR, ["pilot-agent", "request", "GET", path])
    if done.exit_code != 0:
        raise ClusterError(
            f"the sidecar of `{pod.pod.name}` did not answer to `{path}`",
            where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
        )
    return done.stdout
