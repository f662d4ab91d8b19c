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
from pathlib import Path

from istiolab.notebook.document import parse_document, serialize
from istiolab.receipt.failing import Failing, failed_runs, record_failure
from istiolab.receipt.inputs import take_inputs
from istiolab.receipt.model import ClusterFacts, make_receipt
from istiolab.receipt.record import remove_record
from istiolab.receipt.store import write_receipt
from istiolab.runner.verify import Verified
from istiolab.system.files import write_text
from istiolab.verdict.drift import Change
from istiolab.verdict.judge import Outcome


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
    text = _as_it_was(path, found.sha256)
    inputs = take_inputs(found.execution.uses, path.parent) if text else "the notebook"
    if isinstance(inputs, str):
        return replace(found, outcome=Outcome.CHANGED, changed=inputs, drifts=())
    if found.outcome is Outcome.UPDATED:
        text = serialize(found.execution.document)
        write_text(path, text)
    receipt = make_receipt(
        parse_document(text, name=path.name),
        inputs,
        found.execution,
        cluster,
        found.waits,
        drift="updated" if found.drifts else "none",
        attempts=failed_runs(path) + 1,
    )
    write_receipt(path, receipt)
    remove_record(path, Failing)
    return found


def _as_it_was(path: Path, sha256: str) -> str:
    """Return the text of a notebook; nothing if it is not the one of that digest any more."""
    try:
        data = path.read_bytes()
    except OSError:  # it is gone
        return ""
    return data.decode() if hashlib.sha256(data).hexdigest() == sha256 else ""


def describe(found: Verified) -> str:
    """Return in one line why a run did not pass."""
    failure = found.execution.failure if found.execution else None
    if failure is not None:
        return f"{failure.label}: {failure.ending}: {failure.message}"
    if found.leaks:
        return found.leaks[0]
    differing = [drift.label for drift in found.drifts if drift.change is not Change.EDITED]
    if not differing:
        cells = ", ".join(drift.label for drift in found.drifts)
        return f"outputs that no run wrote: {cells}"
    return f"other outputs than the published ones: {', '.join(differing)}"
