from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import ExitCode
from istiolab.page import parity
from istiolab.page.parity import digest_of, main, unlike, update

PAGE = "# Title { #title }\n\nText.\n"


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two languages that are alike; the page in a folder shows that folders are searched."""
    monkeypatch.chdir(tmp_path)
    for language in (parity.SOURCE, parity.TRANSLATION):
        (language / "deep").mkdir(parents=True)
        (language / "index.md").write_text(PAGE)
        (language / "deep" / "page.md").write_text(PAGE)
    update(parity.SOURCE, parity.TRANSLATION)
    return tmp_path / "docs"


def found(docs: Path) -> tuple[str, ...]:
    return unlike(docs / "en", docs / "zh-TW")


def test_languages_that_are_alike_end_with_0(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found(docs) == ()
    assert main([]) is ExitCode.OK
    assert capsys.readouterr().out == ""


def test_a_page_that_one_language_lacks_is_found(docs: Path) -> None:
    (docs / "en" / "new.md").write_text(PAGE)
    (docs / "zh-TW" / "deep" / "old.md").write_text(PAGE)
    assert found(docs) == ("new.md: only in en", "deep/old.md: only in zh-TW")


def test_a_difference_is_told_with_its_page_and_ends_with_1(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = docs / "zh-TW" / "deep" / "page.md"
    page.write_text(page.read_text().replace("# Title", "## Title"))
    assert main([]) is ExitCode.FINDING
    assert capsys.readouterr().out.splitlines() == list(found(docs))
    assert len(found(docs)) == 1
    assert found(docs)[0].startswith("deep/page.md: headings: number 1")


def test_a_source_that_changed_since_is_found(docs: Path) -> None:
    (docs / "en" / "index.md").write_text(PAGE + "More.\n")
    assert len(found(docs)) == 1
    assert found(docs)[0].startswith("index.md: the source changed since this page was marked")


def test_a_translation_that_was_never_marked_is_found(docs: Path) -> None:
    (docs / "zh-TW" / "index.md").write_text(PAGE)
    assert [line[:28] for line in found(docs)] == ["index.md: the source changed"]


def test_a_malformed_directive_is_found_in_either_language(docs: Path) -> None:
    for page in (docs / "en" / "index.md", docs / "zh-TW" / "deep" / "page.md"):
        page.write_text(f"{PAGE}\n<!-- cell: some -->\n")
    assert found(docs) == (
        "deep/page.md: `<!-- cell: some -->` is not a directive",
        "index.md: `<!-- cell: some -->` is not a directive",
    )


def test_an_unwanted_term_is_found(docs: Path) -> None:
    page = docs / "zh-TW" / "index.md"
    page.write_text(page.read_text() + "服務器\n")
    assert found(docs) == ("index.md: `服務器` is not what is said in Taiwan: 伺服器",)


def test_a_term_that_only_one_glossary_explains_is_found(docs: Path) -> None:
    (docs / "glossary.en.md").write_text("*[CA]: who signs\n*[pod]: containers\n")
    (docs / "glossary.zh-TW.md").write_text("*[CA]: 簽發憑證的一方\n*[UF]: 連不上服務器\n")
    assert found(docs) == (
        "glossary.zh-TW.md: the term `pod` is missing",
        "glossary.zh-TW.md: the term `UF` is not in the source",
        "glossary.zh-TW.md: `服務器` is not what is said in Taiwan: 伺服器",
    )


def test_a_glossary_that_one_language_lacks_or_that_is_none_is_found(docs: Path) -> None:
    (docs / "glossary.en.md").write_text("*[CA]: who signs\n")
    assert found(docs) == (f"there is no glossary; {docs / 'glossary.zh-TW.md'}",)
    (docs / "glossary.zh-TW.md").write_text("CA\n")
    (line,) = found(docs)
    assert line.startswith("`glossary.zh-TW.md` is no glossary; line 1: ")


def test_update_marks_just_the_pages_whose_source_changed(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, translation = docs / "en" / "index.md", docs / "zh-TW" / "index.md"
    source.write_text(PAGE + "More.\n")
    assert main(["--update"]) is ExitCode.OK
    assert capsys.readouterr().out == "marked docs/zh-TW/index.md\n"
    assert f"source_sha256: {digest_of(source)}\n" in translation.read_text()
    assert translation.read_text().endswith(PAGE)
    assert main(["--update"]) is ExitCode.OK
    assert capsys.readouterr().out == ""


def test_update_does_not_excuse_other_differences(docs: Path) -> None:
    (docs / "en" / "index.md").write_text("# Title { #other }\n")
    assert main(["--update"]) is ExitCode.FINDING
    assert len(found(docs)) == 1


def test_other_arguments_are_a_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--udpate"]) is ExitCode.USAGE
    assert capsys.readouterr().err.startswith("usage: ")
