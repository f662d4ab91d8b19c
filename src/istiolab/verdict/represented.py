"""An output in, the lines of everything that it says out: each of its representations counts.

Rule 1: what a page shows comes first: the HTML if there is any, else the text.
Rule 2: one that says the same as the one before it takes a line; one that does not, its difference.
Rule 3: a value has one token in all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Any

from istiolab.notebook.cells import Output
from istiolab.notebook.settings import Settings
from istiolab.verdict.lines import shape_lines, value_lines
from istiolab.verdict.shape import Grid, Shape, html_shapes, shapes_of, text_shapes
from istiolab.verdict.tokens import Identities

SAME = "(text/plain says the same as text/html)"
"""Stands for a text that adds nothing to the HTML before it."""


def output_lines(output: Output, settings: Settings, identities: Identities) -> Iterable[str]:
    """Yield the lines of an output; `identities` grows with what is masked in it."""
    shown = list(_lines(shapes_of(output), settings, identities))
    yield from shown
    if output.html:
        yield from _beside_html(output, shown, settings, identities)
    if output.markdown and (output.html or output.text.strip()):
        said = _lines(text_shapes(output.markdown), settings, identities)
        yield from _of("text/markdown", said)
    for kind, data in sorted(output.others.items()):
        yield from _of(kind, _other_lines(kind, data, settings, identities))


def _lines(shapes: Iterable[Shape], settings: Settings, identities: Identities) -> Iterable[str]:
    for shape in shapes:
        yield from shape_lines(shape, settings, identities)


def _beside_html(
    output: Output, shown: Sequence[str], settings: Settings, identities: Identities
) -> Iterable[str]:
    """Yield what the text of an output has that its HTML has not, and the other way round."""
    if not output.text.strip():
        return
    parts = html_shapes(output.html or "")
    grids = [part for part in parts if isinstance(part, Grid)]
    # How wide a column is, and where a cell with blanks in it ends, is no matter of a table that
    # is there as HTML, too. Where there is none, blanks count.
    if grids and _words(parts) == output.text.split():
        yield SAME
        return
    heads = [grid.columns for grid in grids]
    said = list(_lines(text_shapes(output.text, heads), settings, identities))
    if said == shown:
        yield SAME
    else:
        yield from _differing(shown, said)


def _of(kind: str, lines: Iterable[str]) -> Iterable[str]:
    # Each line says what it is of: a difference shows few lines around what differs.
    return (f"{kind}: {line}" for line in lines)


def _words(parts: Iterable[Shape]) -> list[str]:
    words: list[str] = []
    for part in parts:
        if isinstance(part, Grid):
            words += " ".join(cell for row in (part.columns, *part.rows) for cell in row).split()
        elif isinstance(part, str):
            words += part.split()
    return words


def _differing(shown: Sequence[str], said: Sequence[str]) -> Iterable[str]:
    """Yield what tells the text from the HTML: with the HTML's lines it says all of the text."""
    pieces = SequenceMatcher(a=shown, b=said).get_opcodes()
    if all(tag != "equal" for tag, *_ in pieces):
        yield from _of("text/plain", said)
        return
    for tag, first, last, from_, to in pieces:
        lines = f"line {last}" if last - first == 1 else f"lines {first + 1} to {last}"
        match tag:
            case "replace":
                yield f"text/plain, in place of {lines} of text/html:"
            case "delete":
                yield f"text/plain, without {lines} of text/html"
            case "insert":
                yield f"text/plain, after line {first} of text/html:"
            case _:
                continue
        yield from _of("text/plain", said[from_:to])


def _other_lines(kind: str, data: Any, settings: Settings, identities: Identities) -> Iterable[str]:
    if _is_json(kind):
        yield from value_lines(data, settings, identities)
    elif kind.startswith("text/") and isinstance(data, str):
        yield from _lines(text_shapes(data), settings, identities)
    else:
        raw = data if isinstance(data, str) else json.dumps(data, sort_keys=True)
        # Not masked: that it is another one is all that can be said of an image.
        yield f"sha256 {sha256(raw.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
