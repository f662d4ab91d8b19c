"""A receipt: that a notebook ran to its end, when, on what; its JSON, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from istiolab.receipt.record import STRICT, Timestamp, dump, load

SCHEMA = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTime:
    """How long one code cell took."""

    __pydantic_config__ = STRICT

    index: int
    """Its place among all cells, from 0."""
    name: str | None
    """Its name, if it has one."""
    seconds: float
    """How long it ran."""


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
class Receipt:
    """That one notebook was executed to its end without a failure."""

    __pydantic_config__ = STRICT

    schema: int = SCHEMA
    """The version of this format."""
    notebook_sha256: str
    """Digest of the notebook's file, outputs included, as the run wrote it."""
    helpers_sha256: str
    """Digest of the definitions of the library that the notebook's cells reach."""
    manifests_sha256: str
    """Digest of the files that the notebook's cells name."""
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
    cells: tuple[CellTime, ...]
    """The code cells in order."""
    waits: tuple[WaitTime, ...]
    """The waits for the cluster in order."""

    @property
    def started(self) -> datetime:
        """Return the start of the run."""
        return datetime.fromisoformat(self.started_at)

    def to_json(self) -> str:
        """Return the receipt as JSON text, with its digest."""
        return dump(self)

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """Read what `to_json` wrote.

        Raises:
            IstiolabError: it is not JSON, not a receipt, or was changed after it was written.
        """
        return load(cls, text, schema=SCHEMA, called="the receipt")
