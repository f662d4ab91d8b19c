from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from istiolab.notebook.spans import Span, replace

TEXT = "0123456789"
SPANS = st.tuples(st.integers(0, 9), st.integers(1, 10), st.sampled_from("ab")).map(
    lambda each: Span(min(each[0], each[1] - 1), max(each[0] + 1, each[1]), each[2])
)


def test_what_stands_around_spans_stays_and_those_that_touch_stay_apart() -> None:
    assert replace(TEXT, [Span(6, 8, "b"), Span(2, 4, "a"), Span(4, 5, "c")]) == (
        "01[redacted: a][redacted: c]5[redacted: b]89"
    )


def test_of_spans_that_overlap_the_one_named_first_gives_its_kind() -> None:
    assert replace(TEXT, [Span(3, 8, "wide"), Span(1, 4, "narrow")]) == "0[redacted: wide]89"
    assert replace(TEXT, [Span(1, 4, "narrow"), Span(3, 8, "wide")]) == "0[redacted: narrow]89"


@given(st.lists(SPANS, max_size=6))
def test_nothing_within_a_span_stays_and_nothing_outside_goes(spans: list[Span]) -> None:
    hidden = {place for span in spans for place in range(span.start, span.end)}
    shown = replace(TEXT, spans)
    for kind in "ab":
        shown = shown.replace(f"[redacted: {kind}]", "")
    assert shown == "".join(sign for place, sign in enumerate(TEXT) if place not in hidden)
