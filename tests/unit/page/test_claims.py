from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

from istiolab.errors import IstiolabError
from istiolab.page.claims import (
    Chapter,
    Verdict,
    chapter_of,
    chapters_of,
    read_claims,
    render_claims,
    render_summary,
)
from istiolab.page.words import LANGUAGES, read_words
from istiolab.receipt.store import State, Status
from tests.unit.page.build import cell, notebook, receipt

PAGE = "---\ntitle: Some\n---\n# Some\n\n<!-- cell: some/sum output -->\n"
GOOD = Status(state=State.VERIFIED, reason="", receipt=receipt())


def row(**changes: Any) -> dict[str, Any]:
    return {
        "claim": {"en": "It is `426`.", "zh-TW": "是 `426`。"},
        "cell": "sum",
        "verdict": "holds",
        "note": {"en": "It <b>is</b>.", "zh-TW": "的確。"},
        **changes,
    }


def claims_file(folder: Path, *rows: object) -> Path:
    path = folder / "some.yml"
    path.write_text(yaml.safe_dump(list(rows), allow_unicode=True))
    return path


def chapter(folder: Path, *rows: object, status: Status = GOOD, text: str = PAGE) -> Chapter:
    return chapter_of(
        claims_file(folder, *rows),
        text=text,
        notebook=notebook(cell()),
        link="../some/",
        status=status,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_row_says_claim_verdict_and_finding_and_leads_to_the_cell(
    tmp_path: Path, language: str
) -> None:
    words = read_words(language)
    of = chapter(tmp_path, row(), row(verdict="refuted"))
    table = BeautifulSoup(render_claims(of, language=language, words=words), "html.parser")
    first, second = table.select("tbody tr")
    claim, verdict, note, evidence = first.find_all("td")
    assert "426" in claim.text
    assert claim.find("code") is not None
    assert verdict.text == words.holds
    assert note.text == row()["note"][language].replace("<b>", "").replace("</b>", "")
    link = evidence.find("a")
    assert link is not None
    assert link["href"] == "../some/#cell-sum"
    assert words.refuted in second.text
    assert table.find(class_="state") is None


def test_claims_of_a_notebook_that_is_not_verified_say_so(tmp_path: Path) -> None:
    words = read_words("en")
    of = chapter(tmp_path, row(), status=Status(state=State.MISSING, reason="", receipt=None))
    html = render_claims(of, language="en", words=words)
    assert f'<p><span class="state state--missing">{words.missing}</span></p>' in html


def test_the_summary_counts_each_verdict_and_all_together(tmp_path: Path) -> None:
    of = chapter(tmp_path, row(), row(verdict="condition"), row(verdict="condition"))
    table = BeautifulSoup(render_summary([of, of], words=read_words("en")), "html.parser")
    rows = [[each.text for each in line.find_all("td")] for line in table.select("tbody tr")]
    assert [line[1:4] for line in rows] == [["1", "2", "0"], ["1", "2", "0"], ["2", "4", "0"]]
    assert rows[-1][0] == "In all"


@pytest.mark.parametrize(
    ("rows", "message", "where"),
    [
        ((), "not every claim in every language", ""),
        ((row(extra=1),), "no list of claims", "0.extra: Unexpected"),
        ((row(verdict="maybe"),), "no list of claims", "0.verdict: Input should be"),
        (({"cell": "sum"},), "no list of claims", "0.claim: Field required"),
        ((row(claim={"en": "only"}),), "not every claim in every language", "number 1: ['en']"),
        ((row(cell="other"),), "rest on cells that its page does not show", "other"),
    ],
)
def test_what_is_no_proper_list_of_claims_is_refused(
    tmp_path: Path, rows: tuple[object, ...], message: str, where: str
) -> None:
    with pytest.raises(IstiolabError, match=message) as caught:
        chapter(tmp_path, *rows)
    assert where in "\n".join(caught.value.where)


def test_a_cell_of_another_notebook_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(IstiolabError, match="does not show"):
        chapter(tmp_path, row(), text=PAGE.replace("some/sum", "other/sum"))


@pytest.mark.parametrize("text", [None, "- [", "just text"])
def test_a_file_that_is_missing_or_no_yaml_list_is_an_error(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "some.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(IstiolabError):
        read_claims(path)


def test_a_chapter_is_called_as_its_page_in_that_language_is(tmp_path: Path) -> None:
    text = PAGE.replace("title: Some", "title: 一些")
    assert chapter(tmp_path, row(), text=text).title == "一些"
    assert chapter(tmp_path, row(), text=PAGE.partition("---\n# ")[2]).title == "Some"


def test_the_page_shows_every_chapter_that_has_claims_in_its_own_order() -> None:
    text = "# A\n\n<!-- claims -->\n\n<!-- claims: b -->\n\n<!-- claims: a -->\n"
    assert chapters_of(text, {"a", "b"}) == ("b", "a")
    with pytest.raises(IstiolabError, match="leaves out") as caught:
        chapters_of(text, {"a", "b", "c"})
    assert caught.value.where == ("c",)


def test_every_verdict_has_its_own_words() -> None:
    for language in LANGUAGES:
        words = read_words(language)
        assert len({words.holds, words.condition, words.refuted}) == len(Verdict)
