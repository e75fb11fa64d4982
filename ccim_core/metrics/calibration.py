"""Calibration: do outputs of 0.7 come true seven times in ten? ECE, reliability, Brier, NLL.

Only probabilities can be calibrated: entries outside [0, 1] are refused. Bins are equal in width,
closed on the left: [0, 1/n), …, [1 − 1/n, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ccim_core.metrics.average_precision import nan_mean
from ccim_core.metrics.checks import (
    as_class_indices,
    as_column,
    as_probabilities,
    as_scores,
    as_targets,
)

__all__ = [
    "Reliability",
    "brier_score",
    "classwise_ece",
    "expected_calibration_error",
    "negative_log_likelihood",
    "reliability_table",
    "subject_nll",
    "top_label_reliability",
]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """One row a bin, (n_bins,) each: `lower`, `upper`, `count`, `confidence`, `frequency`.

    `confidence` is the bin's mean probability, `frequency` how often the event came true; both
    are NaN in an empty bin.
    """

    lower: np.ndarray
    upper: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    frequency: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error Σ_b (n_b / n) |frequency − confidence|; NaN if n = 0."""
        n = self.count.sum()
        gap = np.nan_to_num(np.abs(self.frequency - self.confidence))
        return float((self.count * gap).sum() / n) if n else float("nan")


def reliability_table(probabilities: Any, outcomes: Any, *, n_bins: int = 15) -> Reliability:
    """Reliability of `probabilities` (n,) for events `outcomes` (n,) of 0/1."""
    if n_bins < 1:
        raise ValueError(f"Expected `n_bins` to be 1 or more, got {n_bins}.")
    probabilities = as_probabilities(probabilities)
    outcomes = as_targets(outcomes, (probabilities.size,), "outcomes")
    edges = np.linspace(0, 1, n_bins + 1)
    which = np.minimum(np.searchsorted(edges, probabilities, side="right") - 1, n_bins - 1)
    count = np.bincount(which, minlength=n_bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        confidence = np.bincount(which, probabilities, minlength=n_bins) / count
        frequency = np.bincount(which, outcomes, minlength=n_bins) / count
    return Reliability(
        lower=edges[:-1],
        upper=edges[1:],
        count=count,
        confidence=confidence,
        frequency=frequency,
    )


def top_label_reliability(labels: Any, probabilities: Any, *, n_bins: int = 15) -> Reliability:
    """Reliability of the top prediction: max_c p (n, C), and whether it is the label (n,)."""
    probabilities = as_probabilities(as_scores(probabilities, "probabilities"))
    labels = as_class_indices(labels, probabilities.shape[1], "labels")
    as_column(labels, len(probabilities), "labels")
    correct = probabilities.argmax(axis=1) == labels
    return reliability_table(probabilities.max(axis=1), correct, n_bins=n_bins)


def expected_calibration_error(labels: Any, probabilities: Any, *, n_bins: int = 15) -> float:
    """Top-label ECE of `probabilities` (n, C) for `labels` (n,) (Guo et al. 2017)."""
    return top_label_reliability(labels, probabilities, n_bins=n_bins).error


def classwise_ece(targets: Any, probabilities: Any, *, n_bins: int = 15) -> np.ndarray:
    """ECE of every class on its own, (C,): the form for several labels a subject.

    `targets` (n, C) of 0/1, `probabilities` (n, C). Its mean is the class-wise ECE.
    """
    probabilities = as_probabilities(as_scores(probabilities, "probabilities"))
    targets = as_targets(targets, probabilities.shape)
    columns = zip(probabilities.T, targets.T, strict=True)
    return np.array([reliability_table(p, y, n_bins=n_bins).error for p, y in columns])


def brier_score(targets: Any, probabilities: Any, *, multi_label: bool) -> float:
    """Mean over subjects of Σ_c (p − y)², or of its mean over classes if `multi_label`.

    `targets` (n, C) of 0/1, `probabilities` (n, C). NaN without subjects.
    """
    probabilities = as_probabilities(as_scores(probabilities, "probabilities"))
    targets = as_targets(targets, probabilities.shape)
    squares = (probabilities - targets) ** 2
    return float(nan_mean(squares.mean(axis=1) if multi_label else squares.sum(axis=1)))


def negative_log_likelihood(
    targets: Any, probabilities: Any, *, multi_label: bool, clip: float = 1e-12
) -> float:
    """Mean over subjects of −log p(label), nats; if `multi_label`, of the mean binary form.

    `targets` (n, C) of 0/1, one a row unless `multi_label`. Probabilities are kept `clip` away
    from 0 and 1: a single-precision 0 for what came true would otherwise make the mean infinite.
    """
    return float(nan_mean(subject_nll(targets, probabilities, multi_label=multi_label, clip=clip)))


def subject_nll(
    targets: Any, probabilities: Any, *, multi_label: bool, clip: float = 1e-12
) -> np.ndarray:
    """Each subject's negative log-likelihood, (n,) nats; see `negative_log_likelihood`."""
    if not 0 <= clip < 0.5:
        raise ValueError(f"Expected `clip` to be in [0, 0.5), got {clip}.")
    probabilities = as_probabilities(as_scores(probabilities, "probabilities"))
    targets = as_targets(targets, probabilities.shape)
    likely = np.where(targets, probabilities, 1 - probabilities).clip(clip, 1 - clip)
    if multi_label:
        return -np.log(likely).mean(axis=1)
    if not (targets.sum(axis=1) == 1).all():
        raise ValueError("Expected `targets` to have one 1 a row, got rows with none or several.")
    return -np.log(likely[targets])
