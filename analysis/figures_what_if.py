"""Eq. 2 drawn: the prediction in each stratum, as wide as its prior, beside their weighted mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures_prediction import unit_of
from analysis.palette import INK
from analysis.what_if_tables import leading_emotion, what_if_table

if TYPE_CHECKING:
    from ccim_core.what_if import WhatIf

__all__ = ["what_if_figure"]

HEIGHT = 330
LANE = 92
MOST_LANES = 5
NAMED_SHARE = 0.028  # of P(z): a scene narrower than this has no room for its name
TEXT_SHARE = 0.08  # of the height: a part lower than this has no room for its number
SIDES = ("here", "mean")


def what_if_figure(
    found: WhatIf, *, colours: Mapping[str, str], ink: str = INK["light"]
) -> go.Figure:
    """Left: a bar a stratum, as wide as P(z). Right: the picture's own context, and the mean.

    With softmax outputs the emotions are stacked, so that an emotion's whole area on the left is
    its bar of the mean on the right: the back-door estimate. Otherwise each of the five leading
    emotions has a lane of its own.
    """
    table = what_if_table(found)
    lead = leading_emotion(found)
    if found.link == "softmax":
        order = [lead, *(name for name in found.emotions if name != lead)]
        figure = _panels(1)
        for emotion in order:
            _add_emotion(figure, found, table, emotion, colours[emotion], row=1, ink=ink)
        figure.update_layout(barmode="stack", height=HEIGHT)
        figure.update_yaxes(range=[0, 100], tickvals=[0, 50, 100], ticktext=["0", "50", "100%"])
    else:
        top = np.argsort(-found.average)[:MOST_LANES]
        figure = _panels(len(top))
        for row, column in enumerate(top, start=1):
            emotion = found.emotions[column]
            _add_emotion(figure, found, table, emotion, colours[emotion], row=row, ink=ink)
            figure.update_yaxes(title_text=emotion.replace("/", "/<br>"), row=row, col=1)
        figure.update_layout(height=LANE * len(top) + 70)
        figure.update_yaxes(nticks=3)
    _dress(figure, table, ink)
    return figure


def _panels(rows: int) -> go.Figure:
    return make_subplots(
        rows=rows,
        cols=2,
        column_widths=[0.8, 0.2],
        shared_yaxes=True,
        shared_xaxes=True,
        horizontal_spacing=0.025,
        vertical_spacing=0.04,
    )


def _add_emotion(
    figure: go.Figure,
    found: WhatIf,
    table: pd.DataFrame,
    emotion: str,
    colour: str,
    *,
    row: int,
    ink: str,
) -> None:
    factor, suffix, _ = unit_of(found.link)
    digits = ".2f" if found.link == "identity" else ".1f"
    width = table["prior"].to_numpy() * 100
    hover = [
        [f"{_readable(scene)} #{index}", f"{prior * 100:.1f}%"]
        for scene, index, prior in table[["scene", "index", "prior"]].itertuples(index=False)
    ]
    figure.add_bar(
        x=(np.cumsum(width) - width / 2).tolist(),
        y=(table[emotion] * factor).tolist(),
        width=width.tolist(),
        name=emotion,
        customdata=hover,
        marker={"color": colour, "line": {"width": 0}},
        hovertemplate=(
            f"%{{customdata[0]}}, P(z) %{{customdata[1]}}<br>{emotion}: %{{y:{digits}}}{suffix}"
            "<extra></extra>"
        ),
        row=row,
        col=1,
    )
    column = found.emotions.index(emotion)
    values = [float(found.own[column]) * factor, float(found.average[column]) * factor]
    roomy = found.link != "softmax"
    figure.add_bar(
        x=list(SIDES),
        y=values,
        marker={"color": colour, "line": {"width": 0}},
        text=[
            f"{value:{digits}}" if roomy or value >= TEXT_SHARE * 100 else "" for value in values
        ],
        textposition="outside" if roomy else "inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": ink if roomy else _on(colour), "size": 12},
        cliponaxis=False,
        showlegend=False,
        hovertemplate=f"%{{x}}<br>{emotion}: %{{y:{digits}}}{suffix}<extra></extra>",
        row=row,
        col=2,
    )


def _dress(figure: go.Figure, table: pd.DataFrame, ink: str) -> None:
    """Scene names under their strata, lines between scenes, the picture's own stratum marked."""
    edges, centres, names = _groups(table)
    figure.update_xaxes(range=[0, 100], showgrid=False, zeroline=False, showticklabels=False, col=1)
    last = figure.data[-2].xaxis.replace("x", "xaxis")
    figure.layout[last].update(
        tickvals=centres,
        ticktext=names,
        tickangle=-45 if len(names) > 3 else 0,
        showticklabels=True,
        tickfont={"color": ink, "size": 11},
    )
    figure.update_xaxes(showgrid=False, tickfont={"color": ink, "size": 12}, col=2)
    figure.update_yaxes(showgrid=False, tickfont={"color": ink, "size": 12})
    for edge in edges:
        figure.add_vline(x=edge, line={"color": "rgba(255,255,255,0.9)", "width": 1.5}, col=1)
    place = np.flatnonzero(table["assigned"])
    if len(place):
        i = int(place[0])
        centre = float(table["prior"].iloc[: i + 1].sum() - table["prior"].iloc[i] / 2) * 100
        figure.add_annotation(
            x=centre,
            y=1,
            xref="x",
            yref="y domain",
            text="here ▼" if centre > 50 else "▼ here",
            xanchor="right" if centre > 50 else "left",
            xshift=5 if centre > 50 else -5,
            yanchor="bottom",
            showarrow=False,
            font={"size": 12, "color": ink},
        )
    figure.update_layout(
        bargap=0.16,
        margin={"l": 4, "r": 8, "t": 24, "b": 8},
        showlegend=figure.layout.barmode == "stack",
        legend={
            "orientation": "h",
            "y": 1.08,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
            "font": {"color": ink, "size": 12},
        },
    )


def _groups(table: pd.DataFrame) -> tuple[list[float], list[float], list[str]]:
    """Inner edges between scenes, and centres and names of those wide enough to be named."""
    share = table.groupby("scene", sort=False)["prior"].sum()
    right = share.cumsum()
    centres, names = [], []
    for scene, part, end in zip(share.index, share, right, strict=True):
        if scene and part >= NAMED_SHARE:
            centres.append(float(end - part / 2) * 100)
            names.append(_readable(str(scene)))
    return [float(end) * 100 for end in right[:-1]], centres, names


def _readable(scene: str) -> str:
    return scene.replace("_", " ").split("/")[0] or "context"


def _on(colour: str) -> str:
    """Black or white, whichever reads better on a colour."""
    parts: Sequence[int] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    light = 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2]
    return "#1C2B33" if light > 140 else "#FFFFFF"
