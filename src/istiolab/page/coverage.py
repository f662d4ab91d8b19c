"""A page as rendered in, what of its code was not run out, each with its reason or as a problem.

It is a command:

    python -m istiolab.page.coverage    say for each page what is embedded and what was not run;
                                        ends with 1 if a block has no evidence and no reason

Rule 1: a block of code comes from an executed cell, is a diagram, or has a reason written above it:
`<!-- not run: REASON -->`. What is one is seen in the HTML, where cells are still placeholders:
each `<pre>`.
Rule 2: a reason that excuses nothing is a problem, too, and so is a diagram without words.
Rule 3: a page that shows a cell says what its receipt says: it carries the notebook's stamp.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

from bs4 import BeautifulSoup, Comment, Tag

from istiolab.errors import ExitCode, IstiolabError
from istiolab.page.diagram import DIAGRAM, check_diagrams
from istiolab.page.directives import (
    Directive,
    Problem,
    ShowCell,
    ShowReceipt,
    expand,
    reason_not_run,
)
from istiolab.page.outline import split_front_matter
from istiolab.page.parity import SOURCE, TRANSLATION, unlike
from istiolab.page.placeholders import Placeholders
from istiolab.page.site_config import read_renderer
from istiolab.system.files import visible_files

_CONFIGURATIONS = {SOURCE: Path("mkdocs.yml"), TRANSLATION: Path("mkdocs.zh-TW.yml")}
_WHY = "embed a cell, or write above it why it cannot be run: `<!-- not run: REASON -->`"
_SHOWN_CHARACTERS = 40
_FENCE = re.compile(r"^[\s>]*(?:`{3,}|~{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """A block of code that was not executed, and says why."""

    line: int
    """The block's first line in the page's file, from 1."""
    code: str
    """Its first line."""
    reason: str
    """Why it was not executed."""

    def __str__(self) -> str:
        return f"{self.line}: `{self.code}`, not run: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a page shows, by its evidence."""

    cells: int
    """How many cells it embeds, each counted once."""
    not_run: tuple[NotRun, ...]
    """The blocks that no cell gave, with their reasons."""
    problems: tuple[Problem, ...]
    """The blocks and reasons that lack their other half, and what is no directive."""


