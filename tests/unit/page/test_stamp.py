from __future__ import annotations

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup, Tag

from istiolab.page.stamp import Links, render_brief, render_stamp
from istiolab.page.words import LANGUAGES, Words, read_words
from istiolab.receipt.model import Receipt
from istiolab.receipt.store import State, Status
from tests.unit.page.build import failing, proof, receipt

EN = read_words("en")
LINKS = Links(notebook="../notebooks/a/", download="../a.ipynb", receipt="../a.receipt.json")


def stamp(
    state: State,
    *,
    of: Receipt | None = None,
    reason: str = "why",
    links: Links = LINKS,
    words: Words = EN,
) -> Tag:
    status = Status(
        state=state,
        reason=reason,
        receipt=of,
        failing=failing() if state is State.FAILING else None,
        proof=proof() if of else None,
    )
    html = render_stamp(status, links=links, words=words)
    assert "\n" not in html
    found = BeautifulSoup(html, "html.parser").find(class_="stamp")
    assert isinstance(found, Tag)
    return found


def facts(of: Tag) -> dict[str, str]:
    names, values = of.find_all("dt"), of.find_all("dd")
    return {name.text: value.text for name, value in zip(names, values, strict=True)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", State)
def test_each_state_has_its_own_words_and_look(state: State, language: str) -> None:
    words = read_words(language)
    has_receipt = state in {State.VERIFIED, State.STALE, State.FAILING}
    found = stamp(state, of=receipt() if has_receipt else None, words=words)
    said = getattr(words, state.value)
    assert found["class"] == ["stamp", f"stamp--{state.value}"]
    assert found["aria-label"] == said
    assert found.find(class_="stamp__state").text == said  # type: ignore[union-attr]
    why = getattr(words, f"{state.value}_why")
    record = failing()
    filled = why.format(since="2026-01-03", attempts=record.attempts, what=record.what)
    assert filled in found.text
    assert bool(facts(found)) is has_receipt


def test_the_facts_of_the_run_are_shown() -> None:
    assert facts(stamp(State.VERIFIED, of=receipt())) == {
        "Run": "2026-01-02 03:04 UTC",
        "Duration": "1 min 2 s",
        "Versions": "Istio 1.28.2 · Kubernetes 1.34.0 · Python 3.11.7",
        "Cluster": "its own & nobody's",
        "Machine": "a <fast> one · 8 GiB",
        "Causes": "2, each left out in turn: a check failed every time (2026-01-04)",
    }


def test_what_fails_and_was_never_verified_says_both() -> None:
    found = stamp(State.FAILING).text
    assert "No run passed since 2026-01-03" in found
    assert EN.missing_why in found


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3600, "60 min 0 s")]
)
def test_durations_are_told_in_minutes_and_seconds(seconds: float, said: str) -> None:
    of = replace(receipt(), duration_seconds=seconds)
    assert facts(stamp(State.VERIFIED, of=of))["Duration"] == said


def test_a_time_of_another_zone_is_shown_in_utc_and_kept_for_machines() -> None:
    of = replace(receipt(), started_at="2026-01-02T03:04:05+08:00")
    found = stamp(State.VERIFIED, of=of).find("time")
    assert isinstance(found, Tag)
    assert (found.text, found["datetime"]) == ("2026-01-01 19:04 UTC", "2026-01-02T03:04:05+08:00")


def test_a_receipt_that_cannot_be_believed_says_why() -> None:
    assert "(its digest <b>)" in stamp(State.FAILED, reason="its digest <b>").text


def test_nothing_that_a_receipt_holds_becomes_markup() -> None:
    evil = '<script>"&'
    of = replace(
        receipt(), provider=evil, machine={"a": evil}, versions={"istio": evil, "python": evil}
    )
    links = Links(notebook=evil, download=evil, receipt=evil)
    for found in (
        stamp(State.VERIFIED, of=of, links=links),
        stamp(State.FAILED, reason=evil, links=links),
    ):
        assert found.find("script") is None
        assert evil in found.text
        assert [each["href"] for each in found.find_all("a")] == [evil] * 3


def test_the_receipt_is_linked_only_if_there_is_one() -> None:
    assert [each["href"] for each in stamp(State.MISSING).find_all("a")] == [
        "../notebooks/a/",
        "../a.ipynb",
        "../a.receipt.json",
    ]
    found = stamp(State.MISSING, links=replace(LINKS, receipt=None))
    assert [each.text for each in found.find_all("a")] == [EN.notebook, EN.download]


@pytest.mark.parametrize("state", State)
def test_in_one_line_it_says_the_same_state_with_the_same_links(state: State) -> None:
    has_receipt = state in {State.VERIFIED, State.STALE, State.FAILING}
    status = Status(
        state=state,
        reason="why <b>",
        receipt=receipt() if has_receipt else None,
        failing=failing() if state is State.FAILING else None,
        proof=None,
    )
    html = render_brief(status, links=LINKS, words=EN)
    found = BeautifulSoup(html, "html.parser").find("p", class_=f"stamp--{state.value}")
    assert isinstance(found, Tag)
    assert "\n" not in html
    assert found.find("b") is None
    assert found["aria-label"] == getattr(EN, state.value)
    assert found.text.startswith(getattr(EN, state.value))
    assert ("2026-01-02 03:04 UTC · Istio 1.28.2" in found.text) is has_receipt
    assert ("why <b>" in found.text) is (state in {State.FAILED, State.STALE})
    assert [each["href"] for each in found.find_all("a")] == [
        "../notebooks/a/",
        "../a.ipynb",
        "../a.receipt.json",
    ]


def test_in_one_line_what_is_not_verified_says_why() -> None:
    status = Status(state=State.MISSING, reason="", receipt=None, failing=None, proof=None)
    assert EN.missing_why in render_brief(status, links=LINKS, words=EN)


def test_in_one_line_stands_the_most_telling_version_that_there_is() -> None:
    of = replace(receipt(), versions={"python": "3.11.7", "kubernetes": "1.34.0"})
    status = Status(state=State.VERIFIED, reason="", receipt=of, failing=None, proof=None)
    assert " UTC · Kubernetes 1.34.0 · " in render_brief(status, links=LINKS, words=EN).replace(
        "</time>", ""
    )
    none = replace(status, receipt=replace(of, versions={"python": "3.11.7"}))
    assert "3.11.7" not in render_brief(none, links=LINKS, words=EN)
