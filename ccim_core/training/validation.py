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


def validation_metrics(targets: Tensor, logits: Tensor, labels: LabelSet) -> dict[str, float]:
    """`CRITERIA` of a validation split, all the larger the better.

    Args:
        targets, logits: (n, C) on the CPU; logits before the link.

    Returns:
        name to value; accuracies are NaN for sets with several labels a subject.
    """
    loss = per_sample_loss(
        logits, targets, labels, class_weights=weighted_l2_weights(targets.mean(0))
    )
    values = {
        "accuracy": math.nan,
        "balanced_accuracy": math.nan,
        "map": float(nan_mean(average_precision(targets.numpy(), logits.numpy()))),
        "negative_loss": -float(loss.mean()),
    }
    if labels.kind == "single":
        truth, predicted = targets.argmax(1).numpy(), logits.argmax(1).numpy()
        values["accuracy"] = accuracy(truth, predicted)
        values["balanced_accuracy"] = balanced_accuracy(truth, predicted, n_classes=labels.size)
    return {"headline": values[labels.headline], **values}
