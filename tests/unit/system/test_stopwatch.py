from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.system.stopwatch import Stopwatch
from tests.unit.system.clock import FrozenClock


def test_a_stage_lasts_until_the_next_one_begins() -> None:
    clock = FrozenClock()
    watch = Stopwatch(clock)
    for stage, seconds in (("kernel", 1.0), ("cells", 2.0), ("cells", 3.0), ("kernel", 4.0)):
        watch.begin("a", stage)
        clock.sleep(seconds)
    assert list(watch.end("a").items()) == [("kernel", 5.0), ("cells", 5.0)]


def test_runners_do_not_end_each_others_stages() -> None:
    clock = FrozenClock()
    watch = Stopwatch(clock)
    watch.begin("a", "cells")
    clock.sleep(1.0)
    watch.begin("b", "cells")
    clock.sleep(2.0)
    assert watch.end("a") == {"cells": 3.0}
    clock.sleep(4.0)
    assert watch.end("b") == {"cells": 6.0}
    assert watch.end("c") == {}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1000))))
def test_the_stages_together_are_the_whole_time(stages: list[tuple[str, float]]) -> None:
    clock = FrozenClock()
    watch = Stopwatch(clock)
    for stage, seconds in stages:
        watch.begin("it", stage)
        clock.sleep(seconds)
    assert sum(watch.end("it").values()) == pytest.approx(clock.now)
