"""Figures of cluster studies that set dictionaries beside each other."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from analysis.palette import INK, OKABE_ITO

__all__ = ["skew_figure"]


def skew_figure(steps: Mapping[str, pd.DataFrame], *, ink: str = INK["light"]) -> go.Figure:
    """How skewed clusters are, over the share of subjects in them, a line a dictionary.

    `steps`: title → as by `cluster_comparison.skew_steps`.
    """
    figure = go.Figure()
    looks = ((OKABE_ITO[0], "solid"), (OKABE_ITO[5], "dash"))
    for (title, frame), (colour, dash) in zip(steps.items(), looks, strict=False):
        figure.add_scatter(
            x=[0.0, *frame["subjects"]],
            y=[*frame["told_bits"].head(1), *frame["told_bits"]],
            customdata=[*frame["cluster"].head(1), *frame["cluster"]],
            mode="lines",
            line={"shape": "vh", "color": colour, "dash": dash, "width": 2.5},
            name=title,
            hovertemplate="cluster %{customdata}: %{y:.2f} bits<extra></extra>",
        )
    figure.update_xaxes(
        title_text="subjects, most skewed clusters first", tickformat=".0%", range=[0, 1]
    )
    figure.update_yaxes(title_text="skew, bits", rangemode="tozero")
    figure.update_layout(
        height=300,
        font={"color": ink},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure
