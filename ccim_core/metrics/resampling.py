"""Bootstrap intervals that resample whole images, and a paired test of two estimators.

Subjects of one image share scene, light and often labels: an interval that resamples subjects is
too narrow. Here images are drawn with replacement; a subject counts as often as its image was
drawn. The statistics are computed from those counts directly, blocks of resamples at a time, so
nothing is sorted or copied twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy import sparse
from scipy.special import bdtr, stdtrit

from ccim_core.metrics.average_precision import (
    AP_KINDS,
    AveragePrecisionKind,
    area_under_steps,
    rank_classes,
)
from ccim_core.metrics.checks import as_codes, as_column, as_scores, as_targets

__all__ = [
    "INTERVAL_KINDS",
    "Interval",
    "IntervalKind",
    "McNemar",
    "PairedComparison",
    "SeedInterval",
    "bootstrap_average_precision",
    "bootstrap_interval",
    "bootstrap_ratio",
    "bootstrap_statistic",
    "cluster_counts",
    "mcnemar_exact",
    "paired_bootstrap",
    "seed_interval",
]

RandomState = int | np.random.Generator
IntervalKind = Literal["percentile", "basic"]
INTERVAL_KINDS: tuple[IntervalKind, ...] = get_args(IntervalKind)

# Resamples at a time: small enough that a class of 34,000 subjects stays in cache (measured).
_BLOCK = 32


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided interval. `n_resamples` defined the statistic, `n_undefined` did not.

    `low` and `high` are NaN if fewer than half of the resamples define it: they then cannot say
    how far it varies.
    """

    estimate: float
    low: float
    high: float
    level: float
    n_resamples: int
    n_undefined: int


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """`difference` = second − first, its interval, and the two-sided p-value of none."""

    difference: float
    low: float
    high: float
    level: float
    p_value: float
    n_resamples: int


@dataclass(frozen=True, kw_only=True)
class SeedInterval:
    """A mean over `n_seeds` training seeds, with an interval over subjects and seeds together.

    With one seed `low` and `high` are of the subjects alone.
    """

    estimate: float
    low: float
    high: float
    level: float
    n_seeds: int

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside; False where the interval is undefined."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True)
class McNemar:
    """Subjects that only one of two estimators got right, and the exact two-sided p-value."""

    only_first: int
    only_second: int
    p_value: float


def cluster_counts(
    n_clusters: int, n_resamples: int, random_state: RandomState
) -> Iterator[np.ndarray]:
    """Blocks (n_clusters, b) of how often each cluster is drawn, float32, in all n_resamples.

    The counts do not depend on the block's size: each resample takes its draws in turn, so two
    statistics given the same seed see the same resamples, which is what pairing needs.
    """
    if n_resamples < 1:
        raise ValueError(f"Expected `n_resamples` to be 1 or more, got {n_resamples}.")
    generator = np.random.default_rng(random_state)
    for start in range(0, n_resamples, _BLOCK):
        block = np.empty((min(_BLOCK, n_resamples - start), n_clusters), np.float32)
        for row in block:
            drawn = generator.integers(n_clusters, size=n_clusters)
            row[:] = np.bincount(drawn, minlength=n_clusters)
        yield np.ascontiguousarray(block.T)


def bootstrap_average_precision(
    targets: Any,
    scores: Any,
    *,
    clusters: Any,
    n_resamples: int = 1000,
    kind: AveragePrecisionKind = "step",
    sample_weight: Any = None,
    random_state: RandomState = 0,
) -> np.ndarray:
    """AP of every class in every resample, (n_resamples, C); NaN where a class lost its positives.

    `targets`, `scores` (n, C); `clusters` (n,): each subject's image; `sample_weight` (n,) or
    (n, C) stays with its subject.
    """
    if kind not in AP_KINDS:
        raise ValueError(f"Expected `kind` to be one of {AP_KINDS}, got {kind!r}.")
    scores = as_scores(scores)
    codes, n_clusters = _codes(clusters, len(scores))
    ranked = rank_classes(
        targets, scores, units=codes, n_units=n_clusters, sample_weight=sample_weight
    )
    blocks = [
        np.stack(
            [
                area_under_steps(one.gained @ counts, one.total @ counts, kind=kind)
                for one in ranked
            ],
            axis=1,
        )
        for counts in cluster_counts(n_clusters, n_resamples, random_state)
    ]
    return np.concatenate(blocks)


