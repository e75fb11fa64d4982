"""The few metrics of each epoch by which the kept epoch is chosen."""

from __future__ import annotations

import math

from torch import Tensor

from ccim_core.labels import LabelSet
from ccim_core.metrics.average_precision import average_precision, nan_mean
from ccim_core.metrics.classification import accuracy, balanced_accuracy
from ccim_core.training.losses import per_sample_loss, weighted_l2_weights

__all__ = ["CRITERIA", "validation_metrics"]

CRITERIA = ("headline", "accuracy", "balanced_accuracy", "map", "negative_loss")


def validation_metrics(
    targets: Tensor,
    logits: Tensor,
    labels: LabelSet,
    *,
    criterion: str = "headline",
    weights: Tensor | None = None,
    groups: Tensor | None = None,
) -> dict[str, float]:
    """`CRITERIA` of a validation split, all the larger the better.

    Args:
        targets, logits: (n, C) on the CPU; logits before the link.
        criterion: what "reweighted" is of.
        weights: of subjects, (n,), or of their answers, (n, C): adds "reweighted".
        groups: memberships (n, G): adds "worst_group", the least accuracy of any group, or minus
            the greatest mean loss where `criterion` is "negative_loss" or subjects have several
            labels; and "mean_group", the mean over groups.

    Returns:
        name to value; accuracies are NaN for sets with several labels a subject.
    """
    found = _values(targets, logits, labels)
    if weights is not None:
        found["reweighted"] = _values(targets, logits, labels, weights)[criterion]
    if groups is not None:
        if labels.kind == "single" and criterion != "negative_loss":
            score = (targets.argmax(1) == logits.argmax(1)).double()
        else:
            score = -_losses(targets, logits, labels).double()
        member = groups.double()
        means = member.T @ score / member.sum(0)
        found["worst_group"], found["mean_group"] = float(means.min()), float(means.mean())
    return found


def _losses(
    targets: Tensor, logits: Tensor, labels: LabelSet, weights: Tensor | None = None
) -> Tensor:
    class_weights = weighted_l2_weights(targets.mean(0))
    return per_sample_loss(logits, targets, labels, class_weights=class_weights, weights=weights)


def _values(
    targets: Tensor, logits: Tensor, labels: LabelSet, weights: Tensor | None = None
) -> dict[str, float]:
    sample_weight = None if weights is None else weights.double().numpy()
    precisions = average_precision(targets.numpy(), logits.numpy(), sample_weight=sample_weight)
    values = {
        "accuracy": math.nan,
        "balanced_accuracy": math.nan,
        "map": float(nan_mean(precisions)),
        "negative_loss": -float(_losses(targets, logits, labels, weights).mean()),
    }
    if labels.kind == "single":
        truth, predicted = targets.argmax(1).numpy(), logits.argmax(1).numpy()
        values["accuracy"] = accuracy(truth, predicted, sample_weight=sample_weight)
        values["balanced_accuracy"] = balanced_accuracy(
            truth, predicted, n_classes=labels.size, sample_weight=sample_weight
        )
    return {"headline": values[labels.headline], **values}
