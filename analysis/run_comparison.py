"""Two runs, or two estimators of one, on the same subjects: does their difference exceed noise?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.run_records import RunRecord, SplitRows
from ccim_core.errors import InputError
from ccim_core.metrics.comparison import PairedMetric, compare_outputs, metric_value
from ccim_core.metrics.resampling import McNemar, PairedComparison, mcnemar_exact

__all__ = ["Answer", "Comparison", "class_table", "compare_answers", "metrics_for"]

_SIDES = ("before", "after")
CLASS_COLUMNS = (
    "emotion",
    "positives",
    *(f"{side}{end}" for side in _SIDES for end in ("", "_low", "_high")),
    "change",
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One side of a comparison: a run asked by one of its estimators."""

    run: RunRecord
    estimator: str

    def outputs(self, rows: SplitRows) -> np.ndarray:
        """Outputs (n, C) on a split. Raises InputError when they are not all there."""
        return self.run.outputs(rows, self.estimator)


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Two answers compared on one split.

    Attributes:
        metric: what `before`, `after` and `test` are of, in [0, 1].
        test: the paired bootstrap over images, after − before.
        mcnemar: over subjects that only one got right; None where subjects have several labels.
        changed: share of subjects whose leading emotion differs.
        classes: `CLASS_COLUMNS`, see `class_table`.
        moves: leading emotion before (rows) × after (columns), counts.
    """

    metric: PairedMetric
    n: int
    images: int
    before: float
    after: float
    test: PairedComparison
    mcnemar: McNemar | None
    changed: float
    classes: pd.DataFrame = field(repr=False)
    moves: pd.DataFrame = field(repr=False)


def metrics_for(kind: str) -> tuple[PairedMetric, ...]:
    """Metrics that two answers can be compared by, for subjects of one label or several."""
    return ("map",) if kind == "multi" else ("accuracy", "balanced_accuracy", "map")


def compare_answers(
    rows: SplitRows,
    before: Answer,
    after: Answer,
    *,
    metric: PairedMetric,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two answers on the subjects of `rows`.

    Raises InputError for a metric that the labels do not allow, and for missing predictions.
    """
    labels = before.run.labels
    if metric not in metrics_for(labels.kind):
        raise InputError(
            f"Expected a metric of {list(metrics_for(labels.kind))} for labels of kind "
            f"{labels.kind!r}, got {metric!r}."
        )
    images = len(np.unique(rows.images))
    if images < 2:
        raise InputError(
            f"Expected two images or more in split {rows.split!r} to compare on, got {images}."
        )
    first, second = before.outputs(rows), after.outputs(rows)
    top_first, top_second = first.argmax(axis=1), second.argmax(axis=1)
    mcnemar = None
    if labels.kind == "single":
        truth = rows.targets.argmax(axis=1)
        mcnemar = mcnemar_exact(top_first == truth, top_second == truth)
    emotions = list(labels.emotions)
    moves = np.zeros((len(emotions), len(emotions)), int)
    np.add.at(moves, (top_first, top_second), 1)
    return Comparison(
        metric=metric,
        n=len(rows.sample_ids),
        images=images,
        before=metric_value(rows.targets, first, metric=metric),
        after=metric_value(rows.targets, second, metric=metric),
        test=compare_outputs(
            rows.targets,
            first,
            second,
            metric=metric,
            clusters=rows.images,
            n_resamples=n_resamples,
            seed=seed,
        ),
        mcnemar=mcnemar,
        changed=float((top_first != top_second).mean()),
        classes=class_table(rows.split, before, after),
        moves=pd.DataFrame(
            moves, index=pd.Index(emotions, name="before"), columns=pd.Index(emotions, name="after")
        ),
    )


def class_table(split: str, before: Answer, after: Answer) -> pd.DataFrame:
    """`CLASS_COLUMNS`: each emotion's recall (of one label) or AP (of several) on both sides, in
    [0, 1], with the intervals that `evaluate` kept; NaN where undefined or not evaluated."""
    key = "recall" if before.run.labels.kind == "single" else "ap_step"
    sides = {"before": _by_class(before, split), "after": _by_class(after, split)}
    table = []
    for emotion in before.run.labels.emotions:
        row: dict[str, Any] = {"emotion": emotion}
        for side, records in sides.items():
            record = records.get(emotion, {})
            low, high = record.get(f"{key}_interval") or (None, None)
            row.setdefault("positives", record.get("positives", 0))
            row |= {
                side: _number(record.get(key)),
                f"{side}_low": _number(low),
                f"{side}_high": _number(high),
            }
        table.append({**row, "change": row["after"] - row["before"]})
    return pd.DataFrame(table, columns=list(CLASS_COLUMNS))


def _by_class(answer: Answer, split: str) -> dict[str, Mapping[str, Any]]:
    record = answer.run.metrics(split, answer.estimator) or {}
    return {str(row["emotion"]): row for row in record.get("per_class", [])}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
