"""Losses of single- and multi-label sets, a subject at a time: weights and groups act on them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ccim_core.labels import LabelSet

__all__ = ["per_sample_loss", "weighted_l2_weights"]


def weighted_l2_weights(prevalence: Tensor) -> Tensor:
    """w_i = 1 / ln(1.2 + p_i) with p_i the training prevalence (Kosti et al. 2017), (C,).

    Differs from the public codes, which put raw counts in place of p_i.
    """
    return 1 / torch.log(1.2 + prevalence)


def per_sample_loss(
    outputs: Tensor,
    targets: Tensor,
    labels: LabelSet,
    *,
    class_weights: Tensor | None = None,
    offsets: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Loss of each subject, shape (B,).

    Args:
        outputs: (B, C) logits, or scores when the loss is the weighted L2.
        targets: (B, C), 0/1 or soft.
        labels: says which loss.
        class_weights: (C,), for the weighted L2 loss.
        offsets: (B, C) added to the logits in training only (logit adjustment, log P(Y|z)).
        weights: of each subject, (B,), or of each subject's answer for each emotion, (B, C).
    """
    outputs = outputs.float()
    if offsets is not None:
        outputs = outputs + offsets
    if labels.loss == "cross_entropy":
        losses = F.cross_entropy(outputs, targets, reduction="none")
        return losses if weights is None else losses * weights
    if labels.loss == "binary_cross_entropy":
        terms = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
    elif class_weights is None:
        raise ValueError("Expected `class_weights` for the weighted L2 loss, got None.")
    else:
        terms = (outputs - targets) ** 2 * class_weights
    if weights is None:
        return terms.sum(-1)
    return (terms * (weights if weights.ndim == 2 else weights[:, None])).sum(-1)
