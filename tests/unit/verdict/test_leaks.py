from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from istiolab.verdict.leaks import leaks

INVENTORY = st.dictionaries(st.text(max_size=5), st.text(max_size=3), max_size=8)


def test_what_was_left_taken_and_altered_is_named() -> None:
    before = {"ConfigMap istio-system/istio": "1", "Secret default/mine": "1", "Node a": "1"}
    after = {"ConfigMap istio-system/istio": "2", "ConfigMap default/stray": "1", "Node a": "1"}
    assert leaks(before, after) == (
        "left behind: ConfigMap default/stray",
        "taken away: Secret default/mine",
        "altered: ConfigMap istio-system/istio",
    )


@given(before=INVENTORY, after=INVENTORY)
def test_nothing_is_said_exactly_if_nothing_differs(
    before: dict[str, str], after: dict[str, str]
) -> None:
    assert (leaks(before, after) == ()) == (before == after)
