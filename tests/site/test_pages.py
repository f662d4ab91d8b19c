"""What a reader finds in a browser, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser

from istiolab.notebook.cells import find_cell, read_notebook
from istiolab.page.words import LANGUAGES
from tests.site.pages import CHAPTER
from tests.site.reader import search, switch_language
from tests.site.small import ROOT
from tests.site.watch import Watched

each_language = pytest.mark.parametrize("language", LANGUAGES)


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
@pytest.mark.parametrize("path", [f"{CHAPTER}/", f"notebooks/{CHAPTER}/"])
def test_a_stamp_leads_to_the_notebook_its_file_and_its_receipt(
    watched: Watched, language: str, path: str
) -> None:
    page = watched.open(f"{language}/{path}")
    notebook, download, receipt = page.locator(".stamp a").all()[:3]
    addresses = [
        urljoin(page.url, each.get_attribute("href") or "")
        for each in (notebook, download, receipt)
    ]
    assert addresses[0] == f"{watched.address}/{language}/notebooks/{CHAPTER}/"
    file = page.request.get(addresses[1]).body()
    assert file == (ROOT / "notebooks" / f"{CHAPTER}.ipynb").read_bytes()
    assert page.request.get(addresses[2]).json()["schema"]


@each_language
def test_a_page_names_the_file_that_it_was_written_in(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/{CHAPTER}/")
    assert page.locator(".written-in code").inner_text() == f"docs/{language}/{CHAPTER}.md"
    page = watched.open(f"{language}/notebooks/{CHAPTER}/")
    assert page.locator(".written-in code").inner_text() == f"notebooks/{CHAPTER}.ipynb"


@each_language
def test_the_status_page_lists_every_notebook(watched: Watched, language: str) -> None:
    page = watched.open(f"{language}/status/")
    rows = page.locator(".cell-output tbody tr")
    assert rows.count() == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert rows.first.locator(".state--verified").is_visible()
    rows.first.locator("a").click()
    page.wait_for_url(f"**/{language}/notebooks/{CHAPTER}/")


@each_language
@pytest.mark.parametrize("query", ["426", "low_version", "PassthroughCluster"])
def test_search_finds_the_chapter(watched: Watched, language: str, query: str) -> None:
    page = watched.open(f"{language}/")
    first = search(page, query)
    assert f"{language}/{CHAPTER}/" in (first.get_attribute("href") or "")


@pytest.mark.parametrize("query", ["注入", "設定", "連接埠"])
def test_search_finds_chinese_words(watched: Watched, query: str) -> None:
    page = watched.open("zh-TW/")
    search(page, query)


@each_language
def test_each_language_has_a_search_index_of_its_own(site: Path, language: str) -> None:
    index = json.loads((site / language / "search" / "search_index.json").read_text())
    text = "".join(document["text"] for document in index["docs"])
    assert ("的" in text) == (language == "zh-TW")


@pytest.mark.parametrize(("here", "there"), [("en", "zh-TW"), ("zh-TW", "en")])
def test_the_language_switch_keeps_the_page(watched: Watched, here: str, there: str) -> None:
    page = watched.open(f"{here}/{CHAPTER}/")
    switch_language(page, there)
    page.wait_for_url(f"**/{there}/{CHAPTER}/")
    assert page.locator("html").get_attribute("lang") == there


@pytest.mark.parametrize(("here", "there"), [("en", "zh-TW"), ("zh-TW", "en")])
def test_the_language_switch_keeps_the_page_by_any_name_of_the_host(
    browser: Browser, site: Path, address: str, here: str, there: str
) -> None:
    assert site.is_dir()
    by_name = address.replace("127.0.0.1", "localhost")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{by_name}/{here}/", wait_until="networkidle")
        page.locator(f"article a[href*='{CHAPTER}']").first.click()
        page.wait_for_url(f"{by_name}/{here}/{CHAPTER}/")
        switch_language(page, there)
        page.wait_for_url(f"{by_name}/{there}/{CHAPTER}/")


def test_the_front_door_leads_to_the_readers_language(watched: Watched) -> None:
    page = watched.open("")
    page.wait_for_url("**/en/")
