"""A setting's number over its seeds, and what one setting gains over another on the same images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtri

from analysis.run_records import RunRecord
from analysis.seed_intervals import LEVEL, Estimate, over_seeds, paired_over_seeds
from analysis.table_data import TableData
from ccim_core.metrics.consistency import top_change_rate
from ccim_core.metrics.influence import clustered_standard_error

__all__ = [
    "Gain",
    "average_gain",
    "control_number",
    "metric_number",
    "paired_gain",
    "seed_change",
    "top_change",
]

PER_CENT = 100.0


def metric_number(
    runs: Sequence[RunRecord], split: str, key: str, *, emotion: str | None = None
) -> Estimate:
    """`key` of the runs' evaluations over their seeds, in per cent.

    Args:
        emotion: of its row of the per-class records; None for the whole split's.
    """
    values: list[float] = []
    intervals: list[tuple[float, float] | None] = []
    reasons: list[str] = []
    for run in runs:
        record = run.metrics(split)
        if record is None:
            reasons.append(_not_evaluated(run, split))
            continue
        if emotion is not None:
            record = _of_class(record, emotion)
        value, pair = record.get(key), record.get(f"{key}_interval")
        values.append(math.nan if value is None else float(value))
        intervals.append(None if pair is None else (float(pair[0]), float(pair[1])))
        for name in (f"{key}_reason", f"{key}_interval_reason"):
            if record.get(name):
                reasons.append(str(record[name]))
    return over_seeds(values, intervals, reason="; ".join(dict.fromkeys(reasons))).scaled(PER_CENT)


def _not_evaluated(run: RunRecord, split: str) -> str:
    return f"{run.name} has not been evaluated on split {split!r}: `{run.evaluate_command()}`"


def _of_class(record: dict[str, Any], emotion: str) -> dict[str, Any]:
    for row in record.get("per_class", []):
        if row["emotion"] == emotion:
            return row
    return {}


def control_number(
    runs: Sequence[RunRecord], split: str, key: str, *, factor: float = PER_CENT
) -> Estimate:
    """`key` of the runs' controls over their seeds; it has no interval over images."""
    values = [run.controls(split).get(key) for run in runs]
    numbers = [math.nan if value is None else float(value) for value in values]
    why = "not kept by `evaluate` with these runs" if runs else "there are no runs"
    found = over_seeds(numbers, [None] * len(numbers), reason=why)
    reason = found.reason if not math.isfinite(found.mean) else ""
    spread = Estimate(mean=found.mean, sd=found.sd, n=found.n, reason=reason)
    return spread.scaled(factor)


@dataclass(frozen=True, kw_only=True, eq=False)
class Gain:
    """What a setting gains over another, by seed, and how each image moves the mean gain.

    `values` (a shared seed each) and `influence` (n,) in per cent; `images` (n,).
    """

    estimate: Estimate
    values: tuple[float, ...] = ()
    influence: np.ndarray = field(default_factory=lambda: np.zeros(0))
    images: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    dataset: str = ""


def paired_gain(
    data: TableData, before: dict[int, RunRecord], after: dict[int, RunRecord], split: str
) -> Gain:
    """Headline of `after` minus that of `before`, over the seeds that both have, in per cent.

    Both answered the same subjects, so the interval is that of the difference (see
    `ccim_core.metrics.influence`), which is narrower than the two intervals suggest.
    """
    seeds = [
        seed
        for seed in sorted(set(before) & set(after))
        if before[seed].metrics(split) is not None and after[seed].metrics(split) is not None
    ]
    if not seeds:
        reason = "no two runs share a seed" if before and after else "there are no runs"
        return Gain(estimate=Estimate(reason=reason))
    rows = data.rows(split)
    moved = [
        data.influence(after[seed], split) - data.influence(before[seed], split) for seed in seeds
    ]
    values = [
        (_headline(after[seed], split) - _headline(before[seed], split)) * PER_CENT
        for seed in seeds
    ]
    influence = np.mean(moved, axis=0) * PER_CENT
    error = float(clustered_standard_error(influence, rows.images))
    return Gain(
        estimate=paired_over_seeds(values, error),
        values=tuple(values),
        influence=influence,
        images=rows.images,
        dataset=data.labels.name,
    )


def _headline(run: RunRecord, split: str) -> float:
    value = (run.metrics(split) or {}).get("headline")
    return math.nan if value is None else float(value)


def average_gain(gains: Sequence[Gain]) -> Estimate:
    """Mean of several gains, each of a model on a dataset, with its interval.

    Models on one dataset answered the same images: their influences are averaged before they are
    squared. Seeds, and datasets, vary independently.
    """
    gains = [gain for gain in gains if gain.values]
    if not gains:
        return Estimate(reason="there are no runs")
    k = len(gains)
    variance = 0.0
    for name in {gain.dataset for gain in gains}:
        mine = [gain for gain in gains if gain.dataset == name]
        total = np.sum([gain.influence for gain in mine], axis=0) / k
        variance += float(clustered_standard_error(total, mine[0].images)) ** 2
    half = float(ndtri((1 + LEVEL) / 2)) * math.sqrt(variance)
    by_seed = [_seed_half_width(gain) / k for gain in gains]
    unknown = any(math.isnan(one) for one in by_seed)
    half = math.hypot(half, *(one for one in by_seed if not math.isnan(one)))
    mean = float(np.mean([gain.estimate.mean for gain in gains]))
    return Estimate(
        mean=mean,
        n=min(len(gain.values) for gain in gains),
        low=mean - half,
        high=mean + half,
        reason="one seed of a model only: how far training varies is unknown" if unknown else "",
    )


def _seed_half_width(gain: Gain) -> float:
    if len(gain.values) < 2:
        return math.nan
    spread = paired_over_seeds(gain.values, 0.0)
    return spread.high - spread.mean


def top_change(
    data: TableData, before: dict[int, RunRecord], after: dict[int, RunRecord], split: str
) -> Estimate:
    """Share of subjects whose top prediction differs, seed by seed, in per cent."""
    rates = [
        top_change_rate(data.outputs(before[seed], split), data.outputs(after[seed], split))
        for seed in sorted(set(before) & set(after))
        if before[seed].metrics(split) is not None and after[seed].metrics(split) is not None
    ]
    return _spread(rates)


def seed_change(data: TableData, runs: dict[int, RunRecord], split: str) -> Estimate:
    """Share whose top prediction differs between two seeds of one setting, over all pairs.

    What `top_change` must exceed to be the intervention's doing.
    """
    found = [run for _, run in sorted(runs.items()) if run.metrics(split) is not None]
    if len(found) == 1:
        return Estimate(reason="one seed only: there is no second to compare with")
    rates = [
        top_change_rate(data.outputs(first, split), data.outputs(second, split))
        for place, first in enumerate(found)
        for second in found[place + 1 :]
    ]
    return _spread(rates)


def _spread(rates: list[float]) -> Estimate:
    found = over_seeds(rates, [None] * len(rates))
    reason = found.reason if not rates else ""
    return Estimate(mean=found.mean, sd=found.sd, n=found.n, reason=reason).scaled(PER_CENT)
