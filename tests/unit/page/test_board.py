from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from istiolab.errors import IstiolabError
from istiolab.page.board import Entry, longest, render_board, render_ledger, slowest
from istiolab.page.words import LANGUAGES, read_words
from istiolab.receipt.ledger import Record
from istiolab.receipt.model import CellRecord, WaitTime
from istiolab.receipt.store import State, Status
from tests.unit.page.build import proof, receipt


def _cell(index: int, name: str, seconds: float) -> CellRecord:
    return CellRecord(
        index=index, id=name, name=name, sha256="0", outputs_sha256=None, seconds=seconds
    )


CELLS = (_cell(1, "first", 0.5), _cell(4, "matrix <b>", 15.25))
WAITS = (WaitTime(what="rollout of a", seconds=4.0), WaitTime(what="endpoints", seconds=0.1))


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.rows[-1][-1] += data


def _rows(*entries: Entry, language: str = "en") -> list[list[str]]:
    reader = _Cells()
    reader.feed(render_board(entries, words=read_words(language)))
    return reader.rows


def _entry(state: State = State.VERIFIED, *, title: str = "426 & more") -> Entry:
    known = None if state in (State.MISSING, State.FAILED) else receipt()
    if known:
        known = replace(known, cells=CELLS, waits=WAITS)
    return Entry(
        title=title, link="../x/?a=1&b=2", status=Status(state=state, reason="", receipt=known)
    )


def test_a_row_says_when_how_long_the_slowest_cell_and_the_longest_wait() -> None:
    head, row = _rows(_entry())
    assert head == [
        *("Notebook", "State", "Run", "Duration", "Slowest cell", "Waits", "Versions"),
        "Causes",
    ]
    assert row == [
        "426 & more",
        "Verified",
        "2026-01-02 03:04 UTC",
        "1 min 2 s",
        "matrix <b>: 15.2 s",
        "2, the longest 4.0 s: rollout of a",
        "Istio 1.28.2 · Kubernetes 1.34.0",
        "not proven as they stand",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_own_words_and_a_whole_row(language: str, state: State) -> None:
    words = read_words(language)
    _, row = _rows(_entry(state), language=language)
    assert len(row) == 8
    assert row[1] == getattr(words, state)
    assert (row[2] == "") == (state in (State.MISSING, State.FAILED))


def test_a_run_without_cells_or_waits_leaves_them_empty() -> None:
    entry = Entry(
        title="a", link="a", status=Status(state=State.STALE, reason="", receipt=receipt())
    )
    assert _rows(entry)[1][4:6] == ["", ""]
    assert slowest(()) is None
    assert longest(()) is None


def test_a_proof_is_told_with_its_number_of_causes_and_its_day() -> None:
    entry = _entry()
    proven = replace(entry, status=replace(entry.status, proof=proof()))
    assert _rows(proven)[1][7] == (
        "2, each left out in turn: a check failed every time (2026-01-04)"
    )


def test_each_notebook_has_a_row_in_the_order_given() -> None:
    rows = _rows(_entry(title="b"), _entry(title="a"))
    assert [row[0] for row in rows[1:]] == ["b", "a"]


def test_the_ledger_says_how_often_each_was_run_and_what_came_of_it() -> None:
    record = Record(
        notebook="x",
        runs=20,
        passed=19,
        differences=1,
        slowest_seconds=81.2,
        first="2026-01-02T03:04:05Z",
        last="2026-01-02T04:04:05Z",
    )
    reader = _Cells()
    reader.feed(render_ledger([record], titles={"x": "A & B"}, words=read_words("en")))
    head, row = reader.rows
    assert head == ["Notebook", "Runs", "Passed", "Differences", "Slowest run", "Run"]
    assert row == [
        *("A & B", "20", "19", "1", "1 min 21 s"),
        "2026-01-02 03:04 UTC – 2026-01-02 04:04 UTC",
    ]


def test_an_empty_ledger_is_no_evidence() -> None:
    with pytest.raises(IstiolabError, match="empty"):
        render_ledger([], titles={}, words=read_words("en"))
