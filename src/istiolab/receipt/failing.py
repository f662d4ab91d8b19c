"""A run that did not pass in; a record of it out, which stays until a run passes.

So the site can go on showing what was verified last, and say since when that fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from istiolab.errors import IstiolabError
from istiolab.receipt.record import STRICT, Record, Timestamp, load_record, save_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing(Record):
    """That no run of a notebook passed any more, since when, and what became of the last one."""

    __pydantic_config__ = STRICT
    SCHEMA: ClassVar[int] = 1
    KIND: ClassVar[str] = "failing"
    CALLED: ClassVar[str] = "the record of its failures"

    schema: int = SCHEMA
    """The version of this format."""
    since: Timestamp
    """Start of the first run that did not pass, ISO 8601 in UTC."""
    last: Timestamp
    """Start of the last one."""
    attempts: int
    """How many there were."""
    outcome: str
    """The word for what came of the last one."""
    what: str
    """What happened in the last one, in one line."""
    versions: Mapping[str, str]
    """What it ran on: versions by part."""


def record_failure(
    notebook_path: Path, *, started_at: str, outcome: str, what: str, versions: Mapping[str, str]
) -> Failing:
    """Write down that a run did not pass, and return the record.

    Args:
        notebook_path: the notebook.
        started_at: start of the run, ISO 8601 in UTC.
        outcome: the word for what came of it.
        what: what happened, in one line.
        versions: what it ran on.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    before = _believed(notebook_path)
    failing = Failing(
        since=before.since if before else started_at,
        last=started_at,
        attempts=before.attempts + 1 if before else 1,
        outcome=outcome,
        what=what,
        versions=dict(versions),
    )
    save_record(notebook_path, failing)
    return failing


def failed_runs(notebook_path: Path) -> int:
    """Return how many runs did not pass since the last one that did."""
    before = _believed(notebook_path)
    return before.attempts if before else 0


def _believed(notebook_path: Path) -> Failing | None:
    try:
        return load_record(notebook_path, Failing)
    except IstiolabError:  # what nobody can believe is begun anew by the next run
        return None
