"""A notebook's ablations in, the record that each of its causes is one out; and what it is worth.

The key is what the cells do, not what they put out: new outputs prove and disprove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from istiolab.errors import IstiolabError
from istiolab.notebook.document import load_document
from istiolab.receipt.inputs import Inputs, changed_inputs
from istiolab.receipt.model import steps_sha256
from istiolab.receipt.record import STRICT, OldRecordError, Record, Timestamp, load_record


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutCause:
    """One run of a notebook without one of its causes."""

    __pydantic_config__ = STRICT

    cause: str
    """What messages call the cell that was left out."""
    check: str
    """What messages call the check that failed."""
    how: str
    """How it failed, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Record):
    """That a check fails without each of a notebook's causes, and each check without one."""

    __pydantic_config__ = STRICT
    SCHEMA: ClassVar[int] = 2
    KIND: ClassVar[str] = "proof"
    CALLED: ClassVar[str] = "the proof of its causes"

    schema: int = SCHEMA
    """The version of this format."""
    steps_sha256: str
    """Digest of the code cells, without their outputs."""
    inputs: Inputs
    """What the runs used besides."""
    versions: Mapping[str, str]
    """What it ran on: versions by part."""
    started_at: Timestamp
    """When the ablations began, ISO 8601 in UTC."""
    duration_seconds: float
    """How long they took, from the first start to the last end."""
    runs: tuple[WithoutCause, ...]
    """The runs, in the order of the causes."""


def holds(notebook_path: Path, proof: Proof) -> bool:
    """Tell whether a proof is about the notebook, and what it uses, as they stand.

    Raises:
        KernelError: it is no notebook.
    """
    if proof.steps_sha256 != steps_sha256(load_document(notebook_path)):
        return False
    return not changed_inputs(proof.inputs, notebook_path.parent)


def standing_proof(notebook_path: Path) -> Proof | None:
    """Return the proof of a notebook; None if it has none that holds.

    Raises:
        IstiolabError: there is one, and it is not as it was written.
    """
    try:
        proof = load_record(notebook_path, Proof)
    except OldRecordError:
        return None
    return proof if proof is not None and holds(notebook_path, proof) else None


def is_proven(notebook_path: Path) -> bool:
    """Tell whether the causes of a notebook are proven as it stands."""
    try:
        return standing_proof(notebook_path) is not None
    except IstiolabError:  # what cannot be believed is proven anew
        return False
