"""The three average precisions in use, per class, with optional weights.

All three walk down the ranking one *distinct* score at a time (equal scores are one threshold,
as in scikit-learn), and differ in what they do with the precision P at recall R:

- `step`: Σ (R_k − R_{k−1}) P_k. scikit-learn's `average_precision_score`.
- `interpolated`: the same with max_{j ≥ k} P_j in place of P_k. VOC 2010 and later.
- `eleven_point`: the mean over t = 0, 0.1, …, 1 of max {P_j : R_j ≥ t}. VOC 2007.

Differs from scikit-learn: a class without positives has no average precision (NaN, not 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy import sparse

from ccim_core.metrics.checks import as_scores, as_targets, as_weights

__all__ = [
    "AP_KINDS",
    "AveragePrecisionKind",
    "RankedClass",
    "area_under_steps",
    "average_precision",
    "average_precisions",
    "nan_mean",
    "rank_classes",
]

AveragePrecisionKind = Literal["step", "interpolated", "eleven_point"]
AP_KINDS: tuple[AveragePrecisionKind, ...] = get_args(AveragePrecisionKind)

# Recall reaches t when it is within rounding of it: 3 of 10 positives are a recall of 0.3.
_RECALL_SLACK = 1 - 1e-9


def average_precision(
    targets: Any,
    scores: Any,
    *,
    kind: AveragePrecisionKind = "step",
    sample_weight: Any = None,
) -> np.ndarray:
    """Average precision of every class, (C,); NaN where a class has no positive (weight).

    `targets` (n, C) of 0/1, `scores` (n, C) finite, `sample_weight` (n,) or (n, C), one column a
    class. Raises ValueError on other shapes or values.
    """
    return average_precisions(targets, scores, kinds=(kind,), sample_weight=sample_weight)[kind]


def average_precisions(
    targets: Any,
    scores: Any,
    *,
    kinds: Sequence[AveragePrecisionKind] = AP_KINDS,
    sample_weight: Any = None,
) -> dict[AveragePrecisionKind, np.ndarray]:
    """Several average precisions, (C,) each, from one sort of the scores."""
    for kind in kinds:
        if kind not in AP_KINDS:
            raise ValueError(f"Expected `kind` to be one of {AP_KINDS}, got {kind!r}.")
    scores = as_scores(scores)
    weights = _weight_matrix(sample_weight, scores.shape)
    values = {kind: np.full(scores.shape[1], np.nan) for kind in kinds}
    for column, ranked in enumerate(rank_classes(targets, scores)):
        weight = weights[:, column, None]
        gained, total = ranked.gained @ weight, ranked.total @ weight
        for kind in kinds:
            values[kind][column] = area_under_steps(gained, total, kind=kind)[0]
    return values


def nan_mean(values: np.ndarray, axis: int | None = None) -> Any:
    """Mean of the defined entries; NaN, without a warning, where none is defined."""
    defined = np.isfinite(values)
    count = defined.sum(axis=axis)
    total = np.where(defined, values, 0.0).sum(axis=axis)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)[()]


@dataclass(frozen=True, kw_only=True)
class RankedClass:
    """One class's ranking as two sparse matrices (M, U), so that any weights cost two products.

    U units carry the weights: subjects, or images that hold several. M counts the thresholds that
    admit at least one positive: between them precision only falls, so no average precision needs
    the others. Row k of `gained` sums the positives admitted at threshold k, row k of `total`
    everybody admitted since threshold k − 1.
    """

    gained: sparse.csr_matrix
    total: sparse.csr_matrix


def rank_classes(
    targets: Any,
    scores: Any,
    *,
    units: np.ndarray | None = None,
    n_units: int | None = None,
    sample_weight: Any = None,
) -> list[RankedClass]:
    """Sort every class once.

    `units` (n,): the unit in [0, n_units) whose weight a row bears; `sample_weight` (n,) or
    (n, C): the row's own, which multiplies it.
    """
    scores = as_scores(scores)
    targets = as_targets(targets, scores.shape)
    weights = _weight_matrix(sample_weight, scores.shape)
    if units is None:
        units = np.arange(len(scores))
    n_units = n_units or len(scores)
    orders = np.argsort(-scores, axis=0, kind="stable")
    return [
        _rank(
            targets[order, column],
            scores[order, column],
            units[order],
            n_units,
            weights[order, column],
        )
        for column, order in enumerate(orders.T)
    ]


def area_under_steps(
    gained: np.ndarray, total: np.ndarray, *, kind: AveragePrecisionKind
) -> np.ndarray:
    """Average precision (B,) from the (M, B) weights that each threshold adds, best first.

    `gained` is the positives' weight, `total` everybody's. NaN where no positive has weight.
    """
    if not len(gained):
        return np.full(gained.shape[1], np.nan)
    found = np.cumsum(gained, axis=0)
    admitted = np.cumsum(total, axis=0)
    # Nothing admitted yet means nothing found: that precision is never counted, so 0 will do.
    precision = np.divide(found, admitted, out=np.zeros_like(found), where=admitted > 0)
    positives = found[-1]
    if kind != "step":
        precision = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    if kind == "eleven_point":
        area = _mean_at_eleven(precision, found)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            area = (gained * precision).sum(axis=0, dtype=np.float64) / positives
    return np.where(positives > 0, area, np.nan)


def _mean_at_eleven(envelope: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Mean of the precision envelope (M, B) where recall first reaches 0, 0.1, …, 1."""
    columns = np.arange(found.shape[1])
    area = np.zeros(found.shape[1])
    for tenths in range(11):
        wanted = found[-1] * (tenths / 10 * _RECALL_SLACK)
        area += envelope[(found < wanted).sum(axis=0), columns]
    return area / 11


def _rank(
    targets: np.ndarray,
    scores: np.ndarray,
    units: np.ndarray,
    n_units: int,
    weights: np.ndarray,
) -> RankedClass:
    """Rows sorted by falling score to a RankedClass."""
    is_last = np.ones(len(scores), bool)
    is_last[:-1] = scores[1:] != scores[:-1]
    ends = np.flatnonzero(is_last)
    found = np.cumsum(targets)
    # A threshold matters when it admits a positive: the count of positives grew.
    gains = np.diff(found[ends], prepend=0) > 0
    ends = ends[gains]
    return RankedClass(
        gained=_sum_rows(units[targets], weights[targets], found[ends], n_units),
        total=_sum_rows(units, weights, ends + 1, n_units),
    )


def _sum_rows(
    units: np.ndarray, weights: np.ndarray, stops: np.ndarray, n_units: int
) -> sparse.csr_matrix:
    """Sparse (M, n_units): row k sums the units between stop k − 1 and stop k."""
    pointer = np.concatenate(([0], stops))
    last = pointer[-1]
    return sparse.csr_matrix(
        (weights[:last].astype(np.float32), units[:last], pointer), shape=(len(stops), n_units)
    )


def _weight_matrix(sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Weights as float64 (n, C), from None, (n,) or (n, C)."""
    n, n_classes = shape
    weights = np.asarray(1.0 if sample_weight is None else sample_weight)
    if weights.ndim == 2:
        if weights.shape != (n, n_classes):
            raise ValueError(
                f"Expected `sample_weight` to be of shape ({n},) or {shape}, got {weights.shape}."
            )
        return as_weights(weights.ravel(), weights.size).reshape(shape)
    return np.broadcast_to(as_weights(sample_weight, n)[:, None], (n, n_classes))
