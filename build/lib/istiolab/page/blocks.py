"""A page's Markdown in, the blocks of code that it holds itself out.

Rule 1: whatever Markdown would show as a block of code is found. Where its rules are odd, rather
text is taken for code than code for text: a writer can un-indent text, a reader not tell what ran.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from istiolab.page.indented import find_indented
from istiolab.page.lines import read_lines, without_inline_code

INDENTED = "indented"
"""The language of a block that is code by its indentation alone."""
DIAGRAM = "mermaid"
"""The language that Material draws instead of showing it."""

_LANGUAGE = re.compile(r"^[\s>]*[`~]{3,}[\s{]*\.?([\w#.+-]*)")
# Not fenced and not indented, and still a block of code for a reader.
_OTHERS = {
    "html": re.compile(r"<pre\b", re.IGNORECASE),
    "snippet": re.compile(r"^[\s>]*-+8<-+"),
    "fence without an end": re.compile(r"^[\s>]*(?:`{3,}|~{3,})"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code in a page's own Markdown."""

    line: int
    """The number of its first line, from 0."""
    language: str
    """What it is written in, or what makes it code; may be empty."""


def find_blocks(markdown: str) -> tuple[Block, ...]:
    """Return a text's blocks of code in order, diagrams too."""
    lines = read_lines(markdown)
    found = dict.fromkeys(find_indented(lines), INDENTED)
    for each in lines:
        if each.opens_fence and (opening := _LANGUAGE.match(each.text)):
            found[each.number] = opening[1]
        elif each.is_prose and (language := _other(each.text)):
            found[each.number] = language
    return tuple(Block(line=line, language=found[line]) for line in sorted(found))


def _other(line: str) -> str | None:
    prose = without_inline_code(line)
    return next((name for name, form in _OTHERS.items() if form.search(prose)), None)
