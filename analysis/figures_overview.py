"""The Overview's figure: every method before and after the scene stops following the emotion."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from analysis import palette

__all__ = ["describe_story", "story_figure"]

INK = palette.INK["light"]
BIASED, SHIFT, ORACLE = palette.MUTED, "#308096", "#D55E00"


def story_figure(frame: pd.DataFrame, *, metric: str, ink: str = INK) -> go.Figure:
    """A row a method: a hollow mark on the same distribution, a solid one on the shift test.

    `frame` as by `analysis.story.story_table`; `metric` names the axis. Bars are 95% intervals
    over subjects and seeds together. The dotted line is the oracle on the shift test.
    """
    figure = go.Figure()
    for row in frame.to_dict("records"):
        figure.add_scatter(
            x=[row["test"] * 100, row["shift"] * 100],
            y=[row["method"], row["method"]],
            mode="lines",
            line={"color": BIASED, "width": 2},
            showlegend=False,
            hoverinfo="skip",
        )
    styles = (
        ("test", "same distribution", {"symbol": "circle-open", "color": BIASED, "size": 12}),
        ("shift", "shift test", {"symbol": "circle", "color": SHIFT, "size": 13}),
    )
    for column, title, marker in styles:
        figure.add_scatter(
            x=frame[column] * 100,
            y=frame["method"],
            mode="markers",
            name=title,
            marker={**marker, "line": {"width": 2.5 if column == "test" else 0}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": list(((frame[f"{column}_high"] - frame[column]) * 100).fillna(0.0)),
                "arrayminus": list(((frame[column] - frame[f"{column}_low"]) * 100).fillna(0.0)),
                "color": marker["color"],
                "thickness": 1.2,
                "width": 3,
            },
            hovertemplate=f"%{{y}}, {title}: %{{x:.1f}}%<extra></extra>",
        )
    oracle = frame[frame["oracle"] & (frame["inputs"] == "full")]
    if len(oracle):
        level = float(oracle["shift"].iloc[0]) * 100
        figure.add_vline(
            x=level,
            line={"color": ORACLE, "width": 1.5, "dash": "dot"},
            annotation={"text": "oracle", "font": {"color": ink, "size": 12}, "yanchor": "bottom"},
            annotation_position="top",
        )
    shown = frame[~frame["oracle"]].to_dict("records")
    for row in shown:
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="right",
            y=row["method"],
            text="–" if math.isnan(row["recovery"]) else f"{row['recovery']:.0%}".replace("-", "−"),
            hovertext=row["reason"] or None,
            showarrow=False,
            font={"color": ink, "size": 13},
        )
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="right",
        y=1,
        yref="paper",
        yanchor="bottom",
        text="won back",
        showarrow=False,
        font={"color": ink, "size": 12},
    )
    figure.update_layout(
        height=42 * len(frame) + 110,
        margin={"l": 4, "r": 8, "t": 26, "b": 8},
        legend={
            "orientation": "h",
            "x": 0,
            "y": -0.16,
            "yanchor": "top",
            "font": {"color": ink, "size": 12},
        },
    )
    figure.update_xaxes(
        range=[0, 118],
        tickvals=[0, 25, 50, 75, 100],
        ticktext=["0", "25%", "50%", "75%", "100%"],
        title={"text": metric, "font": {"color": ink, "size": 12}},
        tickfont={"color": ink},
        zeroline=False,
    )
    figure.update_yaxes(
        autorange="reversed", showgrid=False, tickfont={"color": ink, "size": 13}, title=None
    )
    return figure


def describe_story(frame: pd.DataFrame, metric: str) -> str:
    """Text alternative of `story_figure`."""
    rows = "; ".join(
        f"{row['method']}: {row['test']:.0%} same distribution, {row['shift']:.0%} shift test"
        for row in frame.to_dict("records")
    )
    return f"{metric} by method. {rows}."
