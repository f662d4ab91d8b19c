"""Text in; what stands in it wrapped over lines, or in base64, out, by its place in the text."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

from istiolab.notebook.spans import Span

Find = Callable[[str], list[Span]]

_TOKEN = r"[A-Za-z0-9+/=_.-]"  # noqa: S105 - an alphabet
# How a long word goes on in the next line: YAML's blocks, `base64 -w 76`, JSON's and Python's line
# ends, a list of lines as either shows it. Only where the next line holds nothing but the word.
_BREAK = re.compile(
    rf"(?<={_TOKEN}{{16}})(?P<cut>(?:\\{{1,8}}[rn]|\r?\n|<br\s*/?>|[\"'],?\s*b?[\"'])[ \t]*)"
    rf"(?={_TOKEN}+(?:\\|\r|\n|[\"'<]|$))"
)
# Base64 as RFC 4648, 4 and 5 write it, of at least 18 bytes.
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}|[A-Za-z0-9_-]{24,}")
_PADDING = re.compile(r"={0,2}")
_STANDARD = str.maketrans("-_", "+/")


def behind_wraps(text: str, find: Find) -> list[Span]:
    """Return what `find` finds in `text` once words that were wrapped over lines are whole."""
    cuts = [found.span("cut") for found in _BREAK.finditer(text)]
    if not cuts:
        return []
    flat, end = "", 0
    places: list[int] = []
    for start, stop in [*cuts, (len(text), len(text))]:
        flat += text[end:start]
        places += range(end, start)
        end = stop
    return [
        Span(places[span.start], places[span.end - 1] + 1, span.kind)
        for span in find(flat)
        if span.end > span.start
    ]


def behind_base64(text: str, find: Find) -> list[Span]:
    """Return what `find` finds in what stands in base64 in `text`."""
    return [span for run in _BASE64.finditer(text) for span in _in_run(text, run, find)]


def _in_run(text: str, run: re.Match[str], find: Find) -> Iterator[Span]:
    letters = run[0].translate(_STANDARD)
    # Where one word follows another, the second may begin within a group of four.
    for skipped in range(4):
        whole = letters[skipped : skipped + (len(letters) - skipped) // 4 * 4]
        decoded = base64.b64decode(whole).decode("latin-1")
        for span in find(decoded):
            start = run.start() + skipped + span.start // 3 * 4
            if not decoded[: span.start].strip():
                start = run.start() + skipped
            end = run.start() + skipped + -(-span.end // 3) * 4
            if not decoded[span.end :].strip():
                padding = _PADDING.match(text, run.end())
                end = padding.end() if padding else run.end()
            yield Span(start, end, span.kind)
