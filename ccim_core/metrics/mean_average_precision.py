"""mAP together with what one needs to read it: counts, prevalence and chance, per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ccim_core.metrics.average_precision import (
    AveragePrecisionKind,
    average_precisions,
    nan_mean,
)
from ccim_core.metrics.chance import chance_average_precision
from ccim_core.metrics.checks import as_scores, as_targets

__all__ = ["MeanAveragePrecision", "mean_average_precision"]


@dataclass(frozen=True, kw_only=True)
class MeanAveragePrecision:
    """mAP of one kind over the classes that have positives.

    `value` is NaN when none has; `n_defined` of the C classes entered it. Per class, (C,):
    `per_class` AP (NaN without positives), `positives`, `prevalence`, `chance` (a random
    ranking's AP). `chance_value` is the mean chance of the classes that entered `value`.
    """

    kind: AveragePrecisionKind
    value: float
    chance_value: float
    n_defined: int
    n_subjects: int
    per_class: np.ndarray
    positives: np.ndarray
    prevalence: np.ndarray
    chance: np.ndarray


def mean_average_precision(
    targets: Any, scores: Any, *, kind: AveragePrecisionKind = "step", n_simulations: int = 400
) -> MeanAveragePrecision:
    """mAP of `scores` (n, C) for `targets` (n, C) of 0/1, unweighted."""
    per_class = average_precisions(targets, scores, kinds=(kind,))[kind]
    scores = as_scores(scores)
    positives = as_targets(targets, scores.shape).sum(axis=0)
    n = len(scores)
    chance = chance_average_precision(positives, n, kind=kind, n_simulations=n_simulations).mean
    return MeanAveragePrecision(
        kind=kind,
        value=float(nan_mean(per_class)),
        chance_value=float(nan_mean(chance)),
        n_defined=int(np.isfinite(per_class).sum()),
        n_subjects=n,
        per_class=per_class,
        positives=positives,
        prevalence=positives / n if n else np.full(len(positives), np.nan),
        chance=chance,
    )
