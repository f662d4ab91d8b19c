"""Text in, the same text without secrets out: what looks like one, and what is known to be one.

Rule 1: no piece of a long value gets out, as it stands or encoded, wrapped or cut off.
Rule 2: what is public stays, where a piece of it lies in a key as well.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace

from nbformat import NotebookNode

from istiolab.notebook.escaped import behind_escapes
from istiolab.notebook.execution import Execution
from istiolab.notebook.forms import PIECE, Pieces, all_forms, flatten, places_of
from istiolab.notebook.known import Known
from istiolab.notebook.redact import find, redact_output
from istiolab.notebook.spans import Span, replace_all

KIND = "secret"
_SHORTEST = 8
# Of base64 up to two, of base32 up to six.
_PADDING = re.compile(r"={1,6}")


class Redactor:
    """What takes secrets out of all that is published of a run."""

    def __init__(self, known: Known = Known()) -> None:  # noqa: B008 - it is frozen
        forms = all_forms(known.secret)
        self._pieces = Pieces(forms, public=known.public)
        short = sorted(
            (each for each in forms if _SHORTEST <= len(each) < PIECE), key=len, reverse=True
        )
        self._short = re.compile("|".join(map(re.escape, short))) if short else None

    def text(self, text: str) -> str:
        """Return `text` with `[redacted: kind]` in the place of each secret."""
        return replace_all(text, self._find)

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

    def _find(self, text: str) -> list[Span]:
        if not (self._pieces or self._short):
            return find(text)
        return [*find(text), *self._known(text), *behind_escapes(text, self._known)]

    def _known(self, text: str) -> list[Span]:
        flat = flatten(text)
        found = [each.span() for each in self._short.finditer(flat)] if self._short else []
        found += self._pieces.runs(flat)
        places = places_of(text) if found else []
        return [_padded(text, places[start], places[end - 1] + 1) for start, end in found]


def _padded(text: str, start: int, end: int) -> Span:
    padding = _PADDING.match(text, end)
    return Span(start, padding.end() if padding else end, KIND)
