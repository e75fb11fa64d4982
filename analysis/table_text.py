"""The paper's tables as people read them: texts in place of numbers, few columns, plain headings.

Each function takes the frame of a `tables_*` module and returns a frame of texts, from which
Markdown, LaTeX and HTML are made alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

__all__ = [
    "ablation_text",
    "category_text",
    "controls_text",
    "counts_text",
    "examples_text",
    "gains_text",
    "missing_text",
    "number",
    "results_text",
    "sizes_text",
]

NOTHING = "–"


def number(value: Any, digits: int = 2, *, signed: bool = False) -> str:
    """A number, or a dash where it is undefined."""
    if value is None or not math.isfinite(float(value)):
        return NOTHING
    text = f"{float(value):{'+' if signed else ''}.{digits}f}"
    return text.replace("-", "−")


def _measured(row: Mapping[Any, Any], digits: int = 2) -> str:
    """Mean ± deviation (seeds)."""
    if not math.isfinite(row["ours"]):
        return NOTHING
    spread = f" ± {number(row['sd'], digits)}" if math.isfinite(row["sd"]) else ""
    return f"{number(row['ours'], digits)}{spread} (n={int(row['seeds'])})"


def _interval(row: Mapping[Any, Any], low: str = "low", high: str = "high") -> str:
    if not math.isfinite(row[low]):
        return NOTHING
    return f"[{number(row[low])}, {number(row[high])}]"


def _exceeds(row: Mapping[Any, Any]) -> str:
    return {True: "yes", False: "no"}.get(row["exceeds"], NOTHING)


def _rows(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _framed(rows: list[dict[str, str]]) -> pd.DataFrame:
    """Columns that say nothing in any row are left out, and the dataset where there is but one."""
    frame = pd.DataFrame(rows)
    idle = [name for name in frame.columns if frame[name].isin(["", NOTHING]).all()]
    if "dataset" in frame and frame["dataset"].nunique() == 1:
        idle.append("dataset")
    return frame.drop(columns=list(dict.fromkeys(idle)))


def results_text(frame: pd.DataFrame, *, several_metrics: bool = False) -> pd.DataFrame:
    """Of `results_table` or `ap_table`: a row a model, setting and split."""
    return _framed(
        [
            {
                "split": row["split"],
                "model": row["title"],
                "metric": row["metric"] if several_metrics else "",
                "published": number(row["published"]),
                "ours ± sd": _measured(row),
                "95% interval": _interval(row),
                "ours − published": number(row["difference"], signed=True),
                "outside interval": _exceeds(row),
                "chance": number(row["chance"]),
                "note": row["reason"],
            }
            for row in _rows(frame)
        ]
    )


def category_text(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    """Of `category_table`, one split: a row an emotion, plain → CCIM of each model.

    Models that were neither published by category nor measured have no column.
    """
    mine = frame[frame["split"] == split]
    rows = []
    for emotion, part in mine.groupby("category", sort=False):
        first = part.iloc[0]
        cells: dict[str, str] = {
            "emotion": str(emotion),
            "positives": f"{int(first['positives']):,}",
            "prevalence": number(first["prevalence"]),
            "chance": number(first["chance"]),
        }
        for model, pair in part.groupby("model", sort=False):
            by_setting = pair.set_index("setting")
            for column, title in (("published", "published"), ("ours", "ours")):
                values = [number(by_setting.loc[name, column]) for name in ("none", "ccim")]
                text = NOTHING if values == [NOTHING] * 2 else " → ".join(values)
                cells[f"{model}, {title}"] = text
        rows.append(cells)
    return _framed(rows)


def gains_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `gains_table`."""
    titles = {
        "model": "{name}",
        "dataset average": "average over models",
        "model average": "{name}, average over datasets",
    }
    return _framed(
        [
            {
                "dataset": row["dataset"],
                "split": row["split"],
                "gain of + CCIM": titles[row["scope"]].format(name=row["name"]),
                "published": number(row["published"], signed=True),
                "ours": number(row["ours"], signed=True),
                "seeds": str(int(row["seeds"])) if row["seeds"] else NOTHING,
                "95% interval": _interval(row),
                "verdict": row["verdict"] or NOTHING,
                "ours − published": number(row["difference"], signed=True),
                "outside interval": _exceeds(row),
                "over": row["over"],
                "note": row["reason"],
            }
            for row in _rows(frame)
        ]
    )


