"""The model card's figure: recall of each emotion on held-out portraits."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from analysis import palette

__all__ = ["describe_recalls", "recall_figure"]


def recall_figure(
    frame: pd.DataFrame, *, colours: Mapping[str, str], ink: str = palette.INK["light"]
) -> go.Figure:
    """Horizontal bars of recall with counts; the dotted line is chance, 1 / number of emotions.

    `frame`: emotion, recall, n (`analysis.model_card.card_recalls`).
    """
    figure = go.Figure()
    figure.add_bar(
        y=frame["emotion"],
        x=frame["recall"] * 100,
        orientation="h",
        marker={"color": [colours[emotion] for emotion in frame["emotion"]], "cornerradius": 3},
        text=[f"{row['recall']:.0%}  (n = {row['n']:,})" for row in frame.to_dict("records")],
        textposition="outside",
        textfont={"color": ink, "size": 12},
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f}%<extra></extra>",
    )
    figure.add_vline(
        x=100 / len(frame),
        line={"color": palette.MUTED, "width": 1.5, "dash": "dot"},
        annotation={"text": "chance", "font": {"color": ink, "size": 12}, "yanchor": "bottom"},
        annotation_position="top",
    )
    figure.update_layout(
        height=34 * len(frame) + 50,
        bargap=0.34,
        margin={"l": 4, "r": 8, "t": 26, "b": 8},
        showlegend=False,
    )
    figure.update_xaxes(range=[0, 135], showgrid=False, showticklabels=False, zeroline=False)
    figure.update_yaxes(
        autorange="reversed",
        showgrid=False,
        ticklabelstandoff=6,
        tickfont={"color": ink, "size": 13},
        title=None,
    )
    return figure


def describe_recalls(frame: pd.DataFrame) -> str:
    """Text alternative of `recall_figure`."""
    rows = ", ".join(
        f"{row['emotion']} {row['recall']:.0%} of {row['n']}" for row in frame.to_dict("records")
    )
    return f"Recall on held-out portraits: {rows}."
