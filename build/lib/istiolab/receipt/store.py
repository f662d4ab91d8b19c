"""Where receipts lie, and what the one of a notebook says about it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from istiolab.errors import HostError, IstiolabError
from istiolab.receipt.fingerprint import code_of, notebook_sha256
from istiolab.receipt.model import Receipt
from istiolab.receipt.uses import helpers_sha256, manifests_sha256
from istiolab.system.files import write_atomic

FOLDER = "receipts"


class State(StrEnum):
    """What may be said about a notebook."""

    VERIFIED = "verified"
    """It ran as it stands, with the helpers and manifests that it uses as they stand."""
    STALE = "stale"
    """It ran, and it or what it uses changed since; or that was too long ago."""
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


def receipt_path(notebook_path: Path) -> Path:
    """Return where the receipt of a notebook lies: in a folder beside the notebook."""
    return notebook_path.parent / FOLDER / f"{notebook_path.stem}.json"


def load_receipt(notebook_path: Path) -> Receipt | None:
    """Read the receipt of a notebook; None if it has none.

    Raises:
        IstiolabError: there is one, and it is not as it was written.
    """
    path = receipt_path(notebook_path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as wrong:
        raise IstiolabError("the receipt cannot be read", where=(str(wrong),)) from wrong
    return Receipt.from_json(text)


def write_receipt(notebook_path: Path, receipt: Receipt) -> Path:
    """Write the receipt of a notebook in one piece, and return where it lies.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    path = receipt_path(notebook_path)
    write_text(path, receipt.to_json())
    return path


def write_text(path: Path, text: str) -> None:
    """Write a notebook or a receipt in one piece: a reader finds the old one or the new one.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    except OSError as wrong:
        raise HostError(f"`{path}` could not be written", where=(str(wrong),)) from wrong


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
    except IstiolabError as wrong:
        reason = "; ".join((wrong.message, *wrong.where))
        return Status(state=State.FAILED, reason=reason, receipt=None)
    if receipt is None:
        return Status(state=State.MISSING, reason="it was never verified", receipt=None)
    if changed:
        reason = f"{changed} changed since the run of {receipt.started_at}"
        return Status(state=State.STALE, reason=reason, receipt=receipt)
    age = (now or datetime.now(UTC)) - receipt.started
    if longest_days is not None and age > timedelta(days=longest_days):
        reason = f"its last run, of {receipt.started_at}, is {age.days} days old"
        return Status(state=State.STALE, reason=reason, receipt=receipt)
    return Status(
        state=State.VERIFIED, reason=f"it ran to its end at {receipt.started_at}", receipt=receipt
    )


def _changed(notebook_path: Path, receipt: Receipt) -> str | None:
    if notebook_sha256(notebook_path) != receipt.notebook_sha256:
        return "the notebook"
    cells = code_of(notebook_path)
    if helpers_sha256(cells) != receipt.helpers_sha256:
        return "a helper that it uses"
    if manifests_sha256(cells, folder=notebook_path.parent) != receipt.manifests_sha256:
        return "a manifest"
    return None
