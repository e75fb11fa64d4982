"""Accuracy, per-class recall, balanced accuracy and the confusion matrix (one label a subject)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ccim_core.metrics.average_precision import nan_mean
from ccim_core.metrics.checks import as_class_indices, as_column, as_weights

__all__ = ["accuracy", "balanced_accuracy", "confusion_matrix", "per_class_recall"]


def accuracy(labels: Any, predicted: Any, *, sample_weight: Any = None) -> float:
    """Share of `predicted` (n,) equal to `labels` (n,); NaN without subjects (or weight)."""
    labels = np.asarray(labels)
    predicted = as_column(predicted, len(labels), "predicted")
    weights = as_weights(sample_weight, len(labels))
    total = weights.sum()
    return float((weights * (labels == predicted)).sum() / total) if total > 0 else float("nan")


def confusion_matrix(
    labels: Any, predicted: Any, *, n_classes: int, sample_weight: Any = None
) -> np.ndarray:
    """(C, C): row = true class, column = predicted class. Counts, or weights if weighted."""
    labels = as_class_indices(labels, n_classes, "labels")
    predicted = as_class_indices(predicted, n_classes, "predicted")
    as_column(predicted, len(labels), "predicted")
    weights = None if sample_weight is None else as_weights(sample_weight, len(labels))
    cells = np.bincount(labels * n_classes + predicted, weights, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def per_class_recall(
    labels: Any, predicted: Any, *, n_classes: int, sample_weight: Any = None
) -> np.ndarray:
    """Share of each class's subjects that were recognised, (C,); NaN for a class without any.

    The field's "per-class accuracy".
    """
    matrix = confusion_matrix(labels, predicted, n_classes=n_classes, sample_weight=sample_weight)
    size = matrix.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 0, np.diag(matrix) / size, np.nan)


def balanced_accuracy(
    labels: Any, predicted: Any, *, n_classes: int, sample_weight: Any = None
) -> float:
    """Mean recall of the classes that occur; NaN without subjects."""
    recall = per_class_recall(labels, predicted, n_classes=n_classes, sample_weight=sample_weight)
    return float(nan_mean(recall))
