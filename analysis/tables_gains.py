"""What CCIM gains over the plain model, by model and dataset, and the averages of section 4.4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.published import TABLES, published_gains, published_results
from analysis.run_numbers import Gain, average_gain, paired_gain
from analysis.seed_intervals import Estimate, verdict
from analysis.table_data import TableData

__all__ = ["GAIN_COLUMNS", "gains_table", "model_gains"]

GAIN_COLUMNS = (
    "scope",
    "dataset",
    "split",
    "name",
    "published",
    "ours",
    "seeds",
    "low",
    "high",
    "difference",
    "exceeds",
    "verdict",
    "over",
    "reason",
)


def model_gains(data: TableData, split: str) -> dict[str, Gain]:
    """Model to what its "+ CCIM" gains over its plain run on a split."""
    gains = {}
    for name in data.models:
        model = data.model(name)
        before, after = (model.by_setting.get(setting, {}) for setting in ("none", "ccim"))
        gains[name] = paired_gain(data, before, after, split)
    return gains


def gains_table(datasets: Mapping[str, TableData], *, splits: Iterable[str] = ()) -> pd.DataFrame:
    """`GAIN_COLUMNS`: a row a model of each dataset, then averages by dataset and by model.

    Gains in points. `verdict` says on which side of 0 the interval lies.
    `over` says what an average is of; the paper's own are over all four models, or all three
    datasets, and average the datasets' different metrics.
    """
    rows: list[dict[str, Any]] = []
    for data in datasets.values():
        for split in splits or data.splits:
            rows += _dataset_rows(data, split, model_gains(data, split))
    return pd.DataFrame([*rows, *_model_rows(datasets)], columns=list(GAIN_COLUMNS))


def _dataset_rows(data: TableData, split: str, gains: Mapping[str, Gain]) -> list[dict[str, Any]]:
    place = {"dataset": data.dataset, "split": split}
    published = _published_by_model(data.dataset)
    rows = [
        _row("model", data.model(name).title, gain.estimate, published, **place)
        for name, gain in gains.items()
    ]
    measured = [data.model(name).title for name, gain in gains.items() if gain.values]
    average = average_gain(list(gains.values()))
    row = _row("dataset average", data.dataset, average, _stated("dataset"), **place)
    return [*rows, {**row, "over": ", ".join(measured)}]


def _model_rows(datasets: Mapping[str, TableData]) -> list[dict[str, Any]]:
    """Averages of each model over the datasets that the paper has, on their test splits."""
    known = [data for data in datasets.values() if data.dataset in TABLES.values()]
    rows = []
    names = dict.fromkeys(name for data in known for name in data.models)
    for name in names:
        gains = {data.dataset: model_gains(data, data.splits[0])[name] for data in known}
        title = known[0].model(name).title
        average = average_gain(list(gains.values()))
        row = _row("model average", title, average, _stated("model"), dataset="", split="test")
        over = ", ".join(dataset for dataset, gain in gains.items() if gain.values)
        rows.append({**row, "over": over})
    return rows


def _row(
    scope: str,
    name: str,
    estimate: Estimate,
    published: Mapping[str, float],
    *,
    dataset: str,
    split: str,
) -> dict[str, Any]:
    value = published.get(name, math.nan)
    return {
        "scope": scope,
        "dataset": dataset,
        "split": split,
        "name": name,
        "published": value,
        "ours": estimate.mean,
        "seeds": estimate.n,
        "low": estimate.low,
        "high": estimate.high,
        "difference": estimate.mean - value,
        "exceeds": estimate.excludes(value),
        "verdict": verdict(estimate),
        "over": "",
        "reason": estimate.reason,
    }


def _published_by_model(dataset: str) -> dict[str, float]:
    """Model to the gain that follows from a dataset's published headlines."""
    frame = published_results()
    mine = frame[(frame["dataset"] == dataset) & (frame["category"] == "all")]
    wide = mine[mine["source"] == "reimplemented"].pivot(
        index="model", columns="intervention", values="value"
    )
    if wide.empty:
        return {}
    return {str(model): round(gain, 2) for model, gain in (wide["ccim"] - wide["none"]).items()}


def _stated(scope: str) -> dict[str, float]:
    frame = published_gains()
    mine = frame[frame["scope"] == scope]
    return dict(zip(mine["name"], mine["gain"].astype(float), strict=True))
