from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown  # type: ignore[import-untyped]

from istiolab.page.coverage import read_coverage
from istiolab.page.diagram import (
    DIAGRAM,
    check_diagrams,
    find_diagrams,
    read_alternative,
    show_fence,
)

SOURCE = """flowchart LR
  accTitle: The way of a <request>
  accDescr: It goes through "both" sidecars
  a["<b>a</b>"] --> b"""
PAGE = f"# Title\n\n```mermaid\n{SOURCE}\n```\n"


def problems(markdown: str, language: str = "en") -> list[str]:
    return [str(each) for each in check_diagrams(markdown, page="p.md", language=language)]


def as_html(markdown: str) -> BeautifulSoup:
    fence = {"name": DIAGRAM, "class": DIAGRAM, "format": show_fence}
    made = Markdown(
        extensions=["pymdownx.superfences", "admonition"],
        extension_configs={"pymdownx.superfences": {"custom_fences": [fence]}},
    )
    return BeautifulSoup(made.convert(markdown), "html.parser")


def test_a_description_may_be_one_line_or_stand_between_braces() -> None:
    assert read_alternative(SOURCE).description == 'It goes through "both" sidecars'
    braces = "pie\n  accDescr {\n    one\n    two\n  }\n"
    assert read_alternative(braces).description == "one two"
    assert read_alternative("pie\n accTitle:   \n accDescr:x").title == ""


@pytest.mark.parametrize("margin", ["", "    "])
def test_a_diagram_that_says_what_it_shows_is_good(margin: str) -> None:
    page = f"!!! note\n\n{PAGE}".replace("\n", f"\n{margin}") if margin else PAGE
    assert problems(page) == []
    ((_, source),) = find_diagrams(page)
    assert [line.strip() for line in source.splitlines()] == [
        line.strip() for line in SOURCE.splitlines()
    ]


@pytest.mark.parametrize(
    ("old", "new", "language", "wrong"),
    [
        ("accTitle", "%% accTitle", "en", "without `accTitle`: say in it, in words, what it shows"),
        ("accDescr", "title", "en", "without `accDescr`: say in it, in words, what it shows"),
        ("accDescr: It", "accDescr: 它", "en", "whose `accDescr` is not in the page's language"),
        ("accTitle: The", "accTitle: 請求", "en", "whose `accTitle` is not in the page's language"),
        ("x", "x", "zh-TW", "whose `accTitle` is not in the page's language"),
    ],
)
def test_a_diagram_without_words_in_the_pages_language_is_a_problem(
    old: str, new: str, language: str, wrong: str
) -> None:
    assert problems(PAGE.replace(old, new), language) == [f"p.md:3: a diagram {wrong}"]


def test_chinese_words_are_right_on_a_chinese_page() -> None:
    page = PAGE.replace("The way", "請求").replace("It goes", "經過")
    assert problems(page, "zh-TW") == []


def test_the_coverage_of_a_page_counts_a_diagram_without_words_as_a_problem() -> None:
    def found(page: str) -> list[str]:
        coverage = read_coverage(PAGE, page=page, render=lambda text: str(as_html(text)))
        return [str(each) for each in coverage.problems]

    assert found("en/p.md") == []
    (problem,) = found("zh-TW/p.md")
    assert problem.startswith("zh-TW/p.md:3: a diagram whose `accTitle`")


def test_other_blocks_are_no_diagrams() -> None:
    assert find_diagrams("```yaml\nflowchart: LR\n```\n\n`mermaid`\n") == ()


def test_the_figure_carries_the_words_and_the_search_leaves_out_the_source() -> None:
    found = as_html(PAGE)
    figure = found.find("figure")
    assert figure is not None
    assert (figure["role"], figure["aria-label"]) == ("img", "The way of a <request>")
    words = found.find(id=str(figure["aria-describedby"]))
    assert words is not None
    assert words.text == 'It goes through "both" sidecars'
    source = figure.find("pre")
    assert source is not None
    assert source["class"] == ["mermaid"]
    assert source.has_attr("data-search-exclude")


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_what_is_drawn_is_the_source_whatever_it_holds(text: str) -> None:
    source = f"pie\n  x {text}"
    html = show_fence(source, DIAGRAM, DIAGRAM, {}, None)
    found = BeautifulSoup(html, "html.parser").find("pre")
    assert found is not None
    assert found.text == source
