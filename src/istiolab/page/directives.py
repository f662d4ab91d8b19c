"""A page's Markdown in, the same text with each directive replaced out.

A directive is an HTML comment on a line of its own, indented where it stands in an admonition:

    <!-- cell: NOTEBOOK/NAME -->            the cell's code and its outputs
    <!-- cell: NOTEBOOK/NAME code -->       its code alone; `output`: its outputs alone
    <!-- receipt: NOTEBOOK -->              what the notebook's receipt says

Rule 1: inside a fenced block nothing is a directive.
Rule 2: a comment that begins as a directive and is none is a problem, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from textwrap import indent

from istiolab.errors import IstiolabError, UsageError

_BEGINS = re.compile(r"^\s*<!--\s*(cell|receipt)\b")
_CELL = re.compile(r"^\s*<!--\s*cell:\s*([\w.-]+)/([\w.-]+)(?:\s+(code|output))?\s*-->\s*$")
_RECEIPT = re.compile(r"^\s*<!--\s*receipt:\s*([\w.-]+)\s*-->\s*$")
# What follows backticks holds no backtick, or it would be code within a line (CommonMark 4.5).
_FENCE = re.compile(r"^\s*(`{3,}(?!.*`)|~{3,})")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReceipt:
    """Put the stamp of a notebook's receipt here."""

    notebook: str
    """The notebook's file name without its ending."""


Directive = ShowCell | ShowReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A directive that could not be followed."""

    page: str
    """The page's path among the documents of its language."""
    line: int
    """The line of the directive, from 1."""
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
    for number, line, is_prose in _lines(markdown):
        if not (is_prose and _BEGINS.match(line)):
            lines.append(line)
            continue
        try:
            # Within an admonition or a tab the directive is indented, and so is what it gives.
            margin = line[: len(line) - len(line.lstrip())]
            lines.append(f"\n{indent(render(parse(line)), margin)}\n")
        except IstiolabError as wrong:
            message = "; ".join((wrong.message, *wrong.where))
            problems.append(Problem(page=page, line=first_line + number, message=message))
            lines.append("")
    return Expansion(text="\n".join(lines), problems=tuple(problems))


def find_directives(markdown: str) -> tuple[Directive, ...]:
    """Return a page's directives in order.

    Raises:
        UsageError: a comment begins as a directive and is none.
    """
    return tuple(
        parse(line) for _, line, is_prose in _lines(markdown) if is_prose and _BEGINS.match(line)
    )


def prose_lines(markdown: str) -> tuple[str, ...]:
    """Return the lines of a page that are not in fenced blocks."""
    return tuple(line for _, line, is_prose in _lines(markdown) if is_prose)


def parse(line: str) -> Directive:
    """Read one directive.

    Raises:
        UsageError: it is none.
    """
    if found := _CELL.match(line):
        part = Part(found[3]) if found[3] else Part.BOTH
        return ShowCell(notebook=found[1], cell=found[2], part=part)
    if found := _RECEIPT.match(line):
        return ShowReceipt(notebook=found[1])
    raise UsageError(
        f"`{line.strip()}` is not a directive",
        where=("write `<!-- cell: NOTEBOOK/NAME [code|output] -->` on a line of its own",),
    )


def _lines(markdown: str) -> Iterator[tuple[int, str, bool]]:
    """Yield number (from 0), text and whether it is prose, of each line."""
    lines = markdown.split("\n")
    end = -1
    for number, line in enumerate(lines):
        if number > end and (found := _FENCE.match(line)):
            end = _end_of_block(lines, number, found[1])
        yield number, line, number > end


def _end_of_block(lines: list[str], start: int, fence: str) -> int:
    # As superfences does: a block ends with just the fence that it began with, and is none if
    # that never comes.
    for number in range(start + 1, len(lines)):
        if lines[number].strip() == fence:
            return number
    return start - 1
