"""What came of a run in; its receipt and outputs, or the record that it failed, written.

Rule 1: what was published stays as long as nothing better passed. A run that did not pass leaves
the notebook and its receipt as they are, and beside them a record since when that is so.
Rule 2: the outputs are written before the receipt. What a crash leaves between the two is a
notebook that its receipt does not fit, which shows as not verified.
Rule 3: a receipt is of what ran. Where that was changed meanwhile nothing is written at all, least
of all over what somebody has just saved.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from istiolab.notebook.document import serialize
from istiolab.receipt.failing import failed_runs, forget_failures, record_failure
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.place import write_text
from istiolab.receipt.store import write_receipt
from istiolab.receipt.subject import settle
from istiolab.receipt.write import make_receipt
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified


def publish(found: Verified, cluster: ClusterFacts) -> Verified:
    """Write down what came of a run: a receipt if it passed, a record of the failure if not.

    Args:
        found: the run; nothing is written of one that did not take place.
        cluster: what it ran on.

    Returns:
        What came of it: the same, unless what passed is not what lies there now.

    Raises:
        HostError: the disk is full, or a folder cannot be written.
    """
    if found.execution is None:
        return found
    path = found.notebook
    if found.outcome not in (Outcome.VERIFIED, Outcome.UPDATED):
        record_failure(
            path,
            started_at=found.execution.started_at,
            outcome=str(found.outcome),
            what=describe(found),
            versions=cluster.versions,
        )
        return found
    subject = settle(path, found.subject)
    if isinstance(subject, str):
        return replace(found, outcome=Outcome.CHANGED, changed=subject, drifts=())
    if found.outcome is Outcome.UPDATED:
        text = serialize(found.execution.document)
        write_text(path, text)
        subject = replace(subject, notebook_sha256=hashlib.sha256(text.encode()).hexdigest())
    receipt = make_receipt(
        subject,
        found.execution,
        cluster,
        found.waits,
        drift="updated" if found.drifts else "none",
        attempts=failed_runs(path) + 1,
    )
    write_receipt(path, receipt)
    forget_failures(path)
    return found


def describe(found: Verified) -> str:
    """Return in one line why a run did not pass."""
    failure = found.execution.failure if found.execution else None
    if failure is not None:
        return f"{failure.label}: {failure.ending}: {failure.message}"
    if found.leaks:
        return found.leaks[0]
    cells = ", ".join(drift.label for drift in found.drifts)
    return f"other outputs than the published ones: {cells}"
