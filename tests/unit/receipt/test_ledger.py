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


@pytest.mark.parametrize(
    "change",
    [
        *('"seconds": "long"', '"notebook": 1', '"notebook": "\\ud800"', '"other": 1'),
        *(
            '"differences": ' + "9" * 5000 + "x",
            '"differences": ' + "[" * 100_000,
            '"seconds": null',
        ),
    ],
    ids=lambda change: change[:24],
)
def test_a_line_that_is_no_entry_is_an_error_that_names_it(tmp_path: Path, change: str) -> None:
    add_entries(tmp_path, [_entry(), _entry()])
    path = ledger_path(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text(f"{lines[0]}\n{lines[1].rstrip('}')}, {change}}}\n")
    with pytest.raises(IstiolabError, match="cannot be read") as caught:
        read_ledger(tmp_path)
    assert caught.value.where[0].startswith("line 2")


def test_a_ledger_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    ledger_path(tmp_path).mkdir(parents=True)
    with pytest.raises(IstiolabError, match="cannot be read"):
        read_ledger(tmp_path)


def test_the_ledger_of_the_project_can_be_read() -> None:
    assert read_ledger(Path(__file__).parents[3] / "notebooks")
