from __future__ import annotations

from collections.abc import Mapping

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown import markdown  # type: ignore[import-untyped]

from istiolab.page.tooltips import pattern

GLOSSARY = {
    "sidecar": "a proxy",
    "sidecars": "a proxy",
    "sidecar container": "an init container",
    "mTLS": "both prove",
    "網格": "工作負載",
}


def shown(text: str, terms: Mapping[str, str] = GLOSSARY) -> BeautifulSoup:
    definitions = "\n".join(f"*[{name}]: {text}" for name, text in terms.items())
    extensions = ["istiolab.page.tooltips", "toc", "tables", "admonition", "pymdownx.details"]
    html = markdown(f"{text}\n\n{definitions}", extensions=extensions)
    return BeautifulSoup(html, "html.parser")


def marked(text: str) -> list[str]:
    return [each.text for each in shown(text).find_all("abbr")]


def test_a_term_is_marked_where_it_first_stands_and_can_get_the_focus() -> None:
    found = shown("A sidecar and mTLS.\n\nThe sidecar, *the sidecar*, and mTLS.")
    assert [(each.text, each["title"], each["tabindex"]) for each in found.find_all("abbr")] == [
        ("sidecar", "a proxy", "0"),
        ("mTLS", "both prove", "0"),
    ]
    assert found.text.split("\n") == ["A sidecar and mTLS.", "The sidecar, the sidecar, and mTLS."]
    assert all(each.find_parent("p").text.startswith("A") for each in found.find_all("abbr"))  # type: ignore[union-attr]


def test_another_name_of_the_same_term_is_not_explained_again() -> None:
    assert marked("Two sidecars, each a sidecar.") == ["sidecars"]


def test_a_longer_name_goes_before_those_that_it_contains() -> None:
    assert marked("A sidecar container is no sidecar.") == ["sidecar container", "sidecar"]


@pytest.mark.parametrize(
    "text",
    [
        *("# A sidecar", "#### mTLS { #mtls }", "[the sidecar](a.md)", "[**mTLS**](a.md)"),
        *("`sidecar`", "```\nsidecar\n```", '??? note "sidecar"', "presidecar", "sidecar_1"),
        *("sidecarred", '<b title="sidecar">x</b>'),
    ],
)
def test_what_is_a_heading_a_link_code_or_another_word_is_left_alone(text: str) -> None:
    assert marked(text) == []
    # Once more in running text: it has not been used up.
    assert marked(f"{text}\n\nOne sidecar with mTLS.") == ["sidecar", "mTLS"]


@pytest.mark.parametrize("text", ["- sidecar", "!!! note\n\n    sidecar", "a|b\n-|-\nsidecar|b"])
def test_lists_notes_and_tables_are_running_text(text: str) -> None:
    assert marked(text) == ["sidecar"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("整個網格都用mTLS加密", ["網格", "mTLS"]),
        ("每個sidecar，以及 sidecar。", ["sidecar"]),
        ("mTLS、網格與網格", ["mTLS", "網格"]),
    ],
)
def test_chinese_needs_no_spaces(text: str, found: list[str]) -> None:
    assert marked(text) == found


def test_a_page_without_definitions_has_no_marks() -> None:
    assert str(shown("A sidecar.", {})) == "<p>A sidecar.</p>"


_WORDS = st.sampled_from([*GLOSSARY, "and", "，", "the", "*", "`", "(", "sidecar's"])


@given(st.lists(_WORDS, max_size=12), st.sampled_from(["", " "]))
def test_no_text_is_lost_or_moved_and_no_explanation_comes_twice(
    words: list[str], gap: str
) -> None:
    text = gap.join(words)
    with_terms, without = shown(text), shown(text, {})
    assert with_terms.text == without.text
    titles = [each["title"] for each in with_terms.find_all("abbr")]
    assert len(set(titles)) == len(titles)


@given(st.lists(st.text("ab 網格(.", min_size=1, max_size=4), min_size=1, max_size=4))
def test_every_name_is_found_when_it_stands_alone(names: list[str]) -> None:
    finder = pattern(names)
    for name in names:
        assert finder.fullmatch(name)
