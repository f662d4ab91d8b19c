"""Namespaces that were sent off in, nothing left of them out: waited for when nobody has to wait.

Kubernetes takes more than five seconds to remove a namespace, however empty it is. Their pods go at
once, so the next run need not wait for that, nor the verdict.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from threading import Lock

from istiolab.mesh.namespaces import begin_deletion, wait_until_gone


class PendingDeletions:
    """Namespaces on their way out; several threads may send some off."""

    def __init__(self) -> None:
        self._prefixes: dict[Path, list[str]] = defaultdict(list)
        self._lock = Lock()

    @property
    def pending(self) -> bool:
        """Tell whether some were sent off and not yet waited for."""
        return bool(self._prefixes)

    def begin(self, kubeconfig: Path, prefix: str) -> None:
        """Have our namespaces that begin with `prefix` deleted; their pods are gone on return.

        Raises:
            ClusterError: the cluster does not answer.
        """
        with self._lock:
            # First, so that they are waited for even if this fails half-way.
            self._prefixes[kubeconfig].append(prefix)
        begin_deletion(kubeconfig, prefix)

    def wait(self) -> None:
        """Wait until all that were sent off are gone.

        Raises:
            ClusterError: the cluster does not answer, or some are still there at the deadline.
        """
        with self._lock:
            going, self._prefixes = self._prefixes, defaultdict(list)
        for kubeconfig, prefixes in going.items():
            wait_until_gone(kubeconfig, prefixes)
