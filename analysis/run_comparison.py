"""Two variants on the same subjects and training seeds: does their difference exceed noise?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.run_records import RunRecord, SplitRows
from analysis.seed_intervals import over_seeds
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.metrics.comparison import PairedMetric, bootstrap_metric, metric_value
from ccim_core.metrics.resampling import McNemar, SeedInterval, mcnemar_exact, seed_interval

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
    """One side of a comparison: a variant's runs, one a training seed, asked by one estimator."""

    runs: tuple[RunRecord, ...]
    estimator: str

    @cached_property
    def by_seed(self) -> dict[int, RunRecord]:
        """The runs by training seed."""
        return {run.seed: run for run in self.runs}

    @property
    def labels(self) -> LabelSet:
        """The label set of all of them."""
        return self.runs[0].labels


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Two answers compared on one split, over the seeds that both have.

    Attributes:
        metric: what `before`, `after` (means over the seeds), `by_seed` (after − before) and
            `test` are of, in [0, 1].
        test: after − before, with an interval over subjects and seeds together; with one seed
            over subjects alone.
        sources: number of what is resampled whole; `resampled` says what.
        mcnemar: over subjects that only one got right; None where subjects have several labels,
            and for several seeds, which have one each.
        changed: share of subjects whose leading emotion differs, mean over the seeds.
        classes: `CLASS_COLUMNS`, see `class_table`.
        moves: leading emotion before (rows) × after (columns), counts over all seeds.
    """

    metric: PairedMetric
    n: int
    sources: int
    resampled: str
    before: float
    after: float
    by_seed: tuple[float, ...]
    test: SeedInterval
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
    """Compare two answers on the subjects of `rows`, over the seeds that both have.

    Raises InputError for a metric that the labels do not allow, for missing predictions, and
    where no seed is common.
    """
    labels = before.labels
    if metric not in metrics_for(labels.kind):
        raise InputError(
            f"Expected a metric of {list(metrics_for(labels.kind))} for labels of kind "
            f"{labels.kind!r}, got {metric!r}."
        )
    sources = len(np.unique(rows.sources))
    if sources < 2:
        raise InputError(
            f"Expected two images or more in split {rows.split!r} to compare on, got {sources}."
        )
    seeds = sorted(before.by_seed.keys() & after.by_seed.keys())
    if not seeds:
        raise InputError(
            f"Expected a training seed that both have, got {sorted(before.by_seed)} and "
            f"{sorted(after.by_seed)}; train both with the same seeds."
        )

    def outputs(answer: Answer) -> list[np.ndarray]:
        return [answer.by_seed[one].outputs(rows, answer.estimator) for one in seeds]

    def values(of: list[np.ndarray]) -> np.ndarray:
        return np.array([metric_value(rows.targets, one, metric=metric) for one in of])

    def draws(of: list[np.ndarray]) -> np.ndarray:
        """The same resamples for every output: differences are paired."""
        return np.stack(
            [
                bootstrap_metric(
                    rows.targets,
                    one,
                    metric=metric,
                    clusters=rows.sources,
                    n_resamples=n_resamples,
                    random_state=seed,
                )
                for one in of
            ]
        )

    first, second = outputs(before), outputs(after)
    by_seed = values(second) - values(first)
    top_first, top_second = (np.stack([one.argmax(axis=1) for one in of]) for of in (first, second))
    mcnemar = None
    if labels.kind == "single" and len(seeds) == 1:
        truth = rows.targets.argmax(axis=1)
        mcnemar = mcnemar_exact(top_first[0] == truth, top_second[0] == truth)
    emotions = list(labels.emotions)
    moves = np.zeros((len(emotions), len(emotions)), int)
    np.add.at(moves, (top_first.ravel(), top_second.ravel()), 1)
    return Comparison(
        metric=metric,
        n=len(rows.sample_ids),
        sources=sources,
        resampled="images" if sources == len(np.unique(rows.images)) else "sources",
        before=float(values(first).mean()),
        after=float(values(second).mean()),
        by_seed=tuple(map(float, by_seed)),
        test=seed_interval(by_seed, draws(second) - draws(first)),
        mcnemar=mcnemar,
        changed=float((top_first != top_second).mean()),
        classes=class_table(rows.split, before, after, seeds),
        moves=pd.DataFrame(
            moves, index=pd.Index(emotions, name="before"), columns=pd.Index(emotions, name="after")
        ),
    )


def class_table(split: str, before: Answer, after: Answer, seeds: Sequence[int]) -> pd.DataFrame:
    """`CLASS_COLUMNS`: each emotion's recall (of one label) or AP (of several) on both sides, mean
    over `seeds`, in [0, 1], with an interval over images and seeds from those that `evaluate` kept
    (one seed: over images); NaN where undefined or not evaluated."""
    key = "recall" if before.labels.kind == "single" else "ap_step"
    sides = {
        side: [_by_class(answer.by_seed[seed], split, answer.estimator) for seed in seeds]
        for side, answer in (("before", before), ("after", after))
    }
    table = []
    for emotion in before.labels.emotions:
        row: dict[str, Any] = {"emotion": emotion}
        for side, runs in sides.items():
            records = [records.get(emotion, {}) for records in runs]
            row.setdefault("positives", records[0].get("positives", 0))
            found = over_seeds(
                [_number(record.get(key)) for record in records],
                [_pair(record.get(f"{key}_interval")) for record in records],
            )
            row |= {side: found.mean, f"{side}_low": found.low, f"{side}_high": found.high}
        table.append({**row, "change": row["after"] - row["before"]})
    return pd.DataFrame(table, columns=list(CLASS_COLUMNS))


def _by_class(run: RunRecord, split: str, estimator: str) -> dict[str, Mapping[str, Any]]:
    record = run.metrics(split, estimator) or {}
    return {str(row["emotion"]): row for row in record.get("per_class", [])}


def _pair(ends: Any) -> tuple[float, float] | None:
    return None if ends is None else (_number(ends[0]), _number(ends[1]))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
