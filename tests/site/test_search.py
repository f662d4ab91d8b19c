"""What readers ask, typed into the search field: the page that answers is among the first three."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.site.watch import Watched

QUESTIONS: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "questions.toml").read_text(encoding="utf-8")
)


def test_there_are_at_least_forty_questions_in_both_languages_together() -> None:
    assert set(QUESTIONS) == {"en", "zh-TW"}
    assert sum(len(asked) for asked in QUESTIONS.values()) >= 40


@pytest.mark.parametrize("language", QUESTIONS)
def test_the_page_that_answers_is_among_the_first_three(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/")
    page.keyboard.press("/")
    missed = {}
    for question, wanted in QUESTIONS[language].items():
        found = _ask(page, question)
        if wanted not in found[:3]:
            missed[question] = found[:5]
    assert missed == {}, "\n".join(f"{asked}: {found}" for asked, found in missed.items())


def _ask(page: Page, question: str) -> list[str]:
    """Return the names of the pages that are found, best first."""
    field = page.locator(".md-search__input")
    items = page.locator(".md-search-result__list > .md-search-result__item")
    # The worker answers later: nothing may be left of the last question's results.
    field.fill("")
    expect(items).to_have_count(0)
    field.fill(question)
    field.press("End")
    meta = page.locator(".md-search-result__meta")
    expect(meta).not_to_have_text("")
    page.wait_for_function(
        "document.querySelector('.md-search-result__meta').textContent.match(/\\d|No |沒有/)"
    )
    links = items.locator("> a.md-search-result__link")
    hrefs = [links.nth(at).get_attribute("href") or "" for at in range(min(links.count(), 12))]
    names = [href.split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2] for href in hrefs]
    # A page is listed with its best sections, each a link of its own.
    return list(dict.fromkeys(names))
