"""A receipt: that a notebook ran to its end, when, on what; its JSON, and the way back.

Rule 1: reading is strict. A field too many or too few, or of a wrong type, is an error.
Rule 2: the JSON carries a digest over all else in it. It is no signature: it finds the slip of a
hand that edits a date or a version, and demands a run instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from istiolab.errors import IstiolabError

SCHEMA = 2
_DIGEST = "digest"
_TEXTS = (
    *("notebook_sha256", "helpers_sha256", "manifests_sha256", "mesh_config_sha256"),
    *("drift", "provider", "started_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTime:
    """How long one code cell took."""

    index: int
    """Its place among all cells, from 0."""
    name: str | None
    """Its name, if it has one."""
    seconds: float
    """How long it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTime:
    """How long one wait for the cluster took."""

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
    started_at: str
    """Start of the run, ISO 8601 in UTC."""
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
        table = asdict(self)
        table[_DIGEST] = _digest(table)
        return json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """Read what `to_json` wrote.

        Raises:
            IstiolabError: it is not JSON, not a receipt, or was changed after it was written.
        """
        table = _object(text)
        digest = table.pop(_DIGEST, None)
        if table.get("schema") != SCHEMA:
            raise IstiolabError(
                f"the receipt has the schema {table.get('schema')!r}, not {SCHEMA}",
                hint="run `istiolab verify` again",
            )
        if digest != _digest(table):
            raise IstiolabError(
                "the receipt was changed after it was written",
                where=("its digest does not match",),
                hint="run `istiolab verify` again",
            )
        return _receipt(table)


def _object(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise IstiolabError("the receipt is not valid JSON", where=(str(wrong),)) from wrong
    if not isinstance(table, dict):
        raise IstiolabError("the receipt is not a JSON object")
    return table


def _digest(table: Mapping[str, Any]) -> str:
    canonical = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _receipt(table: dict[str, Any]) -> Receipt:
    _demand_fields(table, Receipt, "the receipt")
    for each in ("versions", "images", "machine"):
        _demand_texts(table[each], each)
    for each in _TEXTS:
        _demand(isinstance(table[each], str), each)
    _demand(_is_time(table["started_at"]), "started_at")
    _demand(_is_number(table["duration_seconds"]), "duration_seconds")
    _demand(isinstance(table["cells"], list), "cells")
    _demand(isinstance(table["waits"], list), "waits")
    cells = tuple(_cell_time(each) for each in table.pop("cells"))
    waits = tuple(_wait_time(each) for each in table.pop("waits"))
    return Receipt(**table, cells=cells, waits=waits)


def _cell_time(table: Any) -> CellTime:
    _demand_fields(table, CellTime, "cells")
    _demand(isinstance(table["index"], int), "cells.index")
    _demand(table["name"] is None or isinstance(table["name"], str), "cells.name")
    _demand(_is_number(table["seconds"]), "cells.seconds")
    return CellTime(**table)


def _wait_time(table: Any) -> WaitTime:
    _demand_fields(table, WaitTime, "waits")
    _demand(isinstance(table["what"], str), "waits.what")
    _demand(_is_number(table["seconds"]), "waits.seconds")
    return WaitTime(**table)


def _demand_fields(table: Any, kind: type, name: str) -> None:
    _demand(isinstance(table, dict), name)
    wanted = {each.name for each in fields(kind)}
    unknown, missing = sorted(set(table) - wanted), sorted(wanted - set(table))
    if unknown or missing:
        raise IstiolabError(
            f"{name} has other fields than it must have",
            where=(
                *(f"unknown: {each}" for each in unknown),
                *(f"missing: {each}" for each in missing),
            ),
        )


def _demand_texts(value: object, name: str) -> None:
    texts = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    _demand(texts, name)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _demand(holds: bool, name: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise IstiolabError(f"the receipt's field `{name}` has the wrong type")
