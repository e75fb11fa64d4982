"""Separation measures before and after an intervention, with their intervals and chance."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis import palette

__all__ = ["describe_separation", "separation_figure"]

INK = palette.INK["light"]
AFTER = "#308096"


def separation_figure(frame: pd.DataFrame, *, titles: Sequence[str], ink: str = INK) -> go.Figure:
    """A row a measure: before (hollow), after (solid), each with its interval, and chance (bars).

    `frame` as by `analysis.separation_study.compare_measures`, or with one title only as by
    `analysis.embed_table.list_measures`. A measure that is not defined has its row, with the
    reason.
    """
    # Of two lines, so that a phone's width has room for the marks.
    frame = frame.assign(title=frame["title"].str.replace(", ", ",<br>", regex=False))
    figure = go.Figure()
    hollow = {"symbol": "circle-open", "color": palette.MUTED, "size": 12}
    solid = {"symbol": "circle", "color": AFTER, "size": 12}
    markers = (hollow, solid)[-len(titles) :]
    for side, title, marker in zip(("before", "after"), titles, markers, strict=False):
        figure.add_scatter(
            x=frame[f"chance_{side}"],
            y=frame["title"],
            mode="markers",
            name="chance",
            legendgroup="chance",
            showlegend=side == "before",
            marker={"symbol": "line-ns-open", "color": palette.MUTED, "size": 16},
            hovertemplate="%{y}, chance: %{x:.3f}<extra></extra>",
        )
        figure.add_scatter(
            x=frame[side],
            y=frame["title"],
            mode="markers",
            name=title,
            marker={**marker, "line": {"width": 2}},
            error_x={
                "type": "data",
                "array": (frame[f"{side}_high"] - frame[side]).clip(lower=0),
                "arrayminus": (frame[side] - frame[f"{side}_low"]).clip(lower=0),
                "color": marker["color"],
                "thickness": 1.4,
                "width": 4,
            },
            hovertemplate=f"%{{y}}, {title}: %{{x:.3f}}<extra></extra>",
        )
    for row in frame[frame["reason"] != ""].to_dict("records"):
        figure.add_annotation(
            x=0,
            y=row["title"],
            text=f"not defined: {row['reason']}",
            showarrow=False,
            xanchor="left",
            font={"color": palette.MUTED, "size": 12},
        )
    figure.update_layout(
        height=40 * len(frame) + 90,
        margin={"l": 4, "r": 8, "t": 8, "b": 8},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": ink},
        legend={"orientation": "h", "y": -0.08, "yanchor": "top", "font": {"size": 12}},
    )
    figure.update_xaxes(zeroline=True, zerolinecolor=palette.MUTED, tickfont={"color": ink})
    figure.update_yaxes(
        autorange="reversed",
        categoryorder="array",
        categoryarray=list(frame["title"]),
        tickfont={"color": ink, "size": 13},
    )
    return figure


def describe_separation(frame: pd.DataFrame) -> str:
    """Text alternative of `separation_figure`."""
    parts = [
        f"{row['title']}: {row['before']:.3f}, then {row['after']:.3f}, "
        f"chance {row['chance_after']:.3f}"
        if not row["reason"]
        else f"{row['title']}: not defined ({row['reason']})"
        for row in frame.to_dict("records")
    ]
    return "; ".join(parts) + "."
