"""A page's text in, its outline out: what must be alike in all languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from istiolab.page.directives import Directive, find_directives, prose_lines

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_SOURCE = re.compile(r"^source_sha256:[ \t]*(\S*)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})\s+.*?(?:\{\s*#([A-Za-z][\w-]*)\s*\})?\s*$")
_LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)|\bhref=\"([^\"]+)\"")
_ADMONITION = re.compile(r"^\s*(?:!!!|\?\?\?\+?)\s+([\w-]+)")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})\s*([\w-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What of a page is the same in every language."""

    headings: tuple[tuple[int, str | None], ...]
    """Level and explicit id of each heading."""
    directives: tuple[Directive, ...]
    """The embedded cells and receipts."""
    links: tuple[str, ...]
    """Where the page links to."""
    admonitions: tuple[str, ...]
    """The kinds of its admonitions."""
    blocks: tuple[str, ...]
    """The languages of its fenced blocks."""


def split_front_matter(text: str) -> tuple[str, str]:
    """Return a page's front matter, without its marks, and the rest."""
    found = _FRONT_MATTER.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def page_title(text: str) -> str | None:
    """Return the title that a page's front matter names; None if it names none."""
    front, _ = split_front_matter(text)
    found = _TITLE.search(front)
    return found[1].strip("\"'") if found else None


def read_outline(text: str) -> Outline:
    """Return the outline of a page.

    Raises:
        UsageError: a directive is malformed.
    """
    _, body = split_front_matter(text)
    prose = prose_lines(body)
    headings = [found for line in prose if (found := _HEADING.match(line))]
    return Outline(
        headings=tuple((len(found[1]), found[2]) for found in headings),
        directives=find_directives(body),
        links=tuple(found[1] or found[2] for line in prose for found in _LINK.finditer(line)),
        admonitions=tuple(found[1] for line in prose if (found := _ADMONITION.match(line))),
        blocks=tuple(found[1] for line in body.split("\n") if (found := _FENCE.match(line))),
    )


def differences(one: Outline, other: Outline) -> tuple[str, ...]:
    """Return what is not alike, a sentence each; also a heading that has no id of its own."""
    found = [
        f"heading {place} has no explicit id"
        for outline in (one, other)
        for place, (_, name) in enumerate(outline.headings, start=1)
        if name is None
    ]
    for field in ("headings", "directives", "links", "admonitions", "blocks"):
        found += _unlike(field, getattr(one, field), getattr(other, field))
    return tuple(found)


def source_digest(text: str) -> str | None:
    """Return the digest of the source that a translated page's front matter names."""
    front, _ = split_front_matter(text)
    found = _SOURCE.search(front)
    return found[1] if found else None


def with_source_digest(text: str, digest: str) -> str:
    """Return a translated page with `digest` in its front matter."""
    front, body = split_front_matter(text)
    line = f"source_sha256: {digest}"
    front, replaced = _SOURCE.subn(line, front)
    if not replaced:
        front = f"{front}\n{line}".lstrip("\n")
    return f"---\n{front}\n---\n{body}"


def _unlike(field: str, one: tuple[object, ...], other: tuple[object, ...]) -> Iterator[str]:
    for place, (mine, theirs) in enumerate(zip_longest(one, other), start=1):
        if mine != theirs:
            yield f"{field}: number {place} is {mine!r} in one and {theirs!r} in the other"
            return
