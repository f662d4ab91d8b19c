from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.system.retry import Answer, Waited, wait_until
from tests.unit.system.clock import FrozenClock

SECONDS = st.floats(min_value=0.01, max_value=100, allow_nan=False)


def wait_in_vain(
    clock: FrozenClock, *, timeout_seconds: float, delay_seconds: float, longest: float
) -> Waited:
    return wait_until(
        lambda: Answer(done=False, detail=f"at {clock.now}"),
        timeout_seconds=timeout_seconds,
        delay_seconds=delay_seconds,
        longest_delay_seconds=longest,
        clock=clock,
    )


@given(timeout=SECONDS, delay=SECONDS, longest=SECONDS)
def test_every_wait_in_vain_ends_at_the_deadline_after_a_last_look(
    timeout: float, delay: float, longest: float
) -> None:
    clock = FrozenClock()
    waited = wait_in_vain(clock, timeout_seconds=timeout, delay_seconds=delay, longest=longest)
    assert not waited.done
    assert waited.seconds == clock.now == pytest.approx(timeout)
    assert waited.detail == f"at {clock.now}"
    assert waited.attempts == len(clock.pauses) + 1


@given(timeout=SECONDS, delay=SECONDS, longest=SECONDS)
def test_pauses_are_positive_and_grow_up_to_the_longest(
    timeout: float, delay: float, longest: float
) -> None:
    clock = FrozenClock()
    wait_in_vain(clock, timeout_seconds=timeout, delay_seconds=delay, longest=longest)
    assert all(0 < pause <= longest for pause in clock.pauses)
    # The last one only lasts until the deadline; floating point may leave a crumb after it.
    full = [pause for pause in clock.pauses if pause > 1e-9][:-1]
    assert full == sorted(full)


@given(looks=st.integers(min_value=1, max_value=30))
def test_wait_ends_with_the_first_look_that_is_done(looks: int) -> None:
    clock = FrozenClock()
    answers = iter([Answer(done=False)] * (looks - 1) + [Answer(done=True, detail="up")])
    waited = wait_until(lambda: next(answers), timeout_seconds=1000, clock=clock)
    assert waited == Waited(done=True, seconds=clock.now, attempts=looks, detail="up")


def test_hopeless_state_ends_the_wait_at_once() -> None:
    clock = FrozenClock()
    answer = Answer(done=False, hopeless=True, detail="it died")
    waited = wait_until(lambda: answer, timeout_seconds=60, clock=clock)
    assert waited == Waited(done=False, seconds=0, attempts=1, detail="it died")


def test_deadline_of_zero_still_looks_once() -> None:
    waited = wait_until(lambda: Answer(done=True), timeout_seconds=0, clock=FrozenClock())
    assert (waited.done, waited.attempts) == (True, 1)


def test_condition_that_comes_to_hold_during_the_last_pause_counts() -> None:
    clock = FrozenClock()
    waited = wait_until(
        lambda: Answer(done=clock.now >= 10), timeout_seconds=10, delay_seconds=3, clock=clock
    )
    assert waited.done


def test_exception_of_a_look_passes_through() -> None:
    def look() -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait_until(look, timeout_seconds=1, clock=FrozenClock())


def test_system_clock_is_the_default() -> None:
    waited = wait_until(lambda: Answer(done=False), timeout_seconds=0.02, delay_seconds=0.01)
    assert waited.seconds >= 0.02
