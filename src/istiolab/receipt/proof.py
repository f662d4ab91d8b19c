"""A notebook's ablations in, the record that each of its causes is one out; and what it is worth.

The key is what the cells do, not what they put out: new outputs prove and disprove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from istiolab.receipt.fingerprint import code_of, steps_sha256
from istiolab.receipt.place import read_record, record_path, remove, write_text
from istiolab.receipt.record import STRICT, Timestamp, dump, load
from istiolab.receipt.uses import helpers_sha256, manifests_sha256

SCHEMA = 1
_CALLED = "the proof of its causes"


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
class Proof:
    """That a check fails without each of a notebook's causes, and each check without one."""

    __pydantic_config__ = STRICT

    schema: int = SCHEMA
    """The version of this format."""
    steps_sha256: str
    """Digest of the sources and tags of the code cells."""
    helpers_sha256: str
    """Digest of the definitions of the library that they reach."""
    manifests_sha256: str
    """Digest of the files that they name."""
    versions: Mapping[str, str]
    """What it ran on: versions by part."""
    started_at: Timestamp
    """When the ablations began, ISO 8601 in UTC."""
    duration_seconds: float
    """How long they took, from the first start to the last end."""
    runs: tuple[WithoutCause, ...]
    """The runs, in the order of the causes."""


def proof_path(notebook_path: Path) -> Path:
    """Return where the proof of a notebook lies."""
    return record_path(notebook_path, "proof")


def load_proof(notebook_path: Path) -> Proof | None:
    """Read the proof of a notebook; None if it has none.

    Raises:
        IstiolabError: there is one, and it is not as it was written.
    """
    text = read_record(proof_path(notebook_path), called=_CALLED)
    return load(Proof, text, schema=SCHEMA, called=_CALLED) if text is not None else None


def holds(notebook_path: Path, proof: Proof) -> bool:
    """Tell whether a proof is about the notebook, and what it uses, as they stand.

    Raises:
        KernelError: it is no notebook.
    """
    cells = code_of(notebook_path)
    return (
        proof.steps_sha256 == steps_sha256(notebook_path)
        and proof.helpers_sha256 == helpers_sha256(cells)
        and proof.manifests_sha256 == manifests_sha256(cells, folder=notebook_path.parent)
    )


def write_proof(
    notebook_path: Path,
    runs: Iterable[WithoutCause],
    *,
    started_at: str,
    duration_seconds: float,
    versions: Mapping[str, str],
) -> Proof:
    """Write down that a notebook's causes are proven, and return the record.

    Raises:
        KernelError: it is no notebook.
        HostError: the disk is full, or the folder cannot be written.
    """
    cells = code_of(notebook_path)
    proof = Proof(
        steps_sha256=steps_sha256(notebook_path),
        helpers_sha256=helpers_sha256(cells),
        manifests_sha256=manifests_sha256(cells, folder=notebook_path.parent),
        versions=dict(versions),
        started_at=started_at,
        duration_seconds=round(duration_seconds, 1),
        runs=tuple(runs),
    )
    write_text(proof_path(notebook_path), dump(proof))
    return proof


def remove_proof(notebook_path: Path) -> None:
    """Remove the proof, since the ablations found that it does not hold.

    Raises:
        HostError: the folder cannot be written.
    """
    remove(proof_path(notebook_path))
