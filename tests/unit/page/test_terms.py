from __future__ import annotations

import pytest

from istiolab.page.terms import read_terms, unwanted_terms

TERMS = read_terms()


@pytest.mark.parametrize("term", TERMS)
def test_each_unwanted_term_is_found_with_what_is_written_instead(term: str) -> None:
    found = unwanted_terms(f"# 標題\n\n這裡寫了{term}這個詞。\n", TERMS)
    assert found[term] == TERMS[term]


def test_no_term_stands_in_what_is_written_instead() -> None:
    assert {better: unwanted_terms(better, TERMS) for better in TERMS.values()} == {
        better: {} for better in TERMS.values()
    }


def test_all_terms_of_a_page_are_found_at_once() -> None:
    assert set(unwanted_terms("默認的端口\n", TERMS)) == {"默認", "端口"}


def test_terms_in_fenced_blocks_are_left_alone() -> None:
    assert unwanted_terms("```text\n默認\n```\n預設\n", TERMS) == {}
