from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from istiolab.verdict.leaks import departing, leaks

INVENTORY = st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=3), max_size=8)


def test_what_was_left_taken_and_altered_is_named() -> None:
    before = {"ConfigMap istio-system/istio": "1", "Secret default/mine": "1", "Node a": "1"}
    after = {"ConfigMap istio-system/istio": "2", "ConfigMap default/stray": "1", "Node a": "1"}
    assert leaks(before, after) == (
        "left behind: ConfigMap default/stray",
        "taken away: Secret default/mine",
        "altered: ConfigMap istio-system/istio",
    )


def test_what_was_being_deleted_before_is_no_longer_there_whatever_becomes_of_it() -> None:
    before = {"Namespace theirs": None, "Secret theirs/key": None, "Node a": "1"}
    assert leaks(before, {"Node a": "1"}) == ()
    assert leaks(before, before) == ()


def test_what_is_made_anew_in_place_of_what_was_being_deleted_is_left_behind() -> None:
    assert leaks({"Secret a/key": None}, {"Secret a/key": "1"}) == ("left behind: Secret a/key",)


def test_what_is_being_deleted_afterwards_is_taken_away() -> None:
    assert leaks({"Secret a/key": "1"}, {"Secret a/key": None}) == ("taken away: Secret a/key",)


def test_what_came_and_is_being_deleted_is_told_as_long_as_it_is_there() -> None:
    after = {"Namespace stuck": None, "Node a": "1"}
    assert departing({"Node a": "1"}, after) == ("Namespace stuck",)
    assert leaks({"Node a": "1"}, after) == ("left behind, being deleted: Namespace stuck",)


@given(before=INVENTORY, after=INVENTORY)
def test_nothing_is_said_exactly_if_nothing_that_stands_differs(
    before: dict[str, str | None], after: dict[str, str | None]
) -> None:
    def standing(inventory: dict[str, str | None]) -> dict[str, str | None]:
        return {name: digest for name, digest in inventory.items() if digest is not None}

    same = standing(before) == standing(after) and not departing(before, after)
    assert (leaks(before, after) == ()) == same


@given(before=INVENTORY, after=INVENTORY)
def test_no_object_is_told_twice(
    before: dict[str, str | None], after: dict[str, str | None]
) -> None:
    told = [line.partition(": ")[2] for line in leaks(before, after)]
    assert sorted(told) == sorted(set(told))
