from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ExitCode
from istiolab.page import parity
from istiolab.page.coverage import NotRun, check_blocks, check_stamps, main, read_coverage
from istiolab.page.parity import update

REASON = "<!-- not run: it would end the lab -->"
FENCE = "```yaml\na: b\n```"
UNINDENT = "un-indent it if it is text"
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


def problems(markdown: str) -> list[str]:
    return [str(each) for each in check_blocks(markdown, page="p.md")[1]]


def not_run(markdown: str) -> list[str]:
    return [str(each) for each in check_blocks(markdown, page="p.md")[0]]


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n  \n\n"])
@pytest.mark.parametrize("margin", ["", "    "])
def test_a_block_with_a_reason_above_it_is_excused(between: str, margin: str) -> None:
    body = f"{REASON}{between}{FENCE}".replace("\n", f"\n{margin}")
    note = "!!! note\n\n" if margin else ""
    markdown = f"{note}{margin}{body}"
    assert problems(markdown) == []
    line = (note + REASON + between).count("\n") + 1
    assert not_run(markdown) == [f"{line}: yaml, not run: it would end the lab"]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (FENCE, [f"p.md:1: a block of code (yaml) that no cell gave; {WHY}"]),
        ("```\na\n```", [f"p.md:1: a block of code that no cell gave; {WHY}"]),
        (
            "text\n\n    code",
            [f"p.md:3: a block of code (indented) that no cell gave; {UNINDENT}, {WHY}"],
        ),
        (
            f"{REASON}\n{FENCE}\n{FENCE}",
            [f"p.md:5: a block of code (yaml) that no cell gave; {WHY}"],
        ),
        (REASON, ["p.md:1: `not run` stands above no block of code"]),
        (f"{REASON}\ntext", ["p.md:1: `not run` stands above no block of code"]),
        (f"{REASON}\n<!-- cell: a/b -->", ["p.md:1: `not run` stands above no block of code"]),
        (
            f"{REASON}\n\ntext\n\n{FENCE}",
            [
                "p.md:1: `not run` stands above no block of code",
                f"p.md:5: a block of code (yaml) that no cell gave; {WHY}",
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
    assert not_run(f"<!-- not run: 會關掉叢集 -->\n{FENCE}") == ["2: yaml, not run: 會關掉叢集"]


@given(st.lists(st.sampled_from([FENCE, "text", "    code", "```mermaid\n```", "- a"])))
def test_each_block_is_a_problem_until_it_has_a_reason(parts: list[str]) -> None:
    # Text between them, so that none goes on with the one before it.
    page = "\n\ntext\n\n".join(["text", *parts])
    blocks = [part for part in parts if part in {FENCE, "    code"}]
    assert len(problems(page)) == len(blocks)
    excused = "\n\ntext\n\n".join(
        ["text", *(f"{REASON}\n\n{part}" if part in blocks else part for part in parts)]
    )
    assert problems(excused) == []
    assert len(not_run(excused)) == len(blocks)


def test_a_page_s_cells_are_counted_once_and_lines_count_the_front_matter() -> None:
    coverage = read_coverage(PAGE, page="en/p.md")
    assert coverage.cells == 2
    assert coverage.not_run == (NotRun(line=16, language="yaml", reason="it would end the lab"),)
    assert coverage.problems == ()


def test_what_is_no_directive_is_told_with_the_blocks_by_line() -> None:
    coverage = read_coverage(f"{FENCE}\n\n<!-- cells: a/b -->\n\n{FENCE}\n", page="en/p.md")
    assert [each.line for each in coverage.problems] == [1, 5, 7]
    assert "`<!-- cells: a/b -->` is not a directive" in coverage.problems[1].message


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two languages that are alike."""
    monkeypatch.chdir(tmp_path)
    for language in (parity.SOURCE, parity.TRANSLATION):
        language.mkdir(parents=True)
        (language / "index.md").write_text(PAGE)
    update(parity.SOURCE, parity.TRANSLATION)
    return tmp_path / "docs"


def test_the_report_names_cells_and_reasons_of_each_page(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del docs
    assert main([]) is ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        "en/index.md: 2 cells embedded, 1 blocks not run",
        "  16: yaml, not run: it would end the lab",
        "zh-TW/index.md: 2 cells embedded, 1 blocks not run",
        "  17: yaml, not run: it would end the lab",
        TOTAL,
    ]


def test_an_uncovered_block_in_one_language_ends_the_report_with_1(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = docs / "zh-TW" / "index.md"
    page.write_text(page.read_text().replace(f"{REASON}\n", ""))
    assert main([]) is ExitCode.FINDING
    lines = capsys.readouterr().out.splitlines()
    assert f"  zh-TW/index.md:16: a block of code (yaml) that no cell gave; {WHY}" in lines
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
    assert [each.line for each in read_coverage(markdown, page="en/p.md").problems] == [2, 4, 6]
