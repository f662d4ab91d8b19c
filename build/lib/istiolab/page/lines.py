"""A page's Markdown in, its lines out, each with the fenced block that it stands in.

Rule 1: a fence is what pymdownx.superfences takes for one, and ends where that ends it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAB = 4
"""How far Markdown indents what belongs to something; also what a tab counts."""

# What follows backticks holds no backtick, or it would be code within a line (CommonMark 4.5).
_FENCE = re.compile(r"^([ >]*)(`{3,}(?!.*`)|~{3,})")
# As Python-Markdown finds it: a backtick after a backslash opens nothing.
_INLINE_CODE = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a page."""

    number: int
    """Its place among the lines of the text, from 0."""
    text: str
    """What it says."""
    fence: int | None
    """The number of the line that opens the fenced block which it stands in."""

    @property
    def is_prose(self) -> bool:
        """Whether it stands in no fenced block."""
        return self.fence is None

    @property
    def opens_fence(self) -> bool:
        """Whether a fenced block begins with it."""
        return self.fence == self.number


def read_lines(markdown: str) -> tuple[Line, ...]:
    """Return the lines of a text."""
    texts = markdown.split("\n")
    flat = [text.expandtabs(TAB) for text in texts]
    found: list[Line] = []
    start, end = 0, -1
    for number, text in enumerate(texts):
        if number > end and (opening := _FENCE.match(flat[number])):
            start, end = number, _end_of_block(flat, number, *opening.groups())
        found.append(Line(number=number, text=text, fence=start if number <= end else None))
    return tuple(found)


def without_inline_code(text: str) -> str:
    """Return a line without what stands between backticks."""
    return _INLINE_CODE.sub("", text)


def _end_of_block(flat: list[str], start: int, margin: str, fence: str) -> int:
    # A block ends with just the fence that it began with, as far to the right, and is none if that
    # never comes, or if a line leaves before it the note or list that the block stands in.
    blank = " >" if ">" in margin else " "
    for number in range(start + 1, len(flat)):
        before, rest = flat[number][: len(margin)], flat[number][len(margin) :]
        is_outside = bool(before.strip(blank))
        if is_outside and len(margin) >= TAB:
            break
        if not is_outside and rest.rstrip() == fence:
            return number
    return start - 1
