"""All notebooks with what their receipts say in, one table for a page out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from istiolab.page.stamp import duration, moment, state_label
from istiolab.page.words import Words
from istiolab.receipt.model import CellTime, Receipt, WaitTime
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
        *(words.slowest_cell, words.waits, words.versions),
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(_row(entry, words) for entry in entries)
    return (
        f'<div class="cell-output" role="region" tabindex="0" aria-label="{escape(words.board)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def slowest(cells: Iterable[CellTime]) -> CellTime | None:
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
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in (*cells, *facts))}</tr>"


def _facts(receipt: Receipt, words: Words) -> tuple[str, ...]:
    cell, wait = slowest(receipt.cells), longest(receipt.waits)
    parts = (f"{part} {receipt.versions.get(part, '?')}" for part in ("istio", "envoy"))
    return (
        moment(receipt.started_at),
        escape(duration(receipt.duration_seconds, words)),
        escape(f"{cell.name or cell.index + 1}: {cell.seconds:.1f} s") if cell else "",
        escape(
            words.waits_of.format(count=len(receipt.waits), what=wait.what, seconds=wait.seconds)
        )
        if wait
        else "",
        escape(" · ".join(parts)),
    )
