"""Small sites, built by MkDocs itself in this process."""

from __future__ import annotations

import json
import logging
import re
import shutil
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, PluginError

from istiolab.page.vendor import COMMAND
from istiolab.page.words import LANGUAGES, read_words
from istiolab.receipt.failing import Failing, record_failure
from istiolab.receipt.record import record_path
from istiolab.receipt.store import write_receipt
from tests.unit.notebook.build import code, text, write
from tests.unit.page.build import receipt

ROOT = Path(__file__).parents[3]
NAV = """
nav:
  - index.md
  - notebooks/some.ipynb
"""
PAGE = """---
title: A title
description: Front matter, which line numbers in messages must count
---

# Some { #some }

<!-- receipt: some -->

<!-- cell: some/table -->
<!-- not run: it shows what a directive looks like -->
```html
<!-- cell: some/none -->
```
"""
TABLE = "<table><tr><th>status</th></tr><tr><td>426 *a* | `b`</td></tr></table>"
STREAM = {"output_type": "stream", "name": "stdout", "text": "line\n" * 30}
# The smallest configuration: a theme without scripts.
PLAIN = """
site_name: plain
site_url: http://127.0.0.1/
docs_dir: {docs}
theme: {{name: null, custom_dir: theme}}
plugins:
  istiolab: {{language: en, shared_dir: theme}}
  mkdocs-jupyter: {{include: ["*.ipynb"], cache: false}}
markdown_extensions: [md_in_html, pymdownx.superfences: {{custom_fences: [
  {{name: mermaid, class: mermaid, format: !!python/name:istiolab.page.diagram.show_fence }}]}}]
"""


def write_notebook(folder: Path) -> Path:
    outputs: list[dict[str, Any]] = [
        STREAM,
        {
            "output_type": "execute_result",
            "data": {"text/html": TABLE, "text/plain": "a table"},
            "metadata": {},
            "execution_count": 1,
        },
    ]
    folder.mkdir(exist_ok=True)
    return write(folder, text("# Some notebook"), code("show()", "table", outputs=outputs))


def build_site(configuration: Path, *, strict: bool = True) -> None:
    config = load_config(str(configuration), strict=strict)
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()


