"""On data without a bias the study says so as often as it claims to.

Emotion does not depend on scene here. Coverage of 0 by the excess interval, and the share of
datasets with any q < 0.05, are held to a 99.9% binomial band around nominal, one point wider
where the procedure approximates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom

from analysis.association import associate
from analysis.bias import BiasSettings
from analysis.entropy import (
    ZeroEntropy,
    is_zero_entropy,
    scene_entropies,
    select_scenes,
    summarise_zero_entropy,
)
from analysis.resampling import simulate_null
from tests.analysis.independent import independent_table

RATES = (0.03, 0.03, 0.1, 0.1)
APPROXIMATION = 0.01


@dataclass(frozen=True)
class Outcome:
    """covered: (D, E), does the excess interval hold 0; any_q, any_q_bh: (D,) below 0.05."""

    covered: np.ndarray
    any_q: np.ndarray
    any_q_bh: np.ndarray


def run(seeds: range, *, n_images: int, clustered: bool) -> Outcome:
    settings = BiasSettings()
    covered, discoveries = [], []
    for seed in seeds:
        table = independent_table(seed, n_images=n_images, clustered=clustered, rates=RATES)
        null = simulate_null(table, n_draws=199, rng=np.random.default_rng([seed, 1]))
        zero = zero_entropy(table, null.counts, settings)
        low, high = zero.excess_interval.T
        covered.append((low <= 0) & (high >= 0))
        found = associate(
            table,
            min_support=settings.min_support,
            confidence=settings.confidence,
            beta_prior=settings.beta_prior,
            fdr="discrete",
            null_counts=null.counts,
        )
        tested = found.tested
        discoveries.append([(q[tested] < 0.05).any() for q in (found.q, found.q_bh)])
    any_q, any_q_bh = np.array(discoveries).T
    return Outcome(covered=np.array(covered), any_q=any_q, any_q_bh=any_q_bh)


def zero_entropy(table, null_counts, settings: BiasSettings) -> ZeroEntropy:
    sides = [
        (
            is_zero_entropy(counts, table.totals),
            select_scenes(
                counts, table.totals, top_k=settings.top_k, selected_by=settings.selected_by
            ),
            scene_entropies(counts, table.totals, table.positives, negatives="all"),
        )
        for counts in (table.counts, null_counts)
    ]
    return summarise_zero_entropy(*sides[0], *sides[1], confidence=0.95)


def band(nominal: float, n: int) -> tuple[float, float]:
    low, high = binom.ppf([0.0005, 0.9995], n, nominal) / n
    return low - APPROXIMATION, high + APPROXIMATION


def check(outcome: Outcome) -> None:
    n = len(outcome.any_q)
    low, high = band(0.95, n)
    coverage = outcome.covered.mean(axis=0)
    assert (coverage >= low).all(), (coverage, low)
    assert (coverage <= high).all(), (coverage, high)
    low, high = band(0.05, n)
    assert low <= outcome.any_q.mean() <= high, (outcome.any_q.mean(), low, high)
    # Plain Benjamini–Hochberg promises at most this, and on few-valued p-values far less.
    assert outcome.any_q_bh.mean() <= high, (outcome.any_q_bh.mean(), high)


@pytest.mark.parametrize("clustered", [False, True], ids=["one subject", "clustered"])
def test_calibrated_on_a_hundred_datasets(clustered: bool) -> None:
    check(run(range(100), n_images=600, clustered=clustered))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("clustered", [False, True], ids=["one subject", "clustered"])
def test_calibrated_on_two_thousand_datasets(clustered: bool) -> None:
    outcome = run(range(2000), n_images=4000, clustered=clustered)
    print(
        f"\ncoverage of 0 (3%, 3%, 10%, 10%): {outcome.covered.mean(axis=0).round(4).tolist()}; "
        f"any q < 0.05: {outcome.any_q.mean():.4f}, plain {outcome.any_q_bh.mean():.4f}"
    )
    check(outcome)
