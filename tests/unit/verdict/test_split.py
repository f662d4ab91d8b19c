from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from istiolab.verdict.split import binomial_bounds

# Floating point may be wrong by this much of a tail.
NEARLY = Fraction(1, 10**9)

TRIALS = st.integers(0, 150)
SHARES = st.integers(0, 100).map(lambda percent: Fraction(percent, 100))
SIGNIFICANCES = st.sampled_from([Fraction(1, 20), Fraction(1, 1000), Fraction(1, 10**6)])


def likelihoods(trials: int, share: Fraction) -> list[Fraction]:
    return [
        comb(trials, count) * share**count * (1 - share) ** (trials - count)
        for count in range(trials + 1)
    ]


def exact_bounds(trials: int, share: Fraction, significance: Fraction) -> tuple[int, int]:
    each, tail = likelihoods(trials, share), significance / 2
    below = next(count for count, total in enumerate(accumulate(each)) if total > tail)
    above = next(count for count, total in enumerate(accumulate(reversed(each))) if total > tail)
    return below, trials - above


@pytest.mark.parametrize("trials", [1, 10, 100, 250])
@pytest.mark.parametrize("percent", [1, 10, 33, 50, 90])
@pytest.mark.parametrize("significance", [Fraction(1, 20), Fraction(1, 1000)])
def test_the_bounds_are_the_exact_ones(trials: int, percent: int, significance: Fraction) -> None:
    share = Fraction(percent, 100)
    found = binomial_bounds(trials, float(share), float(significance))
    assert found == exact_bounds(trials, share, significance)


@settings(max_examples=60, deadline=None)
@given(TRIALS, SHARES, SIGNIFICANCES)
def test_each_tail_outside_is_as_unlikely_as_said_and_no_count_less_would_do(
    trials: int, share: Fraction, significance: Fraction
) -> None:
    least, most = binomial_bounds(trials, float(share), float(significance))
    each, tail = likelihoods(trials, share), significance / 2
    assert 0 <= least <= most <= trials
    assert sum(each[:least]) <= tail * (1 + NEARLY)
    assert sum(each[most + 1 :]) <= tail * (1 + NEARLY)
    assert sum(each[: least + 1]) > tail * (1 - NEARLY)
    assert sum(each[most:]) > tail * (1 - NEARLY)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0001, 0.5))
def test_a_share_of_nothing_or_of_all_leaves_nothing_to_chance(
    trials: int, significance: float
) -> None:
    assert binomial_bounds(trials, 0.0, significance) == (0, 0)
    assert binomial_bounds(trials, 1.0, significance) == (trials, trials)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 100), SIGNIFICANCES)
def test_what_one_gets_the_other_one_does_not(
    trials: int, percent: int, significance: Fraction
) -> None:
    # With an even share, nothing is rounded when it is taken from 1.
    share = percent / 128
    least, most = binomial_bounds(trials, share, float(significance))
    other = binomial_bounds(trials, 1 - share, float(significance))
    assert other == (trials - most, trials - least)


@settings(deadline=None)
@given(st.integers(0, 500), st.floats(0, 1))
def test_a_smaller_significance_never_narrows_the_bound(trials: int, share: float) -> None:
    least, most = binomial_bounds(trials, share, 0.05)
    wider = binomial_bounds(trials, share, 0.001)
    assert wider[0] <= least <= most <= wider[1]


def test_nine_in_ten_of_a_hundred() -> None:
    assert binomial_bounds(100, 0.9, 0.001) == (79, 98)
