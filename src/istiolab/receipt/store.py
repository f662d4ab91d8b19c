"""Where receipts lie, and what the one of a notebook says about it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from istiolab.errors import IstiolabError
from istiolab.receipt.failing import Failing, load_failing
from istiolab.receipt.fingerprint import code_of, notebook_sha256
from istiolab.receipt.model import Receipt
from istiolab.receipt.place import read_record, record_path, write_text
from istiolab.receipt.proof import Proof, holds, load_proof
from istiolab.receipt.uses import helpers_sha256, manifests_sha256


class State(StrEnum):
    """What may be said about a notebook."""

    VERIFIED = "verified"
    """It ran as it stands, with the helpers and manifests that it uses as they stand."""
    STALE = "stale"
    """It ran, and it or what it uses changed since; or that was too long ago."""
    FAILING = "failing"
    """Its last run did not pass; what is published is what was verified last."""
    FAILED = "failed"
    """Its receipt cannot be believed."""
    MISSING = "missing"
    """It has no receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What may be said about a notebook, and why."""

    state: State
    """The word for it."""
    reason: str
    """One sentence, without a full stop."""
    receipt: Receipt | None
    """The receipt, if there is one that can be believed."""
    failing: Failing | None = None
    """The record of its failures, if its last run did not pass."""
    proof: Proof | None = None
    """The proof that its causes are causes, if there is one and it holds."""


def receipt_path(notebook_path: Path) -> Path:
    """Return where the receipt of a notebook lies: in a folder beside the notebook."""
    return record_path(notebook_path)


def load_receipt(notebook_path: Path) -> Receipt | None:
    """Read the receipt of a notebook; None if it has none.

    Raises:
        IstiolabError: there is one, and it is not as it was written.
    """
    text = read_record(receipt_path(notebook_path), called="the receipt")
    return Receipt.from_json(text) if text is not None else None


def last_seconds(notebook_path: Path) -> float | None:
    """Return how long a notebook took when it passed last; None if nobody knows.

    It is to plan by: a receipt that cannot be believed is no failure here.
    """
    try:
        receipt = load_receipt(notebook_path)
    except IstiolabError:
        return None
    return receipt.duration_seconds if receipt else None


def write_receipt(notebook_path: Path, receipt: Receipt) -> Path:
    """Write the receipt of a notebook in one piece, and return where it lies.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    path = receipt_path(notebook_path)
    write_text(path, receipt.to_json())
    return path


def status(
    notebook_path: Path, *, now: datetime | None = None, longest_days: float | None = None
) -> Status:
    """Say what the receipt of a notebook is worth now.

    Args:
        notebook_path: the notebook.
        now: the time at which it is asked; None means the present.
        longest_days: how old a run may be; None means as old as it likes.
    """
    try:
        receipt = load_receipt(notebook_path)
        changed = _changed(notebook_path, receipt) if receipt else None
        failing = load_failing(notebook_path)
        proof = _proof(notebook_path)
    except IstiolabError as wrong:
        reason = "; ".join((wrong.message, *wrong.where))
        return Status(state=State.FAILED, reason=reason, receipt=None)
    state, reason = _judge(receipt, changed, failing)
    if state is State.VERIFIED and receipt is not None and longest_days is not None:
        age = (now or datetime.now(UTC)) - receipt.started
        if age > timedelta(days=longest_days):
            state = State.STALE
            reason = f"its last run, of {receipt.started_at}, is {age.days} days old"
    return Status(state=state, reason=reason, receipt=receipt, failing=failing, proof=proof)


def _judge(
    receipt: Receipt | None, changed: str | None, failing: Failing | None
) -> tuple[State, str]:
    if failing is not None:
        return State.FAILING, f"no run passed since {failing.since}: {failing.what}"
    if receipt is None:
        return State.MISSING, "it was never verified"
    if changed:
        return State.STALE, f"{changed} changed since the run of {receipt.started_at}"
    return State.VERIFIED, f"it ran to its end at {receipt.started_at}"


def _proof(notebook_path: Path) -> Proof | None:
    proof = load_proof(notebook_path)
    return proof if proof is not None and holds(notebook_path, proof) else None


def _changed(notebook_path: Path, receipt: Receipt) -> str | None:
    if notebook_sha256(notebook_path) != receipt.notebook_sha256:
        return "the notebook"
    cells = code_of(notebook_path)
    if helpers_sha256(cells) != receipt.helpers_sha256:
        return "a helper that it uses"
    if manifests_sha256(cells, folder=notebook_path.parent) != receipt.manifests_sha256:
        return "a manifest"
    return None
