"""The words of the glossary: explained under the pointer, at the Tab key, under a finger."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from istiolab.page.glossary import Term, glossary_path, read_glossary
from istiolab.page.words import LANGUAGES
from tests.site.accessible import demand_accessible
from tests.site.pages import CHAPTER
from tests.site.small import ROOT
from tests.site.watch import Watched

_TERM = "article abbr[tabindex]"
_TOOLTIP = ".md-tooltip2--active[role=tooltip]"


def glossary(language: str) -> tuple[Term, ...]:
    return read_glossary(glossary_path(ROOT / "docs" / language))


def explanations(language: str) -> dict[str, str]:
    return {name: term.explanation for term in glossary(language) for name in term.names}


def demand_explained(page: Page, language: str, name: str) -> None:
    """Demand that a tooltip says what the glossary says, the whole of it within the window."""
    tooltip = page.locator(_TOOLTIP)
    # That of the term before leaves a moment later.
    expect(tooltip).to_have_count(1)
    expect(tooltip).to_have_text(explanations(language)[name])
    box = page.locator(f"{_TOOLTIP} > *").bounding_box()
    assert box is not None
    width = page.evaluate("document.documentElement.clientWidth")
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_is_explained_under_the_pointer(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/{CHAPTER}/")
    term = page.locator(_TERM).nth(1)
    term.hover()
    demand_explained(page, language, term.inner_text())
    page.mouse.move(0, 0)
    expect(page.locator(_TOOLTIP)).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_is_explained_at_the_tab_key_until_escape(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/{CHAPTER}/")
    term = page.locator(_TERM).first
    before = page.locator("article :is(a[href], [tabindex='0'])").first
    before.focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement === document.querySelector('{_TERM}')"):
            break
    expect(term).to_be_focused()
    demand_explained(page, language, term.inner_text())
    described = term.get_attribute("aria-describedby")
    assert described
    assert page.locator(f"#{described}").get_attribute("role") == "tooltip"
    page.keyboard.press("Escape")
    expect(page.locator(_TOOLTIP)).to_have_count(0)
    # And on from there, not from the top.
    page.keyboard.press("Tab")
    assert page.evaluate(
        f"!!(document.querySelector('{_TERM}').compareDocumentPosition(document.activeElement)"
        " & Node.DOCUMENT_POSITION_FOLLOWING)"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_is_explained_under_a_finger_on_a_phone(
    browser: Browser, site: Path, address: str, language: str
) -> None:
    assert site.is_dir()
    size = {"width": 390, "height": 844}
    with browser.new_context(viewport=size, has_touch=True, is_mobile=True) as context:  # type: ignore[arg-type]
        page = Watched(context.new_page(), address).open(f"{language}/{CHAPTER}/")
        terms = page.locator(_TERM)
        assert terms.count() >= 5
        for at in range(terms.count()):
            terms.nth(at).tap()
            demand_explained(page, language, terms.nth(at).inner_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_shown_can_be_read(watched: Watched, scheme: Literal["light", "dark"]) -> None:
    page = watched.open(f"en/{CHAPTER}/")
    page.locator(_TERM).first.focus()
    expect(page.locator(_TOOLTIP)).to_be_visible()
    demand_accessible(page, scheme)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_glossary_lists_all_terms_each_at_an_address_of_its_own(
    watched: Watched, language: str
) -> None:
    page = watched.open(f"{language}/glossary/")
    terms = glossary(language)
    entries = page.locator(".glossary dt")
    assert entries.count() == len(terms)
    assert sorted(entries.evaluate_all("all => all.map(each => each.id)")) == sorted(
        term.anchor for term in terms
    )
    last = entries.last
    last.locator("a").click()
    assert page.url.endswith(f"#{last.get_attribute('id')}")
    expect(last).to_be_in_viewport()
