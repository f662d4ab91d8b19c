"""A page's Markdown in, what of its code was not run out, each with its reason or as a problem.

It is a command:

    python -m istiolab.page.coverage    say for each page what is embedded and what was not run;
                                        ends with 1 if a block has no evidence and no reason

Rule 1: a block of code comes from an executed cell, is a diagram, or has a reason written above it:
`<!-- not run: REASON -->`.
Rule 2: a reason that excuses nothing is a problem, too, and so is a diagram without words.
Rule 3: a page that shows a cell says what its receipt says: it carries the notebook's stamp.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from istiolab.errors import ExitCode, IstiolabError
from istiolab.page.blocks import DIAGRAM, INDENTED, Block, find_blocks
from istiolab.page.diagram import check_diagrams
from istiolab.page.directives import (
    Directive,
    Problem,
    ShowCell,
    ShowReceipt,
    expand,
    reason_not_run,
)
from istiolab.page.lines import read_lines
from istiolab.page.outline import split_front_matter
from istiolab.page.parity import SOURCE, TRANSLATION, unlike
from istiolab.system.files import visible_files


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """A block of code that was not executed, and says why."""

    line: int
    """The block's first line in the page's file, from 1."""
    language: str
    """What it is written in; may be empty."""
    reason: str
    """Why it was not executed."""

    def __str__(self) -> str:
        return f"{self.line}: {self.language or 'text'}, not run: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a page shows, by its evidence."""

    cells: int
    """How many cells it embeds, each counted once."""
    not_run: tuple[NotRun, ...]
    """The blocks that no cell gave, with their reasons."""
    problems: tuple[Problem, ...]
    """The blocks and reasons that lack their other half, and what is no directive."""


def check_blocks(
    markdown: str, *, page: str, first_line: int = 1
) -> tuple[tuple[NotRun, ...], tuple[Problem, ...]]:
    """Return the blocks of a page that are excused, and all that is wrong with blocks and reasons.

    Args:
        markdown: the page's text, without its front matter.
        page: the page's path, for messages.
        first_line: the number of the text's first line in the page's file.
    """
    blocks = {block.line: block for block in find_blocks(markdown)}
    excused: list[NotRun] = []
    wrong: dict[int, str] = {}
    for line, reason, below in _reasons(markdown):
        block = blocks.pop(below, None)
        if block is None:
            wrong[line] = "`not run` stands above no block of code"
        elif not re.search(r"\w", reason):
            wrong[line] = "`not run` gives no reason"
        else:
            excused.append(
                NotRun(line=first_line + block.line, language=block.language, reason=reason)
            )
    wrong |= {line: _why(block) for line, block in blocks.items() if block.language != DIAGRAM}
    problems = (
        Problem(page=page, line=first_line + line, message=wrong[line]) for line in sorted(wrong)
    )
    return tuple(excused), tuple(problems)


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


def read_coverage(text: str, *, page: str) -> Coverage:
    """Return the coverage of a page's file; whether its cells exist is for the build to say.

    Args:
        text: the file's text.
        page: its path, which begins with the folder of its language.
    """
    _, body = split_front_matter(text)
    first_line = 1 + text.count("\n") - body.count("\n")
    cells: set[tuple[str, str]] = set()

    def count(directive: Directive) -> str:
        if isinstance(directive, ShowCell):
            cells.add((directive.notebook, directive.cell))
        return ""

    expansion = expand(body, count, page=page, first_line=first_line)
    language = page.split("/", maxsplit=1)[0]
    not_run, problems = check_page(body, page=page, language=language, first_line=first_line)
    problems = in_order(expansion.problems, problems)
    return Coverage(cells=len(cells), not_run=not_run, problems=problems)


def check_page(
    markdown: str, *, page: str, language: str, first_line: int
) -> tuple[tuple[NotRun, ...], tuple[Problem, ...]]:
    """Return what of a page was not run, and all that its blocks, diagrams and cells lack.

    Args:
        markdown: the page's text, without its front matter.
        page: the page's path, for messages.
        language: the page's language.
        first_line: the number of the text's first line in the page's file.
    """
    not_run, uncovered = check_blocks(markdown, page=page, first_line=first_line)
    undescribed = check_diagrams(markdown, page=page, language=language, first_line=first_line)
    unstamped = check_stamps(markdown, page=page, first_line=first_line)
    return not_run, in_order(uncovered, undescribed, unstamped)


def in_order(*problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems of one page by their lines."""
    return tuple(sorted((each for some in problems for each in some), key=lambda each: each.line))


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command; see the module's head."""
    if arguments:
        sys.stderr.write("usage: python -m istiolab.page.coverage\n")
        return ExitCode.USAGE
    found: list[Coverage] = []
    for path in [
        each for folder in (SOURCE, TRANSLATION) for each in visible_files(folder, "**/*.md")
    ]:
        page = path.relative_to(SOURCE.parent).as_posix()
        found.append(read_coverage(path.read_text(encoding="utf-8"), page=page))
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


def _reasons(markdown: str) -> Iterator[tuple[int, str, int]]:
    """Yield line and reason of each `not run`, and the next line that is not blank."""
    lines = read_lines(markdown)
    for each in lines:
        if each.is_prose and (reason := reason_not_run(each.text)) is not None:
            below = (other.number for other in lines[each.number + 1 :] if other.text.strip())
            yield each.number, reason, next(below, -1)


def _why(block: Block) -> str:
    what = f"a block of code ({block.language})" if block.language else "a block of code"
    other = "un-indent it if it is text, " if block.language == INDENTED else ""
    return (
        f"{what} that no cell gave; {other}embed a cell, or write above it why it cannot be run: "
        "`<!-- not run: REASON -->`"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
