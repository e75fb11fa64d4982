"""A number over training seeds: mean, deviation, and an interval for both sources of noise.

Two things vary: the images that happen to be in the test set (the interval that `evaluate` kept
with each run) and the training seed (the spread of the runs). They are independent, so that the
half-widths of the mean combine as the root of their sum of squares, each side by itself (Zou and
Donner 2008):

    low = mean − √( mean_i(value_i − low_i)² + (t · sd / √n)² )

A mean over seeds shares its test set, and averages away a part of the image noise that runs do not
share: taking the mean half-width of single runs is on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, stdtrit

__all__ = ["ONE_SEED", "Estimate", "over_seeds", "paired_over_seeds", "verdict"]

LEVEL = 0.95
ONE_SEED = "one seed only: how far training varies is unknown"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over `n` seeds. What is undefined is NaN, and `reason` says why.

    With one seed `sd` is NaN, and the interval is that of the images alone.
    """

    mean: float = math.nan
    sd: float = math.nan
    n: int = 0
    low: float = math.nan
    high: float = math.nan
    reason: str = ""

    def scaled(self, factor: float) -> Estimate:
        """In another unit, such as per cent."""
        return replace(
            self,
            mean=self.mean * factor,
            sd=self.sd * factor,
            low=self.low * factor,
            high=self.high * factor,
        )

    def excludes(self, value: float) -> bool | None:
        """Whether `value` lies outside the interval; None where either is undefined."""
        if not np.isfinite([value, self.low, self.high]).all():
            return None
        return not self.low <= value <= self.high


def over_seeds(
    values: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    *,
    reason: str = "",
) -> Estimate:
    """Mean of `values` (a run each), with the runs' own `intervals` where `evaluate` kept one.

    Args:
        reason: why there are no values, where there are none.
    """
    numbers = np.array(values, np.float64)
    defined = np.isfinite(numbers)
    if not defined.any():
        return Estimate(n=0, reason=reason or "there are no runs")
    kept = [
        (value - pair[0], pair[1] - value)
        for value, pair in zip(numbers, intervals, strict=True)
        if pair is not None and np.isfinite([value, *pair]).all()
    ]
    numbers = numbers[defined]
    below, above = np.mean(kept, axis=0) if kept else (math.nan, math.nan)
    why = reason
    if not kept:
        why = why or "evaluated without resampling: there is no interval"
    return _combine(numbers, float(below), float(above), why)


def paired_over_seeds(differences: Sequence[float], standard_error: float) -> Estimate:
    """Mean of `differences` (a pair of runs of one seed each).

    Args:
        standard_error: of the mean difference over images alone.
    """
    numbers = np.array(differences, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return Estimate(n=0, reason="no two runs share a seed")
    half = float(ndtri((1 + LEVEL) / 2)) * standard_error
    return _combine(numbers, half, half, "")


def verdict(change: Estimate) -> str:
    """On which side of 0 a change lies: "gain", "loss", "not clear", or "" without an interval.

    "one seed" where the interval holds the images alone: training again may give the opposite.
    """
    if math.isnan(change.low):
        return ""
    if change.n < 2:
        return "one seed"
    if change.low > 0:
        return "gain"
    return "loss" if change.high < 0 else "not clear"


def _combine(numbers: np.ndarray, below: float, above: float, reason: str) -> Estimate:
    mean, n = float(numbers.mean()), len(numbers)
    if n == 1:
        return Estimate(
            mean=mean, n=1, low=mean - below, high=mean + above, reason=reason or ONE_SEED
        )
    sd = float(numbers.std(ddof=1))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * sd / math.sqrt(n)
    return Estimate(
        mean=mean,
        sd=sd,
        n=n,
        low=mean - math.hypot(below, half),
        high=mean + math.hypot(above, half),
        reason=reason,
    )
