"""Table 4 (the ablations of CCIM) and Figure 6 (the dictionary's size)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.published import ABLATION_DATASETS, published_ablation
from analysis.run_families import ModelRuns
from analysis.run_numbers import metric_number, paired_gain
from analysis.seed_intervals import Estimate, verdict
from analysis.table_data import TableData
from analysis.table_settings import SETTINGS, SIZES, ablations
from analysis.tables_controls import term_cells
from analysis.tables_results import METRIC_TITLES, estimate_cells, metric_key

__all__ = [
    "ABLATION_COLUMNS",
    "ABLATION_MODELS",
    "SIZE_COLUMNS",
    "ablation_table",
    "published_changes",
    "size_table",
]

ABLATION_MODELS = ("emot_net", "emoticon")
_TERM = ("causal_share", "input_dependent_share", "g_mean", "top_change")
_NUMBER = ("ours", "sd", "seeds", "low", "high")
_CHANGE = ("change", "change_low", "change_high", "verdict")

ABLATION_COLUMNS = (
    "id",
    "model",
    "setting",
    "title",
    "dataset",
    "split",
    "metric",
    "published",
    *_NUMBER,
    "difference",
    "exceeds",
    "published_change",
    *_CHANGE,
    *_TERM,
    "reason",
)
SIZE_COLUMNS = (
    "model",
    "dataset",
    "split",
    "metric",
    "size",
    "default",
    *_NUMBER,
    "plain",
    *_CHANGE,
    *_TERM,
    "reason",
)


def ablation_table(
    datasets: Mapping[str, TableData], *, splits: Iterable[str] = (), ap: str = "step"
) -> pd.DataFrame:
    """`ABLATION_COLUMNS`, a row a setting × model × dataset × split, numbers in %.

    `change` is against the full "+ CCIM" (row 1 or 2) of the same seeds, with its interval, and
    `published_change` the paper's. Datasets of the paper that no study is given of have their
    published numbers, and say that they were not measured.
    """
    rows: list[dict[str, Any]] = []
    measured = {data.dataset for data in datasets.values()}
    for data in datasets.values():
        for split in splits or data.splits:
            rows += _measured(data, split, ap)
    if measured & set(ABLATION_DATASETS):
        for dataset in ABLATION_DATASETS:
            if dataset not in measured:
                rows += _unmeasured(dataset)
    return pd.DataFrame(rows, columns=list(ABLATION_COLUMNS))


def _measured(data: TableData, split: str, ap: str) -> list[dict[str, Any]]:
    key = metric_key(data, ap)
    published = _published(data.dataset)
    rows = []
    for setting in ablations(data.labels.name):
        for name in ABLATION_MODELS:
            model = data.model(name)
            value, change, number = published.get((setting, model.title), _NOTHING)
            estimate = metric_number(model.runs(setting), split, key)
            rows.append(
                {
                    "id": number,
                    "model": model.title,
                    "setting": setting,
                    "title": SETTINGS[setting].title,
                    "dataset": data.dataset,
                    "split": split,
                    "metric": METRIC_TITLES[key],
                    "published": value,
                    **estimate_cells(estimate),
                    "difference": estimate.mean - value,
                    "exceeds": estimate.excludes(value),
                    "published_change": change,
                    **_change(data, model, setting, split),
                    **term_cells(data, model, setting, split),
                }
            )
    return rows


_NOTHING = (math.nan, math.nan, None)


def _change(data: TableData, model: ModelRuns, setting: str, split: str) -> dict[str, Any]:
    """Against the full CCIM on the same subjects and seeds."""
    change = Estimate()
    full, mine = (model.by_setting.get(name, {}) for name in ("ccim", setting))
    if setting != "ccim" and mine and full:
        change = paired_gain(data, full, mine, split).estimate
    return {
        "change": change.mean,
        "change_low": change.low,
        "change_high": change.high,
        "verdict": verdict(change),
    }


def _unmeasured(dataset: str) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "model": model,
            "setting": setting,
            "title": SETTINGS[setting].title,
            "dataset": dataset,
            "split": "test",
            "published": value,
            "published_change": change,
            "seeds": 0,
            "reason": f"no study of {dataset} was given",
        }
        for (setting, model), (value, change, number) in _published(dataset).items()
    ]


def _published(dataset: str) -> dict[tuple[str, str], tuple[float, float, Any]]:
    """(setting, model) to the published number, its change from the full CCIM, and the row's id."""
    frame = published_ablation()
    frame = frame[frame["dataset"] == dataset]
    names = {setting.published: name for name, setting in SETTINGS.items() if setting.published}
    full = frame[frame["setting"] == "full"].set_index("model")["value"]
    return {
        (names[row["setting"]], str(row["model"])): (
            float(row["value"]),
            math.nan
            if row["setting"] == "full"
            else round(float(row["value"]) - float(full[row["model"]]), 2),
            int(row["id"]),
        )
        for row in frame.to_dict("records")
        if row["setting"] in names
    }


def published_changes() -> pd.DataFrame:
    """The paper's changes from its full CCIM: setting, title, model, dataset, change (points)."""
    rows = [
        {
            "setting": setting,
            "title": SETTINGS[setting].title,
            "model": model,
            "dataset": dataset,
            "change": change,
        }
        for dataset in ABLATION_DATASETS
        for (setting, model), (_, change, _) in _published(dataset).items()
        if setting != "ccim"
    ]
    return pd.DataFrame(rows)


def size_table(
    datasets: Mapping[str, TableData], *, splits: Iterable[str] = (), ap: str = "step"
) -> pd.DataFrame:
    """`SIZE_COLUMNS`, a row a dictionary size × model × dataset × split.

    `change` is against the default size. The paper draws Figure 6 and prints none of its numbers.
    """
    rows = []
    for data in datasets.values():
        key = metric_key(data, ap)
        for split in splits or data.splits:
            for name in ABLATION_MODELS:
                model = data.model(name)
                plain = metric_number(model.runs("none"), split, key)
                default = int(model.reference["dictionary"]["size"])
                for size in sorted({*SIZES, default}):
                    setting = "ccim" if size == default else f"size_{size}"
                    rows.append(
                        {
                            "model": model.title,
                            "dataset": data.dataset,
                            "split": split,
                            "metric": METRIC_TITLES[key],
                            "size": size,
                            "default": size == default,
                            **estimate_cells(metric_number(model.runs(setting), split, key)),
                            "plain": plain.mean,
                            **_change(data, model, setting, split),
                            **term_cells(data, model, setting, split),
                        }
                    )
    return pd.DataFrame(rows, columns=list(SIZE_COLUMNS))
