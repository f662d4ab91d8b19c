from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import IstiolabError, UsageError
from istiolab.page.directives import (
    Directive,
    Part,
    ShowCell,
    ShowClaims,
    ShowGlossary,
    ShowLedger,
    ShowReceipt,
    ShowStatus,
    expand,
    find_directives,
    parse,
    prose_lines,
    reason_not_run,
)

CELL = "<!-- cell: some/sum -->"
SHOWN = ShowCell(notebook="some", cell="sum", part=Part.BOTH)


def show(directive: Directive) -> str:
    assert not isinstance(directive, ShowStatus | ShowLedger | ShowGlossary)
    return f"[{directive.notebook}]"


def refuse(directive: Directive) -> str:
    assert not isinstance(directive, ShowStatus | ShowLedger | ShowGlossary)
    raise IstiolabError(f"no {directive.notebook}", where=("first", "second"))


@pytest.mark.parametrize(
    ("line", "directive"),
    [
        (CELL, SHOWN),
        ("<!--cell:some/sum-->  ", SHOWN),
        ("    <!-- cell: some/sum -->", SHOWN),
        ("<!-- cell: 4.2-6/a_b code -->", ShowCell(notebook="4.2-6", cell="a_b", part=Part.CODE)),
        ("<!-- cell: some/sum output -->", ShowCell(notebook="some", cell="sum", part=Part.OUTPUT)),
        ("<!-- receipt: some -->", ShowReceipt(notebook="some")),
        ("<!--receipt:some  brief-->", ShowReceipt(notebook="some", brief=True)),
        ("<!-- status -->", ShowStatus()),
        ("<!-- ledger -->", ShowLedger()),
        ("<!-- glossary -->", ShowGlossary()),
        ("<!-- claims -->", ShowClaims(notebook=None)),
        ("<!-- claims: some -->", ShowClaims(notebook="some")),
    ],
)
def test_each_form_of_directive_is_read(line: str, directive: Directive) -> None:
    assert parse(line) == directive


@pytest.mark.parametrize(
    "line",
    [
        "<!-- cell: some -->",
        "<!-- cell some/sum -->",
        "<!-- cell: some/sum both -->",
        "<!-- cell: some/sum code output -->",
        "<!-- cell: some/sum",
        "<!-- cell: some/sum --> and more",
        "<!-- cell: ../some/sum -->",
        "  <!-- cell: some -->",
        "<!-- receipt: -->",
        "<!-- receipt: some/sum -->",
        "<!-- receipt -->",
        "<!-- cells: some/sum -->",
        "<!-- receipts: some -->",
        "<!-- Cell: some/sum -->",
        "<!--- cell: some/sum -->",
        "<!-- status: some -->",
        "<!-- glossary: some -->",
        "<!-- not run -->",
        "<!-- not-run: reason -->",
        "<!-- notrun: reason -->",
        "<!-- not run: reason --> and more",
        "text <!-- cell: some/sum -->",
        "text <!-- not run: reason -->",
        "- <!-- cell: some/sum -->",
        "> <!-- cell: some/sum -->",
        "| <!-- receipt: some --> |",
        "`code` <!-- cell: some/sum -->",
        "<!-- a remark --> <!-- cell: some/sum -->",
    ],
)
def test_what_begins_as_a_directive_and_is_none_is_a_problem(line: str) -> None:
    expansion = expand(f"a\n{line}\nb", show, page="p.md")
    assert [(each.page, each.line) for each in expansion.problems] == [("p.md", 2)]
    assert f"`{line.strip()}` is not a directive" in expansion.problems[0].message
    assert expansion.text == "a\n\nb"
    with pytest.raises(UsageError, match="is not a directive"):
        find_directives(line)


@pytest.mark.parametrize(
    "line",
    [
        *("<!-- a remark -->", "<!-- cellar -->", "cell: some/sum", "<!-- not yet -->"),
        *("write `<!-- cell: some/sum -->`", "``<!-- cells ` -->``", "<!-- not run: reason -->"),
        *("    <!--not run:reason-->", "<!-- not run: -->", "<!--", "<!-- the cell: a -->"),
    ],
)
def test_other_lines_stay_as_they_are(line: str) -> None:
    expansion = expand(line, show, page="p.md")
    assert (expansion.text, expansion.problems) == (line, ())


