"""How much the scene tells about emotion: mutual information and Cramér's V, with intervals.

Plug-in estimates are too high on finite data, most where there are many rare scenes; each comes
with a corrected value. Intervals are basic-bootstrap ones, which subtract that bias, clipped at
what the quantity can be: percentile intervals miss 0 most of the time (see `analysis.bootstrap`).
"""

from __future__ import annotations

import numpy as np

from analysis.entropy import binary_entropy

__all__ = [
    "band",
    "basic_interval",
    "chi_square_share",
    "correct_bias",
    "cramers_v_scale",
    "entropy_bits",
    "one_against_rest_information",
    "table_information",
]


def entropy_bits(counts: np.ndarray, axis: int = -1) -> np.ndarray:
    """Entropy in bits of distributions proportional to `counts` along `axis`; NaN where all 0."""
    counts = np.asarray(counts, np.float64)
    total = counts.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = counts / total
        terms = np.where(p > 0, -p * np.log2(np.where(p > 0, p, 1.0)), 0.0)
    bits = terms.sum(axis=axis)
    return np.where(np.squeeze(total, axis=axis) > 0, bits, np.nan)


def table_information(joint: np.ndarray) -> np.ndarray:
    """I(Y; scene) in bits of joint tables (…, S, E): plug-in, Σ p(s,y) log2 p(s,y)/(p(s) p(y))."""
    of_scene = joint.sum(axis=-1)
    total = of_scene.sum(axis=-1)
    within = np.nan_to_num(entropy_bits(joint)) * of_scene
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = entropy_bits(joint.sum(axis=-2)) - within.sum(axis=-1) / total
    return np.maximum(bits, 0.0)


def one_against_rest_information(
    counts: np.ndarray, totals: np.ndarray, positives: np.ndarray
) -> np.ndarray:
    """I(Y_e; scene) in bits for each emotion against the rest, (…, E).

    Args:
        counts: (…, S, E); totals: (…, S); positives: (…, E), as in `SceneTable`.
    """
    n = totals.sum(axis=-1)[..., None]
    share = totals / n
    with np.errstate(divide="ignore", invalid="ignore"):
        within = binary_entropy(counts / totals[..., None])
        within = np.einsum("...s,...se->...e", share, np.where(totals[..., None] > 0, within, 0.0))
        return np.maximum(binary_entropy(positives / n) - within, 0.0)


def chi_square_share(counts: np.ndarray, totals: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """φ² = χ²/N of each emotion against the rest over the scenes, (…, E); NaN without contrast."""
    n = totals.sum(axis=-1)[..., None]
    base = positives / n
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = (counts - totals[..., None] * base[..., None, :]) ** 2 / totals[..., None]
        total = np.where(totals[..., None] > 0, gap, 0.0).sum(axis=-2)
        return total / (n * base * (1 - base))


def cramers_v_scale(n_scenes: int, n_subjects: float) -> float:
    """What corrected φ² is divided by before the root: min(S̃ − 1, Ẽ − 1), Bergsma (2013).

    With two columns Ẽ − 1 is the smaller for every table of two scenes or more.
    """
    of_scenes = n_scenes - (n_scenes - 1) ** 2 / (n_subjects - 1)
    of_emotion = 2 - 1 / (n_subjects - 1)
    return max(min(of_scenes - 1, of_emotion - 1), np.finfo(float).tiny)


def band(draws: np.ndarray, *, confidence: float) -> np.ndarray:
    """Lower and upper end (2, …) of what `confidence` of draws (R, …) fall into.

    At R + 1 times the tail in order, so that one draw more lies beyond as often as it should.
    """
    tail = (1 - confidence) / 2
    return np.quantile(draws, [tail, 1 - tail], axis=0, method="weibull")


def basic_interval(
    estimate: np.ndarray,
    deviations: np.ndarray,
    *,
    confidence: float,
    by_chance: np.ndarray | None = None,
    ceiling: float | np.ndarray = np.inf,
) -> np.ndarray:
    """Basic-bootstrap interval, (…, 2): estimate − quantiles of `deviations`, in [0, ceiling].

    Args:
        deviations: (B, …) of drawn tables from what they were drawn from, for an `estimate` (…).
        by_chance: (R, …) values where nothing depends; an estimate that lies in their band is
            no evidence of anything, so its interval begins at 0.
    """
    low, high = band(deviations, confidence=confidence)
    bounds = np.stack([estimate - high, estimate - low], axis=-1)
    limit = np.expand_dims(np.asarray(ceiling, np.float64), -1)
    bounds = np.clip(bounds, 0.0, limit)
    if by_chance is not None:
        usual = estimate <= band(by_chance, confidence=confidence)[1]
        bounds[..., 0] = np.where(usual, 0.0, bounds[..., 0])
    return bounds


def correct_bias(estimate: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Estimate less its bias, the mean of `deviations` (B, …); not below 0."""
    return np.maximum(estimate - deviations.mean(axis=0), 0.0)
