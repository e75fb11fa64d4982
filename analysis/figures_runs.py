"""Training curves and two runs' emotions side by side: a function of a DataFrame each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.palette import INK, MUTED

__all__ = ["class_dumbbells", "curves_figure"]

TEXT = INK["light"]
BEFORE, AFTER = MUTED, "#2F8FC0"
"""Grey and a blue that holds on white and on near-black."""

_ROW_PIXELS = 30
_CHOSEN_BY = ("val_reweighted", "val_worst_group")
"""What a run's history holds only where its epoch was chosen by it."""


def curves_figure(
    curves: Mapping[str, pd.DataFrame], *, chosen: str, metric: str, ink: str = TEXT
) -> go.Figure:
    """Loss left and validation right, by epoch: the chosen run in colour, its siblings in grey.

    curves: run → columns epoch, train_loss, val_headline. metric: names the right axis. The kept
    epoch, the best on the validation split, has a ring.
    """
    titles = ["training loss", f"validation {metric}"]
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles, horizontal_spacing=0.09)
    ordered = sorted(curves, key=lambda name: name == chosen)  # the chosen one on top
    for name in ordered:
        frame, mine = curves[name], name == chosen
        for column, key in enumerate(("train_loss", "val_headline"), start=1):
            if key not in frame:
                continue
            value = frame[key].astype(float)
            figure.add_scatter(
                x=list(frame["epoch"]),
                y=list(value),
                mode="lines",
                name=name,
                legendgroup=name,
                showlegend=False,
                line={"color": AFTER if mine else MUTED, "width": 2.5 if mine else 1.2},
                opacity=1.0 if mine else 0.6,
                hovertemplate=f"{name}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
                row=1,
                col=column,
            )
            if mine and key == "val_headline" and value.notna().any():
                chosen_by = [
                    name for name in _CHOSEN_BY if name in frame and frame[name].notna().any()
                ]
                best = int(np.nanargmax(frame[chosen_by[0]])) if chosen_by else int(value.argmax())
                figure.add_scatter(
                    x=[int(frame["epoch"].iloc[best])],
                    y=[float(value.iloc[best])],
                    mode="markers",
                    showlegend=False,
                    marker={"symbol": "circle-open", "size": 13, "color": AFTER},
                    hovertemplate="kept: epoch %{x}, %{y:.3f}<extra></extra>",
                    row=1,
                    col=column,
                )
    figure.update_layout(height=280, margin={"l": 8, "r": 8, "t": 36, "b": 8})
    figure.update_annotations(font={"color": ink, "size": 13})
    figure.update_xaxes(title={"text": "epoch", "font": {"size": 12}}, tickformat="d")
    figure.update_yaxes(zeroline=False, nticks=6)
    return figure


def class_dumbbells(frame: pd.DataFrame, *, metric: str, ink: str = TEXT) -> go.Figure:
    """Each emotion before (hollow) and after (solid), with 95% intervals.

    `frame`: `analysis.run_comparison.class_table`; emotions without a number on either side keep
    their row, empty.
    """
    emotions = list(frame["emotion"])
    place = {emotion: float(k) for k, emotion in enumerate(emotions)}
    figure = go.Figure()
    x: list[float | None] = []
    y: list[float | None] = []
    for row in frame[frame["change"].notna()].to_dict("records"):
        x += [row["before"] * 100, row["after"] * 100, None]
        y += [place[row["emotion"]]] * 2 + [None]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": AFTER, "width": 4},
        opacity=0.35,
        showlegend=False,
        hoverinfo="skip",
    )
    # Intervals lie above and below the line between the two, or neither could be read.
    for side, colour, symbol, shift in (
        ("before", BEFORE, "circle-open", -0.2),
        ("after", AFTER, "circle", 0.2),
    ):
        rows = frame[frame[side].notna()]
        rows = rows.assign(place=rows["emotion"].map(place))
        figure.add_scatter(**_whiskers(rows, side, shift), line={"color": colour, "width": 1.5})
        value, low, high = (rows[f"{side}{end}"] * 100 for end in ("", "_low", "_high"))
        figure.add_scatter(
            x=list(value),
            y=list(rows["place"]),
            mode="markers",
            name=side,
            marker={
                "symbol": symbol,
                "color": colour,
                "size": 11,
                "line": {"width": 2, "color": colour},
            },
            customdata=[
                [emotion, f"[{a:.1f}, {b:.1f}]" if np.isfinite([a, b]).all() else "", int(count)]
                for emotion, a, b, count in zip(
                    rows["emotion"], low, high, rows["positives"], strict=True
                )
            ],
            hovertemplate=f"%{{customdata[0]}}, {side}: %{{x:.1f}} %{{customdata[1]}}, "
            "%{customdata[2]} subjects<extra></extra>",
        )
    figure.update_layout(
        height=96 + _ROW_PIXELS * len(emotions),
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"color": ink}},
    )
    ends = frame.drop(columns=["emotion", "positives", "change"]).to_numpy(float) * 100
    span = [np.nanmin(ends) - 2, np.nanmax(ends) + 2] if np.isfinite(ends).any() else None
    figure.update_xaxes(
        title={"text": metric, "font": {"color": ink, "size": 12}}, zeroline=False, range=span
    )
    figure.update_yaxes(
        tickvals=list(place.values()),
        ticktext=emotions,
        range=[len(emotions) - 0.4, -0.6],
        zeroline=False,
        tickfont={"color": ink},
    )
    return figure


def _whiskers(rows: pd.DataFrame, side: str, shift: float) -> dict[str, Any]:
    """The intervals of one side as one trace of lines."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row in rows[rows[f"{side}_low"].notna()].to_dict("records"):
        x += [row[f"{side}_low"] * 100, row[f"{side}_high"] * 100, None]
        y += [row["place"] + shift] * 2 + [None]
    return {"x": x, "y": y, "mode": "lines", "showlegend": False, "hoverinfo": "skip"}
