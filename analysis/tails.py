"""Tail probabilities of a scene × emotion count when scenes are dealt anew to whole images.

With one subject an image the count is hypergeometric. Otherwise it is a sum, over the images'
subject counts, of values drawn without replacement: its distribution is computed exactly for
counts up to `EXACT_UP_TO`, and beyond from its exact first three moments (Pearson type III),
where it is close to a smooth one. Nothing here is simulated, so p-values can be as small as
multiplicity over thousands of cells demands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import gammainc, gammaincc, gammaln, ndtr

from analysis.contingency import SceneTable

__all__ = [
    "EXACT_UP_TO",
    "Moments",
    "Strata",
    "design_effect",
    "exact_tails",
    "hypergeometric_tails",
    "pearson_tails",
    "permutation_moments",
    "small_counts",
    "stratify",
]

EXACT_UP_TO = 64
_SMALLEST_BY_DIFFERENCE = 1e-6  # below, 1 − cdf would lose digits


def _log_choose(n: np.ndarray | float, k: np.ndarray | float) -> np.ndarray:
    """log C(n, k), −inf where it is no choice."""
    n, k = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(k, np.float64))
    possible = (k >= 0) & (k <= n)
    k_safe = np.where(possible, k, 0.0)
    n_safe = np.where(possible, n, 0.0)
    value = gammaln(n_safe + 1) - gammaln(k_safe + 1) - gammaln(n_safe - k_safe + 1)
    return np.where(possible, value, -np.inf)


def _hypergeometric(
    k: np.ndarray, drawn: np.ndarray, marked: np.ndarray | float, total: np.ndarray | float
) -> np.ndarray:
    """P(k marked among `drawn` of `total`, of which `marked` are marked)."""
    log = _log_choose(marked, k) + _log_choose(total - marked, drawn - k)
    return np.exp(log - _log_choose(total, drawn))


def hypergeometric_tails(
    count: np.ndarray, drawn: np.ndarray, marked: np.ndarray, total: float
) -> tuple[np.ndarray, np.ndarray]:
    """P(X ≤ count) and P(X ≥ count), X hypergeometric; arrays that broadcast.

    Sums terms outwards from `count` until they no longer matter, all cells at once; far faster
    than a distribution function called cell by cell, and as exact in the far tails.
    """
    arrays = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (count, drawn, marked)))
    x, n, k = (a.ravel() for a in arrays)
    point = _hypergeometric(x, n, k, total)
    up = x >= n * k / total
    step = np.where(up, 1.0, -1.0)
    tail, term, at = point.copy(), point.copy(), x.copy()
    active = np.flatnonzero(point > 0)
    while len(active):
        a, s = at[active], step[active]
        low, na, ka = np.minimum(a, a + s), n[active], k[active]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (ka - low) * (na - low) / ((low + 1) * (total - ka - na + low + 1))
            moved = term[active] * np.where(s > 0, ratio, 1 / ratio)
        moved = np.where(np.isfinite(moved), moved, 0.0)
        term[active], at[active] = moved, a + s
        tail[active] += moved
        active = active[moved > tail[active] * 1e-17]
    tail = np.minimum(tail, 1.0)
    other = np.clip(1 - tail + point, 0.0, 1.0)
    shape = arrays[0].shape
    return np.where(up, other, tail).reshape(shape), np.where(up, tail, other).reshape(shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class Strata:
    """Images by number of subjects, for hard scenes.

    images: (M, S) images of each stratum in each scene.
    values: per stratum (E, m + 1) images by how many of their m subjects have the emotion.
    """

    images: np.ndarray
    values: tuple[np.ndarray, ...]


def stratify(table: SceneTable) -> Strata:
    """Count images by number of subjects, scene, and subjects with each emotion."""
    if table.scene is None:
        raise ValueError("Expected hard scenes, got soft ones.")
    n_scenes, n_emotions = len(table.scenes), len(table.emotions)
    images, values = [], []
    for size in np.unique(table.sizes):
        here = table.sizes == size
        images.append(np.bincount(table.scene[here], minlength=n_scenes))
        labels = table.labels[here]
        cell = labels.indices.astype(np.int64) * (size + 1) + labels.data.astype(np.int64)
        counts = np.bincount(cell, minlength=n_emotions * (size + 1))
        counts = counts.reshape(n_emotions, size + 1)
        counts[:, 0] = here.sum() - counts[:, 1:].sum(axis=1)
        values.append(counts)
    return Strata(images=np.array(images), values=tuple(values))


def small_counts(strata: Strata, emotion: int, scenes: np.ndarray, *, upto: int) -> np.ndarray:
    """(len(scenes), upto + 1) exact probabilities of the counts 0 … upto in each scene."""
    # Rare scenes are many, and alike in their numbers of images.
    images, again = np.unique(strata.images[:, scenes], axis=1, return_inverse=True)
    result = np.zeros((images.shape[1], upto + 1))
    result[:, 0] = 1.0
    for drawn, values in zip(images, strata.values, strict=True):
        counts = values[emotion]
        nonzero = int(counts[1:].sum())
        if nonzero == 0:
            continue
        j = np.arange(min(upto, nonzero) + 1)
        of_j = _hypergeometric(j[None, :], drawn[:, None], float(nonzero), float(counts.sum()))
        if len(counts) == 2:  # one subject an image: the count is how many were drawn
            of_sum = np.zeros_like(result)
            of_sum[:, j] = of_j
        else:
            of_sum = of_j @ _sum_given_drawn(counts, upto)
        result = _convolve(result, of_sum)
    return result[again.ravel()]


def _sum_given_drawn(counts: np.ndarray, upto: int) -> np.ndarray:
    """(J + 1, upto + 1): P(sum = t | j of the nonzero images drawn), counts[v] having value v."""
    most = min(upto, int(counts[1:].sum()))
    table = np.zeros((most + 1, upto + 1))
    table[0, 0] = 1.0
    pool = 0
    for value in range(1, len(counts)):
        size = int(counts[value])
        if size == 0:
            continue
        grown = np.zeros_like(table)
        if pool == 0:  # all that is drawn has this value
            j = np.arange(min(size, most, upto // value) + 1)
            grown[j, j * value] = 1.0
            table, pool = grown, size
            continue
        j = np.arange(min(most, pool + size) + 1)
        k = np.arange(min(size, most, upto // value) + 1)
        weights = _hypergeometric(k[:, None], j[None, :], float(size), float(pool + size))
        for drawn, weight in zip(k, weights, strict=True):
            shift = drawn * value
            shifted = table[: len(j) - drawn, : upto + 1 - shift]
            grown[drawn : len(j), shift:] += weight[drawn:, None] * shifted
        table, pool = grown, pool + size
    return table


def _convolve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row-wise convolution of (n, T) with (n, T), cut at T."""
    result = np.zeros_like(a)
    for t in np.flatnonzero(a.any(axis=0)):
        result[:, t:] += a[:, t : t + 1] * b[:, : b.shape[1] - t]
    return result


