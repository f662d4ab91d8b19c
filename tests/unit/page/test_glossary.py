from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown  # type: ignore[import-untyped]

from istiolab.errors import IstiolabError
from istiolab.page.glossary import (
    Term,
    glossary_path,
    parse_glossary,
    read_glossary,
    render_glossary,
    unlike_terms,
)
from istiolab.page.words import LANGUAGES

ROOT = Path(__file__).parents[3]
CRD = Term(names=("CRD", "CRDs"), explanation="a kind of object")
MTLS = Term(names=("mTLS",), explanation="both sides <prove> who they are")
TEXT = """*[CRD]: a kind of object
*[CRDs]: a kind of object

*[mTLS]: both sides <prove> who they are
"""

# What no line of a glossary can hold: brackets and a backslash in a name, and a line's end.
_SIGNS = st.characters(exclude_characters="[]\\", exclude_categories=("C", "Z"))
_NAMES = st.lists(st.text(_SIGNS, min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)
_TERMS = st.lists(
    st.builds(
        Term,
        names=st.lists(_NAMES, min_size=1, max_size=3).map(tuple),
        explanation=_NAMES.filter(lambda text: text not in ("''", '""')),
    ),
    min_size=1,
    max_size=5,
    unique_by=(lambda term: term.explanation, lambda term: term.anchor),
).filter(lambda terms: all(term.anchor for term in terms) and _all_names_differ(terms))


def _all_names_differ(terms: Sequence[Term]) -> bool:
    names = [name for term in terms for name in term.names]
    return len(set(names)) == len(names)


def _written(terms: Sequence[Term]) -> str:
    return "\n".join(f"*[{name}]: {term.explanation}" for term in terms for name in term.names)


def parse(text: str) -> tuple[Term, ...]:
    return parse_glossary(text, source="glossary.md")


def refused(text: str) -> tuple[str, ...]:
    with pytest.raises(IstiolabError, match=re.escape("`glossary.md` is no glossary")) as caught:
        parse(text)
    return tuple(caught.value.where)


def test_names_with_the_same_explanation_are_one_term_called_by_the_first() -> None:
    assert parse(TEXT) == (CRD, MTLS)
    assert [term.name for term in parse(TEXT)] == ["CRD", "mTLS"]


@pytest.mark.parametrize(
    ("name", "anchor"),
    [
        ("mTLS", "mtls"),
        ("cluster (Envoy)", "cluster-envoy"),
        ("keep-alive", "keep-alive"),
        ("HTTP/1.0", "http-1-0"),
    ],
)
def test_a_term_has_an_anchor_that_an_address_can_hold(name: str, anchor: str) -> None:
    assert Term(names=(name,), explanation="a").anchor == anchor


@given(_TERMS)
def test_what_is_written_is_read_again(terms: list[Term]) -> None:
    assert parse(_written(terms)) == tuple(terms)


@given(_TERMS)
def test_python_markdown_reads_the_same_definitions_and_shows_nothing_of_them(
    terms: list[Term],
) -> None:
    reader = Markdown(extensions=["istiolab.page.tooltips"])
    assert reader.convert(_written(terms)) == ""
    (extension,) = reader.registeredExtensions
    assert extension.abbrs == {name: term.explanation for term in terms for name in term.names}


@given(st.lists(st.sampled_from(["*[a]: b", "*[b]: b", "*[c]: d", "text", "", " "]), max_size=5))
def test_every_line_with_something_in_it_is_a_name_or_refused(lines: list[str]) -> None:
    filled = [line for line in lines if line.strip()]
    with suppress(IstiolabError):
        terms = parse("\n".join(lines))
        assert [f"*[{name}]: {each.explanation}" for each in terms for name in each.names] == filled


@pytest.mark.parametrize(
    "line",
    [
        *("text", "*[a]:b", "*[a]: ", "*[]: b", "*[ a]: b", "*[a ]: b", "* [a]: b", "[a]: b"),
        *(
            "    *[a]: b",
            "*[a] : b",
            "*[a\\]: b",
            "*[a]b]: c",
            "*[a]: ''",
            "<!-- *[a]: b -->",
            "*[a]: b ",
        ),
    ],
)
def test_a_line_that_is_no_term_is_named(line: str) -> None:
    assert refused(f"*[x]: y\n\n{line}\n*[z]: a") == ("line 3: it is no `*[NAME]: EXPLANATION`",)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "it is empty"),
        ("*[a]: b\n*[c]: d\n*[a]: b", "`a` comes 2 times"),
        ("*[a]: b\n*[A]: d", "`a` is the anchor of more than one term"),
        ("*[控制平面]: b", "`控制平面` has nothing in ASCII for an anchor"),
    ],
)
def test_terms_that_could_not_be_told_apart_are_refused(text: str, wrong: str) -> None:
    assert wrong in refused(text)


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(refused("text\n*[a]: b\n*[a]: c\nmore")) == 4