def bootstrap_ratio(
    numerators: Any,
    denominators: Any,
    *,
    clusters: Any,
    n_resamples: int = 1000,
    random_state: RandomState = 0,
) -> np.ndarray:
    """Σ numerators / Σ denominators in every resample, (n_resamples, K); NaN over 0.

    `numerators`, `denominators` (n, K). Accuracy is correct over ones; a class's recall is
    (correct and of the class) over (of the class).
    """
    numerators = as_scores(numerators, "numerators")
    denominators = as_scores(denominators, "denominators")
    if numerators.shape != denominators.shape:
        raise ValueError(
            f"Expected `denominators` to be of shape {numerators.shape}, got {denominators.shape}."
        )
    codes, n_clusters = _codes(clusters, len(numerators))
    gather = sparse.csr_matrix(
        (np.ones(len(codes)), codes, np.arange(len(codes) + 1)), shape=(len(codes), n_clusters)
    ).T
    sums = gather @ np.concatenate([numerators, denominators], axis=1).astype(np.float64)
    blocks = [counts.T @ sums for counts in cluster_counts(n_clusters, n_resamples, random_state)]
    top, bottom = np.split(np.concatenate(blocks), 2, axis=1)
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom != 0)


def bootstrap_statistic(
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    clusters: Any,
    n_resamples: int = 1000,
    random_state: RandomState = 0,
) -> np.ndarray:
    """`statistic(sample_weight (n,))` in every resample, stacked: any metric that takes weights."""
    codes, n_clusters = _codes(clusters, len(np.asarray(clusters)))
    return np.stack(
        [
            np.asarray(statistic(counts[codes, column].astype(np.float64)))
            for counts in cluster_counts(n_clusters, n_resamples, random_state)
            for column in range(counts.shape[1])
        ]
    )


def bootstrap_interval(
    draws: Any, estimate: float, *, level: float = 0.95, kind: IntervalKind = "percentile"
) -> Interval:
    """Interval of `draws` (n_resamples,) round `estimate`.

    `kind` "percentile" takes the draws' quantiles q: for sums over subjects and for one class,
    whose bias is small beside its noise. With few images it is a little too narrow for an average
    precision: where subjects of an image are much alike, a nominal 95% covers about 93% at 200
    images and 94% at 600.

    "basic" takes 2·estimate − q inside [0, 1], for what ranks few subjects, or averages many
    classes. A sample's average precision lies above the population's, and a resample's lies above
    the sample's again, so that percentiles have the bias twice where this takes it off. Measured
    on simulated data with rare classes, coverage of a nominal 95%, percentile → basic: mAP of 26
    classes 51 → 91% at 400 subjects, 75 → 93% at 1,500, 87 → 93% at 7,200; mAP reweighted to
    P(y)P(z) 59 → 94% at 300 subjects, 27 → 92% at 1,200 under a strong bias. It holds the
    estimate even where the bias exceeds the noise, which can only widen it.
    """
    if kind not in INTERVAL_KINDS:
        raise ValueError(f"Expected `kind` to be one of {INTERVAL_KINDS}, got {kind!r}.")
    draws = _check_draws(draws, level)
    defined = draws[np.isfinite(draws)]
    low = high = float("nan")
    if np.isfinite(estimate) and 2 * len(defined) >= len(draws) and len(defined) > 1:
        low, high = (float(x) for x in np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]))
        if kind == "basic":
            low, high = 2 * estimate - high, 2 * estimate - low
            low, high = max(0.0, min(low, estimate)), min(1.0, max(high, estimate))
    return Interval(
        estimate=float(estimate),
        low=float(low),
        high=float(high),
        level=level,
        n_resamples=len(defined),
        n_undefined=len(draws) - len(defined),
    )