def controls_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `controls_table`."""
    return _framed(
        [
            {
                "split": row["split"],
                "model": row["model"],
                "control": row["title"],
                "%": number(row["ours"]),
                "sd": number(row["sd"]),
                "change from + CCIM": number(row["change"], signed=True),
                "its 95% interval": _interval(row, "change_low", "change_high"),
                "verdict": row["verdict"] or NOTHING,
                "note": row["reason"],
            }
            for row in _rows(frame)
        ]
    )


def ablation_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `ablation_table`."""
    return _framed(
        [
            {
                "dataset": row["dataset"],
                "split": row["split"],
                "setting": _setting(row),
                "published": number(row["published"]),
                "ours ± sd": _measured(row),
                "95% interval": _interval(row),
                "ours − published": number(row["difference"], signed=True),
                "outside interval": _exceeds(row),
                "published change": number(row["published_change"], signed=True),
                **_change(row),
                **_term(row),
                "note": row["reason"],
            }
            for row in _rows(frame)
        ]
    )


def _setting(row: Mapping[Any, Any]) -> str:
    place = "" if row["id"] is None or row["id"] != row["id"] else f"({int(row['id'])}) "
    if row["setting"] == "ccim":
        return f"{place}{row['model']} + CCIM"
    return f"{place}{row['model']}, {row['title']}"


def sizes_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `size_table`."""
    return _framed(
        [
            {
                "dataset": row["dataset"],
                "split": row["split"],
                "model": row["model"],
                "N": f"{row['size']}{' (default)' if row['default'] else ''}",
                "ours ± sd": _measured(row),
                "95% interval": _interval(row),
                **_change(row, "default N"),
                **_term(row),
                "note": row["reason"],
            }
            for row in _rows(frame)
        ]
    )


def _change(row: Mapping[Any, Any], reference: str = "full") -> dict[str, str]:
    return {
        f"change from {reference}": number(row["change"], signed=True),
        "its 95% interval": _interval(row, "change_low", "change_high"),
        "verdict": row["verdict"] or NOTHING,
    }


def _term(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "causal share, %": number(row["causal_share"]),
        "of it input-dependent, %": number(row["input_dependent_share"]),
        "with g := ḡ": number(row["g_mean"]),
        "top changes from plain, %": number(row["top_change"]),
    }


def missing_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `missing_runs`: what is missing, and the command that makes it."""
    return frame[["dataset", "run", "command"]]


def examples_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `example_table`: a row an example, its top three outputs before and after."""
    rows = []
    for _, part in frame.groupby(["dataset", "example"], sort=False):
        first = part.iloc[0]
        rows.append(
            {
                "dataset": str(first["dataset"]),
                "split": str(first["split"]),
                "subject": str(first["sample_id"]),
                "labels": str(first["labels"]).replace("|", ", "),
                "scene": str(first["scene"] or NOTHING),
                "before": _top(part, "before"),
                "after": _top(part, "after"),
                "seeds that agree": f"{int(first['seeds_better'])} of {int(first['seeds'])}",
            }
        )
    return _framed(rows)


def _top(part: pd.DataFrame, column: str, k: int = 3) -> str:
    ordered = part.sort_values(column, ascending=False).head(k)
    pairs = zip(ordered["emotion"], ordered[column], strict=True)
    return ", ".join(f"{emotion} {number(value)}" for emotion, value in pairs)


def counts_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `example_counts`."""
    rows = []
    for row in _rows(frame):
        counts = {name: row[name] for name in ("seed", "subjects", "better", "worse", "unchanged")}
        texts = {
            name: NOTHING if value != value else f"{int(value):,}" for name, value in counts.items()
        }
        place = {name: str(row[name]) for name in ("dataset", "split", "model")}
        rows.append({**place, **texts, "note": row["reason"]})
    return _framed(rows)
