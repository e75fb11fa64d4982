"""Tables 1-3: each model plain and with CCIM, published beside measured, whole and by emotion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.published import published_results
from analysis.run_families import ModelRuns
from analysis.run_numbers import metric_number
from analysis.run_records import RunRecord
from analysis.seed_intervals import Estimate
from analysis.table_data import TableData
from analysis.table_settings import SETTINGS
from ccim_core.metrics.average_precision import AP_KINDS

__all__ = [
    "AP_TITLES",
    "METRIC_TITLES",
    "RESULT_COLUMNS",
    "ap_table",
    "category_table",
    "estimate_cells",
    "metric_key",
    "results_table",
]

AP_TITLES: dict[str, str] = {
    "step": "step-wise AP",
    "interpolated": "all-point interpolated AP",
    "eleven_point": "11-point AP",
}
METRIC_TITLES: dict[str, str] = {
    **{f"map_{kind}": f"mAP ({title}), %" for kind, title in AP_TITLES.items()},
    **{f"ap_{kind}": f"{title}, %" for kind, title in AP_TITLES.items()},
    "accuracy": "accuracy, %",
    "balanced_accuracy": "balanced accuracy, %",
    "recall": "accuracy of the class (recall), %",
}

COMPARED = ("none", "ccim")
RESULT_COLUMNS = (
    "dataset",
    "split",
    "model",
    "setting",
    "title",
    "metric",
    "category",
    "published",
    "ours",
    "sd",
    "seeds",
    "low",
    "high",
    "difference",
    "exceeds",
    "chance",
    "positives",
    "prevalence",
    "source",
    "reason",
)


def metric_key(data: TableData, ap: str = "step") -> str:
    """The evaluation's key of a dataset's headline, with the AP named."""
    return f"map_{ap}" if data.metric == "map" else data.metric


def results_table(
    data: TableData, *, table: str | None, splits: Iterable[str] = (), ap: str = "step"
) -> pd.DataFrame:
    """The headline of every model, plain and with CCIM: `RESULT_COLUMNS`, all but counts in %.

    `table` names the published one; None where the paper has none of this dataset. Published rows
    that no model of ours stands for (RRLA and others, by their own reports) come last.
    """
    key = metric_key(data, ap)
    published = _published(table, "all")
    rows = []
    for split in splits or data.splits:
        for name in data.models:
            model = data.model(name)
            for setting in COMPARED:
                rows.append(
                    {
                        **_place(data, split, model, setting, key, "all"),
                        **_chance(data, model, split, ap),
                        **_beside(
                            published.get((model.title, setting)),
                            metric_number(model.runs(setting), split, key),
                        ),
                    }
                )
    return _frame([*rows, *_reported(data, table, key)])


def category_table(
    data: TableData, *, table: str | None, splits: Iterable[str] = (), ap: str = "step"
) -> pd.DataFrame:
    """As `results_table`, a row an emotion: its AP, or its recall where the metric is accuracy."""
    key = f"ap_{ap}" if data.metric == "map" else "recall"
    rows = []
    for split in splits or data.splits:
        for emotion in data.labels.emotions:
            published = _published(table, emotion)
            for name in data.models:
                model = data.model(name)
                for setting in COMPARED:
                    runs = model.runs(setting)
                    number = metric_number(runs, split, key, emotion=emotion)
                    rows.append(
                        {
                            **_place(data, split, model, setting, key, emotion),
                            **_class_chance(data, split, emotion, ap),
                            **_beside(published.get((model.title, setting)), number),
                        }
                    )
    return _frame(rows)


def ap_table(data: TableData, *, table: str | None, splits: Iterable[str] = ()) -> pd.DataFrame:
    """The three mean average precisions that are in use, of every model (METHOD, fact 6).

    The paper does not say which it reports, so the published number stands beside each.
    """
    if data.metric != "map":
        return _frame([])
    parts = [results_table(data, table=table, splits=splits, ap=kind) for kind in AP_KINDS]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame["source"] != "original_report"].reset_index(drop=True)


def estimate_cells(estimate: Estimate) -> dict[str, Any]:
    """An estimate as the cells ours, sd, seeds, low, high, reason."""
    return {
        "ours": estimate.mean,
        "sd": estimate.sd,
        "seeds": estimate.n,
        "low": estimate.low,
        "high": estimate.high,
        "reason": estimate.reason,
    }


def _beside(published: float | None, estimate: Estimate) -> dict[str, Any]:
    """An estimate's cells, and how it differs from the published number."""
    value = math.nan if published is None else published
    return {
        "published": value,
        **estimate_cells(estimate),
        "difference": estimate.mean - value,
        "exceeds": estimate.excludes(value),
        "source": "" if published is None else "reimplemented",
    }


