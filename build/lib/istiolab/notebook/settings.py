"""What a cell says about itself in its metadata, `istiolab`: JSON in, frozen values out.

{"istiolab": {"timeout_seconds": 30,
              "columns": {"pushes": "counter"},
              "split": {"column": "version", "count": "requests",
                        "expected": {"v1": 0.9, "v2": 0.1}, "significance": 0.001}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from istiolab.errors import KernelError

KINDS = ("age", "duration", "counter")
_KNOWN = frozenset({"timeout_seconds", "columns", "split"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Requests that were shared out at random: how, and how far from it is still chance."""

    column: str
    """The column that names where a request went."""
    count: str
    """The column that counts."""
    expected: Mapping[str, float]
    """The share of each, from 0 to 1."""
    significance: float
    """How likely a count outside the bound is if the shares are as expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a cell says about itself."""

    timeout_seconds: float | None = None
    """Its deadline; None means the run's own."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The kind (`age`, `duration`, `counter`) of table columns that differ from run to run."""
    split: Split | None = None
    """How its table of counts is to be compared; None means by its text."""


def read_settings(metadata: Mapping[str, Any], *, cell: str) -> Settings:
    """Read the settings in a cell's metadata; `cell` is what messages call it.

    Raises:
        KernelError: a setting is unknown, or its value makes no sense.
    """
    table = metadata.get("istiolab", {})
    if not isinstance(table, Mapping) or set(table) - _KNOWN:
        raise _wrong(cell, f"it may hold {', '.join(sorted(_KNOWN))}, and nothing else")
    timeout, columns = table.get("timeout_seconds"), table.get("columns", {})
    if timeout is not None and not _is_positive(timeout):
        raise _wrong(cell, "timeout_seconds must be a positive number")
    if not isinstance(columns, Mapping) or any(kind not in KINDS for kind in columns.values()):
        raise _wrong(cell, f"columns must map names to one of {', '.join(KINDS)}")
    return Settings(
        timeout_seconds=timeout,
        columns=dict(columns),
        split=_split(table["split"], cell) if "split" in table else None,
    )


def _split(table: Any, cell: str) -> Split:
    try:
        split = Split(**table)
        shares = list(split.expected.values())
        sound = all(0 <= share <= 1 for share in shares) and abs(sum(shares) - 1) < 1e-9
        sound = sound and 0 < split.significance < 1
    except (TypeError, AttributeError) as wrong:
        raise _wrong(cell, f"split: {wrong}") from wrong
    if not isinstance(split.column, str) or not isinstance(split.count, str):
        raise _wrong(cell, "split: column and count must be names of columns")
    if not sound:
        raise _wrong(cell, "split: shares must add up to 1, and significance lie between 0 and 1")
    return split


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _wrong(cell: str, why: str) -> KernelError:
    return KernelError(f"{cell} has metadata `istiolab` that makes no sense", where=(why,))