def paired_bootstrap(
    first: Any, second: Any, *, difference: float, level: float = 0.95
) -> PairedComparison:
    """Compare two estimators by their `draws` (n_resamples,) from the *same* resamples.

    `difference` is second − first on the data themselves. The p-value inverts the percentile
    interval: twice the smaller share of resampled differences on either side of 0 (those at 0
    count for both sides), with one added to either count, so it is never 0.
    """
    first = _check_draws(first, level)
    second = as_column(second, len(first), "second").astype(np.float64)
    moved = second - first
    interval = bootstrap_interval(moved, difference, level=level)
    defined = moved[np.isfinite(moved)]
    tail = min((defined <= 0).sum(), (defined >= 0).sum())
    p_value = min(1.0, 2 * (tail + 1) / (len(defined) + 1))
    return PairedComparison(
        difference=float(difference),
        low=interval.low,
        high=interval.high,
        level=level,
        p_value=float(p_value) if np.isfinite(interval.low) else float("nan"),
        n_resamples=len(defined),
    )


def seed_interval(values: Any, draws: Any, *, level: float = 0.95) -> SeedInterval:
    """Interval of a mean over training seeds, for other subjects and other seeds.

    Args:
        values: (S,) the statistic of each seed on the data themselves; for a difference of two
            methods, that of each pair of one seed.
        draws: (S, n_resamples) the same in resamples of subjects, one resample for all seeds.

    The mean varies with the subjects, V₁ = the variance of the draws' mean over seeds, and with
    the seeds, V₂ = s²/S. The interval is mean ± t·√(V₁ + V₂), where t has Satterthwaite's degrees
    of freedom (V₁ + V₂)²·(S − 1)/V₂²: resampling three seeds would show two thirds of their
    variance, and treat it as known. What seeds and subjects vary in together counts in both terms,
    so the interval is a little too wide rather than too narrow.
    """
    values = np.asarray(values, np.float64)
    draws = np.asarray(draws, np.float64)
    if values.ndim != 1 or not len(values) or draws.ndim != 2 or len(draws) != len(values):
        raise ValueError(
            f"Expected `values` (S,) and `draws` (S, n), got {values.shape} and {draws.shape}."
        )
    n = len(values)
    moved = draws.mean(axis=0)
    moved = moved[np.isfinite(moved)]
    estimate, low, high = float(values.mean()), float("nan"), float("nan")
    if np.isfinite(estimate) and len(moved) > 1 and 2 * len(moved) >= draws.shape[1]:
        of_seeds = values.var(ddof=1) / n if n > 1 else 0.0
        total = moved.var(ddof=1) + of_seeds
        freedom = total**2 * (n - 1) / of_seeds**2 if of_seeds else np.inf
        half = float(stdtrit(freedom, (1 + level) / 2) * np.sqrt(total))
        low, high = estimate - half, estimate + half
    return SeedInterval(estimate=estimate, low=low, high=high, level=level, n_seeds=n)


def mcnemar_exact(correct_first: Any, correct_second: Any) -> McNemar:
    """Exact McNemar test of two estimators' `correct` (n,) of 0/1 on the same subjects.

    Two-sided binomial on the subjects that only one got right; 1 if there are none. It takes
    subjects as independent: with several an image use `paired_bootstrap`.
    """
    n = len(np.asarray(correct_first))
    first = as_targets(correct_first, (n,), "correct_first")
    second = as_targets(correct_second, (n,), "correct_second")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    discordant = only_first + only_second
    tail = bdtr(min(only_first, only_second), discordant, 0.5) if discordant else 1.0
    return McNemar(
        only_first=only_first, only_second=only_second, p_value=float(min(1.0, 2 * tail))
    )


def _codes(clusters: Any, n: int) -> tuple[np.ndarray, int]:
    """Cluster code of each subject and how many there are. Raises ValueError if fewer than 2."""
    codes, names = as_codes(clusters, n, "clusters")
    if len(names) < 2:
        raise ValueError(
            f"Expected `clusters` to be two or more, got {len(names)}: nothing varies."
        )
    return codes, len(names)


def _check_draws(draws: Any, level: float) -> np.ndarray:
    """`draws` as a float64 vector that is not empty."""
    array = np.asarray(draws, np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"Expected `draws` to be a vector of resamples, got {array.shape}.")
    if not 0 < level < 1:
        raise ValueError(f"Expected `level` to be between 0 and 1, got {level}.")
    return array
