"""Text in, the same text without secrets out: what looks like one, and what is known to be one.

Rule 1: no piece of a long value gets out, as it stands or in base64, wrapped or cut off.
Rule 2: what is public stays, where a piece of it lies in a key as well.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from urllib.parse import quote, quote_plus

from nbformat import NotebookNode

from istiolab.notebook.execution import Execution
from istiolab.notebook.known import Known
from istiolab.notebook.redact import find, redact_output
from istiolab.notebook.spans import Span, replace_all

KIND = "secret"
# A piece as long as this is that value's: 20 signs of base64 are 120 bits.
_PIECE = 20
_SHORTEST = 8
# What every private key shares with every public one: the algorithm's identifier, and the first
# bits of what follows it (RFC 5280 §4.1.2.7, RFC 5958 §2): RSA, and EC on P-256 and on P-384.
_ALGORITHMS = tuple(
    bytes.fromhex(each)
    for each in (
        "300d06092a864886f70d010101050003",
        "301306072a8648ce3d020106082a8648ce3d03010703",
        "301006072a8648ce3d020106052b8104002203",
    )
)
# What may stand between two pieces of a word that was wrapped; and backslashes, of which there are
# the more, the more texts in JSON or strings of Python are around a word.
_GAP = re.compile(r"(?:\\+[nrt]?|\s|<br\s*/?>|[\"'],?\s*b?[\"'])+")
_PADDING = re.compile(r"={1,2}")


class Redactor:
    """What takes secrets out of all that is published of a run."""

    def __init__(self, known: Known = Known()) -> None:  # noqa: B008 - it is frozen
        forms = _all_forms(known.secret)
        common = (each for algorithm in _ALGORITHMS for each in _base64_forms(algorithm))
        self._pieces = _pieces(forms) - _pieces(_all_forms((*known.public, *common)))
        short = sorted(
            (each for each in forms if _SHORTEST <= len(each) < _PIECE), key=len, reverse=True
        )
        self._short = re.compile("|".join(map(re.escape, short))) if short else None

    def text(self, text: str) -> str:
        """Return `text` with `[redacted: kind]` in the place of each secret."""
        return replace_all(text, lambda each: [*find(each), *self._known(each)])

    def outputs(self, document: NotebookNode) -> NotebookNode:
        """Return a copy of a notebook's document, its outputs without secrets."""
        clean = deepcopy(document)
        for cell in clean.cells:
            for output in cell.get("outputs", ()):
                redact_output(output, self.text)
        return clean

    def holders(self, document: NotebookNode) -> tuple[int, ...]:
        """Return the places of the cells whose outputs hold a secret."""
        clean = self.outputs(document)
        return tuple(
            index
            for index, (cell, bare) in enumerate(zip(document.cells, clean.cells, strict=True))
            if cell.get("outputs") != bare.get("outputs")
        )

    def execution(self, execution: Execution) -> Execution:
        """Return what came of a run without secrets."""
        failure = execution.failure
        return replace(
            execution,
            document=self.outputs(execution.document),
            log=self.text(execution.log),
            failure=failure
            and replace(
                failure,
                message=self.text(failure.message),
                traceback=self.text(failure.traceback),
            ),
        )

    def _known(self, text: str) -> Iterator[Span]:
        if not (self._pieces or self._short):
            return
        flat, places = _flat(text)
        found = [each.span() for each in self._short.finditer(flat)] if self._short else []
        found += self._runs(flat)
        for start, end in found:
            last = places[end - 1] + 1
            padding = _PADDING.match(text, last)
            yield Span(places[start], padding.end() if padding else last, KIND)

    def _runs(self, flat: str) -> Iterator[tuple[int, int]]:
        """Yield the runs of pieces in a text that has no gaps."""
        start = end = -1
        for place in range(len(flat) - _PIECE + 1) if self._pieces else ():
            if flat[place : place + _PIECE] not in self._pieces:
                continue
            if place > end:
                if end > 0:
                    yield start, end
                start = place
            end = place + _PIECE
        if end > 0:
            yield start, end


def _flat(text: str) -> tuple[str, list[int]]:
    """Return a text without gaps, and the place in the text of each of its signs."""
    parts: list[str] = []
    places: list[int] = []
    end = 0
    for gap in _GAP.finditer(text):
        parts.append(text[end : gap.start()])
        places += range(end, gap.start())
        end = gap.end()
    parts.append(text[end:])
    places += range(end, len(text))
    return "".join(parts), places


def _pieces(texts: Iterable[str]) -> set[str]:
    return {
        text[place : place + _PIECE] for text in texts for place in range(len(text) - _PIECE + 1)
    }


def _all_forms(values: Iterable[str]) -> set[str]:
    return {_flat(form)[0] for value in values for form in _forms(value)}


def _forms(value: str) -> Iterator[str]:
    """Yield how a value may be written."""
    yield from {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    yield from {repr(value)[1:-1], html.escape(value), html.escape(value, quote=False)}
    yield from {quote(value, safe=""), quote_plus(value)}
    first, *others = _base64_forms(value.encode(errors="replace"))
    for form in (first, *others, *_base64_forms(first.encode())):
        yield from {form, quote(form, safe=""), form.replace("+", "-").replace("/", "_")}


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield bytes in base64, without padding; then what a longer base64 with them in it holds."""
    yield base64.b64encode(data).decode().rstrip("=")
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        # The signs at both ends that hold bits of what stands before and behind.
        yield encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
