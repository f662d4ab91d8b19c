"""What holds for every page in every language, notebooks and the page of a wrong address too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.site.accessible import demand_accessible
from tests.site.keyboard import walk
from tests.site.pages import ALL
from tests.site.watch import Watched

# As the outline of what has the focus: nothing that one could see.
_INVISIBLE = "0px"


@pytest.fixture(scope="module", params=ALL)
def opened(
    request: pytest.FixtureRequest, browser: Browser, site: Path, address: str
) -> Iterator[Watched]:
    """A page that was opened once for all that is asked of it."""
    assert site.is_dir()
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        watched = Watched(context.new_page(), address)
        watched.open(request.param)
        yield watched


@pytest.fixture
def page(opened: Watched) -> Iterator[Page]:
    """Yield the page as it was opened, whatever the test before did to its window."""
    yield opened.page
    opened.page.emulate_media(media="screen", color_scheme="light")
    opened.page.set_viewport_size({"width": 1280, "height": 900})


def test_it_opens_without_an_error_or_a_request_to_elsewhere(opened: Watched) -> None:
    page = opened.page
    language = page.url.removeprefix(f"{opened.address}/").split("/")[0]
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").first.is_visible()
    assert opened.errors == []
    assert opened.strangers == []
    # The search's worker asks for its index by itself.
    assert any("/workers/search" in url for url in opened.requests)


def test_it_holds_no_control_characters(page: Page) -> None:
    """What a program meant for a terminal, such as colours (ECMA-48), is no text."""
    found = re.findall(r"[^\S ]|[\x00-\x1f\x7f-\x9f]|\\x1b|\\u001b", page.content())
    assert set(found) <= {"\n", "\t", "\xa0"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_of_accessibility(page: Page, scheme: Literal["light", "dark"]) -> None:
    demand_accessible(page, scheme)


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_everything_can_be_reached_seen_and_named_with_the_tab_key(page: Page) -> None:
    page.goto(page.url.split("#")[0], wait_until="networkidle")
    found = walk(page)
    assert found.missed == []
    assert found.nameless == []
    assert found.unseen == []


def test_the_first_stop_of_the_tab_key_leads_to_the_text(page: Page) -> None:
    page.goto(page.url.split("#")[0], wait_until="networkidle")
    if page.locator("article h1[id]").count() == 0:
        assert page.url.endswith("404.html")
        return
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").split()[0] == "md-skip"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.matches('article h1')")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('article') !== null")
