"""The text or HTML of an output in, its structure out: a table, a JSON or YAML value, or lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from istiolab.notebook.cells import Output
from istiolab.verdict.markup import read_html

# kubectl sets columns apart by three blanks, and by two where the widest cell ends.
_GAP = re.compile(r" {2,}")
# One blank belongs to a name (`LAST SEEN`), two end it: no text can be read in two ways, which
# would cost time that doubles with each column.
_NAME = r"[A-Z][A-Z()\-]*(?: [A-Z()\-]+)*"
_HEAD = re.compile(rf"{_NAME}(?: {{2,}}{_NAME})+\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table."""

    columns: tuple[str, ...]
    """The names in its head."""
    rows: tuple[tuple[str, ...], ...]
    """Its rows; a row that is shorter or longer than the head stays as it is."""


Head = tuple[str, ...]
"""The names in a table's head."""

Shape = Grid | str | dict[str, Any] | list[Any]
"""A table, a text, or a parsed value."""


def shapes_of(output: Output) -> tuple[Shape, ...]:
    """Return the parts, in their order, of what a page shows of an output.

    That is its HTML before its text, and its Markdown where there is neither.
    """
    if output.html:
        return html_shapes(output.html)
    return text_shapes(output.text if output.text.strip() else output.markdown or "")


def html_shapes(html: str) -> tuple[Shape, ...]:
    """Return the parts of HTML: its tables and the text around them, else what its text is."""
    parts = read_html(html)
    if all(isinstance(part, str) for part in parts):
        return text_shapes("\n".join(part for part in parts if isinstance(part, str)))
    return tuple(
        part if isinstance(part, str) else Grid(columns=part[0], rows=part[1:])
        for part in parts
        if part
    )


def text_shapes(text: str, heads: Sequence[Head] = ()) -> tuple[Shape, ...]:
    """Return the parts of a text: a value, a command and its value, or lines and tables.

    Args:
        text: the text.
        heads: heads of tables that are in it, besides those that one knows by their capitals.
    """
    value = parse_value(text)
    if value is not None:
        return (value,)
    # A command is shown above what it put out: `$ kubectl get service backend -o yaml`.
    command, _, rest = text.partition("\n")
    value = parse_value(rest) if command.startswith("$ ") else None
    if value is not None:
        return (command, value)
    return tuple(split_tables(text, heads))


def parse_value(text: str) -> dict[str, Any] | list[Any] | None:
    """Return the JSON or YAML value that a text is; None if it is neither.

    Any line of prose is YAML, too: only a text that begins as a manifest, or as JSON, is taken.
    """
    stripped = text.strip()
    try:
        if stripped[:1] in ("{", "["):
            value = json.loads(stripped)
        elif re.match(r"(?:---\s+)?(?:apiVersion|kind|metadata|spec|items):", stripped):
            value = list(yaml.safe_load_all(stripped))
        else:
            return None
    except (ValueError, RecursionError, yaml.YAMLError):
        return None
    return value if isinstance(value, dict | list) else None


def split_tables(text: str, heads: Sequence[Head] = ()) -> Iterable[Shape]:
    """Yield a text's parts: lines as they are, and the tables that kubectl and istioctl print.

    `heads` are those of other tables that are in it.
    """
    lines: list[str] = []
    rest = text.splitlines()
    while rest:
        line = rest.pop(0)
        starts = _starts(line, heads)
        if not starts:
            lines.append(line)
            continue
        if lines:
            yield "\n".join(lines)
            lines = []
        rows = []
        while rest and _is_row(rest[0], starts):
            rows.append(rest.pop(0))
        yield _cut(line, rows, starts)
    if lines:
        yield "\n".join(lines)


def _starts(line: str, heads: Sequence[Head]) -> list[int]:
    """Return where the columns begin if a line is a table's head, else nothing."""
    if _HEAD.fullmatch(line):
        return [0, *(found.end() for found in _GAP.finditer(line.rstrip()))]
    for head in heads:
        names = " +".join(f"({re.escape(name)})" for name in head)
        found = re.fullmatch(names, line.rstrip()) if all(head) else None
        if found:
            return [found.start(number) for number in range(1, len(head) + 1)]
    return []


def _is_row(line: str, starts: list[int]) -> bool:
    # Another table, or another command, may follow at once: its text lies across the columns.
    aligned = all(line[start - 1 : start] in ("", " ") for start in starts[1:])
    return (
        bool(line.strip()) and aligned and not line.startswith("$ ") and not _HEAD.fullmatch(line)
    )


def _cut(head: str, rows: list[str], starts: list[int]) -> Grid:
    """Cut rows where the head's columns begin, as kubectl aligns them."""
    ends = [*starts[1:], None]
    cut = [
        tuple(row[start:end].strip() for start, end in zip(starts, ends, strict=True))
        for row in (head, *rows)
    ]
    return Grid(columns=cut[0], rows=tuple(cut[1:]))
