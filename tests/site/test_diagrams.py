"""How diagrams are drawn, and what they cost the pages that have none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.site.accessible import demand_accessible
from tests.site.server import served
from tests.site.small import build_site, make_project
from tests.site.watch import Watched

PLAIN = "# Plain { #plain }\n\n[diagrams](drawn.md)\n"
DRAWN = """# Drawn {{ #drawn }}

```mermaid
flowchart LR
  accTitle: {title}
  accDescr: {description}
  a[client] --> b[sidecar] --> c[sidecar of the server] --> d[server] --> e[a long name] --> f[end]
```

!!! note

    ```mermaid
    sequenceDiagram
      accTitle: {title}
      accDescr: {description} 2
      client->>server: GET / HTTP/1.1
      server-->>client: 200
    ```
"""
EN = DRAWN.format(title="A request", description="It passes two sidecars")
ZH = DRAWN.format(title="請求", description="經過兩個 sidecar")
SCRIPT = "assets/vendor/mermaid.min.js"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pages = {
        **{f"{language}/index.md": PLAIN for language in ("en", "zh-TW")},
        "en/drawn.md": EN,
        "zh-TW/drawn.md": ZH,
    }
    root = tmp_path_factory.mktemp("drawn")
    make_project(root, pages)
    with served(root / "site") as address:
        build_site(root, root / "site", address=address)
        yield address


@pytest.fixture
def drawn(browser: Browser, small: str) -> Iterator[Watched]:
    with browser.new_context() as context:
        page = Watched(context.new_page(), small)
        yield page
        assert page.errors == []
        assert page.strangers == []


def _wait_until_drawn(page: Page) -> None:
    # Material puts each drawing where its source stood.
    page.wait_for_function("document.querySelectorAll('div.mermaid').length === 2")
    assert page.locator("pre.mermaid").count() == 0
    for box in (each.bounding_box() for each in page.locator("div.mermaid").all()):
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 30


@pytest.mark.parametrize("language", ["en", "zh-TW"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_diagrams_are_drawn_by_the_sites_own_script(
    drawn: Watched, language: str, scheme: Literal["light", "dark"]
) -> None:
    drawn.page.emulate_media(color_scheme=scheme)
    page = drawn.open(f"{language}/drawn/")
    _wait_until_drawn(page)
    assert [url for url in drawn.requests if "mermaid" in url] == [
        f"{drawn.address}/{language}/{SCRIPT}"
    ]
    demand_accessible(page, scheme)


def test_a_page_without_a_diagram_loads_nothing_of_it(drawn: Watched) -> None:
    drawn.open("en/")
    assert [url for url in drawn.requests if "mermaid" in url] == []


def test_diagrams_are_drawn_however_often_one_comes_back_to_them(drawn: Watched) -> None:
    page = drawn.open("en/")
    for _ in range(2):
        page.get_by_role("link", name="diagrams").click()
        page.wait_for_url("**/en/drawn/")
        _wait_until_drawn(page)
        page.go_back()
        page.wait_for_url("**/en/")
    assert len([url for url in drawn.requests if url.endswith(SCRIPT)]) == 1


def test_a_diagram_is_an_image_with_a_name_and_a_description(drawn: Watched) -> None:
    page = drawn.open("zh-TW/drawn/")
    _wait_until_drawn(page)
    image = page.get_by_role("img", name="請求").first
    assert (
        image.evaluate(
            "each => document.getElementById(each.getAttribute('aria-describedby')).textContent"
        )
        == "經過兩個 sidecar"
    )


def test_on_a_phone_a_wide_diagram_scrolls_and_the_page_does_not(drawn: Watched) -> None:
    drawn.page.set_viewport_size({"width": 390, "height": 844})
    page = drawn.open("en/drawn/")
    _wait_until_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first = page.locator("figure.diagram").first
    assert first.evaluate("each => each.scrollWidth > each.clientWidth")


def test_the_search_finds_a_diagram_by_its_words_and_not_by_its_source(drawn: Watched) -> None:
    page = drawn.open("en/")
    index = page.request.get(f"{drawn.address}/en/search/search_index.json").text()
    assert "It passes two sidecars" in index
    assert "sequenceDiagram" not in index


def test_a_drawing_follows_the_page_into_the_dark_and_out_of_it_on_paper(drawn: Watched) -> None:
    page = drawn.open("en/drawn/")
    _wait_until_drawn(page)

    def colours(scheme: Literal["light", "dark"], media: Literal["screen", "print"]) -> str:
        page.emulate_media(color_scheme=scheme, media=media)
        names = ["node-bg-color", "node-fg-color", "edge-color", "label-fg-color"]
        read = "(each, name) => getComputedStyle(each).getPropertyValue(`--md-mermaid-${name}`)"
        first = page.locator("div.mermaid").first
        return " ".join(str(first.evaluate(read, name)) for name in names)

    light = colours("light", "screen")
    assert colours("dark", "screen") != light
    assert colours("dark", "print") == light
