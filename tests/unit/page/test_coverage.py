from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from istiolab.errors import ExitCode
from istiolab.page import parity
from istiolab.page.coverage import Coverage, NotRun, check_code, check_stamps, main, read_coverage
from istiolab.page.parity import update
from istiolab.page.site_config import read_renderer

REASON = "<!-- not run: it would end the lab -->"
FENCE = "```yaml\na: b\n```"
WHY = "embed a cell, or write above it why it cannot be run: `<!-- not run: REASON -->`"
TOTAL = (
    "total: 2 pages, 4 cells embedded, 2 blocks not run, 0 problems, "
    "0 differences between the languages"
)
PAGE = f"""---
title: A page
---
# Title {{ #title }}

<!-- receipt: some brief -->

<!-- cell: some/sum code -->

<!-- cell: some/sum output -->

<!-- cell: some/table -->

{REASON}

{FENCE}
"""


CONFIGURATION = """
site_name: some
theme: {{name: null, custom_dir: docs}}
docs_dir: docs/{}
markdown_extensions: [admonition, def_list, md_in_html, pymdownx.details, pymdownx.tabbed,
  pymdownx.superfences: {{custom_fences: [{{name: mermaid, class: mermaid,
    format: !!python/name:istiolab.page.diagram.show_fence }}]}}]
"""


@cache
def renderer() -> Callable[[str], str]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mkdocs.yml"
        (path.parent / "docs" / "en").mkdir(parents=True)
        path.write_text(CONFIGURATION.format("en"))
        return read_renderer(path)


def problems(markdown: str) -> list[str]:
    found = check_code(renderer()(markdown), source=markdown, page="p.md")
    return [str(each) for each in found[1]]


def not_run(markdown: str) -> list[str]:
    found = check_code(renderer()(markdown), source=markdown, page="p.md")
    return [str(each) for each in found[0]]


def coverage(text: str) -> Coverage:
    return read_coverage(text, page="en/p.md", render=renderer())


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n  \n\n"])
@pytest.mark.parametrize("margin", ["", "    "])
def test_a_block_with_a_reason_above_it_is_excused(between: str, margin: str) -> None:
    body = f"{REASON}{between}{FENCE}".replace("\n", f"\n{margin}")
    note = "!!! note\n\n" if margin else ""
    markdown = f"{note}{margin}{body}"
    assert problems(markdown) == []
    line = (note + REASON + between).count("\n") + 1
    assert not_run(markdown) == [f"{line}: `a: b`, not run: it would end the lab"]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (FENCE, [f"p.md:1: a block of code, `a: b`, that no cell gave; {WHY}"]),
        ("```\na\n```", [f"p.md:1: a block of code, `a`, that no cell gave; {WHY}"]),
        (
            "text\n\n    code",
            [f"p.md:3: a block of code, `code`, that no cell gave; {WHY}"],
        ),
        (
            f"{REASON}\n{FENCE}\n{FENCE}",
            [f"p.md:5: a block of code, `a: b`, that no cell gave; {WHY}"],
        ),
        (REASON, ["p.md:1: `not run` stands above no block of code"]),
        (f"{REASON}\ntext", ["p.md:1: `not run` stands above no block of code"]),
        ("text\n\n```\na", ["p.md:3: a fence of code that has no end"]),
        ("<pre>a\nb</pre>", [f"p.md:1: a block of code, `a`, that no cell gave; {WHY}"]),
        (
            f"{REASON}\n\ntext\n\n{FENCE}",
            [
                "p.md:1: `not run` stands above no block of code",
                f"p.md:5: a block of code, `a: b`, that no cell gave; {WHY}",
            ],
        ),
        (f"{REASON}\n{REASON}\n{FENCE}", ["p.md:1: `not run` stands above no block of code"]),
        (f"<!-- not run: -->\n{FENCE}", ["p.md:1: `not run` gives no reason"]),
        (f"<!-- not run: ... -->\n{FENCE}", ["p.md:1: `not run` gives no reason"]),
    ],
)
def test_a_block_and_a_reason_each_need_the_other(markdown: str, expected: list[str]) -> None:
    assert problems(markdown) == expected


def test_a_diagram_needs_no_reason_and_may_have_one() -> None:
    assert problems("```mermaid\na\n```") == []
    assert problems(f"{REASON}\n```mermaid\na\n```") == []


def test_in_a_block_and_in_code_within_a_line_nothing_is_a_reason() -> None:
    assert problems(f"{REASON}\n```\n{REASON}\n```\nWrite `{REASON}`.") == []


def test_a_reason_may_be_in_any_script() -> None:
    assert not_run(f"<!-- not run: 會關掉叢集 -->\n{FENCE}") == ["2: `a: b`, not run: 會關掉叢集"]


