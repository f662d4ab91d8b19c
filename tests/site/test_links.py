"""Where the built pages lead to, and what they fetch by themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from istiolab.page.words import LANGUAGES
from tests.site.links import Built
from tests.site.pages import ALL

# Hosts that pages may send a reader to. There is no network here to try a link on; so a host is
# added by somebody who opened it.
KNOWN_HOSTS = {
    *("istio.io", "www.envoyproxy.io", "kubernetes.io", "gateway-api.sigs.k8s.io"),
    *("www.rfc-editor.org", "datatracker.ietf.org", "httpwg.org", "www.w3.org"),
    *("nginx.org", "grpc.io", "spiffe.io", "developer.mozilla.org", "curl.se", "man7.org"),
    *("github.com", "docs.github.com", "pypi.org", "docs.python.org", "jupyter.org"),
    *("www.mkdocs.org", "squidfunk.github.io", "mermaid.js.org", "www.debian.org", "go.dev"),
    *("containerd.io", "coredns.io", "etcd.io", "prometheus.io", "opentelemetry.io"),
}
_FETCHING = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"[\"'`](?:https?:)?//[\w.-]+\.[a-z]{2,}[^\"'`]*", re.IGNORECASE)
# What Material fetches from elsewhere where it lacks it: a browser has the one, we ship the other.
_LACKED_BY_NOBODY = {"resize-observer-polyfill", "mermaid@11"}


@pytest.fixture(scope="module")
def built(site: Path) -> Built:
    return Built(site)


def test_every_page_is_among_those_that_the_tests_open(built: Built) -> None:
    files = {f"{page}index.html" if page.endswith("/") else page for page in ALL}
    assert set(built.pages) == {"index.html", *files}


def test_no_link_and_no_anchor_leads_nowhere(built: Built, address: str) -> None:
    inner = [
        each
        for each in built.references
        if each.host in {"", urlsplit(address).netloc}
        # Material's own button to share a search leads nowhere until one searches.
        and not each.address.startswith(("data:", "mailto:", "javascript:void(0)"))
    ]
    assert len(inner) > 50 * len(LANGUAGES)
    dead = [str(each) for each in inner if not built.has(*built.target(each, at=address))]
    assert dead == []


def test_no_id_stands_twice_on_a_page(built: Built) -> None:
    for page in built.pages:
        ids = [str(each["id"]) for each in built.soup(page).find_all(id=True)]
        assert sorted(ids) == sorted(set(ids)), page
        assert "" not in ids, page


def test_links_to_elsewhere_are_encrypted_and_to_hosts_that_are_known(
    built: Built, address: str
) -> None:
    outer = [each for each in built.references if each.host not in {"", urlsplit(address).netloc}]
    strange = [
        str(each)
        for each in outer
        if urlsplit(each.address).scheme != "https" or each.host not in KNOWN_HOSTS
    ]
    assert strange == [], "add a host to KNOWN_HOSTS after opening the link"


def test_nothing_that_a_page_fetches_by_itself_is_elsewhere(built: Built, address: str) -> None:
    own = {"", urlsplit(address).netloc}
    fetched = [each for each in built.references if not each.is_followed_by_readers]
    assert fetched
    assert [str(each) for each in fetched if each.host not in own] == []
    for page in built.pages:
        for style in built.soup(page).find_all("style"):
            assert _FETCHING.findall(style.text) == [], page


def test_no_style_sheet_fetches_anything_from_elsewhere(site: Path) -> None:
    sheets = sorted(site.rglob("*.css"))
    assert len(sheets) >= len(LANGUAGES)
    assert {
        str(each): found for each in sheets if (found := _FETCHING.findall(each.read_text()))
    } == {}


def test_our_scripts_name_no_other_host(site: Path) -> None:
    scripts = [path for path in site.rglob("*.js") if path.parent.name == "assets"]
    assert len(scripts) == len(LANGUAGES)
    assert [path for path in scripts if _ADDRESS.search(path.read_text())] == []


def test_materials_scripts_fetch_from_elsewhere_only_what_is_never_lacking(site: Path) -> None:
    scripts = list(site.rglob("bundle.*.min.js"))
    assert len(scripts) == len(LANGUAGES)
    for script in scripts:
        found = re.findall(r"https://(?:unpkg\.com|cdn[\w.-]*)/([\w@-]+)", script.read_text())
        assert set(found) == _LACKED_BY_NOBODY


def test_every_page_of_a_language_names_its_own_address(built: Built, address: str) -> None:
    for page in (each for each in built.pages if "404" not in each and "/" in each):
        canonical = built.soup(page).find("link", rel="canonical")
        assert canonical is not None, page
        assert canonical["href"] == f"{address}/{page.removesuffix('index.html')}"


def test_every_hit_of_the_search_leads_to_a_place_that_is_there(built: Built, site: Path) -> None:
    for language in LANGUAGES:
        index = json.loads((site / language / "search" / "search_index.json").read_text())
        assert index["docs"]
        for hit in index["docs"]:
            path, _, anchor = hit["location"].partition("#")
            assert built.has(f"{language}/{path}index.html", anchor), hit["location"]


@pytest.mark.parametrize(
    ("address", "is_there"),
    [
        ("../b/#here", True),
        ("../b/#gone", False),
        ("../c/", False),
        ("../b/x.png", False),
        ("#here", False),
        ("", True),
        ("http://self/b/#here", True),
        ("http://self/c/", False),
    ],
)
def test_a_dead_link_is_told_from_one_that_leads_somewhere(
    tmp_path: Path, address: str, *, is_there: bool
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "index.html").write_text(f'<a href="{address}">a link</a>')
    (tmp_path / "b" / "index.html").write_text('<h1 id="here">b</h1>')
    built = Built(tmp_path)
    (reference,) = built.references
    assert built.has(*built.target(reference, at="http://self")) == is_there