def test_a_glossary_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = glossary_path(tmp_path / "de")
    assert path == tmp_path / "glossary.de.md"
    with pytest.raises(IstiolabError, match="there is no glossary") as caught:
        read_glossary(path)
    assert caught.value.where == (str(path),)


def test_the_list_is_sorted_whatever_the_order_of_the_file_and_shows_no_html_of_it() -> None:
    found = BeautifulSoup(render_glossary((MTLS, CRD)), "html.parser")
    assert [str(each["id"]) for each in found.find_all("dt")] == ["crd", "mtls"]
    assert [each.text for each in found.find_all("dd")] == [CRD.explanation, MTLS.explanation]
    assert [str(each["href"]) for each in found.find_all("a")] == ["#crd", "#mtls"]
    assert [each.text for each in found.find_all("span")] == ["CRDs"]


def test_without_its_elements_the_list_is_still_words() -> None:
    text = BeautifulSoup(render_glossary((MTLS, CRD)), "html.parser").get_text()
    wanted = ("CRD", "CRDs", CRD.explanation, "mTLS", MTLS.explanation)
    assert text.split() == " ".join(wanted).split()


def test_a_term_that_one_language_lacks_is_found_whatever_its_other_names() -> None:
    other = Term(names=("CRD", "自訂資源"), explanation="一種物件")
    assert unlike_terms((CRD, MTLS), (other,)) == ("the term `mTLS` is missing",)
    assert unlike_terms((CRD,), (other, MTLS)) == ("the term `mTLS` is not in the source",)
    assert unlike_terms((CRD, MTLS), (MTLS, other)) == ()


def test_the_project_explains_the_same_terms_in_every_language_and_enough_of_them() -> None:
    mine, theirs = (read_glossary(glossary_path(ROOT / "docs" / each)) for each in LANGUAGES)
    assert unlike_terms(mine, theirs) == ()
    assert len(mine) >= 35
    assert [term.name for term in mine] == [term.name for term in theirs]


@pytest.mark.parametrize(
    ("language", "configuration"), [("en", "mkdocs.yml"), ("zh-TW", "mkdocs.zh-TW.yml")]
)
def test_the_file_that_is_listed_is_the_one_that_explains_on_each_page(
    language: str, configuration: str
) -> None:
    text = (ROOT / configuration).read_text(encoding="utf-8")
    listed = glossary_path(ROOT / "docs" / language)
    appended = re.findall(r"auto_append: \[(.*)\]", text)
    assert [ROOT / "docs" / name for name in appended] == [listed]


def test_no_explanation_is_longer_than_can_be_read_in_a_tooltip() -> None:
    for language, most in zip(LANGUAGES, (160, 80), strict=True):
        terms = read_glossary(glossary_path(ROOT / "docs" / language))
        assert [term.name for term in terms if len(term.explanation) > most] == []
        assert [term.name for term in terms if "`" in term.explanation] == []
