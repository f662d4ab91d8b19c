"""How often of how many, and with what likelihood in; the bound of what is still chance out."""

from __future__ import annotations

from math import exp, lgamma, log


def binomial_bounds(trials: int, share: float, significance: float) -> tuple[int, int]:
    """Return the least and the greatest count that are not too unlikely.

    Exact, two-sided: each tail outside holds at most half of `significance` (Clopper and Pearson,
    Biometrika 26 (1934), turned round: bounds of the count for a known share).

    Args:
        trials: how many requests there were.
        share: the likelihood of each one, from 0 to 1.
        significance: how likely a count outside may be.
    """
    tail = significance / 2
    return _quantile(trials, share, tail), trials - _quantile(trials, 1 - share, tail)


def _quantile(trials: int, share: float, tail: float) -> int:
    """Return the least count whose likelihood, with all below it, is more than `tail`."""
    total = 0.0
    for count in range(trials + 1):
        total += _likelihood(count, trials, share)
        if total > tail:
            return count
    return trials


def _likelihood(count: int, trials: int, share: float) -> float:
    if share in (0.0, 1.0):
        return float(count == trials * share)
    ways = lgamma(trials + 1) - lgamma(count + 1) - lgamma(trials - count + 1)
    return exp(ways + count * log(share) + (trials - count) * log(1 - share))
