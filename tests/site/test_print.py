"""What comes out on paper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from istiolab.page.words import LANGUAGES
from tests.site.pages import CHAPTER
from tests.site.server import served
from tests.site.small import build_site, make_project
from tests.site.watch import Watched

LONG = "\n".join(f"word {number}" for number in range(200))
PAGE = f"""# Printed {{ #printed }}

An [address](https://istio.io/latest/) and [one of ours](index.md).

<div class="cell-output" tabindex="0" role="region" aria-label="long" markdown="1">

<!-- not run: a long text for this test -->
```text
{LONG}
```

</div>

??? note "Folded"
    What is folded away.

=== "One"
    The first tab.

=== "Two"
    The second tab.
"""
# What only a screen is good for.
_POINTLESS = (
    *(".md-header", ".md-tabs", ".md-sidebar", ".md-footer", ".md-top"),
    *(".headerlink", ".md-code__button", ".md-path"),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("printed")
    pages = {f"{each}/index.md": "# Home { #home }\n" for each in LANGUAGES}
    make_project(root, pages | {f"{each}/printed.md": PAGE for each in LANGUAGES})
    with served(root / "site") as address:
        build_site(root, root / "site", address=address)
        yield address


@pytest.fixture
def paper(browser: Browser, small: str) -> Iterator[Page]:
    with browser.new_context(color_scheme="dark") as context:
        page = Watched(context.new_page(), small).open("en/printed/")
        page.emulate_media(media="print")
        # As the browser tells when it is told to print.
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        yield page


def test_nothing_is_printed_that_only_a_screen_is_good_for(paper: Page) -> None:
    for what in _POINTLESS:
        assert not any(each.is_visible() for each in paper.locator(what).all()), what


def test_what_is_folded_scrolled_or_behind_a_tab_is_printed_whole(paper: Page) -> None:
    # Material opens it when it hears that the page is to be printed.
    paper.get_by_text("What is folded away.").wait_for()
    assert paper.get_by_text("The first tab.").is_visible()
    assert paper.get_by_text("The second tab.").is_visible()
    long = paper.locator(".cell-output").first
    assert long.evaluate("each => each.scrollHeight <= each.clientHeight")


def test_a_link_to_elsewhere_is_printed_with_its_address(paper: Page) -> None:
    def after(name: str) -> str:
        link = paper.get_by_role("link", name=name)
        return str(link.evaluate("each => getComputedStyle(each, '::after').content"))

    assert after("address") == '" (https://istio.io/latest/)"'
    assert after("one of ours") == "none"


def test_dark_is_printed_on_white(paper: Page) -> None:
    background = paper.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background in {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}
    ink = paper.locator("article p").first.evaluate("each => getComputedStyle(each).color")
    assert ink.startswith("rgba(0, 0, 0,")


def test_a_chapter_is_printed_without_anything_cut_off(watched: Watched) -> None:
    page = watched.open(f"en/{CHAPTER}/")
    # A4 at 96 dots an inch, less Chromium's margins.
    page.set_viewport_size({"width": 718, "height": 1047})
    page.emulate_media(media="print")
    cut = page.locator("article *").evaluate_all(
        "all => all.filter(each => each.getBoundingClientRect().right > 719).map("
        "each => each.outerHTML.slice(0, 80))"
    )
    assert cut == []
