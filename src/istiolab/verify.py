"""The joint: one notebook and one cluster in, what came of it out.

The only module that knows both halves; what crosses is plain: a kubeconfig's path, versions, a
prefix for namespaces.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import ClusterError
from istiolab.mesh import evidence, facts
from istiolab.mesh.namespaces import delete_prefixed, new_prefix
from istiolab.notebook.document import serialize
from istiolab.notebook.execution import Execution, RunPlan
from istiolab.notebook.failed import save_failure
from istiolab.notebook.run import run_notebook
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.store import State, status, write_receipt
from istiolab.receipt.write import make_receipt, read_waits
from istiolab.system.files import write_atomic
from istiolab.system.machine import describe_machine
from istiolab.verdict.judge import Outcome, judge

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of verifying one notebook."""

    notebook: Path
    """The notebook."""
    outcome: Outcome
    """The word for it."""
    execution: Execution | None = None
    """The run; None if it was not run."""
    evidence: Path | None = None
    """The folder with what was saved of a run that failed."""


def read_cluster(kubeconfig: Path, *, provider: str) -> ClusterFacts:
    """Ask a cluster for what a receipt says about it.

    Raises:
        ClusterError: it does not answer, or has no Istio.
    """
    versions, images = facts.gather(kubeconfig)
    return ClusterFacts(
        kubeconfig=kubeconfig,
        provider=provider,
        versions=versions,
        images=images,
        machine=describe_machine(),
    )


def is_unchanged(path: Path, cluster: ClusterFacts) -> bool:
    """Tell whether the notebook was verified as it stands, on a cluster of the same parts."""
    known = status(path)
    if known.state is not State.VERIFIED or known.receipt is None:
        return False
    return known.receipt.images == cluster.images and all(
        known.receipt.versions.get(part) == version for part, version in cluster.versions.items()
    )


def verify(
    path: Path,
    cluster: ClusterFacts,
    *,
    environment: Mapping[str, str],
    reports: Path,
    progress: Progress = lambda _what, _done: None,
) -> Verified:
    """Execute a notebook on a cluster; when it passes, write its outputs and its receipt.

    Args:
        path: the notebook.
        cluster: where it runs.
        environment: variables for the kernel.
        reports: the folder for the evidence of a failed run; what lies there of this notebook
            from an earlier run is replaced.
        progress: told before each cell what runs now, and how much is done, from 0 to 1.

    Raises:
        KernelError: it is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
    """
    prefix = new_prefix()
    with tempfile.TemporaryDirectory(prefix="istiolab-waits-") as folder:
        waits = Path(folder) / "waits.jsonl"
        own = {"ISTIOLAB_NAMESPACE_PREFIX": prefix, "ISTIOLAB_WAITS": str(waits)}
        try:
            execution = run_notebook(
                RunPlan(path=path, environment={**environment, **own}), progress=progress
            )
            saved = _save(execution, cluster, prefix, reports / path.stem)
        finally:
            progress("namespaces to go", 1.0)
            delete_prefixed(cluster.kubeconfig, prefix)
        found = read_waits(waits)
    if execution.failure is not None:
        tags = tuple(execution.document.cells[execution.failure.index].metadata.get("tags", ()))
        outcome = judge(execution.failure, tags=tags)
        return Verified(notebook=path, outcome=outcome, execution=execution, evidence=saved)
    write_atomic(path, serialize(execution.document))
    write_receipt(path, make_receipt(path, execution, cluster, found))
    return Verified(notebook=path, outcome=Outcome.VERIFIED, execution=execution)


def _save(execution: Execution, cluster: ClusterFacts, prefix: str, folder: Path) -> Path | None:
    if execution.failure is None:
        return None
    try:
        seen = evidence.collect(cluster.kubeconfig, prefix)
    except ClusterError as gone:
        seen = gone.render()  # the cell's own failure is what counts, and is not to be lost
    return save_failure(execution, execution.failure, cluster=seen, folder=folder)
