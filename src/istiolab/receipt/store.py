"""Where receipts lie, and what the records of a notebook say about it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from istiolab.errors import IstiolabError
from istiolab.receipt.changes import changes_since
from istiolab.receipt.failing import Failing
from istiolab.receipt.model import Receipt
from istiolab.receipt.proof import Proof, standing_proof
from istiolab.receipt.record import OldRecordError, load_record, record_path, save_record

# How many changes a reason names.
_TOLD = 3


class State(StrEnum):
    """What may be said about a notebook."""

    VERIFIED = "verified"
    """It ran as it stands, with all that it used as it stands."""
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
    changes: tuple[str, ...] = ()
    """What is not as it was when it ran, each in a few words."""


def receipt_path(notebook_path: Path) -> Path:
    """Return where the receipt of a notebook lies."""
    return record_path(notebook_path, Receipt)


def load_receipt(notebook_path: Path) -> Receipt | None:
    """Read the receipt of a notebook; None if it has none.

    Raises:
        OldRecordError: it is in the format of an older version.
        IstiolabError: it is not as it was written.
    """
    return load_record(notebook_path, Receipt)


def believed_receipt(notebook_path: Path) -> Receipt | None:
    """Return the receipt of a notebook; None if there is none that can be believed."""
    try:
        return load_receipt(notebook_path)
    except IstiolabError:
        return None


def last_seconds(notebook_path: Path) -> float | None:
    """Return how long a notebook took when it passed last; None if nobody knows."""
    receipt = believed_receipt(notebook_path)
    return receipt.duration_seconds if receipt else None


def write_receipt(notebook_path: Path, receipt: Receipt) -> Path:
    """Write the receipt of a notebook in one piece, and return where it lies.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    return save_record(notebook_path, receipt)


def status(
    notebook_path: Path, *, now: datetime | None = None, longest_days: float | None = None
) -> Status:
    """Say what the records of a notebook are worth now.

    Args:
        notebook_path: the notebook.
        now: the time at which it is asked; None means the present.
        longest_days: how old a run may be; None means as old as it likes.
    """
    old: tuple[str, ...] = ()
    try:
        failing = load_record(notebook_path, Failing)
        proof = standing_proof(notebook_path)
        try:
            receipt = load_receipt(notebook_path)
        except OldRecordError as wrong:
            receipt, old = None, (wrong.message,)
        changes = old or (changes_since(notebook_path, receipt) if receipt else ())
    except IstiolabError as wrong:
        reason = "; ".join((wrong.message, *wrong.where))
        return Status(state=State.FAILED, reason=reason, receipt=None)
    age = (now or datetime.now(UTC)) - receipt.started if receipt else timedelta()
    too_old = longest_days is not None and age > timedelta(days=longest_days)
    state, reason = _judge(receipt, changes, failing, days=age.days if too_old else None)
    return Status(
        state=state,
        reason=reason,
        receipt=receipt,
        failing=failing,
        proof=proof,
        changes=changes,
    )


def _judge(
    receipt: Receipt | None,
    changes: tuple[str, ...],
    failing: Failing | None,
    *,
    days: int | None,
) -> tuple[State, str]:
    if failing is not None:
        return State.FAILING, f"no run passed since {failing.since}: {failing.what}"
    if changes:
        more = f"; and {len(changes) - _TOLD} more" if len(changes) > _TOLD else ""
        since = f"since the run of {receipt.started_at}: " if receipt else ""
        return State.STALE, f"{since}{'; '.join(changes[:_TOLD])}{more}"
    if receipt is None:
        return State.MISSING, "it was never verified"
    if days is not None:
        return State.STALE, f"its last run, of {receipt.started_at}, is {days} days old"
    return State.VERIFIED, f"it ran to its end at {receipt.started_at}"
