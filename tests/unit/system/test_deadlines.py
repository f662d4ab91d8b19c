from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import UsageError
from istiolab.system.command import run
from istiolab.system.deadlines import TIMEOUT_SCALE, read_scale, said, scaled, timeout_scale
from istiolab.system.retry import Answer, wait_until
from tests.unit.system.clock import FrozenClock


@pytest.mark.parametrize("unset", ["", None])
def test_without_a_scale_deadlines_are_as_written(
    unset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if unset is None:
        monkeypatch.delenv(TIMEOUT_SCALE, raising=False)
    else:
        monkeypatch.setenv(TIMEOUT_SCALE, unset)
    assert (timeout_scale(), scaled(30)) == (1, 30)


def test_the_scale_multiplies_deadlines_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_SCALE, "2.5")
    assert scaled(30) == 75
    assert said(75) == "75 s (timeout scale 2.5)"


@given(scale=st.floats(min_value=0.1, max_value=1000))
def test_every_scale_in_bounds_is_read_as_it_was_written(scale: float) -> None:
    assert read_scale(str(scale), of="it") == scale


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "nan", "inf", "1001", "1,5"])
def test_what_is_no_scale_is_a_usage_error_that_names_its_place(text: str) -> None:
    with pytest.raises(UsageError, match="`--timeout-scale` is `"):
        read_scale(text, of="`--timeout-scale`")


def test_waits_last_as_many_times_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_SCALE, "20")
    clock = FrozenClock()
    waited = wait_until(lambda: Answer(done=False), timeout_seconds=3, clock=clock)
    assert waited.seconds == clock.now == pytest.approx(60)


def test_programs_may_run_as_many_times_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_SCALE, "20")
    assert run(["sleep", "0.3"], timeout_seconds=0.1).exit_code == 0
