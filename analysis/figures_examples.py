"""Figure 8 as a figure: pictures with the outputs before and after, a row an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures_results import CCIM_COLOUR, PLAIN_COLOUR
from analysis.palette import INK, MUTED

__all__ = ["Thumbnail", "describe_examples", "examples_figure"]

TEXT = INK["light"]
MOST_EMOTIONS = 7
_BOX = "#F2B24D"
_PANEL_PIXELS = 300


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A reduced picture as a data URL; `size` and `original` are (width, height) in pixels."""

    source: str
    size: tuple[int, int]
    original: tuple[int, int]


def examples_figure(
    frame: pd.DataFrame,
    pictures: Mapping[str, Thumbnail],
    *,
    link: str = "softmax",
    ink: str = TEXT,
) -> go.Figure:
    """Each example's picture with its box, and its emotions' outputs before and after CCIM.

    Args:
        frame: `analysis.table_examples.example_table`.
        pictures: `image` of the frame to its picture; those that are absent are left blank.
        link: "identity" for scores; otherwise outputs are shown in per cent.
    """
    groups = [part for _, part in frame.groupby(["dataset", "example"], sort=False)]
    rows = max(len(groups), 1)
    figure = make_subplots(
        rows=rows,
        cols=2,
        column_widths=[0.32, 0.68],
        horizontal_spacing=0.1,
        vertical_spacing=0.22 / rows,
        subplot_titles=[text for part in groups for text in ("", _title(part))],
    )
    for row, part in enumerate(groups, start=1):
        _picture(figure, part.iloc[0], pictures, row, ink)
        _bars(figure, part, row, link)
    unit = "output" if link == "identity" else "probability, %"
    figure.update_xaxes(title={"text": unit, "font": {"size": 13}}, row=rows, col=2)
    figure.update_layout(
        height=60 + _PANEL_PIXELS * rows,
        barmode="group",
        bargap=0.3,
        bargroupgap=0.05,
        legend={
            "orientation": "h",
            "y": 1.0,
            "yanchor": "top",
            "yref": "container",
            "x": 0,
            "traceorder": "reversed",
        },
        margin={"l": 8, "r": 8, "t": 70, "b": 8},
    )
    figure.update_annotations(font={"color": ink, "size": 13})
    return figure


def _title(part: pd.DataFrame) -> str:
    first = part.iloc[0]
    agree = f"{int(first['seeds_better'])} of {int(first['seeds'])} seeds agree"
    return f"{first['dataset']}: labelled <b>{str(first['labels']).replace('|', ', ')}</b>; {agree}"


def _picture(
    figure: go.Figure, row: pd.Series, pictures: Mapping[str, Thumbnail], place: int, ink: str
) -> None:
    picture = pictures.get(str(row["image"]))
    width, height = picture.original if picture is not None else (4, 3)
    if picture is not None:
        dx, dy = width / picture.size[0], height / picture.size[1]
        figure.add_trace(
            go.Image(source=picture.source, x0=dx / 2, y0=dy / 2, dx=dx, dy=dy, hoverinfo="skip"),
            row=place,
            col=1,
        )
        figure.add_shape(
            type="rect",
            x0=row["x1"],
            y0=row["y1"],
            x1=row["x2"],
            y1=row["y2"],
            line={"color": _BOX, "width": 3},
            row=place,
            col=1,
        )
    else:
        figure.add_scatter(
            x=[width / 2],
            y=[height / 2],
            mode="text",
            text=["the picture is not here"],
            textfont={"color": ink},
            showlegend=False,
            hoverinfo="skip",
            row=place,
            col=1,
        )
    figure.update_xaxes(
        visible=False,
        range=[0, width],
        constrain="domain",
        constraintoward="left",
        fixedrange=True,
        row=place,
        col=1,
    )
    anchor = figure.get_subplot(place, 1).xaxis.plotly_name.replace("axis", "")
    figure.update_yaxes(
        visible=False,
        range=[height, 0],
        scaleanchor=anchor,
        constrain="domain",
        fixedrange=True,
        row=place,
        col=1,
    )


def _bars(figure: go.Figure, part: pd.DataFrame, place: int, link: str) -> None:
    factor = 1.0 if link == "identity" else 100.0
    top = part[["before", "after"]].astype(float).max(axis=1)
    kept = part[part["true"].astype(bool) | (top.rank(ascending=False) <= MOST_EMOTIONS)]
    kept = kept.sort_values("after", ascending=True).tail(MOST_EMOTIONS + 3)
    names = [
        f"<b>{name}</b>" if true else str(name)
        for name, true in zip(kept["emotion"], kept["true"], strict=True)
    ]
    # The axis runs upwards: what is added last stands on top.
    for column, title, colour in (
        ("after", "+ CCIM", CCIM_COLOUR),
        ("before", "plain", PLAIN_COLOUR),
    ):
        figure.add_bar(
            y=names,
            x=list(kept[column].astype(float) * factor),
            orientation="h",
            name=title,
            legendgroup=title,
            showlegend=place == 1,
            marker={"color": colour, "cornerradius": 2},
            hovertemplate=f"%{{y}}, {title}: %{{x:.1f}}<extra></extra>",
            row=place,
            col=2,
        )
    figure.update_yaxes(showgrid=False, row=place, col=2)
    figure.update_xaxes(rangemode="tozero", zerolinecolor=MUTED, row=place, col=2)


def describe_examples(frame: pd.DataFrame) -> str:
    """Text alternative of `examples_figure`."""
    parts = []
    for _, part in frame.groupby(["dataset", "example"], sort=False):
        rows = part.set_index("emotion")
        before, after = (str(rows[name].astype(float).idxmax()) for name in ("before", "after"))
        labels = str(part.iloc[0]["labels"]).replace("|", ", ")
        parts.append(f"labelled {labels}: top output {before} before, {after} after")
    return f"Examples. {'; '.join(parts) or 'None'}."
