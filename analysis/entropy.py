"""Conditional entropy H(Y|s) of an emotion in a scene, and how many scenes have none.

A scene with zero entropy shows only subjects that have the emotion, or only subjects that do not.
Rare scenes have zero entropy by chance alone, so a share of them means nothing without the share
that chance gives (`summarise_zero_entropy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

__all__ = [
    "Negatives",
    "SelectedBy",
    "ZeroEntropy",
    "band_ranks",
    "binary_entropy",
    "count_histogram",
    "is_zero_entropy",
    "scene_entropies",
    "select_scenes",
    "summarise_zero_entropy",
]

Negatives = Literal["all", "balanced"]
SelectedBy = Literal["overall", "positives"]

# With soft scenes no share is exactly zero: less than half a subject counts as nobody.
HALF_A_SUBJECT = 0.5
# Ties are broken only where they are many small ones; a value that chance gives as often as this
# is no sign of anything whatever its companions say.
COARSEST_TIE = 0.2


def binary_entropy(p: np.ndarray) -> np.ndarray:
    """Entropy in bits of a yes/no variable with probability p; NaN stays NaN."""
    p = np.asarray(p, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return np.where((p <= 0) | (p >= 1), 0.0, bits)


def scene_entropies(
    counts: np.ndarray, totals: np.ndarray, positives: np.ndarray, *, negatives: Negatives
) -> np.ndarray:
    """H(Y|s) in bits, (…, S, E), in [0, 1]; NaN for a scene without subjects.

    Args:
        counts: (…, S, E) subjects of the scene with the emotion.
        totals: (…, S) subjects of the scene.
        positives: (…, E) subjects with the emotion.
        negatives: `"balanced"` weighs the subjects without the emotion so that they are as many
            as those with it, which makes H(Y) one bit: a scene that tells nothing has entropy 1
            however rare the emotion. Weights add no noise, as drawing negatives would.
    """
    totals = totals[..., :, None]
    n = totals.sum(axis=-2, keepdims=True)
    positives = positives[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        if negatives == "all":
            return binary_entropy(counts / totals)
        with_it = counts / positives
        without = (totals - counts) / (n - positives)
        return binary_entropy(with_it / (with_it + without))


def is_zero_entropy(counts: np.ndarray, totals: np.ndarray, *, soft: bool = False) -> np.ndarray:
    """(…, S, E) bool: nobody or everybody in the scene has the emotion."""
    slack = HALF_A_SUBJECT if soft else 0.0
    rest = totals[..., :, None] - counts
    empty = totals[..., :, None] <= 0
    # Soft totals are sums of weights: rounding may leave 1e-13 of a subject.
    return ((counts <= slack + 1e-9) | (rest <= slack + 1e-9)) & ~empty


def select_scenes(
    counts: np.ndarray, totals: np.ndarray, *, top_k: int, selected_by: SelectedBy
) -> np.ndarray:
    """(…, S, E) bool: the `top_k` most frequent scenes, over all subjects or among positives.

    Scenes without a subject (or without a positive one) are not frequent and never selected, so
    fewer than `top_k` may be. Ties go to the scene that comes first.
    """
    keys = counts
    if selected_by == "overall":
        keys = np.broadcast_to(totals[..., :, None], counts.shape)
    present = keys > 0
    n_scenes = counts.shape[-2]
    if n_scenes <= top_k:
        return present
    if selected_by == "overall" and totals.ndim == 1:  # one order for all emotions and draws
        column = np.zeros(n_scenes, bool)
        column[np.argsort(-totals, kind="stable")[:top_k]] = True
        return present & column[:, None]
    order = np.argsort(-keys, axis=-2, kind="stable")
    chosen = np.zeros(counts.shape, bool)
    np.put_along_axis(chosen, order[..., :top_k, :], True, axis=-2)
    return chosen & present


def band_ranks(n_draws: int, confidence: float) -> tuple[int, int]:
    """Positions (from 0) in sorted draws of a band that a further draw falls into.

    For continuous draws its probability is exactly `confidence` where (1 − confidence)/2 ×
    (n_draws + 1) is whole (39, 199, 399, … at 95%), otherwise a little more.
    """
    below = int(np.floor((1 - confidence) / 2 * (n_draws + 1) + 1e-9))
    if below < 1:
        raise ValueError(
            f"Expected enough draws for a {confidence:.0%} band "
            f"(at least {int(np.ceil(2 / (1 - confidence) - 1 - 1e-9))}), got {n_draws}."
        )
    return below - 1, n_draws - below


@dataclass(frozen=True, kw_only=True, eq=False)
class ZeroEntropy:
    """Share of zero-entropy scenes per emotion, beside chance; all (E,), intervals (E, 2).

    excess: `share` − `null_mean`. Its interval inverts the band: it covers 0 for `confidence` of
    the datasets whose emotion does not depend on the scene.
    """

    selected: np.ndarray
    share: np.ndarray
    null_mean: np.ndarray
    null_interval: np.ndarray
    excess: np.ndarray
    excess_interval: np.ndarray
    coarse: np.ndarray


def summarise_zero_entropy(
    zero: np.ndarray,
    chosen: np.ndarray,
    entropies: np.ndarray,
    null_zero: np.ndarray,
    null_chosen: np.ndarray,
    null_entropies: np.ndarray,
    *,
    confidence: float,
) -> ZeroEntropy:
    """Compare the share of zero-entropy scenes with that of tables in which nothing depends.

    The share is a multiple of one scene, and ties would make the band cover more than it says.
    So equal shares are ordered by the mean entropy of their selected scenes (lower: more biased)
    and spread over the width of one scene, in the data and the null tables alike. Where one value
    alone has more than `COARSEST_TIE` of the null (`coarse`), ties stay and the band covers more.

    Args:
        zero, chosen, entropies: (S, E) of the data.
        null_zero, null_chosen, null_entropies: (R, S, E) of R null tables, R ≥ 39 at 95%.
    """
    selected, share, mean = _shares(zero, chosen, entropies)
    _, null_share, null_means = _shares(null_zero, null_chosen, null_entropies)
    n_draws, n_emotions = null_share.shape
    low, high = band_ranks(n_draws, confidence)
    interval = np.full((n_emotions, 2), np.nan)
    excess_interval = np.full((n_emotions, 2), np.nan)
    coarse = np.zeros(n_emotions, bool)
    null_mean = null_share.mean(axis=0)
    for e in range(n_emotions):
        if selected[e] == 0 or np.isnan(null_share[:, e]).any():
            continue
        coarse[e] = (null_share[:, e] == share[e]).mean() > COARSEST_TIE
        values = np.append(null_share[:, e], share[e])
        if not coarse[e]:
            values = _spread_ties(values, np.append(null_means[:, e], mean[e]), 1 / selected[e])
        order = np.argsort(values[:-1], kind="stable")
        interval[e] = null_share[order[low], e], null_share[order[high], e]
        bounds = values[-1] - values[order[high]], values[-1] - values[order[low]]
        excess_interval[e] = _attainable(bounds, share[e], null_mean[e])
    return ZeroEntropy(
        selected=selected,
        share=share,
        null_mean=null_mean,
        null_interval=interval,
        excess=share - null_mean,
        excess_interval=excess_interval,
        coarse=coarse,
    )


def _shares(
    zero: np.ndarray, chosen: np.ndarray, entropies: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Selected scenes, share of them at zero, mean entropy of them: each (…, E)."""
    selected = chosen.sum(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (zero & chosen).sum(axis=-2) / selected
        mean = np.where(chosen, entropies, 0.0).sum(axis=-2) / selected
    return selected, share, mean


def _attainable(bounds: tuple[float, float], share: float, null_mean: float) -> tuple[float, float]:
    """Bounds of the excess without what only the spreading of ties adds to them.

    The excess of any null share is between share − 1 and share, and the estimate is among them;
    which side of 0 the bounds lie on stays as it is.
    """
    low, high = np.clip(bounds, share - 1, share)
    return min(low, share - null_mean), max(high, share - null_mean)


def _spread_ties(values: np.ndarray, companions: np.ndarray, step: float) -> np.ndarray:
    """Order equal `values` by falling `companions`, within one `step` around them."""
    ranks = np.empty(len(values))
    ranks[np.argsort(-companions, kind="stable")] = np.arange(len(values))
    return values + step * ((ranks + 0.5) / len(values) - 0.5)


def count_histogram(entropies: np.ndarray, chosen: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Selected scenes by entropy, (…, 1 + bins, E): first those at exactly 0, then (a, b] bins.

    Figure 2 of the paper. `edges` are the bins' limits in bits, from 0 up.
    """
    shape = (*entropies.shape[:-2], len(edges), entropies.shape[-1])
    counts = np.zeros(shape, np.int64)
    counts[..., 0, :] = (chosen & (entropies <= edges[0])).sum(axis=-2)
    for k, (left, right) in enumerate(pairwise(edges), start=1):
        inside = chosen & (entropies > left) & (entropies <= right)
        counts[..., k, :] = inside.sum(axis=-2)
    return counts
