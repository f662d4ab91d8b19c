"""A run that passed in, its receipt out: which cells ran, with which inputs, when, on what."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from nbformat import NotebookNode

from istiolab.notebook.cells import names
from istiolab.notebook.execution import Execution
from istiolab.receipt.inputs import Inputs
from istiolab.receipt.record import STRICT, Record, Timestamp

# What a run and a page heed of the notebook's own metadata, and of a cell's.
_HEEDED = ("kernelspec", "istiolab", "title")
_HEEDED_OF_CELL = ("tags", "istiolab")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """One cell, and how long it took."""

    __pydantic_config__ = STRICT

    index: int
    """Its place among all cells, from 0."""
    id: str
    """Its id, which it keeps when it moves."""
    name: str | None
    """Its name, if it has one."""
    sha256: str
    """Digest of its kind, its source, its tags and its settings."""
    outputs_sha256: str | None
    """Digest of its outputs as a run wrote them; None if it has none."""
    seconds: float
    """How long it ran; 0 if it was not executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTime:
    """How long one wait for the cluster took."""

    __pydantic_config__ = STRICT

    what: str
    """What was waited for."""
    seconds: float
    """How long it took to come about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What the paper side knows of the cluster that a notebook runs on."""

    kubeconfig: Path
    """The way to it."""
    provider: str
    """Where the cluster comes from."""
    versions: Mapping[str, str]
    """Versions by part: kubernetes, istio, envoy."""
    images: Mapping[str, str]
    """Digest by image name."""
    mesh_config_sha256: str
    """Digest of the mesh's configuration."""
    machine: Mapping[str, str]
    """The machine: processor, memory, kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Record):
    """That one notebook was executed to its end without a failure."""

    __pydantic_config__ = STRICT
    SCHEMA: ClassVar[int] = 4
    KIND: ClassVar[str] = ""
    CALLED: ClassVar[str] = "the receipt"

    schema: int = SCHEMA
    """The version of this format."""
    cells: tuple[CellRecord, ...]
    """All cells in order."""
    metadata_sha256: str
    """Digest of what the notebook says about itself as a whole."""
    inputs: Inputs
    """What the run used besides."""
    mesh_config_sha256: str
    """Digest of the mesh's configuration."""
    drift: str
    """What became of the published outputs: `none` (they were true), or `updated`."""
    versions: Mapping[str, str]
    """Versions by part: kubernetes, istio, envoy, istiolab, python."""
    images: Mapping[str, str]
    """Digest by image name."""
    machine: Mapping[str, str]
    """The machine that it ran on."""
    provider: str
    """Where the cluster came from."""
    started_at: Timestamp
    """Start of the run, ISO 8601 in UTC."""
    attempts: int
    """How many runs it took since the last receipt, this one included; 1: it passed at once."""
    duration_seconds: float
    """How long the run took, the kernel's start included."""
    waits: tuple[WaitTime, ...]
    """The waits for the cluster in order."""

    @property
    def started(self) -> datetime:
        """Return the start of the run."""
        return datetime.fromisoformat(self.started_at)

    @property
    def outputs(self) -> Mapping[str, str | None]:
        """Return the digest of each cell's outputs by the cell's id."""
        return {cell.id: cell.outputs_sha256 for cell in self.cells}


def make_receipt(  # noqa: PLR0913 - each is a part of its own
    document: NotebookNode,
    inputs: Inputs,
    execution: Execution,
    cluster: ClusterFacts,
    waits: tuple[WaitTime, ...],
    *,
    drift: str,
    attempts: int = 1,
) -> Receipt:
    """Return the receipt of a run.

    Args:
        document: the notebook as it is published.
        inputs: what the run used besides.
        execution: the run.
        cluster: what it ran on.
        waits: how long it waited for what.
        drift: what became of the published outputs: `none`, or `updated`.
        attempts: how many runs it took, this one included.
    """
    took = {cell.index: cell.seconds for cell in execution.cells}
    return Receipt(
        cells=tuple(
            CellRecord(
                index=index,
                id=cell.id,
                name=next(iter(names(tuple(cell.metadata.get("tags", ())))), None),
                sha256=cell_sha256(cell),
                outputs_sha256=outputs_sha256(cell),
                seconds=round(took.get(index, 0.0), 2),
            )
            for index, cell in enumerate(document.cells)
        ),
        metadata_sha256=metadata_sha256(document),
        inputs=inputs,
        mesh_config_sha256=cluster.mesh_config_sha256,
        drift=drift,
        attempts=attempts,
        versions={
            **cluster.versions,
            "istiolab": version("istiolab"),
            "python": platform.python_version(),
        },
        images=cluster.images,
        machine=cluster.machine,
        provider=cluster.provider,
        started_at=execution.started_at,
        duration_seconds=round(execution.seconds, 1),
        waits=waits,
    )


def read_waits(record: Path) -> tuple[WaitTime, ...]:
    """Read the record of waits that a kernel left: JSON lines; none if it waited for nothing."""
    if not record.exists():
        return ()
    rows = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    return tuple(WaitTime(what=row["what"], seconds=row["seconds"]) for row in rows)


def cell_sha256(cell: NotebookNode) -> str:
    """Return the digest of what a cell is, but for what it put out."""
    heeded = _heeded(cell.metadata, _HEEDED_OF_CELL)
    return _digest([cell.cell_type, cell.source, cell.get("attachments", {}), heeded])


def outputs_sha256(cell: NotebookNode) -> str | None:
    """Return the digest of what a cell put out; None if that is nothing."""
    outputs = cell.get("outputs", [])
    return _digest(outputs) if outputs else None


def metadata_sha256(document: NotebookNode) -> str:
    """Return the digest of what a notebook says about itself as a whole."""
    return _digest(_heeded(document.metadata, _HEEDED))


def steps_sha256(document: NotebookNode) -> str:
    """Return the digest of what a notebook does: its code cells in order, without their outputs."""
    return _digest([cell_sha256(cell) for cell in document.cells if cell.cell_type == "code"])


def _heeded(metadata: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: metadata[key] for key in keys if metadata.get(key)}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
