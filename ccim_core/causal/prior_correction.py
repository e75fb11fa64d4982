"""Take out of a prediction what its stratum of context alone said: P(Y|z), counted in training."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ccim_core.labels import Kind

__all__ = [
    "AdjustmentTarget",
    "count_emotions_by_stratum",
    "emotion_marginal",
    "logit_adjustment",
    "prior_correction",
    "stratum_counts",
]

AdjustmentTarget = Literal["balanced", "marginal"]


def emotion_marginal(targets: Tensor) -> Tensor:
    """P(Y) of training targets (n, C), one-hot, multi-hot or soft: (C,).

    Raises ValueError if there are no rows.
    """
    if len(targets) == 0:
        raise ValueError("Expected at least one training row to count emotions in, got none.")
    return targets.mean(0, dtype=torch.float64).to(targets.dtype)


def count_emotions_by_stratum(
    targets: Tensor, labels: Tensor, n_strata: int, *, smoothing: float = 1.0
) -> Tensor:
    """P(Y|z) counted on training rows and shrunk towards P(Y): (N, C).

        P(y|z) = (n_zy + smoothing · P(y)) / (n_z + smoothing)

    so a stratum of few rows says little beyond the marginal, and an empty one nothing. For one
    label a subject each row sums to 1; for several, each entry is P(y present | z).

    Args:
        targets: (n, C), one-hot, multi-hot or soft.
        labels: stratum of each row, (n,), in 0 … N − 1.
        n_strata: N.
        smoothing: pseudo-subjects a stratum, ≥ 0. With 0 an empty stratum is NaN.
    """
    if smoothing < 0:
        raise ValueError(f"Expected `smoothing` of at least 0, got {smoothing}.")
    counts, sizes = stratum_counts(targets, labels, n_strata)
    marginal = emotion_marginal(targets.double())
    shrunk = (counts + smoothing * marginal) / (sizes[:, None] + smoothing)
    return shrunk.to(targets.dtype)


def stratum_counts(targets: Tensor, labels: Tensor, n_strata: int) -> tuple[Tensor, Tensor]:
    """Emotions of each stratum, (N, C), and its rows, (N,), in float64. Arguments as above.

    Raises ValueError unless every row has one stratum of 0 … N − 1.
    """
    labels = torch.as_tensor(labels, device=targets.device).long()
    if labels.shape != targets.shape[:1]:
        raise ValueError(
            f"Expected one stratum for each of {len(targets)} rows, got {len(labels)}."
        )
    if len(labels) and (labels.min() < 0 or labels.max() >= n_strata):
        raise ValueError(f"Expected `labels` within 0 … {n_strata - 1}.")
    exact = targets.double()
    counts = exact.new_zeros(n_strata, targets.shape[1]).index_add_(0, labels, exact)
    return counts, labels.bincount(minlength=n_strata).double()


def prior_correction(
    probabilities: Tensor,
    stratum: Tensor,
    conditional: Tensor,
    marginal: Tensor,
    *,
    kind: Kind,
) -> Tensor:
    """P(Y|s, c) · P(Y) / P(Y|z(c)), made probabilities again.

    By Bayes P(y|s, c) ∝ p(s, c|y, z) P(y|z): the correction replaces the stratum's prior by the
    population's, and keeps all else the image's own context says.

    - "single": p_y P(y) / P(y|z), divided by its sum over the emotions.
    - "multi": the same for each emotion as a yes-or-no question, whose two-class normalisation is
      a product of odds: odds'_y = odds(p_y) · odds(P(y)) / odds(P(y|z)).

    An emotion that was never (or always) seen in training has no defined ratio: it is left as
    it is.

    Args:
        probabilities: P(Y|s, c), (B, C). Not scores: a link must be defined.
        stratum: z(c) of each row, (B,).
        conditional: P(Y|z), (N, C), as from `count_emotions_by_stratum`.
        marginal: P(Y), (C,).

    Returns:
        (B, C).

    Raises ValueError for shapes that disagree, or a P(y|z) of 0 where P(y) is not: smooth it.
    """
    if probabilities.shape != (len(stratum), len(marginal)):
        raise ValueError(
            f"Expected `probabilities` of shape ({len(stratum)}, {len(marginal)}), "
            f"got {tuple(probabilities.shape)}."
        )
    offsets = logit_adjustment(stratum, conditional, marginal, kind=kind, target="marginal")
    offsets = offsets.to(probabilities)
    if kind == "single":
        return (probabilities.log() - offsets).softmax(-1)
    return (probabilities.logit() - offsets).sigmoid()


def logit_adjustment(
    stratum: Tensor,
    conditional: Tensor,
    marginal: Tensor,
    *,
    kind: Kind,
    target: AdjustmentTarget = "balanced",
) -> Tensor:
    """Offsets (B, C) to add to the logits *in the training loss only*.

    Cross entropy on logits + log P(Y|z) (kind "single"), or binary cross entropy on logits +
    logit P(y|z) (kind "multi"), leaves the logits themselves without the stratum's prior: used
    bare at test time they are prior-corrected already.

    `target`: the prior that the bare logits hold. "balanced" adds log P(Y|z) and leaves a flat
    one over emotions; "marginal" adds log P(Y|z) − log P(Y) and leaves the population's, the
    training-time form of `prior_correction` exactly.

    Other arguments and errors as `prior_correction`; an emotion with no defined ratio has an
    offset of 0.
    """
    if target not in get_args(AdjustmentTarget):
        raise ValueError(f"Expected `target` of {get_args(AdjustmentTarget)}, got {target!r}.")
    if conditional.ndim != 2 or conditional.shape[1:] != marginal.shape:
        raise ValueError(
            f"Expected `conditional` of shape (N, {len(marginal)}), got {tuple(conditional.shape)}."
        )
    if len(stratum) and (stratum.min() < 0 or stratum.max() >= len(conditional)):
        raise ValueError(f"Expected `stratum` within 0 … {len(conditional) - 1}.")
    defined = marginal > 0
    if kind == "multi":
        defined = defined & (marginal < 1)
    by_stratum = _logits(conditional, kind)
    if target == "marginal":
        by_stratum = by_stratum - _logits(marginal, kind)
    by_stratum = torch.where(defined, by_stratum, 0)
    if not by_stratum.isfinite().all():
        raise ValueError(
            "Expected P(Y|z) strictly between 0 and 1 wherever P(Y) is, got an emotion absent "
            "from (or in all of) a stratum: count with `smoothing` > 0."
        )
    return by_stratum[stratum]


def _logits(probabilities: Tensor, kind: Kind) -> Tensor:
    exact = probabilities.double()
    return (exact.log() if kind == "single" else exact.logit()).to(probabilities.dtype)
