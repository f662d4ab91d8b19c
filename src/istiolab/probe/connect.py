"""A connection from this machine, made with patience."""

from __future__ import annotations

import socket

from istiolab.errors import ClusterError
from istiolab.mesh.waits import wait_for
from istiolab.system.deadlines import scaled
from istiolab.system.retry import Answer

CONNECT_SECONDS = 10.0
# A SYN to a pod that is gone gets no answer: kube-proxy's rules may lag a moment behind.
_ONE_TRY_SECONDS = 1.0


def connect(host: str, port: int) -> socket.socket:
    """Connect, trying again for a while: kube-proxy writes its rules a moment after a rollout.

    Args:
        host: a name or an address.
        port: the TCP port.

    Raises:
        ClusterError: no connection comes about within `CONNECT_SECONDS`.
    """
    made: list[socket.socket] = []

    def look() -> Answer:
        try:
            made.append(socket.create_connection((host, port), timeout=scaled(_ONE_TRY_SECONDS)))
        except OSError as error:
            return Answer(done=False, detail=str(error))
        return Answer(done=True)

    waited = wait_for(f"connection to {host}:{port}", look, timeout_seconds=CONNECT_SECONDS)
    if not waited.done:
        raise ClusterError(
            f"this machine cannot connect to `{host}:{port}`",
            where=(f"last answer: {waited.detail}",),
            hint="node ports must be reachable from here; `send(…, source=…)` asks from a pod",
        )
    return made[0]
