"""The copy that is opened from the disk: `make offline`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from istiolab.page.words import LANGUAGES
from tests.site.links import Built
from tests.site.pages import CHAPTER
from tests.site.reader import search, switch_language
from tests.site.small import ROOT, build_site
from tests.site.watch import Watched

REPOSITORY = "https://github.com/somebody/istiolab"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    # With a repository: opening the pages then shows that they do not ask its host for anything.
    build_site(ROOT, folder, ISTIOLAB_OFFLINE="true", ISTIOLAB_REPO_URL=REPOSITORY)
    return folder


@pytest.fixture
def opened(browser: Browser, copy: Path) -> Iterator[Watched]:
    with browser.new_context() as context:
        watched = Watched(context.new_page(), copy.as_uri())
        yield watched
        # Material looks for the site's map without need, and does without it.
        assert [each for each in watched.errors if "/sitemap.xml" not in each] == []
        assert watched.strangers == []


def test_its_front_door_leads_to_a_page(opened: Watched) -> None:
    opened.page.goto(f"{opened.address}/index.html")
    opened.page.wait_for_url("**/en/index.html")
    assert opened.page.locator("h1").first.is_visible()


@pytest.mark.parametrize(
    ("language", "query"),
    [("en", "PassthroughCluster"), ("zh-TW", "low_version"), ("zh-TW", "連接埠")],
)
def test_it_can_be_searched(opened: Watched, language: str, query: str) -> None:
    page = opened.page
    page.goto(f"{opened.address}/{language}/index.html", wait_until="load")
    search(page, query).click()
    page.wait_for_url(f"**/{language}/{CHAPTER}.html?h=**")
    assert page.locator("html").get_attribute("lang") == language


def test_the_language_switch_keeps_the_page_also_deep_in_the_site(opened: Watched) -> None:
    page = opened.page
    page.goto(f"{opened.address}/en/notebooks/{CHAPTER}.html")
    switch_language(page, "zh-TW")
    page.wait_for_url(f"**/zh-TW/notebooks/{CHAPTER}.html")
    assert page.locator("html").get_attribute("lang") == "zh-TW"


def test_a_link_leads_to_a_file_and_what_it_names_is_there(copy: Path) -> None:
    built = Built(copy)
    inner = [
        each
        for each in built.references
        if each.is_followed_by_readers
        and not each.host
        and not each.address.startswith(("data:", "javascript:void(0)"))
        and not each.page.endswith("404.html")
    ]
    assert len(inner) > 50 * len(LANGUAGES)
    folders = [str(each) for each in inner if each.address.split("#")[0].endswith("/")]
    assert folders == []
    dead = [str(each) for each in inner if not built.has(*built.target(each, at="http://disk"))]
    assert dead == []


@pytest.mark.parametrize(
    ("page", "source"),
    [
        (f"en/{CHAPTER}.html", f"docs/en/{CHAPTER}.md"),
        (f"zh-TW/{CHAPTER}.html", f"docs/zh-TW/{CHAPTER}.md"),
        (f"zh-TW/notebooks/{CHAPTER}.html", f"notebooks/{CHAPTER}.ipynb"),
    ],
)
def test_every_page_leads_to_where_it_can_be_edited(copy: Path, page: str, source: str) -> None:
    assert (ROOT / source).is_file()
    links = Built(copy).soup(page).find_all("a", rel="edit")
    assert len(links) == 2
    assert {str(each["href"]) for each in links} == {f"{REPOSITORY}/edit/main/{source}"}