def exact_tails(
    table: SceneTable, strata: Strata, counts: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Per emotion: (e, scenes, P(X ≤ x), P(X ≥ x), probabilities of 0 … `EXACT_UP_TO`).

    Only scenes whose count is at most `EXACT_UP_TO` are there.
    """
    for e in range(len(table.emotions)):
        scenes = np.flatnonzero((counts[:, e] <= EXACT_UP_TO) & (table.totals > 0))
        if not len(scenes):
            continue
        pmf = small_counts(strata, e, scenes, upto=EXACT_UP_TO)
        x = counts[scenes, e].astype(int)
        lower, upper = tails_of(pmf)
        rows = np.arange(len(scenes))
        yield e, scenes, lower[rows, x], upper[rows, x], pmf


def tails_of(pmf: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(X ≤ t) and P(X ≥ t) for t = 0 … T from (n, T + 1) probabilities that may go on after T."""
    lower = np.minimum(np.cumsum(pmf, axis=1), 1.0)
    upper = np.concatenate([np.ones((len(pmf), 1)), 1 - lower[:, :-1]], axis=1)
    # What lies beyond T falls at least geometrically wherever the tail is this small.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(pmf[:, -1] / pmf[:, -2])
    beyond = np.where(ratio < 1, pmf[:, -1] * ratio / (1 - np.minimum(ratio, 0.999)), 0.0)
    summed = np.cumsum(pmf[:, ::-1], axis=1)[:, ::-1] + beyond[:, None]
    return lower, np.where(upper < _SMALLEST_BY_DIFFERENCE, summed, upper)


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Exact mean, variance and third central moment of every cell's count, each (S, E)."""

    mean: np.ndarray
    variance: np.ndarray
    third: np.ndarray


def permutation_moments(table: SceneTable) -> Moments:
    """Moments under permutation of the images' scenes within each number of subjects.

    For weights w and values y of N images dealt to each other: mean N·w̄·ȳ, variance
    S2(w) S2(y)/(N − 1), third moment N S3(w) S3(y)/((N − 1)(N − 2)), with Sk the sum of k-th
    powers of deviations; strata add.
    """
    shape = (len(table.scenes), len(table.emotions))
    mean, variance, third = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for size in np.unique(table.sizes):
        here = np.flatnonzero(table.sizes == size)
        n = len(here)
        w1, w2, w3 = _central_sums(table.membership[here])
        y1, y2, y3 = _central_sums(table.labels[here])
        mean += np.outer(w1, y1) / n
        if n > 1:
            variance += np.outer(w2, y2) / (n - 1)
        if n > 2:
            third += np.outer(w3, y3) * n / ((n - 1) * (n - 2))
    return Moments(mean=mean, variance=variance, third=third)


def design_effect(
    moments: Moments, totals: np.ndarray, positives: np.ndarray, n: int
) -> np.ndarray:
    """Variance under permutation of images over that under permutation of subjects, at least 1."""
    drawn, base = totals[:, None], positives[None, :] / n
    with np.errstate(divide="ignore", invalid="ignore"):
        independent = drawn * (n - drawn) / (n - 1) * base * (1 - base)
        ratio = moments.variance / independent
    return np.maximum(np.where(np.isfinite(ratio), ratio, 1.0), 1.0)


def _central_sums(
    columns: sparse.csr_array | np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per column: sum, and sums of squared and cubed deviations from the column's mean."""
    n = columns.shape[0]
    powers = []
    for power in (1, 2, 3):
        raised = columns**power if isinstance(columns, np.ndarray) else columns.power(power)
        powers.append(np.asarray(raised.sum(axis=0), np.float64).ravel())
    s1, s2, s3 = powers
    m = s1 / n
    second = np.maximum(s2 - n * m**2, 0.0)
    # Rounding in a constant column must not pass for spread.
    second = np.where(second < 1e-12 * np.maximum(s2, 1.0), 0.0, second)
    cubed = np.where(second > 0, s3 - 3 * m * s2 + 2 * n * m**3, 0.0)
    return s1, second, cubed


def pearson_tails(
    count: np.ndarray, moments: Moments, *, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """P(X ≤ count) and P(X ≥ count) of the Pearson type III law with these moments.

    `step` is the distance of neighbouring counts (1 for whole subjects, 0 for soft scenes): half
    of it goes to either side, as continuity correction.
    """
    sd = np.sqrt(moments.variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.where(sd > 0, moments.third / sd**3, 0.0)
        below = (count + step / 2 - moments.mean) / sd
        above = (count - step / 2 - moments.mean) / sd
    lower = _pearson_upper(-below, -skew)
    upper = _pearson_upper(above, skew)
    fixed = sd <= 0
    return np.where(fixed, 1.0, lower), np.where(fixed, 1.0, upper)


def _pearson_upper(z: np.ndarray, skew: np.ndarray) -> np.ndarray:
    """P(Z ≥ z), Z of mean 0, variance 1 and this skewness: a shifted gamma, or its mirror."""
    straight = np.abs(skew) < 1e-4
    safe = np.where(straight, 1.0, skew)
    shape = 4 / safe**2
    at = np.maximum(shape + np.where(safe > 0, z, -z) * np.sqrt(shape), 0.0)
    at = np.nan_to_num(at)
    tail = np.where(safe > 0, gammaincc(shape, at), gammainc(shape, at))
    return np.where(straight, ndtr(-z), tail)
