"""Two estimators on the same subjects: is the difference outside the noise?"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from ccim_core.metrics.average_precision import average_precision, nan_mean
from ccim_core.metrics.checks import as_scores, as_targets
from ccim_core.metrics.classification import accuracy, balanced_accuracy
from ccim_core.metrics.resampling import (
    PairedComparison,
    RandomState,
    bootstrap_average_precision,
    bootstrap_ratio,
    paired_bootstrap,
)

__all__ = ["PAIRED_METRICS", "PairedMetric", "bootstrap_metric", "compare_outputs", "metric_value"]

PairedMetric = Literal["accuracy", "balanced_accuracy", "map"]
PAIRED_METRICS: tuple[PairedMetric, ...] = get_args(PairedMetric)


def metric_value(targets: Any, outputs: Any, *, metric: PairedMetric) -> float:
    """`metric` of `outputs` (n, C) for `targets` (n, C); `map` is the step-wise one."""
    outputs = as_scores(outputs, "outputs")
    if metric == "map":
        return float(nan_mean(average_precision(targets, outputs)))
    labels, predicted = _top(targets, outputs)
    if metric == "accuracy":
        return accuracy(labels, predicted)
    if metric == "balanced_accuracy":
        return balanced_accuracy(labels, predicted, n_classes=outputs.shape[1])
    raise ValueError(f"Expected `metric` to be one of {PAIRED_METRICS}, got {metric!r}.")


def bootstrap_metric(
    targets: Any,
    outputs: Any,
    *,
    metric: PairedMetric,
    clusters: Any,
    n_resamples: int = 1000,
    random_state: RandomState = 0,
) -> np.ndarray:
    """`metric` in every resample of whole clusters, (n_resamples,).

    Balanced accuracy and mAP are means over the classes that the resample holds.
    """
    outputs = as_scores(outputs, "outputs")
    if metric not in PAIRED_METRICS:
        raise ValueError(f"Expected `metric` to be one of {PAIRED_METRICS}, got {metric!r}.")
    if metric == "map":
        draws = bootstrap_average_precision(
            targets, outputs, clusters=clusters, n_resamples=n_resamples, random_state=random_state
        )
        return nan_mean(draws, axis=1)
    labels, predicted = _top(targets, outputs)
    correct = (labels == predicted)[:, None]
    members = np.ones_like(correct)
    if metric == "balanced_accuracy":
        members = as_targets(targets, outputs.shape)
    recalls = bootstrap_ratio(
        correct & members,
        members,
        clusters=clusters,
        n_resamples=n_resamples,
        random_state=random_state,
    )
    return nan_mean(recalls, axis=1)


def compare_outputs(
    targets: Any,
    first: Any,
    second: Any,
    *,
    metric: PairedMetric,
    clusters: Any,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> PairedComparison:
    """Paired bootstrap of `second` against `first`, both (n, C) on the same rows."""
    draws = [
        bootstrap_metric(
            targets,
            outputs,
            metric=metric,
            clusters=clusters,
            n_resamples=n_resamples,
            random_state=seed,
        )
        for outputs in (first, second)
    ]
    before, after = (metric_value(targets, outputs, metric=metric) for outputs in (first, second))
    return paired_bootstrap(*draws, difference=after - before, level=level)


def _top(targets: Any, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label and top prediction of each subject, (n,) each; targets must have one 1 a row."""
    positive = as_targets(targets, outputs.shape)
    if not (positive.sum(axis=1) == 1).all():
        raise ValueError("Expected `targets` to have one 1 a row, got rows with none or several.")
    return positive.argmax(axis=1), outputs.argmax(axis=1)