def stopped(configuration: Path, *, strict: bool = True) -> str:
    """Return what a build that our plugin stops says."""
    with pytest.raises(Abort) as caught:
        build_site(configuration, strict=strict)
    assert isinstance(caught.value.__context__, PluginError)
    return str(caught.value.__context__)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own configuration, built with one page and one notebook."""
    root = tmp_path_factory.mktemp("project")
    for name in ("mkdocs.yml", "mkdocs.zh-TW.yml"):
        settings, *_ = (ROOT / name).read_text(encoding="utf-8").split("\nnav:\n")
        # The run of these tests' receipt was long ago.
        settings = settings.replace("longest_days: 90", "longest_days: 36500")
        (root / name).write_text(settings + NAV, encoding="utf-8")
    shutil.copytree(ROOT / "docs", root / "docs", ignore=shutil.ignore_patterns("en", "zh-TW"))
    for language in LANGUAGES:
        (root / "docs" / language).mkdir()
        (root / "docs" / language / "index.md").write_text(PAGE)
    notebook = write_notebook(root / "notebooks")
    write_receipt(notebook, receipt(notebook))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # jieba leaves the dictionary open that Material hands to it.
        warnings.filterwarnings("ignore", r"unclosed file .*search\.zh-TW\.txt", ResourceWarning)
        # Snippets are looked for from the working folder.
        patch.chdir(root)
        for name in ("ISTIOLAB_NOTEBOOKS", "ISTIOLAB_OFFLINE", "ISTIOLAB_REPO_URL"):
            patch.delenv(name, raising=False)
        build_site(root / "mkdocs.yml")
    return root / "site"


def page(site: Path, language: str, name: str = "index.html") -> BeautifulSoup:
    return BeautifulSoup((site / language / name).read_text(encoding="utf-8"), "html.parser")


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_both_languages_lie_beside_each_other_below_the_page_that_chooses(site: Path) -> None:
    assert {path.name for path in site.iterdir()} == {"index.html", *LANGUAGES}
    for language in LANGUAGES:
        found = page(site, language)
        assert [each["lang"] for each in found.find_all("html")] == [language]
        assert [each["id"] for each in found.find_all("h1")] == ["some"]
        choose = (site / "index.html").read_text(encoding="utf-8")
        assert f'href="{language}/"' in choose


def test_both_languages_embed_the_same_bytes_but_for_labels(site: Path) -> None:
    embedded = []
    for language in LANGUAGES:
        found = page(site, language)
        words = read_words(language)
        regions = found.find_all(class_="cell-output")
        assert len(regions) == 2
        for region in regions:
            assert region["aria-label"] == words.cell_output.format(cell="table")
            del region["aria-label"]
        summary = found.find("summary")
        assert summary is not None
        assert summary.text == words.folded_text.format(count=30)
        embedded.append([str(region) for region in regions])
    assert embedded[0] == embedded[1]
    assert embedded[0][0].count("line\n") == 30
    assert "<td>426 *a* | `b`</td>" in embedded[0][1]


def test_the_stamp_says_verified_and_its_links_lead_to_files(site: Path) -> None:
    for language in LANGUAGES:
        stamp = page(site, language).find(class_="stamp--verified")
        assert stamp is not None
        targets = [str(link["href"]) for link in stamp.find_all("a")]
        assert targets == ["notebooks/some/", "downloads/some.ipynb", "downloads/some.receipt.json"]
        assert (site / language / targets[0] / "index.html").is_file()
        for target in targets[1:]:
            json.loads((site / language / target).read_text())


def test_the_download_is_the_notebook_byte_for_byte(site: Path) -> None:
    notebook = site.parent / "notebooks" / "some.ipynb"
    for language in LANGUAGES:
        assert (site / language / "downloads" / "some.ipynb").read_bytes() == notebook.read_bytes()


def test_a_directive_in_a_fence_is_shown_and_not_followed(site: Path) -> None:
    for language in LANGUAGES:
        assert "<!-- cell: some/none -->" in page(site, language).text


def test_the_notebook_has_a_page_that_the_search_leaves_out(site: Path) -> None:
    for language in LANGUAGES:
        assert "Some notebook" in page(site, language, "notebooks/some/index.html").text
        index = json.loads((site / language / "search" / "search_index.json").read_text())
        found = {entry["location"].split("#")[0] for entry in index["docs"]}
        assert found == {""}


def test_shared_files_are_in_every_language(site: Path) -> None:
    for language in LANGUAGES:
        for name in ("istiolab.css", "istiolab.js"):
            shared = (ROOT / "docs" / "assets" / name).read_bytes()
            assert (site / language / "assets" / name).read_bytes() == shared


def fetched(path: Path) -> set[str]:
    """Return the hosts that a browser asks for what the page at `path` needs."""
    found = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    addresses = [str(each["src"]) for each in found.find_all(src=True)]
    addresses += [
        str(each["href"])
        for each in found.find_all("link", href=True)
        if not {"canonical", "alternate", "prev", "next"} & set(each["rel"])
    ]
    for each in found.find_all("style"):
        addresses += re.findall(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", each.text)
    return {host for address in addresses if (host := urlsplit("".join(address)).netloc)}


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 5
    assert {str(path.relative_to(site)): fetched(path) for path in pages if fetched(path)} == {}


def test_no_style_sheet_fetches_anything_from_another_host(site: Path) -> None:
    sheets = sorted(site.rglob("*.css"))
    assert sheets
    asking = re.compile(r"(?:url\(\s*|@import\s+)[\"']?(?:https?:)?//", re.IGNORECASE)
    assert [sheet for sheet in sheets if asking.search(sheet.read_text(encoding="utf-8"))] == []


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The configuration of a site in one language, whose pages are yet to be written."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "main.html").write_text("{{ page.content }}")
    write_notebook(tmp_path / "notebooks")
    path = tmp_path / "mkdocs.yml"
    path.write_text(PLAIN.format(docs="docs"))
    return path


@pytest.mark.parametrize("strict", [True, False])
def test_all_that_pages_lack_ends_the_build_before_a_page_is_written(
    plain: Path, *, strict: bool
) -> None:
    docs = plain.parent / "docs"
    (docs / "index.md").write_text(PAGE + "\n<!-- cell: some/none -->\n<!-- cell: -->\n")
    (docs / "other.md").write_text("<!-- receipt: none -->\n\n<!-- cell: some/table -->\n")
    first, *lines = stopped(plain, strict=strict).splitlines()
    assert first == "pages lack what they are to show:"
    assert [line.split(";")[0].split(" -->")[0] for line in lines] == [
        "  en/index.md:16: `some.ipynb` has no cell called `none`",
        "  en/index.md:17: `<!-- cell:",
        f"  en/other.md:1: there is no notebook `{plain.parent}/notebooks/none.ipynb`",
        "  en/other.md:3: a cell of `some`, and no stamp of it on the page",
    ]
    assert list((plain.parent / "site").rglob("*.html")) == []


def test_code_without_evidence_is_collected_with_what_pages_lack(plain: Path) -> None:
    text = (
        PAGE
        + "\n```yaml\na: b\n```\n\n<!-- cell: some/none -->\n\n    code\n\n<!-- not run: x -->\n"
    )
    (plain.parent / "docs" / "index.md").write_text(text)
    _, *lines = stopped(plain).splitlines()
    assert [line.split(";")[0] for line in lines] == [
        "  en/index.md:16: a block of code, `a: b`, that no cell gave",
        "  en/index.md:20: `some.ipynb` has no cell called `none`",
        "  en/index.md:22: a block of code, `code`, that no cell gave",
        "  en/index.md:24: `not run` stands above no block of code",
    ]
    assert list((plain.parent / "site").rglob("*.html")) == []


def test_a_diagram_needs_words_and_the_script_that_draws_it(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text("# T\n\n```mermaid\npie\n```\n")
    _, *lines = stopped(plain).splitlines()
    assert lines == [
        f"  en/index.md:1: its diagrams need mermaid 11.17.2, which is not there: run `{COMMAND}`",
        "  en/index.md:3: a diagram without `accTitle`: say in it, in words, what it shows",
    ]


def test_cells_and_stamps_may_stand_in_a_list_or_a_note(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text(
        "- item\n    <!-- receipt: some -->\n\n    <!-- cell: some/table -->\n    - more\n"
    )
    build_site(plain)
    found = soup(plain.parent / "site" / "index.html").select("li .stamp, li .cell-output td")
    assert [each.name for each in found] == ["div", "td"]


def test_a_directive_that_markdown_takes_for_code_ends_the_build(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text("text\n\n    <!-- receipt: some -->\n\ntext\n")
    assert "en/index.md:1: a directive is indented below nothing" in stopped(plain)


SYNTAX = """--8<-- "nope.md"
# --8<-- [start:x]
--8<--
; --8<-- "nope.md"
{{ config.site_name }} {% raw %} ${HOME}
*[CRD]: an abbreviation
CRD
!!! note "a note"
    <!-- cell: some/none -->
