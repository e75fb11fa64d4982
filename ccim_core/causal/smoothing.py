"""How many pseudo-subjects a stratum's emotion counts are shrunk by: what the counts ask for."""

from __future__ import annotations

import math

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from ccim_core.causal.prior_correction import emotion_marginal, stratum_counts
from ccim_core.labels import Kind

__all__ = ["choose_smoothing"]

_LEAST, _MOST = 1e-2, 1e6


def choose_smoothing(targets: Tensor, labels: Tensor, n_strata: int, *, kind: Kind) -> float:
    """The α that makes the counts most likely, 0.01 … 10⁶ (that many: strata tell nothing).

    P(Y|z) of each stratum is drawn from a Dirichlet distribution of mean P(Y) and concentration
    α; α maximises the likelihood of the strata's counts with P(Y|z) integrated out. With counts
    shrunk so (`count_emotions_by_stratum`), strata that tell nothing take nothing out of a
    prediction, though each has few subjects; a fixed number of pseudo-subjects would divide by
    noise. For several labels a subject each emotion has a Beta distribution, all with one α.

    Args:
        targets: (n, C), one-hot, multi-hot or soft.
        labels: stratum of each row, (n,), in 0 … N − 1.
        n_strata: N.

    Raises ValueError if there are no rows, or unless each has one stratum.

    Source: empirical Bayes for the Dirichlet–multinomial (Minka, "Estimating a Dirichlet
    distribution", 2000), with the mean held at the marginal.
    """
    marginal = emotion_marginal(targets.double())
    counts, sizes = stratum_counts(targets, labels, n_strata)
    # An emotion that nobody or everybody has says nothing about α.
    varying = (marginal > 0) & (marginal < 1)
    counts, mean = counts[:, varying], marginal[varying]

    def negative_log_likelihood(log_alpha: float) -> float:
        alpha = math.exp(log_alpha)
        found = _gamma_ratio(counts, alpha * mean).sum()
        rows = torch.as_tensor(alpha, dtype=torch.float64, device=sizes.device)
        if kind == "multi":
            absent = sizes[:, None] - counts
            found = found + _gamma_ratio(absent, alpha * (1 - mean)).sum()
            return -float(found - len(mean) * _gamma_ratio(sizes, rows).sum())
        return -float(found - _gamma_ratio(sizes, rows).sum())

    if len(mean) == 0:
        return _MOST
    bounds = (math.log(_LEAST), math.log(_MOST))
    best = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded")
    return float(math.exp(best.x))


def _gamma_ratio(count: Tensor, base: Tensor) -> Tensor:
    """ln Γ(base + count) − ln Γ(base)."""
    return torch.lgamma(base + count) - torch.lgamma(base)
