"""The two maps that the app lays beside each other: few traces each, and one legend for both.

A trace a group, as the report has, makes a browser five times slower at 50,000 points: every trace
is a drawing of its own. Points carry their `sample_id` in `customdata`, as plain lists (arrays come
back from the browser as objects).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis import palette
from analysis.figures_embeddings import (
    COLOUR_BY,
    PointGroup,
    drawn_points,
    fix_axes,
    point_groups,
    point_trace,
    style_points,
)

__all__ = ["map_figure", "map_legend"]

HEIGHT = 430
_SIGNS = {
    "circle": "●",
    "diamond": "◆",
    "square": "■",
    "cross": "✚",
    "triangle-up": "▲",
    "circle-open": "○",
}


def map_figure(
    frame: pd.DataFrame,
    *,
    side: str,
    colour_by: str = "emotion",
    emotions: Sequence[str] = (),
    ink: str = palette.INK["light"],
) -> go.Figure:
    """One side's points.

    Args:
        frame: as by `analysis.embedding_points.describe_points`; both sides fix the axes, and what
            each colour means.
        side: "before" or "after".
        colour_by: a key of `COLOUR_BY`.
        emotions: the vocabulary, in the order of colours; by default those that occur.
    """
    points = drawn_points(frame)
    groups = point_groups(points, colour_by, emotions)
    mine = (points["side"] == side).to_numpy(bool)
    shown = points[mine]
    places, scale = _colours(groups, mine)
    figure = go.Figure()
    for symbol, rows in _by_symbol(groups, mine):
        figure.add_trace(
            point_trace(
                shown.iloc[rows],
                n_points=len(shown),
                showlegend=False,
                marker={
                    "color": places[rows],
                    "cmin": 0,
                    "cmax": max(len(groups), 1),
                    "colorscale": scale,
                    "showscale": False,
                    "symbol": symbol,
                },
            )
        )
    style_points(figure, height=HEIGHT, ink=ink, title="")
    fix_axes(figure, points)
    return figure


def _colours(
    groups: Sequence[PointGroup], mine: np.ndarray
) -> tuple[np.ndarray, list[list[float | str]]]:
    """Colours as places on a scale of steps: numbers are lighter to send than names."""
    place = np.zeros(len(mine), np.float32)
    scale: list[list[float | str]] = []
    for k, group in enumerate(groups):
        place[group.rows] = k + 0.5
        scale += [[edge / len(groups), group.colour] for edge in (k, k + 1)]
    return place[mine], scale or [[0.0, palette.MUTED], [1.0, palette.MUTED]]


def _by_symbol(groups: Sequence[PointGroup], mine: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """A trace a symbol: a browser lays out one of several symbols point by point."""
    symbols = np.full(len(mine), "circle", object)
    for group in groups:
        symbols[group.rows] = group.symbol
    symbols = symbols[mine]
    drawn = dict.fromkeys(["circle", *(group.symbol for group in groups)])
    return [
        (symbol, np.flatnonzero(symbols == symbol))
        for symbol in drawn
        if symbol == "circle" or (symbols == symbol).any()
    ]


def map_legend(
    frame: pd.DataFrame, *, colour_by: str = "emotion", emotions: Sequence[str] = ()
) -> str:
    """What the colours and symbols of both maps mean, as HTML that wraps."""
    entries = "".join(
        f'<span style="white-space:nowrap"><span aria-hidden="true" style="color:{group.colour};'
        f'font-size:1.1em">{_SIGNS[group.symbol]}</span> {escape(group.name)}</span>'
        for group in point_groups(drawn_points(frame), colour_by, emotions)
    )
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:0.15rem 1.1rem;font-size:0.875rem">'
        f'<span style="opacity:0.76">{escape(COLOUR_BY[colour_by])}:</span>{entries}</div>'
    )
