"""Rows in, a table out: HTML in a notebook, aligned text in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Generic, Protocol, TypeVar, overload


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Column names and rows of text."""

    columns: tuple[str, ...]
    """The column names."""
    rows: tuple[tuple[str, ...], ...]
    """The rows, each as long as `columns`."""

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "\n".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"

    def __str__(self) -> str:
        lines = (self.columns, *self.rows)
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def __repr__(self) -> str:
        return str(self)


class Shown(Protocol):
    """Something that is one row of a table."""

    def row(self) -> Mapping[str, str]:
        """Return column names and what stands under them."""


Item = TypeVar("Item", bound=Shown)


class Listing(Sequence[Item], Generic[Item]):
    """A sequence of things that shows itself as a table, a row each."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = tuple(items)

    @property
    def table(self) -> Table:
        """Return the table."""
        rows = [item.row() for item in self._items]
        columns = tuple(rows[0]) if rows else ("nothing found",)
        return Table(
            columns=columns, rows=tuple(tuple(row[name] for name in columns) for row in rows)
        )

    def where(self, wanted: Callable[[Item], bool]) -> Listing[Item]:
        """Return those for which `wanted` holds."""
        return Listing(item for item in self._items if wanted(item))

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> Listing[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | Listing[Item]:
        if isinstance(place, slice):
            return Listing(self._items[place])
        return self._items[place]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def __str__(self) -> str:
        return str(self.table)

    def __repr__(self) -> str:
        return str(self.table)
