"""A subject in several places (`ccim_core.relocation`) as tables and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures_prediction import unit_of
from analysis.prediction_tables import estimator_title, pair_key

if TYPE_CHECKING:
    from ccim_core.relocation import Pair, Relocation

__all__ = [
    "consistency_table",
    "describe_relocation",
    "place_table",
    "relocation_json",
    "relocation_verdict",
]


def place_table(found: Relocation, titles: dict[Pair, str], emotion: str) -> pd.DataFrame:
    """One emotion's value by estimator and place: title, place, value, here (the picture's own)."""
    column = found.labels.index(emotion)
    rows = [
        (titles[pair], place, float(outputs[row, column]), row == 0)
        for pair, outputs in found.outputs.items()
        for row, place in enumerate(found.places)
    ]
    return pd.DataFrame(rows, columns=["title", "place", "value", "here"])


def consistency_table(found: Relocation, titles: dict[Pair, str]) -> pd.DataFrame:
    """A row an estimator: title, consistency, top_change, leads and average (leading emotions in
    the picture's own place and of the mean over places), subject_shift of its run."""
    emotions = found.labels.emotions
    rows = []
    for pair, outputs in found.outputs.items():
        told = found.consistency(pair)
        rows.append(
            (
                *(titles[pair], told.value, told.top_change, emotions[int(outputs[0].argmax())]),
                *(emotions[int(found.average(pair).argmax())], found.subject_shift[pair[1]]),
            )
        )
    columns = ["title", "consistency", "top_change", "leads", "average", "subject_shift"]
    return pd.DataFrame(rows, columns=columns)


def relocation_verdict(found: Relocation, titles: dict[Pair, str], emotion: str) -> str:
    """Which estimator the places move most and which least, as a sentence of Markdown."""
    table = consistency_table(found, titles)
    column = found.labels.index(emotion)
    factor, suffix, _ = unit_of(found.labels.link)
    known = bool(table["consistency"].notna().all())
    order = (table["consistency"] if known else -table["top_change"]).to_numpy()
    least, most = int(order.argmin()), int(order.argmax())
    pairs = list(found.outputs)

    def span(row: int) -> str:
        values = found.outputs[pairs[row]][:, column] * factor
        return f"{emotion} {values.min():.1f}–{values.max():.1f}{suffix}"

    if least == most or order[least] == order[most]:
        return f"Over {len(found.places)} places {table['title'][least]} reads {span(least)}."
    return (
        f"Over {len(found.places)} places **{table['title'][least]}** moves most ({span(least)}), "
        f"**{table['title'][most]}** least ({span(most)})."
    )


def describe_relocation(found: Relocation, titles: dict[Pair, str], emotion: str) -> str:
    """Text alternative of `figures_relocation.relocation_figure`."""
    table = place_table(found, titles, emotion)
    factor, suffix, _ = unit_of(found.labels.link)
    lines = []
    for title, rows in table.groupby("title", sort=False):
        values = ", ".join(
            f"{place} {value * factor:.1f}{suffix}"
            for place, value in zip(rows["place"], rows["value"], strict=True)
        )
        lines.append(f"{title}: {values}")
    return f"{emotion} by place. " + "; ".join(lines) + "."


def relocation_json(found: Relocation) -> dict[str, Any]:
    """Every answer in every place, with consistencies, for a JSON file."""
    emotions = found.labels.emotions

    def told(pair: Pair) -> dict[str, Any]:
        value = found.consistency(pair).value
        return {
            "estimator": pair[0],
            "run": pair[1],
            "title": estimator_title(pair_key(*pair)),
            "consistency": None if np.isnan(value) else value,
            "top_change": found.consistency(pair).top_change,
            "subject_shift": found.subject_shift[pair[1]],
            "places": {
                place: dict(zip(emotions, row.tolist(), strict=True))
                for place, row in zip(found.places, found.outputs[pair], strict=True)
            },
        }

    return {"places": list(found.places), "answers": [told(pair) for pair in found.outputs]}
