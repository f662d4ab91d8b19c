"""The text or HTML of an output in, its structure out: a table, a JSON or YAML value, or lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import yaml

from istiolab.notebook.cells import Output

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


Shape = Grid | str | dict[str, Any] | list[Any]
"""A table, a text, or a parsed value."""


def shapes_of(output: Output) -> tuple[Shape, ...]:
    """Return the parts of an output in their order: its tables, and what its text is made of."""
    if output.html is not None and "<table" in output.html:
        return tuple(_html_parts(output.html))
    text = output.text if output.text.strip() else (output.markdown or output.html or "")
    value = parse_value(text)
    if value is not None:
        return (value,)
    # A command is shown above what it put out: `$ kubectl get service backend -o yaml`.
    command, _, rest = text.partition("\n")
    value = parse_value(rest) if command.startswith("$ ") else None
    if value is not None:
        return (command, value)
    return tuple(split_tables(text))


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


def split_tables(text: str) -> Iterable[Shape]:
    """Yield a text's parts: lines as they are, and the tables that kubectl and istioctl print."""
    lines: list[str] = []
    rest = text.splitlines()
    while rest:
        line = rest.pop(0)
        if not _HEAD.fullmatch(line):
            lines.append(line)
            continue
        if lines:
            yield "\n".join(lines)
            lines = []
        starts = _starts(line)
        rows = []
        while rest and _is_row(rest[0], starts):
            rows.append(rest.pop(0))
        yield _cut(line, rows, starts)
    if lines:
        yield "\n".join(lines)


def _starts(head: str) -> list[int]:
    return [0, *(found.end() for found in _GAP.finditer(head.rstrip()))]


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


def _html_parts(html: str) -> list[Shape]:
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    return [
        part
        if isinstance(part, str)
        else Grid(columns=tuple(part[0]), rows=tuple(tuple(row) for row in part[1:]))
        for part in reader.parts
        if part
    ]


class _TableReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[list[list[str]] | str] = []
        """Tables as rows of cells, and the text that stands around them."""
        self._rows: list[list[str]] = []
        self._open = False
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden = tag in ("style", "script")
        if tag == "table":
            self._rows = []
            self.parts.append(self._rows)
            self._open = False
        elif tag == "tr":
            self._rows.append([])
            self._open = False
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self._rows[-1][-1] += data
        elif data.strip() and not self._hidden:
            self.parts.append(data)
