"""Figure 2 and what it counts: scenes by conditional entropy, with chance drawn over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.palette import INK, MUTED, emotion_colours

__all__ = ["bias_histogram", "zero_entropy_figure"]

TEXT = INK["light"]
_BAND = "rgba(138,151,158,0.38)"


def bias_histogram(
    histogram: pd.DataFrame, *, emotions: Sequence[str] | None = None, ink: str = TEXT
) -> go.Figure:
    """Scenes by conditional entropy, with what chance gives drawn over them (Figure 2).

    Differs from the paper: it shows no null; here the line is the mean of the null tables and the
    grey their 95% band, so that a tall bar at zero can be told from what rare scenes give anyway.

    `histogram` as of a `BiasReport`. A panel an emotion, in two columns where there are many.
    """
    names = list(emotions or dict.fromkeys(histogram["emotion"]))
    colours = emotion_colours(names)
    columns = 1 if len(names) <= 3 else 2
    rows = -(-len(names) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=names,
        vertical_spacing=min(0.08, 0.3 / max(rows, 1)),
        horizontal_spacing=0.08,
    )
    for place, name in enumerate(names):
        bins = histogram[histogram["emotion"] == name]
        where = {"row": place // columns + 1, "col": place % columns + 1}
        figure.add_trace(_histogram_bars(bins, colours[name], legend=place == 0), **where)
        for trace in _histogram_null(bins, ink, legend=place == 0):
            figure.add_trace(trace, **where)
    figure.update_xaxes(
        range=[-0.06, 1.01],
        tickvals=[-0.025, 0.2, 0.4, 0.6, 0.8, 1.0],
        ticktext=["0", "0.2", "0.4", "0.6", "0.8", "1"],
        showgrid=False,
        showticklabels=False,
    )
    for place in range(max(len(names) - columns, 0), len(names)):  # the lowest of each column
        figure.update_xaxes(
            title_text="H(emotion | scene) in bits",
            showticklabels=True,
            row=place // columns + 1,
            col=place % columns + 1,
        )
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title_text="scenes", col=1)
    figure.update_layout(
        height=110 + 190 * rows,
        bargap=0,
        # Above the panels' titles, whatever the height: `y` is a share of the panels' own.
        legend={
            "orientation": "h",
            "y": 1 + 26 / (190 * rows),
            "yanchor": "bottom",
            "x": 1,
            "xanchor": "right",
        },
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
    )
    figure.update_annotations(xanchor="center", font={"color": ink, "size": 14})
    return figure


def _histogram_bars(bins: pd.DataFrame, colour: str, *, legend: bool) -> go.Bar:
    exact = bins["left"] == bins["right"]
    label = [
        "exactly 0" if zero else f"{left:.2f} to {right:.2f}"
        for zero, left, right in zip(exact, bins["left"], bins["right"], strict=True)
    ]
    return go.Bar(
        x=_bin_centres(bins),
        y=list(bins["scenes"]),
        width=_width(bins) * 0.92,
        marker={"color": colour, "line": {"width": 0}},
        name="data",
        legendgroup="data",
        showlegend=legend,
        customdata=[[text] for text in label],
        hovertemplate="%{customdata[0]} bits: %{y} scenes<extra></extra>",
    )


def _histogram_null(bins: pd.DataFrame, ink: str, *, legend: bool) -> list[go.Scatter]:
    """The null's band and mean as steps along the bins; nothing where no null was drawn."""
    if bins["null_mean"].isna().all():
        return []
    centres, half = _bin_centres(bins), _width(bins) / 2
    x = [centres[0] - half, *centres, centres[-1] + half]

    def steps(column: str, **more: object) -> go.Scatter:
        values = list(bins[column])
        line = {"shape": "hvh", "width": 0, "color": MUTED}
        return go.Scatter(
            **{
                "x": x,
                "y": [values[0], *values, values[-1]],
                "mode": "lines",
                "line": line,
                "hoverinfo": "skip",
                "showlegend": False,
                "legendgroup": "band",
                **more,
            }
        )

    band = {"fill": "tonexty", "fillcolor": _BAND, "name": "chance, 95% band"}
    mean = {"line": {"shape": "hvh", "width": 2, "color": ink}, "name": "chance, mean"}
    return [
        steps("null_low"),
        steps("null_high", showlegend=legend, **band),
        steps(
            "null_mean",
            showlegend=legend,
            legendgroup="chance",
            hoverinfo=None,
            hovertemplate="chance: %{y:.1f} scenes<extra></extra>",
            **mean,
        ),
    ]


def _bin_centres(bins: pd.DataFrame) -> list[float]:
    """Middle of each bin; that of "exactly zero" has no width and stands left of the axis."""
    middle, half = (bins["left"] + bins["right"]) / 2, _width(bins) / 2
    return [float(value) for value in np.where(bins["left"] == bins["right"], -half, middle)]


def _width(bins: pd.DataFrame) -> float:
    """Width of a bin in bits."""
    return float((bins["right"] - bins["left"]).max())


def zero_entropy_figure(emotions: pd.DataFrame, *, ink: str = TEXT) -> go.Figure:
    """Share of zero-entropy scenes per emotion (dots) over the band that chance gives (bars)."""
    shown = emotions[emotions["zero_entropy_share"].notna()].iloc[::-1]
    figure = go.Figure()
    figure.add_bar(
        y=list(shown["emotion"]),
        base=list(shown["zero_entropy_null_low"] * 100),
        x=list((shown["zero_entropy_null_high"] - shown["zero_entropy_null_low"]) * 100),
        orientation="h",
        marker={"color": MUTED, "opacity": 0.55},
        width=0.5,
        name="chance, 95% band",
        hoverinfo="skip",
    )
    figure.add_scatter(
        y=list(shown["emotion"]),
        x=list(shown["zero_entropy_null_mean"] * 100),
        mode="markers",
        marker={"symbol": "line-ns-open", "color": ink, "size": 13, "line": {"width": 2}},
        name="chance, mean",
        hovertemplate="%{y}, chance: %{x:.1f} %<extra></extra>",
    )
    colours = emotion_colours(list(shown["emotion"]))
    figure.add_scatter(
        y=list(shown["emotion"]),
        x=list(shown["zero_entropy_share"] * 100),
        mode="markers",
        marker={
            "size": 12,
            "color": [colours[name] for name in shown["emotion"]],
            "line": {"color": ink, "width": 1},
        },
        name="data",
        hovertemplate="%{y}: %{x:.1f} % of scenes<extra></extra>",
    )
    figure.update_xaxes(title_text="scenes with zero entropy, %", rangemode="tozero")
    figure.update_layout(
        height=110 + 30 * len(shown),
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure
