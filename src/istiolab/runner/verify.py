"""The joint: one notebook and one cluster in, what came of it out.

What crosses from one half to the other is plain: a kubeconfig's path, versions, a prefix for
namespaces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbformat import NotebookNode

from istiolab.errors import ClusterError
from istiolab.mesh import evidence, facts
from istiolab.mesh.mesh_config import put_back
from istiolab.mesh.namespaces import new_prefix
from istiolab.mesh.pending_deletions import PendingDeletions
from istiolab.notebook.cells import to_notebook
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import Execution, Failure, RunPlan
from istiolab.notebook.failed import evidence_folder, save_failure, save_outputs
from istiolab.notebook.run import run_notebook
from istiolab.notebook.scanner import SecretScanner
from istiolab.notebook.withhold import withhold
from istiolab.receipt.changes import changes_of_cluster, edited_cells, outputs_of
from istiolab.receipt.inputs import file_sha256
from istiolab.receipt.model import ClusterFacts, WaitTime, read_waits
from istiolab.receipt.store import State, believed_receipt, status
from istiolab.runner.secret_guard import SecretGuard
from istiolab.system.identity import this_process
from istiolab.system.machine import describe_machine
from istiolab.system.scratch import scratch_folder
from istiolab.system.worker_pool import WorkerPool
from istiolab.verdict.drift import CellDrift, add_edited, compare
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
    sha256: str = ""
    """Digest of the notebook's file as it was read; without it, it is equal to no file."""
    reasons: tuple[str, ...] = ()
    """Why it was run, a sentence each; nothing if it was not, as nothing changed."""
    waits: tuple[WaitTime, ...] = ()
    """How long it waited for what."""
    leaks: tuple[str, ...] = ()
    """What it left behind or altered outside its namespaces."""
    unseen: tuple[str, ...] = ()
    """API paths where what it may have left could not be looked for: nothing answers for them."""
    drifts: tuple[CellDrift, ...] = ()
    """The cells whose outputs are not the published ones."""
    barred: str = ""
    """Why it could not run here, if that is so."""
    changed: str = ""
    """What of it was changed while it ran, if that is so."""
    evidence: Path | None = None
    """The folder with what was saved of a run that did not pass."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """How long each stage took, in seconds, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """How notebooks are to be verified."""

    environment: Mapping[str, str]
    """Variables for the kernels."""
    reports: Path
    """Where the evidence of runs that did not pass goes, a folder each."""
    namesakes: frozenset[Path] = frozenset()
    """Notebooks of which another has the same name: their evidence is kept apart."""
    update: bool = False
    """Take new outputs over."""
    pool: WorkerPool = field(default_factory=WorkerPool)
    """The threads that do it, and the word for them to stop."""
    deletions: PendingDeletions = field(default_factory=PendingDeletions)
    """Where runs leave their namespaces: whoever wishes also waits until these are gone."""


def read_cluster(
    kubeconfig: Path,
    *,
    provider: str,
    mesh: bool = True,
    workloads: Mapping[str, str] | None = None,
) -> ClusterFacts:
    """Ask a cluster for what a receipt says about it.

    Args:
        kubeconfig: the cluster's.
        provider: where it comes from.
        mesh: it has one.
        workloads: the digests of images of which no pod of the system's tells, by image name.

    Raises:
        ClusterError: it does not answer, or has no Istio where it is to have it.
    """
    found = facts.gather(kubeconfig, mesh=mesh)
    return ClusterFacts(
        kubeconfig=kubeconfig,
        provider=provider,
        versions=found.versions,
        images=dict(sorted({**(workloads or {}), **found.images}.items())),
        mesh_config_sha256=found.mesh_config_sha256,
        machine=describe_machine(),
    )


def reasons_to_run(path: Path, cluster: ClusterFacts) -> tuple[str, ...]:
    """Return why the notebook has to be run on a cluster, a sentence each.

    Nothing, if it was verified as it stands, with all that it used, on a cluster of the same parts.
    """
    known = status(path)
    told = known.state in (State.VERIFIED, State.STALE)
    found = known.changes if told else (known.reason, *known.changes)
    if known.receipt is not None:
        found += changes_of_cluster(cluster, known.receipt)
    return found


def verify(
    path: Path,
    cluster: ClusterFacts,
    *,
    context: RunContext,
    progress: Progress = lambda _what, _done: None,
) -> Verified:
    """Execute a notebook on a cluster, and compare its outputs with the published ones.

    Nothing of the notebook is written: `publish.py` does that, once the cluster was found clean.
    What was published stays, byte for byte, as long as it is true.

    Args:
        path: the notebook.
        cluster: where it runs.
        context: how.
        progress: told before each cell what runs now, and how much is done, from 0 to 1.

    Raises:
        KernelError: it is no notebook, or its kernel does not start.
        ClusterError: the cluster does not answer any more.
        UsageError: where its evidence would go there are files that are not ours.
    """
    # First of all: what is changed after this is found to be so when it is to be published.
    sha256 = file_sha256(path)
    folder = evidence_folder(context.reports, path, apart=path in context.namesakes)
    published = load_document(path)
    execution, waits, seen, scanner = execute(path, cluster, context=context, progress=progress)
    progress("comparison", 1.0)
    drifts: tuple[CellDrift, ...] = ()
    saved: Path | None
    if (failure := execution.failure) is not None:
        tags = execution.document.cells[failure.index].metadata.get("tags", ())
        outcome = judge_failure(failure, tags=tuple(tags))
        saved = save_failure(execution, failure, cluster=seen, folder=folder)
    else:
        drifts = _drifts(path, published, execution.document, scanner)
        outcome = judge(drifts, update=context.update)
        saved = save_outputs(execution, folder) if outcome is Outcome.DRIFTED else None
    return Verified(
        notebook=path,
        outcome=outcome,
        execution=execution,
        sha256=sha256 or "",
        waits=waits,
        drifts=drifts,
        evidence=saved,
    )


def _drifts(
    path: Path, published: NotebookNode, new: NotebookNode, scanner: SecretScanner
) -> tuple[CellDrift, ...]:
    """Compare two documents; a secret that was published is drift, and is not shown again.

    So is what no run wrote: neither this one, nor the one that the receipt is of.
    """
    before = to_notebook(withhold(published, scanner)[0], path=path)
    drifts = compare(before, to_notebook(new, path=path))
    receipt = believed_receipt(path)
    written = (outputs_of(new), *((receipt.outputs,) if receipt else ()))
    return add_edited(drifts, before, edited_cells(published, *written))


def execute(
    path: Path,
    cluster: ClusterFacts,
    *,
    context: RunContext,
    progress: Progress,
    leave_out: str | None = None,
) -> tuple[Execution, tuple[WaitTime, ...], str, SecretScanner]:
    """Execute a notebook in namespaces of its own, which are on their way out when this returns.

    Args:
        path: the notebook.
        cluster: where it runs.
        context: how.
        progress: told before each cell.
        leave_out: the id of a cause that is not executed; the run then goes on past failures, up
            to the first check that fails.

    Returns:
        The execution, its waits, of a failure what the cluster says about it, and what finds the
        secrets that are in none of the three.
    """
    prefix = new_prefix()
    with scratch_folder() as folder:
        record = folder / "waits.jsonl"
        own = {
            "ISTIOLAB_NAMESPACE_PREFIX": prefix,
            "ISTIOLAB_WAITS": str(record),
            "ISTIOLAB_MAKER": this_process(),
        }
        plan = RunPlan(
            path=path,
            environment={**context.environment, **own},
            leave_out=leave_out,
            past_failures=leave_out is not None,
        )
        with SecretGuard(cluster.kubeconfig) as guard:
            try:
                execution = run_notebook(
                    plan,
                    progress=progress,
                    is_stopped=context.pool.is_stopped,
                    find_secret=guard.find,
                )
                seen = _evidence(cluster, prefix, execution.failure) if execution.failure else ""
            finally:
                progress("namespaces", 1.0)
                try:
                    put_back(cluster.kubeconfig, prefix)
                finally:
                    context.deletions.begin(cluster.kubeconfig, prefix)
        scanner = guard.scanner
        waits = (replace(each, what=scanner.text(each.what)) for each in read_waits(record))
        return guard.execution(execution), tuple(waits), scanner.text(seen), scanner


def _evidence(cluster: ClusterFacts, prefix: str, failure: Failure) -> str:
    # The kernel has waited for a cluster that is away, as long as it makes sense.
    known = not failure.is_silence
    try:
        return evidence.collect(cluster.kubeconfig, prefix, known=known)
    except ClusterError as gone:
        return gone.render()  # the cell's own failure is what counts, and is not to be lost
