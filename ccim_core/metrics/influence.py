"""How much each subject moves a metric: its influence, and the standard error that follows.

The influence of subject k is the derivative of the metric by its weight, at weights of one. Summed
over images and squared it gives the standard error of whole images drawn anew (the infinitesimal
jackknife, Efron 1982), which is what a bootstrap of images estimates by drawing; the influence of
a *difference* of two models on the same subjects is the difference of their influences, so that a
paired interval costs one sort instead of a thousand resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ccim_core.metrics.average_precision import nan_mean
from ccim_core.metrics.checks import as_codes, as_scores, as_targets
from ccim_core.metrics.comparison import PairedMetric

__all__ = [
    "accuracy_influence",
    "average_precision_influence",
    "clustered_standard_error",
    "metric_influence",
    "recall_influence",
]


def average_precision_influence(targets: Any, scores: Any) -> np.ndarray:
    """Influence of every subject on the step-wise AP of every class, (n, C); NaN without positives.

    With P positives, A_i positives and B_i subjects at or above the score of i, and AP = Σ_{i+}
    (A_i / B_i) / P, subject k moves it by 1/P times

        [k positive] (A_k/B_k − AP + Σ_{i+, s_i ≤ s_k} 1/B_i) − Σ_{i+, s_i ≤ s_k} A_i/B_i²:

    it takes its own share of the mean, and enters the counts of everybody ranked no higher.
    """
    scores = as_scores(scores)
    positive = as_targets(targets, scores.shape)
    influence = np.full(scores.shape, np.nan)
    for column in range(scores.shape[1]):
        if positive[:, column].any():
            influence[:, column] = _one_class(positive[:, column], scores[:, column])
    return influence


def _one_class(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Influence (n,) of every subject on the AP of a class that has positives."""
    order = np.argsort(-scores, kind="stable")
    hit, ranked = positive[order], scores[order]
    # Equal scores are one threshold: counts are those at the tie's end, sums from its start.
    change = np.flatnonzero(ranked[1:] != ranked[:-1])
    starts = np.concatenate(([0], change + 1))
    tie = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(ranked))))
    ends = np.append(change, len(ranked) - 1)
    found = np.cumsum(hit)[ends][tie].astype(np.float64)
    admitted = (ends + 1.0)[tie]
    total = hit.sum()
    area = (hit * found / admitted).sum() / total
    own = np.cumsum((hit / admitted)[::-1])[::-1][starts][tie]
    others = np.cumsum((hit * found / admitted**2)[::-1])[::-1][starts][tie]
    influence = np.empty(len(scores))
    influence[order] = (hit * (found / admitted - area + own) - others) / total
    return influence


def recall_influence(targets: Any, scores: Any) -> np.ndarray:
    """Influence of every subject on the recall of every class, (n, C); NaN without subjects.

    Targets have one 1 a row; the top score is the prediction.
    """
    scores = as_scores(scores)
    positive = as_targets(targets, scores.shape)
    correct = positive[np.arange(len(scores)), scores.argmax(axis=1)]
    counts = positive.sum(axis=0)
    recall = np.where(counts > 0, (positive & correct[:, None]).sum(axis=0), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = recall / counts
        return positive * (correct[:, None] - recall) / counts


def accuracy_influence(targets: Any, scores: Any) -> np.ndarray:
    """Influence of every subject on the accuracy, (n,)."""
    scores = as_scores(scores)
    positive = as_targets(targets, scores.shape)
    correct = positive[np.arange(len(scores)), scores.argmax(axis=1)]
    return (correct - correct.mean()) / len(correct)


def metric_influence(targets: Any, scores: Any, *, metric: PairedMetric) -> np.ndarray:
    """Influence of every subject on `metric`, (n,); means run over the classes that are defined."""
    if metric == "accuracy":
        return accuracy_influence(targets, scores)
    if metric == "map":
        return nan_mean(average_precision_influence(targets, scores), axis=1)
    if metric == "balanced_accuracy":
        return nan_mean(recall_influence(targets, scores), axis=1)
    raise ValueError(f"Expected `metric` to be one of the paired metrics, got {metric!r}.")


def clustered_standard_error(influence: Any, clusters: Any) -> np.ndarray:
    """Standard error of the metrics whose influences are (n,) or (n, K): () or (K,).

    `clusters` (n,): each subject's image, drawn whole. NaN with fewer than two images.
    """
    influence = np.asarray(influence, np.float64)
    codes, names = as_codes(clusters, len(influence), "clusters")
    n_clusters = len(names)
    if n_clusters < 2:
        return np.full(influence.shape[1:], np.nan)
    sums = np.zeros((n_clusters, *influence.shape[1:]))
    np.add.at(sums, codes, influence)
    spread = sums - sums.mean(axis=0)
    return np.sqrt((spread**2).sum(axis=0) * n_clusters / (n_clusters - 1))
