"""What linear probes still read of the scene from each run's features, as a study keeps it.

`python -m ccim_core demo` leaves the probes in `analysis/probes.json`: on a split where scene and
emotion are independent, so that the scene is not read through the emotion.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis import palette
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.study import Study

__all__ = ["FEATURES", "load_probes", "probe_figure", "probe_lines"]

FILE = "probes.json"

FEATURES: dict[str, str] = {
    "S": "S, what the model sees of the subject",
    "C": "C, what it sees of the context",
    "h": "h, the joint feature",
    "W_h h + W_g g": "W_h h + W_g g, after the intervention",
    "h, mean over strata": "h averaged over strata (back-door)",
}
_COLUMNS = ("run", "features", "label", "accuracy", "low", "high", "chance", "n_test", "reason")
_SYMBOLS = ("circle-open", "square-open", "circle", "diamond", "triangle-up")


def load_probes(study: Study) -> pd.DataFrame | None:
    """A row per run × features × label ("scene" or "labels"): accuracy with its interval, chance,
    n_test, reason (why it is NaN). None where the study keeps no probes.

    Raises InputError for another file.
    """
    path = study.analysis_root / FILE
    if not path.is_file():
        return None
    records = read_json(path)
    if not isinstance(records, list) or not all(set(_COLUMNS) <= set(one) for one in records):
        raise InputError(f"Expected probes with {list(_COLUMNS)} in {path}, got another file.")
    frame = pd.DataFrame(records)[list(_COLUMNS)]
    numbers = ["accuracy", "low", "high", "chance"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def probe_lines(probes: pd.DataFrame) -> list[str]:
    """The scene's decodability in a table of text: a row a run, a column what is read from."""
    scene = probes[probes["label"] == "scene"]
    if scene.empty:
        return []
    columns = [name for name in FEATURES if (scene["features"] == name).any()]
    lines = [
        "a linear probe reads the scene from (accuracy, 95% interval; chance "
        f"{scene['chance'].max():.2f})",
        f"  {'run':30s}" + "".join(f"{name:>24s}" for name in columns),
    ]
    for run, rows in scene.groupby("run", sort=False):
        cells = {row["features"]: _cell(row) for row in rows.to_dict("records")}
        lines.append(f"  {run:30s}" + "".join(f"{cells.get(name, '–'):>24s}" for name in columns))
    return lines


def _cell(row: Mapping[Hashable, Any]) -> str:
    if row["reason"]:
        return "not defined"
    return f"{row['accuracy']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def probe_figure(probes: pd.DataFrame, *, ink: str = palette.INK["light"]) -> go.Figure:
    """A row a run, a mark for each kind of features with its interval, and chance as a line."""
    scene = probes[(probes["label"] == "scene") & probes["accuracy"].notna()]
    runs = list(dict.fromkeys(scene["run"]))
    figure = go.Figure()
    for place, (name, title) in enumerate(FEATURES.items()):
        rows = scene[scene["features"] == name]
        if rows.empty:
            continue
        # Apart within a row, so that no interval hides another.
        shift = (place - (len(FEATURES) - 1) / 2) * 0.15
        colour = palette.OKABE_ITO[place]
        figure.add_scatter(
            x=list(rows["accuracy"]),
            y=[runs.index(run) + shift for run in rows["run"]],
            mode="markers",
            name=title,
            marker={"symbol": _SYMBOLS[place], "color": colour, "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": list(rows["high"] - rows["accuracy"]),
                "arrayminus": list(rows["accuracy"] - rows["low"]),
                "color": colour,
                "thickness": 1.2,
                "width": 3,
            },
            customdata=[[run] for run in rows["run"]],
            hovertemplate=f"%{{customdata[0]}}, {title}: %{{x:.3f}}<extra></extra>",
        )
    if len(scene):
        chance = float(scene["chance"].max())
        figure.add_vline(x=chance, line={"color": ink, "dash": "dot", "width": 1.2})
        figure.add_annotation(
            x=chance, y=-0.6, text="chance", showarrow=False, xanchor="left", font={"color": ink}
        )
    figure.update_xaxes(title_text="accuracy of the probe", range=[0, 1.02])
    figure.update_yaxes(
        tickvals=list(range(len(runs))),
        ticktext=runs,
        range=[len(runs) - 0.5, -0.8],
        showgrid=False,
        zeroline=False,
    )
    figure.update_layout(
        height=110 + 62 * len(runs),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
    )
    return figure
