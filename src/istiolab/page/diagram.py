"""A fenced block of Mermaid in, a figure with a text alternative out.

Rule 1: a diagram says what it shows in words: `accTitle` and `accDescr`, in the page's language.
Mermaid writes them into what it draws, where Material shuts them in; so they stand outside, too.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from html import escape
from typing import Any

from istiolab.page.directives import Problem
from istiolab.page.lines import read_lines

DIAGRAM = "mermaid"
"""The language of a fence that the pages' script draws instead of showing it."""

_FENCE = re.compile(rf"^[\s>]*[`~]{{3,}}[\s{{]*\.?{DIAGRAM}(?![\w#.+-])")
# As Mermaid's grammars have it: to the end of the line, or, of a description, between braces.
_TITLE = re.compile(r"^[ \t]*accTitle[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_LINE = re.compile(r"^[ \t]*accDescr[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_BRACES = re.compile(r"^[ \t]*accDescr[ \t]*\{([^}]*)\}", re.MULTILINE)
# Unicode's block of the common Chinese characters.
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What a diagram says about itself in words."""

    title: str
    """What it shows, in a few words; empty if it does not say."""
    description: str
    """What there is to see in it; empty if it does not say."""


def read_alternative(source: str) -> Alternative:
    """Return the words that a diagram's source has for who cannot see it."""
    title = _TITLE.search(source)
    description = _BRACES.search(source) or _LINE.search(source)
    return Alternative(
        title=title[1] if title else "",
        description=" ".join(description[1].split()) if description else "",
    )


def find_diagrams(markdown: str) -> tuple[tuple[int, str], ...]:
    """Return the line of each diagram of a page, from 0, and its source."""
    lines = read_lines(markdown)
    found = []
    for opening in lines:
        if opening.opens_fence and _FENCE.match(opening.text):
            inner = [each.text for each in lines if each.fence == opening.number][1:-1]
            found.append((opening.number, "\n".join(inner)))
    return tuple(found)


def check_diagrams(
    markdown: str, *, page: str, language: str, first_line: int = 1
) -> tuple[Problem, ...]:
    """Return the diagrams of a page that do not say in its language what they show.

    Args:
        markdown: the page's text, without its front matter.
        page: the page's path, for messages.
        language: the page's language.
        first_line: the number of the text's first line in the page's file.
    """
    return tuple(
        Problem(page=page, line=first_line + line, message=wrong)
        for line, source in find_diagrams(markdown)
        if (wrong := _wrong(read_alternative(source), language))
    )


def show_fence(
    source: str, language: str, css_class: str, options: dict[str, Any], md: object, **_: object
) -> str:
    """Return a diagram as HTML: what `pymdownx.superfences` calls for each fence of Mermaid."""
    del language, options, md
    said = read_alternative(source)
    name = f"diagram-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    # It scrolls where it is wider than a phone: hence the tabindex (WCAG 2.1.1). For the search
    # the description is text, and the source is not.
    return (
        f'<figure class="diagram" role="img" tabindex="0" aria-label="{escape(said.title)}"'
        f' aria-describedby="{name}"><pre class="{escape(css_class)}" data-search-exclude>'
        f"<code>{escape(source)}</code></pre></figure>"
        f'<p id="{name}" hidden>{escape(said.description)}</p>'
    )


def _wrong(said: Alternative, language: str) -> str:
    for name, text in (("accTitle", said.title), ("accDescr", said.description)):
        if not text:
            return f"a diagram without `{name}`: say in it, in words, what it shows"
        if bool(_CHINESE.search(text)) != (language == "zh-TW"):
            return f"a diagram whose `{name}` is not in the page's language"
    return ""
