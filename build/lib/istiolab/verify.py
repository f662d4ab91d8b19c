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
from istiolab.notebook.cells import read_notebook, to_notebook
from istiolab.notebook.document import serialize
from istiolab.notebook.execution import Execution, RunPlan
from istiolab.notebook.failed import save_failure, save_outputs
from istiolab.notebook.run import run_notebook
from istiolab.receipt.model import ClusterFacts, WaitTime
from istiolab.receipt.store import State, status, write_receipt, write_text
from istiolab.receipt.write import make_receipt, read_waits
from istiolab.system.machine import describe_machine
from istiolab.verdict.drift import CellDrift, compare
from istiolab.verdict.judge import Outcome, judge, judge_failure

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
    waits: tuple[WaitTime, ...] = ()
    """How long it waited for what."""
    leaks: tuple[str, ...] = ()
    """What it left behind or altered outside its namespaces."""
    drifts: tuple[CellDrift, ...] = ()
    """The cells whose outputs are not the published ones."""
    evidence: Path | None = None
    """The folder with what was saved of a run that did not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How notebooks are to be verified."""

    environment: Mapping[str, str]
    """Variables for the kernels."""
    reports: Path
    """Where the evidence of runs that did not pass goes, a folder each."""
    update: bool = False
    """Take new outputs over."""


def read_cluster(kubeconfig: Path, *, provider: str) -> ClusterFacts:
    """Ask a cluster for what a receipt says about it.

    Raises:
        ClusterError: it does not answer, or has no Istio.
    """
    found = facts.gather(kubeconfig)
    return ClusterFacts(
        kubeconfig=kubeconfig,
        provider=provider,
        versions=found.versions,
        images=found.images,
        mesh_config_sha256=found.mesh_config_sha256,
        machine=describe_machine(),
    )


def is_unchanged(path: Path, cluster: ClusterFacts) -> bool:
    """Tell whether the notebook was verified as it stands, on a cluster of the same parts."""
    known = status(path)
    if known.state is not State.VERIFIED or known.receipt is None:
        return False
    return (
        known.receipt.images == cluster.images
        and known.receipt.mesh_config_sha256 == cluster.mesh_config_sha256
        and cluster.versions.items() <= known.receipt.versions.items()
    )


def verify(
    path: Path,
    cluster: ClusterFacts,
    *,
    wish: Wish,
    progress: Progress = lambda _what, _done: None,
) -> Verified:
    """Execute a notebook on a cluster, and compare its outputs with the published ones.

    Nothing of the notebook is written: `publish` does that, once the cluster was found clean.
    What was published stays, byte for byte, as long as it is true.

    Args:
        path: the notebook.
        cluster: where it runs.
        wish: how.
        progress: told before each cell what runs now, and how much is done, from 0 to 1.

    Raises:
        KernelError: it is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
    """
    published = read_notebook(path)
    execution, waits, seen = execute(path, cluster, environment=wish.environment, progress=progress)
    folder = wish.reports / path.stem
    if execution.failure is not None:
        return Verified(
            notebook=path,
            outcome=judge_failure(execution.failure, tags=_tags(execution)),
            execution=execution,
            evidence=save_failure(execution, execution.failure, cluster=seen, folder=folder),
        )
    drifts = compare(published, to_notebook(execution.document, path=path))
    outcome = judge(drifts, update=wish.update)
    saved = save_outputs(execution, folder) if outcome is Outcome.DRIFTED else None
    return Verified(
        notebook=path,
        outcome=outcome,
        execution=execution,
        waits=waits,
        drifts=drifts,
        evidence=saved,
    )


def publish(passed: Verified, cluster: ClusterFacts) -> None:
    """Write the receipt of a run that passed; before it the new outputs, if they are taken over.

    Raises:
        HostError: the disk is full, or a folder cannot be written.
    """
    if passed.execution is None or passed.outcome not in (Outcome.VERIFIED, Outcome.UPDATED):
        return
    path = passed.notebook
    if passed.outcome is Outcome.UPDATED:
        write_text(path, serialize(passed.execution.document))
    drift = "updated" if passed.drifts else "none"
    receipt = make_receipt(path, passed.execution, cluster, passed.waits, drift=drift)
    write_receipt(path, receipt)


def execute(
    path: Path,
    cluster: ClusterFacts,
    *,
    environment: Mapping[str, str],
    progress: Progress,
    leave_out: str | None = None,
) -> tuple[Execution, tuple[WaitTime, ...], str]:
    """Execute a notebook in namespaces of its own, which are gone when this returns.

    Args:
        path: the notebook.
        cluster: where it runs.
        environment: variables for its kernel.
        progress: told before each cell.
        leave_out: the id of a cause that is not executed; the run then goes on past failures, up
            to the first check that fails.

    Returns:
        The execution, its waits, and of a failure what the cluster says about it.
    """
    prefix = new_prefix()
    with tempfile.TemporaryDirectory(prefix="istiolab-waits-") as folder:
        record = Path(folder) / "waits.jsonl"
        own = {"ISTIOLAB_NAMESPACE_PREFIX": prefix, "ISTIOLAB_WAITS": str(record)}
        plan = RunPlan(
            path=path,
            environment={**environment, **own},
            leave_out=leave_out,
            past_failures=leave_out is not None,
        )
        try:
            execution = run_notebook(plan, progress=progress)
            seen = _evidence(cluster, prefix) if execution.failure else ""
        finally:
            progress("namespaces to go", 1.0)
            delete_prefixed(cluster.kubeconfig, prefix)
        return execution, read_waits(record), seen


def _evidence(cluster: ClusterFacts, prefix: str) -> str:
    try:
        return evidence.collect(cluster.kubeconfig, prefix)
    except ClusterError as gone:
        return gone.render()  # the cell's own failure is what counts, and is not to be lost


def _tags(execution: Execution) -> tuple[str, ...]:
    if execution.failure is None:
        return ()
    return tuple(execution.document.cells[execution.failure.index].metadata.get("tags", ()))
