"""What a reader does on a page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from istiolab.system.deadlines import scaled


def search(page: Page, query: str) -> Locator:
    """Search as a reader does, and return the first link found."""
    field = page.locator(".md-search__input")
    field.click()
    # Key by key: Material searches when a key is let go.
    field.press_sequentially(query)
    field.press("End")  # Chinese comes from no key of its own
    first = page.locator(".md-search-result__link").first
    first.wait_for(timeout=scaled(15_000))
    # What is found for the first letters is there before what is found for all of them.
    before, now = None, first.get_attribute("href")
    while before != now:
        page.wait_for_timeout(scaled(500))
        before, now = now, first.get_attribute("href")
    return first


def switch_language(page: Page, to: str) -> None:
    """Choose the page in another language, as a reader does with the mouse."""
    page.locator(".md-select button").hover()
    page.locator(f".md-select__link[hreflang={to}]").click()
