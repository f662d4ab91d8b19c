"""A chapter's claims, and what became of each, in; a table for a page out.

A claim is a sentence of the article that the site covers. `docs/claims/CHAPTER.yml` lists a
chapter's: what was claimed, the cell that shows what is so, and a verdict with one sentence.

Rule 1: a claim without a cell that the chapter's page shows is an error, in each language.
Rule 2: a verdict is worth what the notebook's receipt is; where that does not say "verified", the
table says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from pathlib import Path

import yaml
from markdown import markdown  # type: ignore[import-untyped]
from pydantic import ConfigDict, TypeAdapter, ValidationError

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import Notebook
from istiolab.page.clean import clean_html
from istiolab.page.directives import ShowCell, ShowClaims, find_directives
from istiolab.page.outline import page_title, split_front_matter
from istiolab.page.stamp import state_label
from istiolab.page.words import LANGUAGES, Words
from istiolab.receipt.store import State, Status


class Verdict(StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    """It is so."""
    CONDITION = "condition"
    """It is so under a condition that the claim does not name."""
    REFUTED = "refuted"
    """It is not so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim, and what became of it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    claim: Mapping[str, str]
    """The claim, by language."""
    cell: str
    """The name of the cell that shows what is so."""
    verdict: Verdict
    """What became of it."""
    note: Mapping[str, str]
    """What was found, in one sentence, by language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter, as far as its claims are concerned."""

    title: str
    """Its title."""
    link: str
    """The address of its page, relative to the page with the table."""
    status: Status
    """What the receipt of its notebook says."""
    claims: tuple[Claim, ...]
    """Its claims."""


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Read the claims of a chapter.

    Raises:
        IstiolabError: there is no such file, or it is no list of claims in every language.
    """
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        claims = TypeAdapter(tuple[Claim, ...]).validate_python(table)
    except FileNotFoundError as missing:
        raise IstiolabError(
            f"there are no claims of `{path.stem}`", where=(str(path),)
        ) from missing
    except yaml.YAMLError as wrong:
        raise IstiolabError(f"`{path.name}` is no YAML", where=(str(wrong),)) from wrong
    except ValidationError as wrong:
        where = (
            f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}"
            for each in wrong.errors()
        )
        raise IstiolabError(f"`{path.name}` is no list of claims", where=tuple(where)) from wrong
    wrong_languages = [
        f"number {number}: {sorted(texts)} instead of {sorted(LANGUAGES)}"
        for number, each in enumerate(claims, start=1)
        for texts in (each.claim, each.note)
        if sorted(texts) != sorted(LANGUAGES)
    ]
    if wrong_languages or not claims:
        raise IstiolabError(
            f"`{path.name}` has not every claim in every language", where=tuple(wrong_languages)
        )
    return claims


def chapter_of(path: Path, *, text: str, notebook: Notebook, link: str, status: Status) -> Chapter:
    """Return a chapter with its claims, each of which rests on a cell that its page shows.

    Args:
        path: the file with the claims.
        text: the text of the chapter's page, front matter included.
        notebook: the chapter's notebook.
        link: the address of the chapter's page.
        status: what the receipt of the notebook says.

    Raises:
        IstiolabError: there are no claims, or one rests on a cell that the page does not show.
    """
    claims = read_claims(path)
    shown = {
        each.cell
        for each in find_directives(split_front_matter(text)[1])
        if isinstance(each, ShowCell) and each.notebook == notebook.path.stem
    }
    if missing := sorted({each.cell for each in claims} - shown):
        raise IstiolabError(
            f"claims of `{path.stem}` rest on cells that its page does not show",
            where=tuple(missing),
        )
    return Chapter(
        title=page_title(text) or notebook.title, link=link, status=status, claims=claims
    )


def chapters_of(text: str, there: Collection[str]) -> tuple[str, ...]:
    """Return the chapters whose claims a page shows, in its order.

    Args:
        text: the text of the page, front matter included.
        there: the chapters that have claims.

    Raises:
        IstiolabError: it leaves one out.
    """
    directives = find_directives(split_front_matter(text)[1])
    shown = tuple(
        each.notebook for each in directives if isinstance(each, ShowClaims) and each.notebook
    )
    if left_out := sorted(set(there) - set(shown)):
        raise IstiolabError("the page leaves out the claims of chapters", where=tuple(left_out))
    return shown


def render_claims(chapter: Chapter, *, language: str, words: Words) -> str:
    """Return the table of a chapter's claims as one block of HTML: a row for each."""
    head = (words.claim, words.verdict, words.found, words.evidence)
    body = "".join(_row(each, chapter, language=language, words=words) for each in chapter.claims)
    table = _table(words.claims_of.format(title=chapter.title), head, body)
    if chapter.status.state is State.VERIFIED:
        return table
    label = escape(state_label(chapter.status, words))
    return f'<p><span class="state state--{chapter.status.state}">{label}</span></p>{table}'


def render_summary(chapters: Sequence[Chapter], *, words: Words) -> str:
    """Return how many claims of each chapter hold, as one block of HTML."""
    head = (words.chapter, *(_label(verdict, words) for verdict in Verdict), words.state)
    rows = []
    for chapter in chapters:
        counts = Counter(each.verdict for each in chapter.claims)
        state = escape(state_label(chapter.status, words))
        cells = (
            f'<a href="{escape(chapter.link)}">{escape(chapter.title)}</a>',
            *(str(counts[verdict]) for verdict in Verdict),
            f'<span class="state state--{chapter.status.state}">{state}</span>',
        )
        rows.append(_cells(cells))
    counts = Counter(each.verdict for chapter in chapters for each in chapter.claims)
    total = (words.total, *(str(counts[verdict]) for verdict in Verdict), "")
    return _table(words.claims, head, "".join((*rows, _cells(total))))


def _row(claim: Claim, chapter: Chapter, *, language: str, words: Words) -> str:
    link = f"{chapter.link}#{cell_anchor(claim.cell)}"
    label = escape(_label(claim.verdict, words))
    return _cells(
        (
            _inline(claim.claim[language]),
            f'<span class="verdict verdict--{claim.verdict}">{label}</span>',
            _inline(claim.note[language]),
            f'<a href="{escape(link)}"><code>{escape(claim.cell)}</code></a>',
        )
    )


def cell_anchor(name: str) -> str:
    """Return the id of the place where a chapter's page shows a cell first."""
    return f"cell-{name}"


def _label(verdict: Verdict, words: Words) -> str:
    return {
        Verdict.HOLDS: words.holds,
        Verdict.CONDITION: words.condition,
        Verdict.REFUTED: words.refuted,
    }[verdict]


def _inline(text: str) -> str:
    html = clean_html(markdown(text)).strip()
    return html.removeprefix("<p>").removesuffix("</p>")


def _cells(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _table(label: str, head: Sequence[str], body: str) -> str:
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<div class="cell-output claims" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )
