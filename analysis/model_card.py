"""A model card (`card.json`) as tables: recalls of the encoder, and each estimator's figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.prediction_tables import ESTIMATORS, estimator_title

__all__ = ["card_estimates", "card_recalls"]


def card_recalls(card: Mapping[str, Any]) -> pd.DataFrame:
    """A row per emotion of the held-out portraits: emotion, recall (NaN without portraits), n."""
    report = card.get("encoder", {}).get("held_out") or {}
    recall, counts = report.get("recall", {}), report.get("counts", {})
    rows = [
        (name, np.nan if value is None else value, counts[name]) for name, value in recall.items()
    ]
    return pd.DataFrame(rows, columns=["emotion", "recall", "n"])


def card_estimates(card: Mapping[str, Any]) -> pd.DataFrame:
    """A row per estimator, on composites of held-out portraits.

    Columns: estimator, title, test and shift (balanced accuracy with the planted bias, and with
    scenes independent of emotions), scene_moves and emotion_moves (mean total variation of the
    output when only the scene, or only the emotion, changes). NaN where the card has none. Where
    several runs give one estimator, the card's first is taken: the one that predictions use.
    """
    records = pd.DataFrame(card.get("estimates", []))
    columns = ["estimator", "title", "test", "shift", "scene_moves", "emotion_moves"]
    if records.empty:
        return pd.DataFrame(columns=columns)
    rows = []
    for key in (key for key in ESTIMATORS if key in set(records["estimator"])):
        mine = records[records["estimator"] == key]
        mine = mine[mine["run"] == mine["run"].iloc[0]].set_index("split")
        rows.append(
            {
                "estimator": key,
                "title": estimator_title(key),
                "test": _cell(mine, "test", "balanced_accuracy"),
                "shift": _cell(mine, "shift", "balanced_accuracy"),
                "scene_moves": _cell(mine, "twins", "scene_total_variation"),
                "emotion_moves": _cell(mine, "twins", "emotion_total_variation"),
            }
        )
    return pd.DataFrame(rows, columns=columns)


def _cell(frame: pd.DataFrame, split: str, column: str) -> float:
    if split not in frame.index or column not in frame:
        return float("nan")
    return float(pd.to_numeric(frame[column])[split])
