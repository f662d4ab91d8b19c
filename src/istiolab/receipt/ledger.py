"""Runs of notebooks repeated to see how steady they are: entries in, a ledger beside the receipts.

No run is left out: what failed stays on record beside what passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from istiolab.errors import IstiolabError
from istiolab.receipt.record import FOLDER, STRICT
from istiolab.system.files import write_text

NAME = "ledger.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run of one notebook."""

    __pydantic_config__ = STRICT

    notebook: str
    """The notebook's file name without its ending."""
    started_at: str
    """Start of the run, ISO 8601 in UTC."""
    outcome: str
    """The word for what came of it."""
    seconds: float
    """How long it took."""
    differences: int
    """How many cells had outputs other than the published ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the ledger says of one notebook."""

    notebook: str
    """The notebook's file name without its ending."""
    runs: int
    """How often it was run."""
    passed: int
    """How many runs passed."""
    differences: int
    """How many cells differed, over all runs."""
    slowest_seconds: float
    """How long the slowest run took."""
    first: str
    """Start of the first run, ISO 8601 in UTC."""
    last: str
    """Start of the last run."""


def ledger_path(folder: Path) -> Path:
    """Return where the ledger of the notebooks in `folder` lies."""
    return folder / FOLDER / NAME


def read_ledger(folder: Path) -> tuple[Entry, ...]:
    """Read the ledger, oldest entry first; empty if there is none.

    Raises:
        IstiolabError: a line is none of ours.
    """
    path = ledger_path(folder)
    if not path.exists():
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return tuple(_entry(line, number) for number, line in enumerate(lines, start=1))
    except (OSError, ValueError) as wrong:
        raise IstiolabError(f"the ledger `{path}` cannot be read", where=(str(wrong),)) from wrong


def _entry(line: str, number: int) -> Entry:
    try:
        return TypeAdapter(Entry).validate_json(line)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(("", *(str(each) for each in first["loc"])))
        raise ValueError(f"line {number}{place}: {first['msg']}") from wrong


def add_entries(folder: Path, entries: Iterable[Entry]) -> None:
    """Add entries to the ledger, in one piece.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
        IstiolabError: the ledger that is there cannot be read.
    """
    every = (*read_ledger(folder), *entries)
    text = "".join(json.dumps(asdict(entry), sort_keys=True) + "\n" for entry in every)
    write_text(ledger_path(folder), text)


def summarise(entries: Iterable[Entry]) -> tuple[Record, ...]:
    """Return what entries say of each notebook, sorted by name."""
    listed = list(entries)
    records = []
    for name in sorted({entry.notebook for entry in listed}):
        own = [entry for entry in listed if entry.notebook == name]
        records.append(
            Record(
                notebook=name,
                runs=len(own),
                passed=sum(entry.outcome == "verified" for entry in own),
                differences=sum(entry.differences for entry in own),
                slowest_seconds=max(entry.seconds for entry in own),
                first=min(entry.started_at for entry in own),
                last=max(entry.started_at for entry in own),
            )
        )
    return tuple(records)
