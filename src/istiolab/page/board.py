"""All notebooks with what their receipts say in, one table for a page out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from istiolab.errors import IstiolabError
from istiolab.page.stamp import duration, moment, proven, ran_on, state_label
from istiolab.page.words import Words
from istiolab.receipt.ledger import Record
from istiolab.receipt.model import CellRecord, Receipt, WaitTime
from istiolab.receipt.store import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One notebook."""

    title: str
    """Its title."""
    link: str
    """The address of its own page, relative to the page with the table."""
    status: Status
    """What its receipt says."""


def render_board(entries: Iterable[Entry], *, words: Words) -> str:
    """Return the table as one block of HTML: a row for each notebook."""
    names = (
        *(words.notebook_name, words.state, words.ran_at, words.took),
        *(words.slowest_cell, words.waits, words.versions, words.proof),
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(_row(entry, words) for entry in entries)
    return (
        f'<div class="cell-output" role="region" tabindex="0" aria-label="{escape(words.board)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def render_ledger(records: Iterable[Record], *, titles: Mapping[str, str], words: Words) -> str:
    """Return how steady the notebooks were when run again and again, as one block of HTML.

    Args:
        records: what the ledger says, a record for each notebook; none is an error of the page.
        titles: a title for each notebook.
        words: the words of the page's language.

    Raises:
        IstiolabError: there is no run on record.
    """
    rows = [
        (
            escape(titles[each.notebook]),
            str(each.runs),
            str(each.passed),
            str(each.differences),
            escape(duration(each.slowest_seconds, words)),
            f"{moment(each.first)} – {moment(each.last)}",
        )
        for each in records
    ]
    if not rows:
        raise IstiolabError("the ledger is empty", where=("`istiolab verify --repeat N` fills it",))
    names = (
        *(words.notebook_name, words.runs, words.passed_runs, words.differences),
        *(words.slowest_run, words.ran_at),
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="cell-output" role="region" tabindex="0" aria-label="{escape(words.ledger)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def slowest(cells: Iterable[CellRecord]) -> CellRecord | None:
    """Return the cell that took longest; None if there is none."""
    return max(cells, key=lambda cell: cell.seconds, default=None)


def longest(waits: Iterable[WaitTime]) -> WaitTime | None:
    """Return the wait that took longest; None if there is none."""
    return max(waits, key=lambda wait: wait.seconds, default=None)


def _row(entry: Entry, words: Words) -> str:
    label = state_label(entry.status, words)
    state = f'<span class="state state--{entry.status.state}">{escape(label)}</span>'
    cells = (f'<a href="{escape(entry.link)}">{escape(entry.title)}</a>', state)
    facts = _facts(entry.status.receipt, words) if entry.status.receipt else ("",) * 5
    proof = escape(proven(entry.status.proof, words))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in (*cells, *facts, proof))}</tr>"


def _facts(receipt: Receipt, words: Words) -> tuple[str, ...]:
    cell, wait = slowest(receipt.cells), longest(receipt.waits)
    return (
        moment(receipt.started_at),
        escape(duration(receipt.duration_seconds, words)),
        escape(f"{cell.name or cell.index + 1}: {cell.seconds:.1f} s") if cell else "",
        escape(
            words.waits_of.format(count=len(receipt.waits), what=wait.what, seconds=wait.seconds)
        )
        if wait
        else "",
        escape(" · ".join(ran_on(receipt))),
    )
