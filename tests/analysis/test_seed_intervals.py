"""Means over seeds: both sources of noise in the interval, and reasons where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.seed_intervals import ONE_SEED, Estimate, over_seeds, paired_over_seeds, verdict


def test_the_half_widths_of_images_and_seeds_add_in_squares() -> None:
    found = over_seeds([0.5, 0.6, 0.7], [(0.45, 0.53), (0.55, 0.63), (0.65, 0.73)])
    assert found.mean == pytest.approx(0.6)
    assert found.sd == pytest.approx(0.1)
    half = 4.302652729749464 * 0.1 / math.sqrt(3)
    assert found.low == pytest.approx(0.6 - math.hypot(0.05, half))
    assert found.high == pytest.approx(0.6 + math.hypot(0.03, half))
    assert found.reason == ""


def test_with_one_seed_the_interval_is_that_of_the_images_and_says_so() -> None:
    found = over_seeds([0.5], [(0.4, 0.7)])
    assert (found.low, found.high) == pytest.approx((0.4, 0.7))
    assert math.isnan(found.sd)
    assert found.reason == ONE_SEED


def test_without_any_interval_there_is_a_mean_and_a_reason() -> None:
    found = over_seeds([0.5, 0.6], [None, None])
    assert found.mean == pytest.approx(0.55)
    assert math.isnan(found.low)
    assert "resampling" in found.reason


def test_seeds_without_resampling_borrow_the_image_noise_of_those_with() -> None:
    found = over_seeds([0.5, 0.6], [(0.45, 0.55), None])
    half = 12.706204736432095 * np.std([0.5, 0.6], ddof=1) / math.sqrt(2)
    assert found.high - found.mean == pytest.approx(math.hypot(0.05, half))


def test_undefined_values_are_left_out_and_none_left_is_nan_with_its_reason() -> None:
    assert over_seeds([math.nan, 0.4], [None, (0.3, 0.5)]).n == 1
    found = over_seeds([math.nan], [None], reason="the class has no positive")
    assert math.isnan(found.mean)
    assert (found.n, found.reason) == (0, "the class has no positive")


def test_a_paired_interval_is_normal_over_images_and_student_over_seeds() -> None:
    found = paired_over_seeds([1.0, 3.0], 0.5)
    half = 12.706204736432095 * math.sqrt(2) / math.sqrt(2)
    assert found.high - 2.0 == pytest.approx(math.hypot(1.959963984540054 * 0.5, half))
    assert paired_over_seeds([], 0.5).reason == "no two runs share a seed"


@pytest.mark.parametrize(
    "low, high, expected",
    [(0.1, 1, "gain"), (-1, -0.1, "loss"), (-1, 1, "not clear"), (math.nan, math.nan, "")],
)
def test_a_verdict_needs_the_whole_interval_on_one_side(
    low: float, high: float, expected: str
) -> None:
    assert verdict(Estimate(mean=0.5, n=2, low=low, high=high)) == expected


def test_one_seed_gives_no_verdict_however_far_from_zero() -> None:
    assert verdict(Estimate(mean=5.0, n=1, low=4.0, high=6.0)) == "one seed"


def test_a_number_outside_the_interval_exceeds_it_and_an_unknown_one_does_neither() -> None:
    found = Estimate(mean=1.0, n=3, low=0.5, high=1.5)
    assert found.excludes(2.0) is True
    assert found.excludes(1.5) is False
    assert found.excludes(math.nan) is None
    assert Estimate(mean=1.0).excludes(2.0) is None


def test_the_interval_of_a_mean_over_seeds_covers_at_its_level() -> None:
    """400 experiments: three seeds on one test set whose images err alike."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        images, seeds = rng.normal(0, 1), rng.normal(0, 0.5, 3)
        values = images + seeds
        intervals = [(value - 1.96, value + 1.96) for value in values]
        found = over_seeds(list(values), intervals)
        covered += found.low <= 0 <= found.high
    assert covered / 400 > 0.95 - 3.3 * math.sqrt(0.95 * 0.05 / 400)
