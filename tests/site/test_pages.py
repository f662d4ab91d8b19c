"""What a reader finds in a browser, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

from istiolab.notebook.cells import find_cell, read_notebook
from tests.site.watch import Watched

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh-TW")
CHAPTER = "426-upgrade-required"
PAGES = ("", f"{CHAPTER}/", "run-it-yourself/", "status/")
each_language = pytest.mark.parametrize("language", LANGUAGES)
each_page = pytest.mark.parametrize("path", PAGES)


@each_language
@pytest.mark.parametrize("path", [*PAGES, f"notebooks/{CHAPTER}/"])
def test_every_page_opens_without_an_error_or_a_request_to_elsewhere(
    watched: Watched, language: str, path: str
) -> None:
    page = watched.open(f"{language}/{path}")
    assert page.locator("h1").first.is_visible()
    assert page.locator("html").get_attribute("lang") == language


@each_language
def test_the_chapter_shows_the_matrix_of_the_executed_notebook(
    watched: Watched, language: str
) -> None:
    page = watched.open(f"{language}/{CHAPTER}/")
    cell = find_cell(read_notebook(ROOT / "notebooks" / f"{CHAPTER}.ipynb"), "matrix")
    table = page.locator(".cell-output table", has_text="HTTP/1.0").first
    rows = [line.split("\t") for line in table.inner_text().splitlines()]
    expected = [line.split("  ") for line in cell.outputs[0].text.splitlines()]
    wanted = [[part.strip() for part in line if part.strip()] for line in expected]
    assert [[part.strip() for part in row] for row in rows] == wanted
    assert sum("426" in part for row in rows for part in row) == 2


@each_language
def test_the_chapter_carries_the_stamp_of_a_run(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/{CHAPTER}/")
    stamp = page.locator(".stamp").first
    assert "stamp--verified" in (stamp.get_attribute("class") or "")
    assert "Istio 1.28.2" in stamp.inner_text()
    receipt = stamp.locator("a").last.get_attribute("href") or ""
    answer = page.request.get(urljoin(page.url, receipt))
    assert answer.ok
    assert answer.json()["versions"]["istio"] == "1.28.2"


@each_language
def test_the_status_page_lists_every_notebook(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/status/")
    rows = page.locator(".cell-output tbody tr")
    assert rows.count() == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert rows.first.locator(".state--verified").is_visible()
    rows.first.locator("a").click()
    page.wait_for_url(f"**/{language}/notebooks/{CHAPTER}/")


def _search(page: Page, query: str) -> Locator:
    """Search as a reader does, and return the first link found."""
    field = page.locator(".md-search__input")
    field.click()
    # Key by key: Material searches when a key is let go.
    field.press_sequentially(query)
    field.press("End")  # Chinese comes from no key of its own
    first = page.locator(".md-search-result__link").first
    first.wait_for(timeout=15_000)
    return first


@each_language
@pytest.mark.parametrize("query", ["426", "low_version", "proxy_pass"])
def test_search_finds_the_chapter(watched: Watched, language: str, query: str) -> None:
    page = watched.open(f"{language}/")
    first = _search(page, query)
    assert f"{language}/{CHAPTER}/" in (first.get_attribute("href") or "")


@pytest.mark.parametrize("query", ["注入", "設定", "連接埠"])
def test_search_finds_chinese_words(watched: Watched, query: str) -> None:
    page = watched.open("zh-TW/")
    _search(page, query)


@each_language
def test_each_language_has_a_search_index_of_its_own(site: Path, language: str) -> None:
    index = json.loads((site / language / "search" / "search_index.json").read_text())
    text = "".join(document["text"] for document in index["docs"])
    assert ("的" in text) == (language == "zh-TW")


@pytest.mark.parametrize(("here", "there"), [("en", "zh-TW"), ("zh-TW", "en")])
def test_the_language_switch_keeps_the_page(watched: Watched, here: str, there: str) -> None:
    page = watched.open(f"{here}/{CHAPTER}/")
    page.locator(".md-select button").hover()
    page.locator(f".md-select__link[hreflang={there}]").click()
    page.wait_for_url(f"**/{there}/{CHAPTER}/")
    assert page.locator("html").get_attribute("lang") == there


@each_language
@each_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_accessibility(
    watched: Watched, language: str, path: str, scheme: str
) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.open(f"{language}/{path}")
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, found.generate_report()


@each_language
@each_page
def test_nothing_is_wider_than_a_phone(watched: Watched, language: str, path: str) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 844})
    page = watched.open(f"{language}/{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_front_door_leads_to_the_readers_language(watched: Watched) -> None:
    page = watched.open("")
    page.wait_for_url("**/en/")
