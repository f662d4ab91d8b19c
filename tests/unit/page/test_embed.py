from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from hypothesis import assume, example, given
from hypothesis import strategies as st

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import Cell
from istiolab.page.directives import Part
from istiolab.page.embed import demand_no_failure, render_cell
from istiolab.page.frame import FOLD_TABLE_ROWS, FOLD_TEXT_LINES
from istiolab.page.words import LANGUAGES, read_words
from tests.unit.page.build import cell, notebook, output


def shown(of: Cell, part: Part = Part.OUTPUT, language: str = "en") -> str:
    return render_cell(notebook(of), of, part=part, words=read_words(language))


def texts(html: str) -> list[str]:
    """Return the text of each block of code."""
    found = BeautifulSoup(html, "html.parser").find_all("pre")
    return [each.text.removesuffix("\n") for each in found]


def table(rows: int) -> str:
    return f"<table><thead><tr><th>n</th></tr></thead>{'<tr><td>*a*</td></tr>' * rows}</table>"


def test_each_part_shows_what_it_says() -> None:
    of = cell(output("2\n"))
    code = shown(of, Part.CODE)
    assert '<span class="filename">some · sum</span>' in code
    assert texts(code) == ["1 + 1"]
    text = shown(of, Part.OUTPUT)
    assert "<pre><code>2\n</code></pre>" in text
    assert 'aria-label="Output of cell sum"' in text
    assert shown(of, Part.BOTH) == f"{code}\n{text}"


@pytest.mark.parametrize(
    "outputs",
    [
        (),
        (output(""),),
        (output(" \n"), output("\n")),
        (output("<HTML object>", kind="display", html="<script>draw()</script>"),),
        (output("an image", kind="display", markdown="![a](https://x/y.png)"),),
        (output("a script", kind="display", markdown="<script>draw()</script>"),),
    ],
)
@pytest.mark.parametrize("part", [Part.OUTPUT, Part.BOTH])
def test_an_output_that_is_asked_for_and_missing_is_an_error(
    outputs: tuple[()], part: Part
) -> None:
    with pytest.raises(IstiolabError, match=r"cell 1 `sum` of `some\.ipynb` has no output"):
        shown(cell(*outputs), part)


@pytest.mark.parametrize(
    "of",
    [
        cell(output("2"), source=" \n"),
        Cell(index=0, id="a", kind="markdown", source="text", tags=("sum",), outputs=()),
    ],
)
def test_code_that_is_asked_for_and_missing_is_an_error(of: Cell) -> None:
    with pytest.raises(IstiolabError, match=r"cell 1 `sum` of `some\.ipynb` has no code"):
        shown(of, Part.CODE)


def test_an_error_that_was_not_declared_is_refused_and_names_its_cell() -> None:
    error = output("ValueError: no", kind="error")
    of = notebook(cell(output("1"), tags=("good",)), cell(error, tags=("bad",)))
    with pytest.raises(IstiolabError, match="left with an error in its outputs") as caught:
        demand_no_failure(of)
    assert caught.value.where == ("cell 1 `bad`",)


def test_a_declared_error_is_shown_like_any_output() -> None:
    of = cell(output("ValueError: no", kind="error"), tags=("raises-exception", "refused"))
    demand_no_failure(notebook(of))
    assert "ValueError: no" in shown(of)


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], include_characters="\n<&`*")))
@example('--8<-- "nope.md"')
def test_code_and_output_are_shown_as_they_are(text: str) -> None:
    assume(text.strip())
    (output_text,) = texts(shown(cell(output(text))))
    assert output_text == text.strip("\n")
    (code,) = texts(shown(cell(output("1"), source=text), Part.CODE))
    assert code == text.rstrip()


def test_what_a_cell_printed_in_pieces_is_one_text() -> None:
    of = cell(output("a"), output("b\n"), output("3", kind="result"), output("c\n"))
    assert texts(shown(of)) == ["ab", "3", "c"]


@pytest.mark.parametrize(("more", "folds"), [(0, False), (1, True)])
def test_long_text_is_folded_and_says_how_long_it_is(more: int, *, folds: bool) -> None:
    count = FOLD_TEXT_LINES + more
    text = shown(cell(output("line\n" * count)))
    assert (f"<summary>{count} lines of output</summary>" in text) is folds
    assert text.count("line\n") == count
    assert (text.count("<details") == 1) is folds


@pytest.mark.parametrize(("more", "folds"), [(0, False), (1, True)])
def test_a_long_table_is_folded_and_says_how_long_it_is(more: int, *, folds: bool) -> None:
    count = FOLD_TABLE_ROWS + more
    text = shown(cell(output("", kind="result", html=table(count))))
    assert (f"<summary>Table of {count} rows</summary>" in text) is folds
    assert text.count("<td>*a*</td>") == count
    assert (text.count("<details") == 1) is folds


def test_html_goes_before_markdown_and_markdown_before_text() -> None:
    both = output("text", kind="result", html="<b>html</b>", markdown="*md*")
    assert "<b>html</b>" in shown(cell(both))
    assert "*md*" not in shown(cell(both))
    marked = output("text", kind="result", markdown="*md*")
    assert "<em>md</em>" in shown(cell(marked))
    assert "text" not in shown(cell(marked))


def test_html_is_cleaned() -> None:
    of = cell(output("", kind="display", html="<p onclick='x'>a\n\nb<script>c</script></p>"))
    assert "<p>a  b</p>" in shown(of)


@pytest.mark.parametrize(
    "markdown",
    [
        "a <script>b</script> <img src=x onerror=alert(1)> *c*",
        "<script>b</script>\n\na *c*",
        "<p onclick='x'>a</p>\n\n*c*",
        "a [b](javascript:alert(1)) *c*",
        "a\n{: onclick='x' }\n\n*c*",
        "a\n\n<!-- cell: some/sum -->\n\n<iframe src='//x'></iframe> *c*",
    ],
)
def test_markdown_that_a_cell_put_out_is_cleaned_like_html(markdown: str) -> None:
    html = shown(cell(output("text", kind="result", markdown=markdown)))
    assert "<em>c</em>" in html
    for harmful in ("<script", "<img", "<iframe", "<[^>]* onclick", "javascript:", "<!--"):
        assert not re.search(harmful, html)


def test_markdown_keeps_its_table_and_its_code() -> None:
    markdown = "| a |\n|---|\n| `b` |\n\n```\n<c>\n\n*d*\n```"
    html = shown(cell(output("text", kind="result", markdown=markdown)))
    assert "<td><code>b</code></td>" in html
    assert "<pre><code>&lt;c&gt;&#10;&#10;*d*&#10;</code></pre>" in html


def test_a_region_can_be_reached_by_keyboard_and_its_label_is_escaped() -> None:
    text = shown(cell(output("1"), tags=('a"><b',)))
    assert 'role="region" tabindex="0" aria-label="Output of cell a&quot;&gt;&lt;b"' in text


def test_both_languages_show_the_same_bytes_but_for_labels() -> None:
    of = cell(
        output("line\n" * 30),
        output("", kind="result", html=table(50)),
        output("", kind="display", markdown="*md*"),
        output("short", kind="result"),
    )
    heads = r'aria-label="[^"]*"|<summary>[^<]*</summary>'
    texts = [shown(of, Part.BOTH, language) for language in LANGUAGES]
    assert texts[0] != texts[1]
    assert len({re.sub(heads, "", text) for text in texts}) == 1
    found = [re.findall(heads, text) for text in texts]
    assert len(found[0]) == 6
    assert all(one != other for one, other in zip(*found, strict=True))