<!-- cell: some/none -->
<!-- not run: nothing -->
[a]: http://x.example/
```
~~~
=== "Tab"
<script>alert(1)</script> &amp; **bold** `code` $x$ [^1]
+++ title
"""


@pytest.mark.parametrize("margin", ["", "    "])
def test_what_looks_like_syntax_in_code_or_output_is_shown_as_it_is(
    plain: Path, margin: str
) -> None:
    said = {"output_type": "stream", "name": "stdout", "text": SYNTAX}
    write(plain.parent / "notebooks", text("# T"), code(SYNTAX, "table", outputs=[said]))
    (plain.parent / "glossary.md").write_text("*[CRD]: a kind\n")
    snippets = f"{{base_path: [{plain.parent}], check_paths: true, auto_append: [glossary.md]}}"
    more = f"[abbr, admonition, {{pymdownx.snippets: {snippets}}}, "
    plain.write_text(plain.read_text().replace("_extensions: [", f"_extensions: {more}"))
    head = "!!! note\n\n" if margin else ""
    (plain.parent / "docs" / "index.md").write_text(
        f"<!-- receipt: some -->\n\n{head}{margin}<!-- cell: some/table -->\n"
    )
    build_site(plain)
    for name in ("index.html", "notebooks/some/index.html"):
        blocks = soup(plain.parent / "site" / name).find_all("pre")
        assert [each.text.strip() for each in blocks] == [SYNTAX.strip()] * 2


LINKS = """
[one](other.ipynb) [two](other.ipynb#A-heading,-with-more) [three][ref]
[four](../docs/index.md#some) <a href="data/a%20b.yaml?x=1">five</a> ![six](data/p.png "title")
<img src='data/p.png'> [seven](#Some-notebook) [eight](https://x.example/y#z)
![nine](attachment:a.png) <img src="attachment:a.png"> [ten](../index.md) <m@x.example>
[eleven](./data/../other.ipynb?x) [twelve](other.ipynb#cell-sum)

[ref]: data/p.png
"""


def test_links_in_a_notebook_lead_to_what_the_site_has(plain: Path) -> None:
    home = plain.parent / "notebooks"
    (home / "data").mkdir()
    (home / "data" / "p.png").write_bytes(b"\x89PNG")
    (home / "data" / "a b.yaml").write_text("a: b")
    (home / "data" / "unused").write_text("")
    attached = {"attachments": {"a.png": {"image/png": "iVBORw0K"}}}
    write(home, text("# Some notebook"), text(LINKS) | attached, code("1", "table"))
    write(home, text("## A `heading`, with more"), code("1", "sum"), name="other")
    (plain.parent / "docs" / "index.md").write_text("# Some { #some }\n")
    plain.write_text(plain.read_text().replace("_extensions: [", "_extensions: [attr_list, "))
    build_site(plain)
    site = plain.parent / "site"
    found = soup(site / "notebooks" / "some" / "index.html")
    links = [str(each["href"]) for each in found.select("[lang=en] p a")]
    assert links == [
        *("../other/", "../other/#a-heading-with-more", "../data/p.png", "../../#some"),
        *("../data/a%20b.yaml?x=1", "#some-notebook", "https://x.example/y#z", "../../"),
        *("mailto:m@x.example", "../other/?x", "../other/#cell-sum"),
    ]
    sources = [str(each["src"]) for each in found.find_all("img")]
    image = "data:image/png;base64,iVBORw0K"
    assert sources == ["../data/p.png", "../data/p.png", image, image]
    assert found.select("[data-cell]") == []
    assert sorted(path.name for path in (site / "notebooks" / "data").iterdir()) == [
        *("a b.yaml", "p.png"),
    ]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("![p](missing.png)", "missing.png"),
        ("[o](missing.ipynb)", "missing.ipynb"),
        ("[o][r]\n\n[r]: ../docs/none.md", "../docs/none.md"),
        ("<a href='../docs/index.md#gone'>x</a>", "../docs/index.md#gone"),
        ("<div><img src=missing.png></div>", "missing.png"),
        ("[a](#gone)", "#gone"),
        ("[a](/index.md)", "/index.md"),
        ("[a](file:///etc/passwd)", "file:///etc/passwd"),
        ("[a](.hidden.txt)", ".hidden.txt"),
        ("[a](../mkdocs.yml)", "../mkdocs.yml"),
        ("[a](attachment:gone.png)", "attachment:gone.png"),
    ],
)
def test_a_link_in_a_notebook_that_leads_nowhere_ends_the_build(
    plain: Path, said: str, target: str, *, strict: bool
) -> None:
    (plain.parent / "docs" / "index.md").write_text("# Some\n")
    (plain.parent / "notebooks" / ".hidden.txt").write_text("")
    write(plain.parent / "notebooks", text("# T"), text(said))
    _, line = stopped(plain, strict=strict).splitlines()
    assert line == (
        f"  en/notebooks/some.ipynb:1: cell 2 leads to `{target}`, which the site does not have"
    )


def test_an_image_that_is_not_attached_ends_the_build(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text("# Some\n")
    write(plain.parent / "notebooks", text("# T"), text("`attachment:b` ![a](attachment:a.png)"))
    assert "en/notebooks/some.ipynb:1: cell 2 of `some.ipynb`: missing attachment: a.png" in (
        stopped(plain)
    )


def test_the_site_can_be_built_from_any_folder(site: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"unclosed file .*search\.zh-TW\.txt", ResourceWarning)
        patch.chdir(tmp_path)
        build_site(site.parent / "mkdocs.yml")
    assert [each.name for each in tmp_path.iterdir()] == []


def test_hidden_files_are_no_part_of_the_site(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text("<!-- status -->\n")
    for name in ("notebooks/._some.ipynb", "theme/.DS_Store", "theme/._main.html"):
        (plain.parent / name).write_bytes(b"\x00\x05\x16\x07")
    build_site(plain)
    site = plain.parent / "site"
    assert [path for path in site.rglob("*") if path.name.startswith(".")] == []
    assert len(soup(site / "index.html").select("tbody tr")) == 1


def test_a_cell_without_output_ends_the_build(plain: Path) -> None:
    write(plain.parent / "notebooks", code("show()", "table"))
    (plain.parent / "docs" / "index.md").write_text(PAGE)
    assert "cell 1 `table` of `some.ipynb` has no output" in stopped(plain)


def test_an_error_left_in_another_cell_of_the_notebook_ends_the_build(plain: Path) -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}
    table = code("show()", "table", outputs=[STREAM])
    write(plain.parent / "notebooks", table, code("fail()", outputs=[error]))
    (plain.parent / "docs" / "index.md").write_text(PAGE)
    assert "`some.ipynb` was left with an error in its outputs; cell 2" in stopped(plain)


def test_a_secret_in_any_output_of_a_notebook_ends_the_build(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "t0ken-of-this-build")
    leak = {"output_type": "stream", "name": "stderr", "text": "with t0ken-of-this-build\n"}
    write(
        plain.parent / "notebooks",
        code("show()", "table", outputs=[STREAM]),
        code("leak()", outputs=[leak]),
    )
    (plain.parent / "docs" / "index.md").write_text(PAGE)
    assert stopped(plain) == (
        "`some.ipynb` has secrets in its outputs (cell 2: a value of the environment variable "
        "SOME_TOKEN): have these cells put out something else, and run "
        "`istiolab verify some --force --update`"
    )
    assert not (plain.parent / "site" / "downloads").exists()


def test_a_notebook_without_a_receipt_is_stamped_and_no_receipt_is_offered(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text(PAGE)
    build_site(plain)
    site = plain.parent / "site"
    stamp = BeautifulSoup((site / "index.html").read_text(), "html.parser").find(class_="stamp")
    assert stamp is not None
    assert "stamp--missing" in stamp["class"]
    assert [path.name for path in (site / "downloads").iterdir()] == ["some.ipynb"]


def test_the_record_of_a_failure_is_published_for_the_next_run(plain: Path) -> None:
    notebook = plain.parent / "notebooks" / "some.ipynb"
    record_failure(
        notebook, started_at="2026-01-02T03:04:05Z", outcome="untrue", what="a check", versions={}
    )
    (plain.parent / "docs" / "index.md").write_text(PAGE)
    build_site(plain)
    published = plain.parent / "site" / "downloads" / "some.failing.json"
    assert published.read_bytes() == record_path(notebook, Failing).read_bytes()


def test_a_preview_builds_its_own_language_alone_and_forgets_what_was_mended(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text(
        "<!-- receipt: some -->\n<!-- cell: some/none -->"
    )
    (plain.parent / "other.yml").write_text("not: valid")
    plain.write_text(
        PLAIN.format(docs="docs").replace("language: en,", "language: en, siblings: [other.yml],")
    )
    config = load_config(str(plain), strict=True)
    config.plugins.on_startup(command="serve", dirty=False)
    with pytest.raises(Abort):
        build(config)
    (plain.parent / "docs" / "index.md").write_text(
        "<!-- receipt: some -->\n<!-- cell: some/table -->"
    )
    build(config)
    assert "426" in (plain.parent / "site" / "index.html").read_text()


@pytest.mark.parametrize("address", ["https://example.org/somebody/some", ""])
def test_a_page_can_be_edited_where_the_repository_is_known(plain: Path, address: str) -> None:
    (plain.parent / "theme" / "main.html").write_text(
        "{{ page.edit_url }} {{ page.file.edit_uri }}"
    )
    (plain.parent / "docs" / "index.md").write_text("# T")
    plain.write_text(plain.read_text() + f'repo_url: "{address}"\n')
    build_site(plain)
    site = plain.parent / "site"
    edit = f"{address}/edit/main/" if address else None
    wanted = {"index.html": "docs/index.md", "notebooks/some/index.html": "notebooks/some.ipynb"}
    for path, source in wanted.items():
        link = f"{edit}{source}" if edit else "None"
        assert (site / path).read_text() == f"{link} {source}"


def test_the_glossary_is_the_one_of_the_pages_language(plain: Path) -> None:
    (plain.parent / "docs" / "index.md").write_text("# Words { #top }\n\n<!-- glossary -->\n")
    (plain.parent / "glossary.docs.md").write_text("*[CRD]: a *kind* & more\n*[CA]: who signs\n")
    build_site(plain)
    html = (plain.parent / "site" / "index.html").read_text()
    found = BeautifulSoup(html, "html.parser").find(class_="glossary")
    assert found is not None
    assert [each.text for each in found.find_all(["dt", "dd"])] == [
        *("CA", "who signs", "CRD", "a *kind* & more"),
    ]


@pytest.mark.parametrize(
    ("written", "wrong"),
    [(None, "there is no glossary"), ("words", "is no glossary; line 1: it is no")],
)
def test_a_glossary_that_is_not_there_or_is_none_ends_the_build(
    plain: Path, written: str | None, wrong: str
) -> None:
    (plain.parent / "docs" / "index.md").write_text("<!-- glossary -->\n")
    if written:
        (plain.parent / "glossary.docs.md").write_text(written)
    assert wrong in stopped(plain)


def test_an_unknown_language_is_a_wrong_configuration(
    plain: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain.write_text(plain.read_text().replace("language: en", "language: de"))
    with pytest.raises(Abort), caplog.at_level(logging.ERROR):
        load_config(str(plain))
    assert "Expected one of: ('en', 'zh-TW') but received: 'de'" in caplog.text


def test_a_notebook_that_fails_keeps_its_page_which_says_since_when(plain: Path) -> None:
    notebook = plain.parent / "notebooks" / "some.ipynb"
    write_receipt(notebook, receipt(notebook))
    record_failure(
        notebook,
        started_at="2026-02-03T00:00:00Z",
        outcome="untrue",
        what="cell 2 `judge`: cell failed: AssertionError",
        versions={},
    )
    (plain.parent / "docs" / "index.md").write_text(PAGE)
    build_site(plain)
    found = BeautifulSoup((plain.parent / "site" / "index.html").read_text(), "html.parser")
    stamp = found.find(class_="stamp--failing")
    assert stamp is not None
    assert "No run passed since 2026-02-03 (1 so far; the last: cell 2 `judge`" in stamp.text
    assert found.find("td", string=re.compile("426")) is not None, "the last verified output"


def test_claims_lead_to_the_place_where_their_cell_is_shown(plain: Path) -> None:
    notebook = plain.parent / "notebooks" / "some.ipynb"
    write_receipt(notebook, receipt(notebook))
    (plain.parent / "claims").mkdir()
    text = "{en: It is 426., zh-TW: 是 426。}"
    (plain.parent / "claims" / "some.yml").write_text(
        f"- claim: {text}\n  cell: table\n  verdict: holds\n  note: {text}\n"
    )
    plain.write_text(plain.read_text().replace("language: en", "language: en, claims_dir: claims"))
    (plain.parent / "docs" / "some.md").write_text(PAGE)
    (plain.parent / "docs" / "index.md").write_text("<!-- claims -->\n\n<!-- claims: some -->\n")
    build_site(plain)
    index = BeautifulSoup((plain.parent / "site" / "index.html").read_text(), "html.parser")
    link = index.find("a", string="table")
    assert link is not None
    place, _, anchor = str(link["href"]).partition("#")
    chapter = BeautifulSoup(
        (plain.parent / "site" / place / "index.html").read_text(), "html.parser"
    )
    assert len(chapter.find_all(id=anchor)) == 1


def test_a_claims_page_that_leaves_a_chapter_out_ends_the_build(plain: Path) -> None:
    (plain.parent / "claims").mkdir()
    (plain.parent / "claims" / "some.yml").write_text("[]")
    plain.write_text(plain.read_text().replace("language: en", "language: en, claims_dir: claims"))
    (plain.parent / "docs" / "index.md").write_text("<!-- claims -->\n")
    assert "the page leaves out the claims of chapters; some" in stopped(plain)
