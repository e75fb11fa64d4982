"""A bias report in sentences, and the rows of its cells that a page or a reader asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.bias_report import BiasReport

__all__ = [
    "bias_sentence",
    "bracket",
    "cell_rows",
    "describe_heatmap",
    "describe_histogram",
    "emotion_sentence",
    "number",
    "percent",
    "readable_scene",
]

CELL_COLUMNS = (
    "scene",
    "emotion",
    "count",
    "scene_support",
    "share",
    "share_low",
    "share_high",
    "base_rate",
    "lift",
    "npmi",
    "q",
)


def readable_scene(name: str) -> str:
    """`train_station/platform` to `train station, platform`."""
    return name.replace("_", " ").replace("/", ", ")


def bias_sentence(report: BiasReport) -> str:
    """The headline: how much scenes tell about emotions, with its interval and chance."""
    data = report.dataset
    if not _known(data["mutual_information"]):
        return "Whether scenes tell emotions is not defined here; the notes below say why."
    best = "mutual_information_corrected"
    value = data[best] if _known(data[best]) else data["mutual_information"]
    text = f"The scene tells **{value:.2f} bits** about the emotion"
    low, high = data["mutual_information_interval"]
    if _known(low):
        text += f" ({report.settings.confidence:.0%} interval {low:.2f} to {high:.2f})"
    text += f", of the {data['entropy_bits']:.2f} bits there are to tell."
    if _known(data["mutual_information_null_mean"]):
        low, high = data["mutual_information_null_interval"]
        text += (
            f" Were scenes dealt to pictures at random it would seem to tell "
            f"{data['mutual_information_null_mean']:.3f} ({low:.3f} to {high:.3f}), against "
            f"{data['mutual_information']:.3f} before correction (p = "
            f"{data['mutual_information_p']:.2g})."
        )
        if data["mutual_information_p"] > report.settings.level:
            text = f"**This is no more than chance gives.** {text}"
    return text


def emotion_sentence(report: BiasReport, emotion: str) -> str:
    """What Figure 2 says of one emotion: its zero-entropy scenes beside what chance gives."""
    row = report.emotions.set_index("emotion").loc[emotion]
    if row["reason"]:
        return f"{emotion}: {row['reason']}."
    text = (
        f"**{emotion}**: {row['zero_entropy_share']:.1%} of {row['selected_scenes']:.0f} scenes "
        "have it in all of their subjects or in none"
    )
    if _known(row["zero_entropy_null_mean"]):
        text += (
            f"; chance gives {row['zero_entropy_null_mean']:.1%} "
            f"({row['zero_entropy_null_low']:.1%} to {row['zero_entropy_null_high']:.1%})"
        )
    text += "."
    if _known(row["mutual_information_corrected"]):
        text += (
            f" The scene tells {row['information_share']:.0%} of whether a person is labelled "
            f"{emotion} ({row['mutual_information_corrected']:.3f} bits, "
            f"{row['mutual_information_low']:.3f} to {row['mutual_information_high']:.3f})."
        )
    return text


def describe_histogram(report: BiasReport, emotion: str) -> str:
    """Text alternative of Figure 2 for one emotion."""
    bins = report.histogram[report.histogram["emotion"] == emotion]
    filled = bins[bins["scenes"] > 0]
    parts = [
        f"{row['scenes']:.0f} "
        + (
            "at exactly 0"
            if row["left"] == row["right"]
            else f"at {row['left']:.2f} to {row['right']:.2f}"
        )
        for row in filled.to_dict("records")
    ]
    return f"Scenes by their entropy of {emotion} in bits: {'; '.join(parts) or 'none'}."


def describe_heatmap(report: BiasReport, scenes: Sequence[str]) -> str:
    """Text alternative of the emotion × scene map: how many cells count and the strongest."""
    shown = report.cells[report.cells["scene"].isin(scenes)]
    counted = shown[shown["q"] <= report.settings.level]
    strongest = counted.sort_values("npmi", ascending=False).head(3)
    names = ", ".join(
        f"{row['emotion']} in {readable_scene(str(row['scene']))} (lift {row['lift']:.1f})"
        for row in strongest.to_dict("records")
    )
    text = (
        f"Normalised pointwise mutual information of {len(scenes)} scenes with each emotion; "
        f"{len(counted)} of {len(shown)} cells at q ≤ {report.settings.level}."
    )
    return f"{text} Strongest: {names}." if names else text


def cell_rows(
    report: BiasReport, *, emotion: str | None = None, significant: bool = False
) -> pd.DataFrame:
    """Cells as `CELL_COLUMNS`, smallest q first and the further from chance among equals.

    Args:
        emotion: this one only; None for all.
        significant: only those at q of the report's level or below.
    """
    cells = report.cells
    if emotion is not None:
        cells = cells[cells["emotion"] == emotion]
    if significant:
        cells = cells[cells["q"] <= report.settings.level]
    base = cells["emotion"].map(report.emotions.set_index("emotion")["prevalence"])
    cells = cells.assign(base_rate=base.astype(float), strength=cells["npmi"].abs())
    cells = cells.sort_values(["q", "strength"], ascending=[True, False], na_position="last")
    return cells[list(CELL_COLUMNS)].reset_index(drop=True)


def _known(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def number(value: float | None, digits: int = 3) -> str:
    """`0.123`; a dash where it is not defined."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 0) -> str:
    """`12 %`; a dash where it is not defined."""
    return "–" if value is None or value != value else f"{value * 100:.{digits}f} %"


def bracket(pair: Any, write: Any = number) -> str:
    """`[low, high]`; a dash where it is not defined."""
    low, high = (write(value) for value in pair)
    return "–" if low == high == "–" else f"[{low}, {high}]"