def _place(
    data: TableData, split: str, model: ModelRuns, setting: str, key: str, category: str
) -> dict[str, Any]:
    return {
        "dataset": data.dataset,
        "split": split,
        "model": model.title,
        "setting": setting,
        "title": model.title if setting == "none" else f"{model.title} {SETTINGS[setting].title}",
        "metric": METRIC_TITLES[key],
        "category": category,
    }


def _published(table: str | None, category: str) -> dict[tuple[str, str], float]:
    """(model, intervention) to the published number of a category."""
    if table is None:
        return {}
    frame = published_results(table)
    mine = frame[(frame["category"] == category) & (frame["source"] == "reimplemented")]
    pairs = zip(mine["model"], mine["intervention"], strict=True)
    return dict(zip(pairs, mine["value"].astype(float), strict=True))


def _reported(data: TableData, table: str | None, key: str) -> list[dict[str, Any]]:
    if table is None:
        return []
    frame = published_results(table)
    mine = frame[(frame["source"] == "original_report") & (frame["category"] == "all")]
    return [
        {
            "dataset": data.dataset,
            "split": "test",
            "model": row["model"],
            "setting": row["intervention"],
            "title": row["model"],
            "metric": METRIC_TITLES[key],
            "category": "all",
            "published": float(row["value"]),
            "seeds": 0,
            "source": "original_report",
            "reason": "reported by its own authors; not among the models here",
        }
        for row in mine.to_dict("records")
    ]


def _any_record(runs: Iterable[RunRecord], split: str) -> Mapping[str, Any]:
    """Any run's metrics of a split: counts and chance levels are the same in all of them."""
    return next((found for run in runs if (found := run.metrics(split)) is not None), {})


def _chance(data: TableData, model: ModelRuns, split: str, ap: str) -> dict[str, float]:
    """Chance level of the headline: of the AP in use, or of always guessing the commonest class."""
    if data.metric == "map":
        record = _any_record([*model.runs("none"), *model.runs("ccim"), *data.runs], split)
        return {"chance": _per_cent(record.get(f"map_chance_{ap}"))}
    shares = data.rows(split).targets.mean(axis=0)
    chance = shares.max() if data.metric == "accuracy" else 1 / (shares > 0).sum()
    return {"chance": float(chance) * 100}


def _class_chance(data: TableData, split: str, emotion: str, ap: str) -> dict[str, float]:
    targets = data.rows(split).targets[:, data.labels.index(emotion)]
    cells = {"positives": int(targets.sum()), "prevalence": float(targets.mean()) * 100}
    if data.metric != "map":
        return cells  # the recall of a class has no chance level of its own: guess it always
    classes = _any_record(data.runs, split).get("per_class", [])
    found: Mapping[str, Any] = next((row for row in classes if row["emotion"] == emotion), {})
    return {**cells, "chance": _per_cent(found.get(f"chance_{ap}"))}


def _per_cent(value: float | None) -> float:
    return math.nan if value is None else float(value) * 100


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(RESULT_COLUMNS))
    frame["reason"] = frame["reason"].fillna("")
    return frame
