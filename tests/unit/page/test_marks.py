from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import IstiolabError, UsageError
from istiolab.page.directives import Part, ShowCell, parse
from istiolab.page.embed import render_cell
from istiolab.page.marks import Mark, mark_cells, read_marks
from istiolab.page.words import read_words
from tests.unit.page.build import cell, notebook, output

TABLE = (
    "<table><thead><tr><th>sidecar of</th><th>code</th></tr></thead><tbody>"
    "<tr><td>a &amp; b</td><td>426</td></tr><tr><td>426</td><td>200</td></tr></tbody></table>"
)
REFUSED = Mark(column="code", value="426")


def test_a_cell_is_marked_by_its_column_and_its_value_alone() -> None:
    marked, found = mark_cells(TABLE, [REFUSED])
    assert marked == TABLE.replace("<td>426</td></tr><tr>", "<td><mark>426</mark></td></tr><tr>", 1)
    assert found == {REFUSED}


def test_entities_and_spaces_in_heads_and_values_are_as_a_reader_sees_them() -> None:
    wanted = Mark(column="sidecar of", value="a & b")
    assert "<mark>a &amp; b</mark>" in mark_cells(TABLE, [wanted])[0]


@pytest.mark.parametrize("value", ["42", "4260", "404"])
def test_what_fits_no_cell_is_not_among_the_marks_that_fitted(value: str) -> None:
    assert mark_cells(TABLE, [Mark(column="code", value=value)]) == (TABLE, frozenset())


@given(st.text())
def test_html_without_what_is_looked_for_stays_as_it_is(html: str) -> None:
    assert mark_cells(html, [REFUSED])[0].replace("<mark>", "").replace("</mark>", "") == html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("code=426", (REFUSED,)),
        (" code = 426 , x y=a=b", (REFUSED, Mark(column="x y", value="a=b"))),
        ("code", None),
        ("=426", None),
        ("code=", None),
        ("code=426,", None),
    ],
)
def test_marks_are_columns_with_values(text: str, expected: tuple[Mark, ...] | None) -> None:
    assert read_marks(text) == expected


def test_a_directive_may_mark_what_it_shows() -> None:
    assert parse("<!-- cell: some/log output mark: code=426 -->") == ShowCell(
        notebook="some", cell="log", part=Part.OUTPUT, marks=(REFUSED,)
    )
    assert parse("<!-- cell: some/log mark: code=426 -->") == ShowCell(
        notebook="some", cell="log", part=Part.BOTH, marks=(REFUSED,)
    )


@pytest.mark.parametrize("rest", ["code mark: code=426", "mark:", "mark: code", "mark code=426"])
def test_a_mark_that_is_none_is_no_directive(rest: str) -> None:
    with pytest.raises(UsageError, match="is not a directive"):
        parse(f"<!-- cell: some/log {rest} -->")


def test_a_page_shows_the_mark_and_refuses_one_that_fits_nothing() -> None:
    of = cell(output("a table", kind="result", html=TABLE), output("426\n"))
    words = read_words("en")
    shown = render_cell(notebook(of), of, part=Part.OUTPUT, words=words, marks=(REFUSED,))
    assert shown.count("<mark>426</mark>") == 1
    gone = Mark(column="code", value="503")
    with pytest.raises(IstiolabError, match="no cell in a table that is to be marked") as caught:
        render_cell(notebook(of), of, part=Part.OUTPUT, words=words, marks=(REFUSED, gone))
    assert caught.value.where == ("code=503",)
