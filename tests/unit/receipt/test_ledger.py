from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import IstiolabError
from istiolab.receipt.ledger import Entry, add_entries, ledger_path, read_ledger, summarise


def _entry(outcome: str = "verified", *, notebook: str = "a", differences: int = 0) -> Entry:
    return Entry(
        notebook=notebook,
        started_at="2026-11-24T00:00:00Z",
        outcome=outcome,
        seconds=61.5,
        differences=differences,
    )


def test_entries_are_added_behind_those_that_are_there(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == ()
    add_entries(tmp_path, [_entry(), _entry("drifted", differences=2)])
    add_entries(tmp_path, [_entry(notebook="b")])
    assert [entry.notebook for entry in read_ledger(tmp_path)] == ["a", "a", "b"]


def test_a_run_that_did_not_pass_is_counted_and_not_hidden() -> None:
    entries = [_entry(), _entry("drifted", differences=2), _entry("broken"), _entry(notebook="b")]
    first, second = summarise(entries)
    assert (first.notebook, first.runs, first.passed, first.differences) == ("a", 3, 1, 2)
    assert (second.notebook, second.runs, second.passed) == ("b", 1, 1)


def test_a_ledger_that_is_none_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    add_entries(tmp_path, [_entry()])
    path = ledger_path(tmp_path)
    path.write_text("not JSON\n")
    with pytest.raises(IstiolabError, match="cannot be read"):
        add_entries(tmp_path, [_entry()])
    assert path.read_text() == "not JSON\n"
