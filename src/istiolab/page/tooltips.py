"""A page's text with the terms of its glossary in, each explained where it first stands out.

An extension of Python-Markdown in place of its own `abbr`, whose definitions it reads. What is new:

Rule 1: a term is marked once on a page. Marked each time, it would be a stop of the Tab key each
time, and a page full of dots.
Rule 2: what is marked gets the focus, by key or by finger; to a pointer alone it would explain
nothing to everybody else.
Rule 3: a term within a heading or a link stays as it is: it is something else already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown  # type: ignore[import-untyped]
from markdown.extensions.abbr import (  # type: ignore[import-untyped]
    AbbrExtension,
    AbbrTreeprocessor,
)

_ABBR = "abbr"
# Python-Markdown's own: after the inline patterns, before the table of contents.
_PRIORITY = 7
_TAKEN = frozenset({"a", "button", "h1", "h2", "h3", "h4", "h5", "h6", "label", "summary"})


class Tooltips(AbbrTreeprocessor):  # type: ignore[misc]
    """Marks the terms of a page."""

    def run(self, root: Element) -> None:
        """Mark each term where it first stands in running text."""
        if not self.abbrs:
            return
        self.RE = pattern(self.abbrs)
        self.iter_element(root)
        seen: set[str] = set()
        for parent, mark, is_taken in list(_marks(root, taken=False)):
            explanation = mark.get("title", "")
            if is_taken or explanation in seen:
                _unwrap(parent, mark)
            else:
                seen.add(explanation)
                mark.set("tabindex", "0")


class TooltipsExtension(AbbrExtension):  # type: ignore[misc]
    """Reads definitions of terms, and marks them."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # as Python-Markdown calls it
        """Register what reads, and what marks instead of `abbr`'s own."""
        super().extendMarkdown(md)
        md.treeprocessors.register(Tooltips(md, self.abbrs), _ABBR, _PRIORITY)


def makeExtension(**settings: Any) -> TooltipsExtension:  # noqa: N802  # as Python-Markdown calls it
    """Return the extension; the name is what Python-Markdown looks for."""
    return TooltipsExtension(**settings)


def pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Return what finds names in a text, a longer one before those that it contains.

    A name in Latin letters is a word of its own, also right beside a Chinese sign; a name in
    Chinese, which has no spaces between words, is found wherever it stands.
    """
    forms = (
        f"{_edge(name[0])}{re.escape(name)}{_edge(name[-1])}"
        for name in sorted(names, key=lambda name: (-len(name), name))
    )
    return re.compile("|".join(forms), re.ASCII)


def _edge(sign: str) -> str:
    return r"\b" if sign.isascii() and (sign.isalnum() or sign == "_") else ""


def _marks(parent: Element, *, taken: bool) -> Iterator[tuple[Element, Element, bool]]:
    """Yield each mark in the order of the page, with what it is in, and whether that is taken."""
    for child in parent:
        if child.tag == _ABBR:
            yield parent, child, taken
        yield from _marks(child, taken=taken or child.tag in _TAKEN)


def _unwrap(parent: Element, mark: Element) -> None:
    """Leave of a mark its text."""
    text = f"{mark.text or ''}{mark.tail or ''}"
    place = list(parent).index(mark)
    if place:
        before = parent[place - 1]
        before.tail = f"{before.tail or ''}{text}"
    else:
        parent.text = f"{parent.text or ''}{text}"
    parent.remove(mark)
