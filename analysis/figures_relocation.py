"""The same person in several places: where each estimator's reading of one emotion lies."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from analysis.figures_prediction import unit_of
from analysis.palette import INK, MUTED

__all__ = ["relocation_figure"]

ROW = 46
COLUMN = 84  # pixels for the consistencies, right of the axis
HERE = "#D55E00"


def relocation_figure(
    table: pd.DataFrame,
    consistency: pd.Series,
    *,
    emotion: str,
    link: str = "softmax",
    colour: str,
    ink: str = INK["light"],
) -> go.Figure:
    """A row an estimator: a dot a place, a diamond for the picture's own, their range as a line.

    Args:
        table: title, place, value, here (`relocation_tables.place_table`).
        consistency: by title; written at the right.
        emotion: whose values these are.
        colour: of that emotion.
    """
    factor, suffix, _ = unit_of(link)
    titles = list(dict.fromkeys(table["title"]))
    values = table.assign(value=table["value"] * factor)
    digits = ".2f" if link == "identity" else ".1f"
    figure = go.Figure()
    span = values.groupby("title", sort=False)["value"].agg(["min", "max"])
    for title in titles:
        figure.add_scatter(
            x=[span.loc[title, "min"], span.loc[title, "max"]],
            y=[title, title],
            mode="lines",
            line={"color": MUTED, "width": 3},
            hoverinfo="skip",
            showlegend=False,
        )
    for here, name, marker in (
        (False, "another place", {"color": colour, "size": 11, "opacity": 0.75}),
        (True, "here", {"color": HERE, "size": 13, "symbol": "diamond"}),
    ):
        rows = values[values["here"] == here]
        figure.add_scatter(
            x=rows["value"],
            y=rows["title"],
            mode="markers",
            name=name,
            marker={**marker, "line": {"color": "#FFFFFF", "width": 1}},
            customdata=rows["place"].tolist(),
            hovertemplate=f"%{{customdata}}: %{{x:{digits}}}{suffix}<extra>%{{y}}</extra>",
        )
    for title in titles:
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="right",
            xshift=COLUMN,
            y=title,
            text="–" if pd.isna(consistency[title]) else f"{consistency[title]:.2f}",
            showarrow=False,
            font={"size": 14, "color": ink},
        )
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="right",
        xshift=COLUMN,
        y=1,
        yref="paper",
        yanchor="bottom",
        text="consistency",
        showarrow=False,
        font={"size": 12, "color": ink},
    )
    low, high = float(values["value"].min()), float(values["value"].max())
    reach = max(high - low, 1e-3 if link == "identity" else 2.0)
    figure.update_layout(
        height=ROW * len(titles) + 84,
        margin={"l": 4, "r": COLUMN + 4, "t": 26, "b": 8},
        legend={
            "orientation": "h",
            "y": 1,
            "yanchor": "bottom",
            "x": 0,
            "font": {"color": ink, "size": 12},
        },
    )
    figure.update_xaxes(
        range=[low - 0.06 * reach, high + 0.06 * reach],
        nticks=6,
        ticksuffix=suffix,
        tickfont={"color": ink, "size": 12},
        title={"text": emotion, "font": {"color": ink, "size": 12}},
        zeroline=False,
    )
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=titles[::-1],
        range=[-0.6, len(titles) - 0.4],
        showgrid=False,
        ticklabelstandoff=6,
        tickfont={"color": ink, "size": 13},
    )
    return figure
