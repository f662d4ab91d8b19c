"""A page's Markdown in, the same text with each directive replaced out.

A directive is an HTML comment on a line of its own, indented where it stands in an admonition:

    <!-- cell: NOTEBOOK/NAME -->            the cell's code and its outputs
    <!-- cell: NOTEBOOK/NAME code -->       its code alone; `output`: its outputs alone
    <!-- cell: NOTEBOOK/NAME output mark: code=426 -->    with the cells of its table marked that
                                            say 426 below the head `code`; more by commas
    <!-- receipt: NOTEBOOK -->              what the notebook's receipt says; `brief`: in one line
    <!-- status -->                         a table of all notebooks
    <!-- ledger -->                         how often each notebook was run to see if it is steady
    <!-- claims: NOTEBOOK -->               what became of the claims of a chapter
    <!-- claims -->                         how many of each chapter's hold
    <!-- glossary -->                       all terms of the language's glossary

    <!-- not run: REASON -->                why the block below was not executed; this one stays

Rule 1: inside a fenced block, and in code within a line, nothing is a directive.
Rule 2: a comment whose first word is a directive's, or close to one, and that is none, wherever it
stands, is a problem, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from textwrap import indent

from istiolab.errors import IstiolabError, UsageError
from istiolab.page.lines import Line, read_lines, without_inline_code
from istiolab.page.marks import Mark, read_marks

_CLOSE_TO_ONE = re.compile(
    r"<!--[-\s]*(cells?|receipts?|status|ledger|claims?|glossary|not[\s_-]?run)\b", re.IGNORECASE
)
_CELL = re.compile(
    r"^\s*<!--\s*cell:\s*([\w.-]+)/([\w.-]+)(?:\s+(code|output))?(?:\s+mark:\s*(.*?))?\s*-->\s*$"
)
_RECEIPT = re.compile(r"^\s*<!--\s*receipt:\s*([\w.-]+)(\s+brief)?\s*-->\s*$")
_STATUS = re.compile(r"^\s*<!--\s*status\s*-->\s*$")
_LEDGER = re.compile(r"^\s*<!--\s*ledger\s*-->\s*$")
_CLAIMS = re.compile(r"^\s*<!--\s*claims(?::\s*([\w.-]+))?\s*-->\s*$")
_GLOSSARY = re.compile(r"^\s*<!--\s*glossary\s*-->\s*$")
_NOT_RUN = re.compile(r"^\s*<!--\s*not run:\s*((?:(?!-->).)*?)\s*-->\s*$")
_FORMS = (
    "write one of these on a line of its own: `<!-- cell: NOTEBOOK/NAME [code|output] "
    "[mark: COLUMN=VALUE] -->`, `<!-- receipt: NOTEBOOK [brief] -->`, `<!-- status -->`, "
    "`<!-- ledger -->`, "
    "`<!-- claims[: NOTEBOOK] -->`, `<!-- glossary -->`, `<!-- not run: REASON -->`"
)


class Part(StrEnum):
    """What of a cell is shown."""

    CODE = "code"
    """Its source."""
    OUTPUT = "output"
    """What it put out."""
    BOTH = "both"
    """One after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCell:
    """Put a cell here."""

    notebook: str
    """The notebook's file name without its ending."""
    cell: str
    """The cell's name."""
    part: Part
    """What of it."""
    marks: tuple[Mark, ...] = ()
    """What of its tables the page points at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReceipt:
    """Put the stamp of a notebook's receipt here."""

    notebook: str
    """The notebook's file name without its ending."""
    brief: bool = False
    """In one line, where a page shows cells of several notebooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStatus:
    """Put the table of all notebooks here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowClaims:
    """Put the table of a chapter's claims here, or how many of each chapter's hold."""

    notebook: str | None
    """The notebook's file name without its ending; None: all chapters' summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowLedger:
    """Put the summary of repeated runs here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowGlossary:
    """Put the list of all terms here."""


BlockDirective = ShowReceipt | ShowStatus | ShowLedger | ShowClaims | ShowGlossary
"""What shows more than a cell."""
Directive = ShowCell | BlockDirective


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A directive that could not be followed, or a block of code without its evidence."""

    page: str
    """The page's path among the documents of its language."""
    line: int
    """The line in the page's file, from 1."""
    message: str
    """What is wrong."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A page with its directives followed."""

    text: str
    """The Markdown."""
    problems: tuple[Problem, ...]
    """The directives that could not be followed; each left an empty line."""


def expand(
    markdown: str, render: Callable[[Directive], str], *, page: str, first_line: int = 1
) -> Expansion:
    """Replace each directive of a page by what `render` makes of it.

    Args:
        markdown: the page's text, without its front matter.
        render: makes Markdown of a directive, or raises IstiolabError.
        page: the page's path, for messages.
        first_line: the number of the text's first line in the page's file, for messages.
    """
    lines: list[str] = []
    problems: list[Problem] = []
    for each, is_directive in _marked(markdown):
        line = each.text
        if not is_directive:
            lines.append(line)
            continue
        try:
            # Within an admonition or a tab the directive is indented, and so is what it gives.
            margin = line[: len(line) - len(line.lstrip())]
            lines.append(f"\n{indent(render(parse(line)), margin)}\n")
        except IstiolabError as wrong:
            message = "; ".join((wrong.message, *wrong.where))
            problems.append(Problem(page=page, line=first_line + each.number, message=message))
            lines.append("")
    return Expansion(text="\n".join(lines), problems=tuple(problems))


def find_directives(markdown: str) -> tuple[Directive, ...]:
    """Return a page's directives in order.

    Raises:
        UsageError: a comment begins as a directive and is none.
    """
    return tuple(parse(each.text) for each, is_directive in _marked(markdown) if is_directive)


def prose_lines(markdown: str) -> tuple[str, ...]:
    """Return the lines of a page that are not in fenced blocks."""
    return tuple(each.text for each in read_lines(markdown) if each.is_prose)


def reason_not_run(line: str) -> str | None:
    """Return the reason that a line gives for the block below it, maybe empty; None: none."""
    found = _NOT_RUN.match(line)
    return found[1] if found else None


def parse(line: str) -> Directive:
    """Read one directive.

    Raises:
        UsageError: it is none.
    """
    if found := _CELL.match(line):
        part = Part(found[3]) if found[3] else Part.BOTH
        marks = () if found[4] is None else read_marks(found[4])
        if marks is not None and (not marks or part is not Part.CODE):
            return ShowCell(notebook=found[1], cell=found[2], part=part, marks=marks)
    if found := _RECEIPT.match(line):
        return ShowReceipt(notebook=found[1], brief=bool(found[2]))
    if _STATUS.match(line):
        return ShowStatus()
    if _LEDGER.match(line):
        return ShowLedger()
    if found := _CLAIMS.match(line):
        return ShowClaims(notebook=found[1])
    if _GLOSSARY.match(line):
        return ShowGlossary()
    raise UsageError(f"`{line.strip()}` is not a directive", where=(_FORMS,))


def _marked(markdown: str) -> Iterator[tuple[Line, bool]]:
    """Yield each line with whether it is to be read as a directive."""
    lines = read_lines(markdown)
    for each in lines:
        following = lines[each.number + 1].text if each.number + 1 < len(lines) else ""
        asks = each.is_prose and reason_not_run(each.text) is None
        yield each, asks and _is_close_to_one(each.text, following)


def _is_close_to_one(line: str, following: str) -> bool:
    # A comment may begin on one line and say its first word on the next.
    prose = without_inline_code(line)
    found = _CLOSE_TO_ONE.search(f"{prose}\n{following}")
    return found is not None and found.start() < len(prose)
