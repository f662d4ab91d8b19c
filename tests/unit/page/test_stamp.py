from __future__ import annotations

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup, Tag

from istiolab.page.stamp import Links, render_stamp
from istiolab.page.words import LANGUAGES, Words, read_words
from istiolab.receipt.model import Receipt
from istiolab.receipt.store import State, Status
from tests.unit.page.build import receipt

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
    html = render_stamp(Status(state=state, reason=reason, receipt=of), links=links, words=words)
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
    has_receipt = state in {State.VERIFIED, State.STALE}
    found = stamp(state, of=receipt() if has_receipt else None, words=words)
    said = getattr(words, state.value)
    assert found["class"] == ["stamp", f"stamp--{state.value}"]
    assert found["aria-label"] == said
    assert found.find(class_="stamp__state").text == said  # type: ignore[union-attr]
    assert getattr(words, f"{state.value}_why") in found.text
    assert bool(facts(found)) is has_receipt


def test_the_facts_of_the_run_are_shown() -> None:
    assert facts(stamp(State.VERIFIED, of=receipt())) == {
        "Run": "2026-01-02 03:04 UTC",
        "Duration": "1 min 2 s",
        "Versions": "Istio 1.28.2 · Kubernetes 1.34.0 · Python 3.11.7",
        "Cluster": "its own & nobody's",
        "Machine": "a <fast> one · 8 GiB",
    }


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
