"""A language's glossary in, its terms and the list of them for a page out.

A glossary is a file of abbreviations as Python-Markdown reads them, which is appended to each page:

    *[CRD]: CustomResourceDefinition: a kind of object added to Kubernetes
    *[CRDs]: CustomResourceDefinition: a kind of object added to Kubernetes

Rule 1: names that follow each other and have the same explanation are one term. The first is the
term's own, the same in every language; the others are how a page may write it.
Rule 2: each line is a name and its explanation, or empty; anything else would stand on every page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

from istiolab.errors import IstiolabError

# Two quotation marks alone would take a definition back.
_LINE = re.compile(
    r"\*\[(?P<name>[^\s\[\]\\](?:[^\[\]\\]*[^\s\[\]\\])?)\]: "
    r"(?P<text>(?!(?:''|\"\")$)\S(?:.*\S)?)"
)
_NOT_IN_ANCHOR = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term of the field, or of this site."""

    names: tuple[str, ...]
    """How it is written; its own name is the first."""
    explanation: str
    """What it means, as plain text."""

    @property
    def name(self) -> str:
        """Return its own name, which is the same in every language."""
        return self.names[0]

    @property
    def anchor(self) -> str:
        """Return the id of its place in the list."""
        return _NOT_IN_ANCHOR.sub("-", self.name.lower()).strip("-")


def glossary_path(documents: Path) -> Path:
    """Return where the glossary of the language lies whose pages are in `documents`."""
    return documents.parent / f"glossary.{documents.name}.md"


def read_glossary(path: Path) -> tuple[Term, ...]:
    """Read a glossary.

    Raises:
        IstiolabError: there is no such file, or it breaks a rule.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise IstiolabError("there is no glossary", where=(str(path),)) from missing
    return parse_glossary(text, source=path.name)


def parse_glossary(text: str, *, source: str) -> tuple[Term, ...]:
    """Return the terms of a glossary's text, in its order.

    Args:
        text: the text.
        source: what messages call it.

    Raises:
        IstiolabError: a line is no term, a name comes twice, or a term's own name gives no anchor
            of its own; all such lines are named.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    read = [(number, _LINE.fullmatch(line)) for number, line in lines]
    wrong = [
        f"line {number}: it is no `*[NAME]: EXPLANATION`" for number, found in read if not found
    ]
    pairs = [(found["name"], found["text"]) for _, found in read if found]
    names = [name for name, _ in pairs]
    wrong += [f"`{name}` comes {names.count(name)} times" for name in _twice(names)]
    terms = tuple(
        Term(names=tuple(name for name, _ in group), explanation=explanation)
        for explanation, group in groupby(pairs, key=lambda pair: pair[1])
    )
    anchors = [term.anchor for term in terms]
    wrong += [f"`{anchor}` is the anchor of more than one term" for anchor in _twice(anchors)]
    wrong += [
        f"`{term.name}` has nothing in ASCII for an anchor" for term in terms if not term.anchor
    ]
    if wrong or not terms:
        raise IstiolabError(f"`{source}` is no glossary", where=tuple(wrong) or ("it is empty",))
    return terms


def unlike_terms(mine: Iterable[Term], theirs: Iterable[Term]) -> tuple[str, ...]:
    """Return the terms that the source's glossary has alone, or the translation's, a line each."""
    first, second = {term.name for term in mine}, {term.name for term in theirs}
    return (
        *(f"the term `{name}` is missing" for name in sorted(first - second)),
        *(f"the term `{name}` is not in the source" for name in sorted(second - first)),
    )


def render_glossary(terms: Iterable[Term]) -> str:
    """Return the terms as one block of HTML, a list sorted by their own names."""
    entries = "".join(_entry(term) for term in sorted(terms, key=_order))
    return f'<dl class="glossary">{entries}</dl>'


def _order(term: Term) -> tuple[str, str]:
    return term.name.casefold(), term.name


def _entry(term: Term) -> str:
    # The search reads what stands between elements alone: without space two words would be one.
    others = "".join(f" <span>{escape(name)}</span>" for name in term.names[1:])
    link = f'<a href="#{term.anchor}">{escape(term.name)}</a>'
    return f'<dt id="{term.anchor}">{link}{others}</dt> <dd>{escape(term.explanation)}</dd> '


def _twice(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if value and values.count(value) > 1})
