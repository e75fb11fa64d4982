"""The shift estimate of `evaluate_outputs`: a test set reweighted to P(y)P(context)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ccim_core.metrics.average_precision import average_precisions, nan_mean
from ccim_core.metrics.checks import as_codes
from ccim_core.metrics.classification import accuracy, per_class_recall
from ccim_core.metrics.record import HEADLINES, EvaluatedOutputs, Record, number_or_nan
from ccim_core.metrics.resampling import bootstrap_average_precision, bootstrap_ratio
from ccim_core.metrics.shift import (
    effective_sample_size,
    multi_label_shift_weights,
    shift_weights,
)

__all__ = ["add_shift", "shift_draws"]

_NO_SUBJECTS = "there are no subjects"


def add_shift(
    record: Record, per_class: list[Record], data: EvaluatedOutputs, contexts: Any
) -> np.ndarray:
    """Metrics with subjects reweighted so that emotion does not depend on `contexts` (n,).

    Beside them: how many contexts there are, the effective sample size, the share of P(y)P(z)
    that has a subject, and the largest weight. Returns the weights, (n,) or (n, C).
    """
    codes, names = as_codes(contexts, len(data.targets), "context_cluster")
    n, n_classes = data.targets.shape
    shift = (
        multi_label_shift_weights(data.targets, codes)
        if data.multi
        else shift_weights(data.targets.argmax(axis=1), codes, n_classes=n_classes)
    )
    weights = np.asarray(shift.weights)
    reason = "no class has a positive" if n else _NO_SUBJECTS
    by_class = average_precisions(
        data.targets, data.outputs, kinds=("step",), sample_weight=weights
    )["step"]
    for key, value in _values(data, weights, by_class).items():
        record.put(f"shift_{key}", value, reason)
    headline = record[f"shift_{HEADLINES[data.label_set.headline]}"]
    record.put("shift_estimate", number_or_nan(headline), reason)
    record["shift_contexts"] = len(names)
    # The least covered emotion decides how far the estimate can be trusted.
    record.put("shift_covered", np.min(shift.covered), _NO_SUBJECTS)
    record["shift_effective_size"] = float(np.min(shift.effective_size))
    record["shift_largest_weight"] = float(np.max(shift.largest))
    columns = weights if data.multi else np.broadcast_to(weights[:, None], (n, n_classes))
    of_positives = effective_sample_size(columns * data.targets)
    for row, value, size in zip(per_class, by_class, of_positives, strict=True):
        row.put("shift_ap_step", value, "the class has no positive")
        row["shift_effective_positives"] = float(size)
    return weights


def _values(data: EvaluatedOutputs, weights: np.ndarray, by_class: np.ndarray) -> dict[str, float]:
    values = {"map_step": float(nan_mean(by_class))}
    if not data.multi:
        labels, predicted = data.targets.argmax(axis=1), data.outputs.argmax(axis=1)
        recall = per_class_recall(
            labels, predicted, n_classes=data.targets.shape[1], sample_weight=weights
        )
        values["accuracy"] = accuracy(labels, predicted, sample_weight=weights)
        values["balanced_accuracy"] = float(nan_mean(recall))
    return values


def shift_draws(data: EvaluatedOutputs, weights: np.ndarray, **options: Any) -> np.ndarray:
    """The shift estimate of the headline in every resample of whole images, (n_resamples,).

    The weights stay as they were estimated: their own noise is left out, and so is what the
    contexts without a subject would have added. `options` are the bootstrap's.
    """
    if data.label_set.headline == "map":
        draws = bootstrap_average_precision(
            data.targets, data.outputs, sample_weight=weights, **options
        )
        return np.asarray(nan_mean(draws, axis=1))
    members = np.ones((len(weights), 1))
    if data.label_set.headline == "balanced_accuracy":
        members = data.targets.astype(np.float64)
    members = members * weights[:, None]
    recalls = bootstrap_ratio(members * data.correct[:, None], members, **options)
    return np.asarray(nan_mean(recalls, axis=1))
