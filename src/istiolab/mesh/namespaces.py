"""Namespaces of our own: made with a label that says so, found by it, deleted without a wait."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from istiolab.errors import ClusterError
from istiolab.lab.existing import is_empty_shell
from istiolab.lab.spec import OWNER_LABEL
from istiolab.mesh.client import Cluster, open_cluster
from istiolab.mesh.refusals import MissingError
from istiolab.mesh.revision import control_plane
from istiolab.mesh.waits import wait_for
from istiolab.system.identity import this_process
from istiolab.system.retry import Answer

NAMESPACES = "/api/v1/namespaces"
MAKER = "istiolab.dev/maker"
"""The annotation that says which process is to take back what has it."""


def new_prefix() -> str:
    """Return a prefix for namespaces that nobody else is likely to use, such as `il-3f9c`."""
    return f"il-{secrets.token_hex(2)}"


def maker() -> str:
    """Return the mark of the process that is to take back what is made here.

    A notebook's kernel may be gone before: that is whoever runs it, which tells it so.
    """
    return os.environ.get("ISTIOLAB_MAKER") or this_process()


def create(cluster: Cluster, name: str, *, owner: str) -> None:
    """Make a namespace and mark it as ours.

    Raises:
        TakenError: there is one of that name.
        ClusterError: the user may not make namespaces.
    """
    metadata = {
        "name": name,
        "labels": {OWNER_LABEL: owner},
        "annotations": {MAKER: maker()},
    }
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    cluster.request("POST", NAMESPACES, body=body)


def set_injection(cluster: Cluster, name: str, *, on: bool) -> None:
    """Set the label by which Istio injects sidecars into the namespace's new pods.

    Raises:
        ClusterError: there are several revisions of Istio, and none is the default.
    """
    labels = control_plane(cluster).labels(on=on)
    cluster.request(
        "PATCH",
        f"{NAMESPACES}/{name}",
        body={"metadata": {"labels": labels}},
        content_type="application/merge-patch+json",
    )


def start_deletion(cluster: Cluster, name: str) -> None:
    """Have a namespace deleted, its pods without their grace period; do not wait.

    A namespace that is not there is no error.
    """
    try:
        # The namespace first: while it terminates, nothing can make new pods in it.
        cluster.request("DELETE", f"{NAMESPACES}/{name}")
        cluster.request("DELETE", f"{NAMESPACES}/{name}/pods", query={"gracePeriodSeconds": "0"})
    except MissingError:
        return


def prefixed(cluster: Cluster, prefix: str) -> list[str]:
    """Return the names of our namespaces that begin with `prefix`, sorted."""
    found = cluster.items(NAMESPACES, labelSelector=OWNER_LABEL)
    names = (str(item["metadata"]["name"]) for item in found)
    return sorted(name for name in names if name.startswith(prefix))


def delete_prefixed(kubeconfig: Path, prefix: str, *, timeout_seconds: float = 90.0) -> None:
    """Delete our namespaces that begin with `prefix`, and wait until they are gone.

    Raises:
        ClusterError: the cluster does not answer, or they are still there at the deadline.
    """
    begin_deletion(kubeconfig, prefix)
    wait_until_gone(kubeconfig, (prefix,), timeout_seconds=timeout_seconds)


def begin_deletion(kubeconfig: Path, prefix: str) -> None:
    """Have our namespaces that begin with `prefix` deleted; their pods are gone on return.

    Raises:
        ClusterError: the cluster does not answer.
    """
    cluster = open_cluster(kubeconfig, known=True)
    try:
        names = prefixed(cluster, prefix)
        # Together: a collection of pods takes the server a third of a second.
        with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            list(pool.map(lambda name: start_deletion(cluster, name), names))
    finally:
        cluster.close()


def wait_until_gone(
    kubeconfig: Path, prefixes: Sequence[str], *, timeout_seconds: float = 90.0
) -> None:
    """Wait until our namespaces that begin with one of `prefixes` are gone, or empty shells.

    Kubernetes looks at a namespace five seconds after it was deleted, not earlier
    (`namespaceDeletionGracePeriod` in kube-controller-manager): no wait is shorter than that.

    Raises:
        ClusterError: the cluster does not answer, or they are still there at the deadline.
    """
    cluster = open_cluster(kubeconfig, known=True)
    try:
        waited = wait_for(
            f"namespaces {', '.join(f'{prefix}*' for prefix in prefixes)} to go",
            lambda: _gone(cluster, prefixes),
            timeout_seconds=timeout_seconds,
        )
    finally:
        cluster.close()
    if not waited.done:
        raise ClusterError(
            f"namespaces are still there after {waited.seconds:.0f} s",
            where=(waited.detail,),
            hint=f"see what holds them: `kubectl get namespaces -l {OWNER_LABEL} -o yaml`",
        )


def _gone(cluster: Cluster, prefixes: Sequence[str]) -> Answer:
    found = cluster.items(NAMESPACES, labelSelector=OWNER_LABEL)
    names = [str(item["metadata"]["name"]) for item in found if not is_empty_shell(item)]
    left = sorted(name for name in names if name.startswith(tuple(prefixes)))
    return Answer(done=not left, detail=f"left: {', '.join(left)}")
