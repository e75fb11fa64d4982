"""Points of an embedding and its separation measures as plotly figures.

Points carry their `sample_id` in `customdata`, as plain lists (arrays come back from the browser
as objects); everything else about a point is looked up by it, which keeps the payload small.
Unselected points are greyed by the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import palette
from analysis.embedding_points import CHANGES
from ccim_core.labels import LABEL_SEPARATOR

__all__ = [
    "COLOUR_BY",
    "MAX_SVG",
    "PointGroup",
    "describe_embedding",
    "drawn_points",
    "embedding_figure",
    "fix_axes",
    "pair_figure",
    "point_groups",
    "point_trace",
    "style_points",
]

COLOUR_BY: dict[str, str] = {
    "emotion": "emotion",
    "scene": "scene",
    "cluster": "context cluster",
    "correct": "right or wrong",
    "change": "what the intervention changes",
}

INK = palette.INK["light"]
UNKNOWN = "unknown"
_SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")
_MAX_GROUPS = 24
MAX_SVG = 1500
"""Up to so many points SVG is drawn sooner than WebGL has started."""

_GREYED = {"marker": {"color": palette.MUTED, "opacity": 0.12}}
_VERDICTS = {"right": "#0072B2", "wrong": "#D55E00"}
_CHANGE_COLOURS = dict(zip(CHANGES, ("#56B4E9", "#009E73", "#D55E00", "#8A979E"), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class PointGroup:
    """Points that look alike: legend name, colour, symbol and a mask (n,) over the rows."""

    name: str
    colour: str
    symbol: str
    rows: np.ndarray


def embedding_figure(
    frame: pd.DataFrame,
    *,
    side: str,
    colour_by: str = "emotion",
    emotions: Sequence[str] = (),
    height: int = 520,
    ink: str = INK,
) -> go.Figure:
    """One side's points.

    Args:
        frame: as by `analysis.embedding_points.describe_points`; both sides fix the axes, so that
            the figures of the two sides can be laid side by side.
        side: "before" or "after".
        colour_by: a key of `COLOUR_BY`.
        emotions: the vocabulary, in the legend's order; by default those that occur.
    """
    points = drawn_points(frame)
    figure = go.Figure(_traces(points, side, colour_by, emotions))
    style_points(figure, height=height, ink=ink, title=COLOUR_BY[colour_by])
    fix_axes(figure, points)
    return figure


def pair_figure(
    frame: pd.DataFrame,
    *,
    titles: tuple[str, str],
    colour_by: str = "emotion",
    emotions: Sequence[str] = (),
    height: int = 520,
    ink: str = INK,
) -> go.Figure:
    """Both sides beside each other, zoomed and filtered together. Arguments as above."""
    points = drawn_points(frame)
    figure = make_subplots(cols=2, horizontal_spacing=0.02, subplot_titles=titles)
    for column, side in enumerate(("before", "after"), start=1):
        for trace in _traces(points, side, colour_by, emotions, legend=column == 1):
            figure.add_trace(trace, row=1, col=column)
    style_points(figure, height=height, ink=ink, title=COLOUR_BY[colour_by])
    fix_axes(figure, points)
    figure.update_xaxes(matches="x")
    figure.update_yaxes(matches="y")
    return figure


def point_groups(
    frame: pd.DataFrame, colour_by: str, emotions: Sequence[str] = ()
) -> list[PointGroup]:
    """How rows are told apart by a column of `COLOUR_BY`, every row in one group.

    A subject with several emotions has the colour of the first in the vocabulary. Of many scenes
    or clusters the most frequent have their own look, the rest are "other".
    """
    if colour_by not in COLOUR_BY:
        raise ValueError(f"Expected `colour_by` of {list(COLOUR_BY)}, got {colour_by!r}.")
    if colour_by == "emotion":
        names = frame["emotion"].astype(str).str.split(LABEL_SEPARATOR, n=1, regex=False).str[0]
        order = [*emotions, *(name for name in sorted(names.unique()) if name not in emotions)]
        return _coloured(names, palette.emotion_colours(order))
    if colour_by == "correct":
        verdicts = frame["correct"].map({True: "right", False: "wrong"})
        return _coloured(verdicts.astype(object), _VERDICTS)
    if colour_by == "change":
        return _coloured(frame["change"], _CHANGE_COLOURS)
    return _by_frequency(frame[colour_by], prefix="#" if colour_by == "cluster" else "")


def describe_embedding(frame: pd.DataFrame, titles: tuple[str, str]) -> str:
    """Text alternative of the figures: how many points, and how many predictions changed."""
    one = frame[frame["side"] == "before"]
    counts = one["change"].value_counts()
    changed = ", ".join(f"{int(counts.get(name, 0))} {name}" for name in CHANGES)
    known = f" Predictions, before to after: {changed}." if len(counts) else ""
    return f"{len(one)} subjects, {titles[0]} and {titles[1]}.{known}"


def drawn_points(frame: pd.DataFrame) -> pd.DataFrame:
    """The points that have a place."""
    return frame[np.isfinite(frame["x"]) & np.isfinite(frame["y"])]


def _traces(
    points: pd.DataFrame,
    side: str,
    colour_by: str,
    emotions: Sequence[str],
    *,
    legend: bool = True,
) -> list[go.Scatter | go.Scattergl]:
    mine = points[points["side"] == side]
    return [
        point_trace(
            mine[group.rows],
            n_points=len(mine),
            group=group.name,
            marker={"color": group.colour, "symbol": group.symbol},
            name=group.name,
            legendgroup=group.name,
            showlegend=legend,
        )
        for group in point_groups(mine, colour_by, emotions)
    ]


def point_trace(
    rows: pd.DataFrame, *, n_points: int, marker: dict[str, Any], group: str = "", **look: Any
) -> go.Scatter | go.Scattergl:
    """Some of the `n_points` of one side, greyed by the browser where others are selected.

    marker: colour and symbol. group: what the hover box calls it. look: of the trace.
    """
    kind = go.Scatter if n_points <= MAX_SVG else go.Scattergl
    return kind(
        x=rows["x"].to_numpy(np.float32),
        y=rows["y"].to_numpy(np.float32),
        mode="markers",
        customdata=[[sample_id] for sample_id in rows["sample_id"].tolist()],
        marker={"size": 6 if n_points <= 10_000 else 4, "opacity": 0.75, **marker},
        selected={"marker": {"opacity": 1.0}},
        unselected=_GREYED,
        hovertemplate=f"%{{customdata[0]}}<extra>{group}</extra>",
        **look,
    )


def _coloured(values: pd.Series, colours: dict[str, str]) -> list[PointGroup]:
    """A group for each name of `colours` that occurs, in its order, and one for the rest."""
    groups = [
        PointGroup(name=name, colour=colour, symbol="circle", rows=(values == name).to_numpy(bool))
        for name, colour in colours.items()
    ]
    rest = ~np.logical_or.reduce([group.rows for group in groups])
    groups.append(PointGroup(name=UNKNOWN, colour=palette.MUTED, symbol="circle-open", rows=rest))
    return [group for group in groups if group.rows.any()]


def _by_frequency(values: pd.Series, *, prefix: str) -> list[PointGroup]:
    """A hue and a symbol each for the most frequent values, in order of name."""
    counts = values.value_counts()
    kept = sorted(counts.index[: _MAX_GROUPS if len(counts) > _MAX_GROUPS else len(counts)])
    # The grey of the palette is kept for "other" and "unknown".
    hues = palette.OKABE_ITO[:-1]
    groups = []
    for place, value in enumerate(kept):
        rows = (values == value).fillna(False).to_numpy(bool)
        name = f"{prefix}{value}".replace("_", " ")
        symbol = _SYMBOLS[place // len(hues) % len(_SYMBOLS)]
        groups.append(
            PointGroup(name=name, colour=hues[place % len(hues)], symbol=symbol, rows=rows)
        )
    missing = values.isna().to_numpy(bool)
    named = np.logical_or.reduce([np.zeros(len(values), bool), *(group.rows for group in groups)])
    rest = ~named & ~missing
    other = f"other ({len(counts) - len(kept)})"
    for name, rows in ((other, rest), (UNKNOWN, missing)):
        if rows.any():
            groups.append(
                PointGroup(name=name, colour=palette.MUTED, symbol="circle-open", rows=rows)
            )
    return groups


def fix_axes(figure: go.Figure, points: pd.DataFrame) -> None:
    """One scale for x and y, and the same range whatever is shown: no axis has a meaning."""
    low, high = points[["x", "y"]].min(), points[["x", "y"]].max()
    if not len(points):
        low, high = pd.Series({"x": -1.0, "y": -1.0}), pd.Series({"x": 1.0, "y": 1.0})
    pad = 0.04 * max(float((high - low).max()), 1e-6)
    for axis, update in (("x", figure.update_xaxes), ("y", figure.update_yaxes)):
        update(
            range=[float(low[axis]) - pad, float(high[axis]) + pad],
            showgrid=False,
            showticklabels=False,
            zeroline=False,
        )
    figure.update_yaxes(scaleanchor="x", scaleratio=1, constrain="domain")
    figure.update_xaxes(constrain="domain")


def style_points(figure: go.Figure, *, height: int, ink: str, title: str) -> None:
    """Lasso, transparent ground, a legend of that title below; in place."""
    figure.update_layout(
        height=height,
        dragmode="lasso",
        clickmode="event+select",
        margin={"l": 4, "r": 4, "t": 30, "b": 8},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.MUTED, "activecolor": ink},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": ink},
        legend={
            # Above the entries: beside them it would push the last of a row off the figure.
            "title": {"text": title, "font": {"size": 12}, "side": "top"},
            "font": {"color": ink, "size": 12},
            "itemsizing": "constant",
            "orientation": "h",
            "y": -0.02,
            "yanchor": "top",
        },
        # Keeps zoom and selection when the figure is drawn again with the same points.
        uirevision="embedding",
        selectionrevision="embedding",
    )