def test_a_comment_may_not_hide_its_first_word_on_the_next_line() -> None:
    page = "a\n<!--\ncell: some/sum -->\nb\n<!--\n\ncell"
    expansion = expand(page, show, page="p.md")
    assert [each.line for each in expansion.problems] == [2]


@given(
    st.sampled_from(["cell", "cells", "receipt", "receipts", "not run", "status", "glossary"]),
    st.text(alphabet="ab >-#*|\t", max_size=5),
    st.text(alphabet="ab:/ ", max_size=5),
)
def test_a_comment_close_to_a_directive_is_followed_or_a_problem_wherever_it_stands(
    word: str, before: str, after: str
) -> None:
    line = f"{before}<!-- {word}: {after} -->"
    expansion = expand(line, show, page="p.md")
    if not expansion.problems and reason_not_run(line) is None:
        assert isinstance(
            parse(line),
            ShowCell | ShowReceipt | ShowStatus | ShowLedger | ShowClaims | ShowGlossary,
        )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<!-- not run: a reason: this -->", "a reason: this"),
        ("  <!--not run:   原因-->  ", "原因"),
        ("<!-- not run: -->", ""),
        ("<!-- not run: a --> b -->", None),
        ("a <!-- not run: b -->", None),
        ("<!-- cell: some/sum -->", None),
    ],
)
def test_the_reason_of_a_block_is_read(line: str, reason: str | None) -> None:
    assert reason_not_run(line) == reason


def test_a_directive_is_replaced_by_a_block_of_its_own() -> None:
    expansion = expand(f"a\n{CELL}\nb\n<!-- receipt: other -->", show, page="p.md")
    assert expansion.text == "a\n\n[some]\n\nb\n\n[other]\n"
    assert expansion.problems == ()


def test_what_an_indented_directive_gives_is_indented_like_it() -> None:
    expansion = expand(f"!!! note\n\n    {CELL}\nb", lambda _: "one\n\n  two", page="p.md")
    assert expansion.text == "!!! note\n\n\n    one\n\n      two\n\nb"


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("```", "```"), ("```html", "```"), ("~~~~", "~~~~"), ("  ```", "  ```"), ("~~~ a`b", "~~~")],
)
def test_in_a_fenced_block_nothing_is_a_directive(opening: str, closing: str) -> None:
    page = f"{opening}\n{CELL}\n<!-- cell: wrong\n{closing}\n{CELL}"
    assert find_directives(page) == (SHOWN,)
    expansion = expand(page, show, page="p.md")
    assert expansion.problems == ()
    assert expansion.text == page.removesuffix(CELL) + "\n[some]\n"
    assert prose_lines(page) == (CELL,)


def test_a_block_ends_only_with_the_fence_that_it_began_with() -> None:
    page = f"````\n```\n{CELL}\n```\n~~~~\n{CELL}\n````\nprose"
    assert prose_lines(page) == ("prose",)
    assert find_directives(page) == ()


def test_code_within_a_line_opens_no_block() -> None:
    assert find_directives(f"```code``` in a line\n{CELL}") == (SHOWN,)


def test_a_fence_that_is_never_closed_hides_no_directive() -> None:
    assert find_directives(f"```python\n{CELL}\n~~~") == (SHOWN,)


def test_a_directive_that_cannot_be_followed_is_a_problem_with_its_line_in_the_file() -> None:
    expansion = expand(f"a\n\n{CELL}\nb\n{CELL}", refuse, page="dir/p.md", first_line=5)
    assert [str(each) for each in expansion.problems] == [
        "dir/p.md:7: no some; first; second",
        "dir/p.md:9: no some; first; second",
    ]
    assert expansion.text == "a\n\n\nb\n"


def test_other_failures_than_foreseen_ones_are_not_swallowed() -> None:
    def fail(directive: Directive) -> str:
        raise ZeroDivisionError(directive)

    with pytest.raises(ZeroDivisionError):
        expand(CELL, fail, page="p.md")
