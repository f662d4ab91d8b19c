"""What was left by a run that was killed: found by who made it, and taken back."""

from __future__ import annotations

from pathlib import Path

from istiolab.lab.spec import OWNER_LABEL
from istiolab.mesh.client import Cluster, open_cluster
from istiolab.mesh.mesh_config import put_back_if
from istiolab.mesh.namespaces import MAKER, NAMESPACES, start_deletion
from istiolab.mesh.written import is_going
from istiolab.system.identity import is_gone


def clear_up(kubeconfig: Path) -> tuple[str, ...]:
    """Take back what processes left on a cluster that have ended on this machine.

    The mesh's configuration is as it was on return; namespaces of ours are on their way out.

    Returns:
        What was left.

    Raises:
        ClusterError: the cluster does not answer.
    """
    cluster = open_cluster(kubeconfig)
    try:
        names = orphans(cluster)
        for name in names:
            start_deletion(cluster, name)
        changed = put_back_if(cluster, lambda notes: is_gone(notes.get(MAKER, "")))
    finally:
        cluster.close()
    return (
        *(f"namespace {name}" for name in names),
        *(("a change of the mesh's configuration",) if changed else ()),
    )


def orphans(cluster: Cluster) -> list[str]:
    """Return the namespaces of ours whose maker has ended on this machine, sorted.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = cluster.items(NAMESPACES, labelSelector=OWNER_LABEL)
    return sorted(
        str(item["metadata"]["name"])
        for item in found
        if not is_going(item) and is_gone(item["metadata"].get("annotations", {}).get(MAKER, ""))
    )