def check_code(
    html: str, *, source: str, page: str, first_line: int = 1
) -> tuple[tuple[NotRun, ...], tuple[Problem, ...]]:
    """Return the blocks of code of a page that are excused, and all that is wrong with others.

    Args:
        html: what a reader would see of it, cells as placeholders.
        source: the text that it was written in, in which lines are counted.
        page: its path, for messages.
        first_line: the number of the text's first line in the page's file.
    """
    reading = _Reading(lines=source.split("\n"), first_line=first_line, page=page)
    for node in BeautifulSoup(html, "html.parser").descendants:
        match node:
            case Tag(name="pre"):
                reading.block(node)
            case Comment():
                reading.comment(node)
            case str() if node.strip() and not node.find_parent(_is_code):
                reading.text(node)
    reading.end_reason()
    return tuple(reading.not_run), tuple(reading.problems)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A page, read from its top to its end."""

    lines: list[str]
    first_line: int
    page: str
    place: int = 0
    """The line of the source, from 0, up to which it was read."""
    reason: tuple[int, str] | None = None
    """The line and the text of a reason whose block has not come yet."""
    not_run: list[NotRun] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def comment(self, comment: Comment) -> None:
        """Take a reason."""
        if (reason := reason_not_run(f"<!--{comment}-->")) is not None:
            self.end_reason()
            self.reason = (self._go_to("not run:"), reason)
            self.place += 1

    def text(self, text: str) -> None:
        """Pass over text, which parts a reason from what is below."""
        self.end_reason()
        if (found := _FENCE.search(text)) is not None:
            self._problem(self._go_to(found[0].strip()), "a fence of code that has no end")

    def block(self, block: Tag) -> None:
        """Take a block of code."""
        reason, self.reason = self.reason, None
        if DIAGRAM in (block.get("class") or ()):
            return
        code = block.get_text().strip("\n").split("\n")
        line = self._go_to(code[0].strip())
        if line and _FENCE.match(self.lines[line - 1]):
            line -= 1
        self.place += len(code)
        first = shorten(code[0], _SHOWN_CHARACTERS, placeholder=" …")
        if reason is None:
            self._problem(line, f"a block of code, `{first}`, that no cell gave; {_WHY}")
        elif not re.search(r"\w", reason[1]):
            self._problem(reason[0], "`not run` gives no reason")
        else:
            number = self.first_line + line
            self.not_run.append(NotRun(line=number, code=first, reason=reason[1]))

    def end_reason(self) -> None:
        """Say of a reason that nothing came for it to excuse."""
        if self.reason is not None:
            self._problem(self.reason[0], "`not run` stands above no block of code")
        self.reason = None

    def _go_to(self, text: str) -> int:
        """Go to the next line of the source that holds a text, if there is one; return it."""
        places = range(self.place, len(self.lines))
        last = max(len(self.lines) - 1, 0)
        found = next((each for each in places if text in self.lines[each]), self.place)
        self.place = min(found, last)
        return self.place

    def _problem(self, line: int, message: str) -> None:
        number = self.first_line + line
        self.problems.append(Problem(page=self.page, line=number, message=message))


def _is_code(tag: Tag) -> bool:
    return tag.name == "pre" or "highlight" in (tag.get("class") or ())


def check_stamps(markdown: str, *, page: str, first_line: int = 1) -> tuple[Problem, ...]:
    """Return the cells of a page, the first of each notebook, whose stamp the page does not carry.

    Args:
        markdown: the page's text, without its front matter.
        page: the page's path, for messages.
        first_line: the number of the text's first line in the page's file.
    """
    stamped: set[str] = set()

    def collect(directive: Directive) -> str:
        if isinstance(directive, ShowReceipt):
            stamped.add(directive.notebook)
        return ""

    def demand(directive: Directive) -> str:
        if isinstance(directive, ShowCell) and (name := directive.notebook) not in stamped:
            stamped.add(name)
            raise IstiolabError(
                f"a cell of `{name}`, and no stamp of it on the page; write "
                f"`<!-- receipt: {name} -->`, or `<!-- receipt: {name} brief -->` for one line"
            )
        return ""

    no_directives = expand(markdown, collect, page=page, first_line=first_line).problems
    found = expand(markdown, demand, page=page, first_line=first_line).problems
    return tuple(each for each in found if each not in no_directives)


def read_coverage(text: str, *, page: str, render: Callable[[str], str]) -> Coverage:
    """Return the coverage of a page's file; whether its cells exist is for the build to say.

    Args:
        text: the file's text.
        page: its path, which begins with the folder of its language.
        render: makes HTML of Markdown as the build does.
    """
    _, body = split_front_matter(text)
    first_line = 1 + text.count("\n") - body.count("\n")
    cells: set[tuple[str, str]] = set()
    held = Placeholders()

    def count(directive: Directive) -> str:
        if isinstance(directive, ShowCell):
            cells.add((directive.notebook, directive.cell))
        return held.hold("")

    expansion = expand(body, count, page=page, first_line=first_line)
    language = page.split("/", maxsplit=1)[0]
    not_run, problems = check_code(
        render(expansion.text), source=body, page=page, first_line=first_line
    )
    others = check_markdown(body, page=page, language=language, first_line=first_line)
    problems = in_order(expansion.problems, problems, others)
    return Coverage(cells=len(cells), not_run=not_run, problems=problems)


def check_markdown(
    markdown: str, *, page: str, language: str, first_line: int
) -> tuple[Problem, ...]:
    """Return all that the diagrams and the cells of a page lack.

    Args:
        markdown: the page's text, without its front matter.
        page: the page's path, for messages.
        language: the page's language.
        first_line: the number of the text's first line in the page's file.
    """
    return in_order(
        check_diagrams(markdown, page=page, language=language, first_line=first_line),
        check_stamps(markdown, page=page, first_line=first_line),
    )


def in_order(*problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems of one page by their lines."""
    return tuple(sorted((each for some in problems for each in some), key=lambda each: each.line))


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command; see the module's head."""
    if arguments:
        sys.stderr.write("usage: python -m istiolab.page.coverage\n")
        return ExitCode.USAGE
    found: list[Coverage] = []
    for folder, configuration in _CONFIGURATIONS.items():
        pages = visible_files(folder, "**/*.md")
        render = read_renderer(configuration) if pages else str
        for path in pages:
            page = path.relative_to(SOURCE.parent).as_posix()
            text = path.read_text(encoding="utf-8")
            found.append(read_coverage(text, page=page, render=render))
            for line in _told(page, found[-1]):
                sys.stdout.write(f"{line}\n")
    alike = unlike(SOURCE, TRANSLATION)
    for line in alike:
        sys.stdout.write(f"{line}\n")
    problems = sum(len(each.problems) for each in found)
    cells, not_run = sum(each.cells for each in found), sum(len(each.not_run) for each in found)
    sys.stdout.write(
        f"total: {len(found)} pages, {cells} cells embedded, {not_run} blocks not run, "
        f"{problems} problems, {len(alike)} differences between the languages\n"
    )
    # No page at all is no evidence.
    return ExitCode.FINDING if problems or alike or not found else ExitCode.OK


def _told(page: str, coverage: Coverage) -> Iterator[str]:
    yield f"{page}: {coverage.cells} cells embedded, {len(coverage.not_run)} blocks not run"
    yield from (f"  {each}" for each in coverage.not_run)
    yield from (f"  {each}" for each in coverage.problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