PIECES = [
    *("text", "- item", "1. item", "!!! note", '??? check "x"', '=== "Tab"', "# Head", "> quote"),
    *("```", "```python", "~~~", "term\n:   definition", "`code`", "<!-- c -->", "<pre>a</pre>"),
]
LINE = st.builds(
    lambda tabs, piece: indent(piece, "    " * tabs), st.integers(0, 3), st.sampled_from(PIECES)
)


@example("<pre>a</pre>\n<pre>a</pre>")
@settings(deadline=None)
@given(st.lists(st.just("") | LINE, max_size=8).map("\n".join))
def test_each_block_that_a_reader_sees_is_a_problem_until_it_has_a_reason(markdown: str) -> None:
    html = renderer()(markdown)
    blocks = html.count("<pre")
    found = check_code(html, source=markdown, page="p.md")[1]
    assert sum("that no cell gave" in each.message for each in found) == blocks
    excused = html.replace("<pre", f"{REASON}<pre")
    not_run, found = check_code(excused, source=markdown, page="p.md")
    assert len(not_run) == blocks
    assert not any("that no cell gave" in each.message for each in found)


def test_a_page_s_cells_are_counted_once_and_lines_count_the_front_matter() -> None:
    found = coverage(PAGE)
    assert found.cells == 2
    assert found.not_run == (NotRun(line=16, code="a: b", reason="it would end the lab"),)
    assert found.problems == ()


def test_what_is_no_directive_is_told_with_the_blocks_by_line() -> None:
    found = coverage(f"{FENCE}\n\n<!-- cells: a/b -->\n\n{FENCE}\n").problems
    assert [each.line for each in found] == [1, 5, 7]
    assert "`<!-- cells: a/b -->` is not a directive" in found[1].message


def test_the_code_of_a_cell_needs_no_reason_and_cannot_be_excused() -> None:
    found = coverage(f"<!-- receipt: a -->\n\n{REASON}\n\n<!-- cell: a/b -->\n")
    assert [str(each) for each in found.problems] == [
        "en/p.md:3: `not run` stands above no block of code"
    ]


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two languages that are alike."""
    monkeypatch.chdir(tmp_path)
    for language in (parity.SOURCE, parity.TRANSLATION):
        language.mkdir(parents=True)
        (language / "index.md").write_text(PAGE)
    Path("mkdocs.yml").write_text(CONFIGURATION.format("en"))
    Path("mkdocs.zh-TW.yml").write_text(CONFIGURATION.format("zh-TW"))
    update(parity.SOURCE, parity.TRANSLATION)
    return tmp_path / "docs"


def test_the_report_names_cells_and_reasons_of_each_page(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del docs
    assert main([]) is ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        "en/index.md: 2 cells embedded, 1 blocks not run",
        "  16: `a: b`, not run: it would end the lab",
        "zh-TW/index.md: 2 cells embedded, 1 blocks not run",
        "  17: `a: b`, not run: it would end the lab",
        TOTAL,
    ]


def test_an_uncovered_block_in_one_language_ends_the_report_with_1(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = docs / "zh-TW" / "index.md"
    page.write_text(page.read_text().replace(f"{REASON}\n", ""))
    assert main([]) is ExitCode.FINDING
    lines = capsys.readouterr().out.splitlines()
    assert f"  zh-TW/index.md:16: a block of code, `a: b`, that no cell gave; {WHY}" in lines
    assert lines[-1].endswith(" 1 problems, 0 differences between the languages")


def test_languages_that_embed_other_cells_end_the_report_with_1(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = docs / "zh-TW" / "index.md"
    page.write_text(page.read_text().replace("some/table", "some/other"))
    assert main([]) is ExitCode.FINDING
    assert "index.md: directives: number 4" in capsys.readouterr().out


def test_no_page_at_all_ends_the_report_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) is ExitCode.FINDING


def test_arguments_are_a_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--all"]) is ExitCode.USAGE
    assert capsys.readouterr().err.startswith("usage: ")


@pytest.mark.parametrize("stamp", ["<!-- receipt: some -->", "<!-- receipt: some brief -->"])
@pytest.mark.parametrize("below", [True, False])
def test_a_page_with_a_cell_carries_the_stamp_of_its_notebook(stamp: str, *, below: bool) -> None:
    cell = "<!-- cell: some/a output -->"
    parts = (cell, stamp) if below else (stamp, cell)
    assert check_stamps("\n\n".join(parts), page="p.md") == ()


def test_the_first_cell_of_each_notebook_without_a_stamp_is_a_problem() -> None:
    markdown = """<!-- receipt: c -->
<!-- cell: a/x -->
<!-- cell: a/y code -->
<!-- cell: b/x output -->
<!-- cell: c/x -->
<!-- cell: -->
"""
    found = check_stamps(markdown, page="p.md", first_line=3)
    # A comment that is no directive is for another check to name.
    assert [(each.line, each.message.split(";")[0]) for each in found] == [
        (4, "a cell of `a`, and no stamp of it on the page"),
        (6, "a cell of `b`, and no stamp of it on the page"),
    ]
    assert [each.line for each in coverage(markdown).problems] == [2, 4, 6]
