"""Do the intervals cover, and does the paired test err, as often as they say?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from ccim_core.metrics.average_precision import average_precision
from ccim_core.metrics.resampling import (
    IntervalKind,
    bootstrap_average_precision,
    bootstrap_interval,
    bootstrap_ratio,
    mcnemar_exact,
    paired_bootstrap,
)
from tests.ccim_core.metrics.simulation import (
    PREVALENCES,
    RARE_PREVALENCES,
    population_average_precision,
    simulate_correct,
    simulate_outputs,
)

ACCURACY = 0.8


def simulate(seeds, *, n_images, n_resamples):
    """For each seed: did the intervals cover, and did the tests reject a true null?"""
    true_map = np.mean([population_average_precision(p) for p in PREVALENCES])
    return {
        key: np.array(values)
        for key, values in zip(
            ("map_covered", "accuracy_covered", "naive_covered", "paired_rejected"),
            zip(*(_one(seed, n_images, n_resamples, true_map) for seed in seeds), strict=True),
            strict=True,
        )
    }


def _one(seed, n_images, n_resamples, true_map):
    data = simulate_outputs(seed, n_images=n_images)
    options = {"clusters": data.images, "n_resamples": n_resamples, "random_state": seed}
    estimates, draws = [], []
    for scores in (data.first, data.second):
        estimates.append(average_precision(data.targets, scores).mean())
        draws.append(bootstrap_average_precision(data.targets, scores, **options).mean(axis=1))
    interval = bootstrap_interval(draws[0], estimates[0], kind="basic")
    paired = paired_bootstrap(*draws, difference=estimates[1] - estimates[0])
    correct, images = simulate_correct(seed, n_images=n_images, accuracy=ACCURACY)
    covered = []
    for clusters in (images, np.arange(len(images))):
        ratio = bootstrap_ratio(
            correct[:, None],
            np.ones((len(correct), 1)),
            clusters=clusters,
            n_resamples=n_resamples,
            random_state=seed,
        )
        found = bootstrap_interval(ratio[:, 0], correct.mean())
        covered.append(found.low <= ACCURACY <= found.high)
    return interval.low <= true_map <= interval.high, *covered, paired.p_value <= 0.05


def assert_rate(hits, nominal, *, widened=0.01):
    """Outside the 99.9% binomial band round `nominal`, widened, is a failure."""
    low, high = binom.interval(0.999, len(hits), nominal)
    rate = hits.mean()
    assert low / len(hits) - widened <= rate <= high / len(hits) + widened, rate


def test_quadrature_is_the_average_precision_of_a_large_sample():
    generator = np.random.default_rng(0)
    targets = generator.random((400_000, 2)) < PREVALENCES
    scores = generator.normal(size=targets.shape) + targets
    np.testing.assert_allclose(
        average_precision(targets, scores),
        [population_average_precision(p) for p in PREVALENCES],
        atol=0.005,
    )


def test_coverage_and_false_positives_quickly():
    found = simulate(range(150), n_images=100, n_resamples=200)
    assert_rate(found["map_covered"], 0.95)
    assert_rate(found["accuracy_covered"], 0.95)
    assert_rate(found["paired_rejected"], 0.05)
    # The reason for clusters: subjects taken one by one make the interval too narrow.
    assert found["naive_covered"].mean() < 0.87


@pytest.mark.slow
def test_coverage_and_false_positives():
    # 600 images is fewer than any split of the datasets has.
    found = simulate(range(2000), n_images=600, n_resamples=400)
    print({key: float(values.mean()) for key, values in found.items()})
    assert_rate(found["map_covered"], 0.95)
    assert_rate(found["accuracy_covered"], 0.95)
    assert_rate(found["paired_rejected"], 0.05)
    assert found["naive_covered"].mean() < 0.87


@pytest.mark.slow
def test_coverage_of_a_mean_over_many_rare_classes():
    """As many classes and subjects as EMOTIC's test split has, the rarest class 1% of them.

    The mean's noise is small, so that bias decides: percentiles have it twice.
    """
    true_map = np.mean([population_average_precision(p) for p in RARE_PREVALENCES])
    found: dict[IntervalKind, list[bool]] = {"basic": [], "percentile": []}
    for seed in range(500):
        data = simulate_outputs(seed, n_images=2500, prevalences=RARE_PREVALENCES)
        estimate = average_precision(data.targets, data.first).mean()
        draws = bootstrap_average_precision(
            data.targets, data.first, clusters=data.images, n_resamples=200, random_state=seed
        ).mean(axis=1)
        for kind, covered in found.items():
            interval = bootstrap_interval(draws, estimate, kind=kind)
            covered.append(interval.low <= true_map <= interval.high)
    rates = {kind: float(np.mean(covered)) for kind, covered in found.items()}
    print(rates)
    assert_rate(np.array(found["basic"]), 0.95)
    assert rates["percentile"] < 0.7


@pytest.mark.slow
def test_mcnemar_never_errs_more_often_than_it_says():
    rejected = []
    for seed in range(2000):
        generator = np.random.default_rng(seed)
        easy = generator.normal(size=400)
        first, second = (easy + generator.normal(size=400) > -0.8 for _ in range(2))
        rejected.append(mcnemar_exact(first, second).p_value <= 0.05)
    rate = np.mean(rejected)
    # The exact test is conservative: only the upper side of the band binds.
    assert rate <= binom.ppf(0.9995, 2000, 0.05) / 2000 + 0.01
    assert rate > 0.02
