from __future__ import annotations

from dataclasses import asdict
from string import Formatter

import pytest

from istiolab.page.words import LANGUAGES, read_words

ENGLISH = asdict(read_words("en"))


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words_with_the_same_placeholders(language: str) -> None:
    words = asdict(read_words(language))
    assert all(text.strip() for text in words.values())
    assert {name: placeholders(text) for name, text in words.items()} == {
        name: placeholders(text) for name, text in ENGLISH.items()
    }


def test_the_words_that_are_filled_in_name_what_fills_them() -> None:
    assert {name: placeholders(text) for name, text in ENGLISH.items() if "{" in text} == {
        "cell_output": ["cell"],
        "folded_text": ["count"],
        "folded_table": ["count"],
        "claims_of": ["title"],
        "failing_why": ["attempts", "since", "what"],
        "proof_of": ["count", "when"],
        "waits_of": ["count", "seconds", "what"],
        "minutes": ["minutes", "seconds"],
        "seconds": ["seconds"],
    }


def test_no_word_was_left_untranslated() -> None:
    translated = asdict(read_words("zh-TW"))
    assert [name for name, text in translated.items() if text == ENGLISH[name]] == []


@pytest.mark.parametrize("name", ["verified", "stale", "failing", "failed", "missing"])
def test_only_the_state_verified_reads_as_verified(name: str) -> None:
    assert ENGLISH[name].startswith("Verified") is (name == "verified")
    translated = asdict(read_words("zh-TW"))
    assert translated[name].startswith("已驗證") is (name == "verified")
