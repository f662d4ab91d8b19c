"""Where secrets stand in a text in, the text with marks in their place out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A part of a text that is not to be shown."""

    start: int
    """Its first character's place."""
    end: int
    """The place after its last character."""
    kind: str
    """What it is, for the mark."""


# Enough for what stood right beside a secret, and looks like one only once that is gone.
_ROUNDS = 4


def replace_all(text: str, find: Callable[[str], Iterable[Span]]) -> str:
    """Return `text` with a mark in the place of all that `find` finds, until it finds no more."""
    for _ in range(_ROUNDS):
        spans = list(find(text))
        if not spans:
            break
        text = replace(text, spans)
    return text


def replace(text: str, spans: Iterable[Span]) -> str:
    """Return `text` with `[redacted: kind]` in the place of each span.

    Of spans that overlap, the one that was named first gives its kind.
    """
    parts: list[str] = []
    end = 0
    for span in _joined(spans):
        parts += [text[end : span.start], f"[redacted: {span.kind}]"]
        end = span.end
    return "".join((*parts, text[end:]))


def _joined(spans: Iterable[Span]) -> list[Span]:
    ranked = sorted(
        ((span, rank) for rank, span in enumerate(spans)), key=lambda each: each[0].start
    )
    found: list[tuple[Span, int]] = []
    for span, rank in ranked:
        last = found[-1] if found else None
        if last is None or span.start >= last[0].end:
            found.append((span, rank))
            continue
        first = min(last, (span, rank), key=lambda each: each[1])
        end = max(last[0].end, span.end)
        found[-1] = (Span(last[0].start, end, first[0].kind), first[1])
    return [span for span, _ in found]
