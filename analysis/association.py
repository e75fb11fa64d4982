"""Which scenes go with which emotions: a p-value, an interval and an effect for every cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betaincinv

from analysis.contingency import SceneTable
from analysis.multiplicity import LatticePoints, benjamini_hochberg, discrete_q
from analysis.tails import (
    Moments,
    design_effect,
    exact_tails,
    hypergeometric_tails,
    pearson_tails,
    permutation_moments,
    stratify,
    tails_of,
)

__all__ = ["Associations", "FalseDiscovery", "associate", "beta_interval", "normalised_pmi"]

FalseDiscovery = Literal["discrete", "bh"]

# Fewer null draws than this beyond the data: their number is too uncertain for a p-value.
_FEWEST_BEYOND = 10
_WHOLE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Associations:
    """Every scene × emotion cell, arrays (S, E); NaN where something is not defined.

    expected: mean count when scenes are dealt anew to whole images; expected_square: mean then of
        the squared distance from what the emotion's share in all subjects would give.
    design_effect: variance of that count over its variance if all subjects were independent.
    share: p(e|s), with a Beta posterior interval in `share_low`, `share_high`.
    lift: p(e|s)/p(e). npmi: normalised pointwise mutual information, −1 to 1.
    p: min(1, 2 × smaller tail). q, q_bh: false discovery rates over the cells `tested`.
    method: how p was computed.
    """

    expected: np.ndarray
    expected_square: np.ndarray
    design_effect: np.ndarray
    share: np.ndarray
    share_low: np.ndarray
    share_high: np.ndarray
    lift: np.ndarray
    npmi: np.ndarray
    p: np.ndarray
    q: np.ndarray
    q_bh: np.ndarray
    tested: np.ndarray
    method: np.ndarray


def associate(
    table: SceneTable,
    *,
    min_support: int,
    confidence: float,
    beta_prior: float,
    fdr: FalseDiscovery,
    null_counts: np.ndarray,
) -> Associations:
    """Statistics of every cell of `table`.

    Args:
        min_support: subjects that a scene needs for its cells to be tested. It looks at the
            scene's size alone, which the null holds fixed, so it favours no cell.
        beta_prior: a of the Beta(a, a) prior on p(e|s); 0.5 is Jeffreys'.
        fdr: `"discrete"` counts what chance gives exactly (see `analysis.multiplicity`), `"bh"`
            is plain Benjamini–Hochberg.
        null_counts: (R, S, E) null tables; used for soft scenes.
    """
    counts, totals, positives, n = table.counts, table.totals, table.positives, table.n_subjects
    moments = permutation_moments(table)
    p, method, lattices = _p_values(table, moments, null_counts)
    contrast = (positives > 0) & (positives < n)
    supported = (totals >= min_support) & (totals > 0) & (totals < n)
    p = np.where(contrast[None, :] & (totals > 0)[:, None] & (totals < n)[:, None], p, np.nan)
    tested = supported[:, None] & contrast[None, :]
    q, q_bh = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    q_bh[tested] = benjamini_hochberg(p[tested])
    known = [lattices[cell] for cell in zip(*np.nonzero(tested), strict=True) if cell in lattices]
    q[tested] = discrete_q(p[tested], known) if fdr == "discrete" else q_bh[tested]
    plain = totals[:, None] * positives[None, :] / n
    effect = design_effect(moments, totals, positives, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / totals[:, None]
        lift = share / (positives / n)
    low, high = beta_interval(
        counts / effect,
        totals[:, None] / effect,
        prior=beta_prior,
        confidence=confidence,
    )
    return Associations(
        expected=moments.mean,
        expected_square=moments.variance + (moments.mean - plain) ** 2,
        design_effect=effect,
        share=share,
        share_low=low,
        share_high=high,
        lift=lift,
        npmi=normalised_pmi(counts, totals, positives),
        p=p,
        q=q,
        q_bh=q_bh,
        tested=tested,
        method=method,
    )


def _p_values(
    table: SceneTable, moments: Moments, null_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[tuple[int, int], LatticePoints]]:
    """p (S, E), how it was computed, and the possible p-values of the cells known whole."""
    counts = table.counts
    if table.is_soft:
        return *_soft_p(counts, moments, null_counts), {}
    lattices: dict[tuple[int, int], LatticePoints] = {}
    if table.one_subject:
        lower, upper = hypergeometric_tails(
            counts, table.totals[:, None], table.positives[None, :], table.n_subjects
        )
        method = np.full(counts.shape, "hypergeometric", dtype=object)
    else:
        lower, upper = pearson_tails(counts, moments, step=1.0)
        method = np.full(counts.shape, "permutation moments", dtype=object)
    for e, scenes, low, high, pmf in exact_tails(table, stratify(table), counts):
        if not table.one_subject:
            lower[scenes, e], upper[scenes, e] = low, high
            method[scenes, e] = "exact permutation"
        below, above = tails_of(pmf)
        values = _two_sided(below, above)
        whole = pmf.sum(axis=1) > 1 - _WHOLE
        lattices.update({(s, e): (values[i], pmf[i]) for i, s in enumerate(scenes) if whole[i]})
    return _two_sided(lower, upper), method, lattices


def _soft_p(
    counts: np.ndarray, moments: Moments, null_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Permutation p where enough draws lie beyond the data, else the tail of fitted moments."""
    n_draws = len(null_counts)
    slack = 1e-9 * np.maximum(counts, 1.0)
    below = (null_counts <= counts + slack).sum(axis=0)
    above = (null_counts >= counts - slack).sum(axis=0)
    beyond = np.minimum(below, above)
    drawn = _two_sided((below + 1) / (n_draws + 1), (above + 1) / (n_draws + 1))
    fitted = _two_sided(*pearson_tails(counts, moments, step=0.0))
    enough = beyond >= _FEWEST_BEYOND
    method = np.where(enough, "permutation", "permutation moments").astype(object)
    return np.where(enough, drawn, fitted), method


def _two_sided(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    return np.minimum(1.0, 2 * np.minimum(lower, upper))


def beta_interval(
    count: np.ndarray, total: np.ndarray, *, prior: float, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Central posterior interval of a share under a Beta(prior, prior) prior; NaN where total 0."""
    tail = (1 - confidence) / 2
    count, total = np.broadcast_arrays(count, total)
    seen = total > 0
    a = np.where(seen, count, 0.0) + prior
    b = np.where(seen, np.maximum(total - count, 0.0), 0.0) + prior
    low, high = betaincinv(a, b, tail), betaincinv(a, b, 1 - tail)
    return np.where(seen, low, np.nan), np.where(seen, high, np.nan)


def normalised_pmi(counts: np.ndarray, totals: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """log2[p(s,e)/(p(s)p(e))] / −log2 p(s,e), (S, E): −1 never together, 0 independent, 1 always.

    NaN where the scene or the emotion does not occur, or where both always do.
    """
    n = totals.sum()
    joint = counts / n
    product = totals[:, None] * positives[None, :] / n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log2(joint / product) / -np.log2(joint)
    value = np.where(joint > 0, value, -1.0)
    return np.where((product > 0) & (joint < 1), value, np.nan)
