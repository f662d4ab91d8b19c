"""A table as HTML in, the same with the cells marked that a page points at out.

Rule 1: a cell is named by its column's head and by all that it says; a mark that fits no cell is
for the caller to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

# What `clean` lets pass: elements are balanced, and names in lower case.
_ROW = re.compile(r"<tr\b[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"(<(t[hd])\b[^>]*>)(.*?)(</\2>)", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Cells of a table that a page points at."""

    column: str
    """What their column's head says."""
    value: str
    """What they say."""

    def __str__(self) -> str:
        return f"{self.column}={self.value}"


def read_marks(text: str) -> tuple[Mark, ...] | None:
    """Read `COLUMN=VALUE, COLUMN=VALUE`; None: it is not of that form."""
    parts = [part.partition("=") for part in text.split(",")]
    if not all(column.strip() and value.strip() for column, _, value in parts):
        return None
    return tuple(Mark(column=column.strip(), value=value.strip()) for column, _, value in parts)


def mark_cells(html: str, marks: Sequence[Mark]) -> tuple[str, frozenset[Mark]]:
    """Return `html` with the cells marked, and the marks that fitted one."""
    heads: list[str] = []
    found: set[Mark] = set()

    def mark_row(row: re.Match[str]) -> str:
        cells = list(_CELL.finditer(row[1]))
        if cells and all(cell[2] == "th" for cell in cells):
            heads[:] = [_text(cell[3]) for cell in cells]
            return row[0]
        place = iter(range(len(cells)))
        marked = _CELL.sub(lambda cell: mark_cell(cell, next(place)), row[1])
        return row[0].replace(row[1], marked, 1)

    def mark_cell(cell: re.Match[str], place: int) -> str:
        head = heads[place] if place < len(heads) else ""
        fitting = Mark(column=head, value=_text(cell[3]))
        if fitting not in marks:
            return cell[0]
        found.add(fitting)
        return f"{cell[1]}<mark>{cell[3]}</mark>{cell[4]}"

    return _ROW.sub(mark_row, html), frozenset(found)


def _text(html: str) -> str:
    return " ".join(unescape(_TAG.sub("", html)).split())
