"""Tables 1-3 and Figure 5 as figures: a function of a DataFrame each, for app and report.

Fonts, grid and background are left to the template in use; the colours set here hold on white and
on near-black alike, and the colour of text is `ink`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.palette import INK, MUTED, OKABE_ITO

__all__ = ["CCIM_COLOUR", "PLAIN_COLOUR", "describe_bars", "gain_dumbbells", "published_bars"]

TEXT = INK["light"]
PLAIN_COLOUR, CCIM_COLOUR = OKABE_ITO[4], OKABE_ITO[0]
_BAR_PIXELS, _ROW_PIXELS = 34, 26
_APART = 0.16  # of a row, so that the two ends' intervals can be told apart


def published_bars(frame: pd.DataFrame, *, ink: str = TEXT) -> go.Figure:
    """Published beside measured: a row a model, plain and with CCIM, with the 95% intervals.

    `frame`: rows of one split of `analysis.tables_results.results_table`. Rows with neither number
    are left out; the tick is the chance level of the metric in use.
    """
    shown = frame[frame["published"].notna() | frame["ours"].notna()]
    names = list(shown["title"])
    figure = go.Figure()
    for rank, (setting, title, colour) in enumerate(
        (("none", "ours, plain", PLAIN_COLOUR), ("ccim", "ours, + CCIM", CCIM_COLOUR)), start=2
    ):
        mine = shown[(shown["setting"] == setting) & shown["ours"].notna()]
        if mine.empty:
            continue
        figure.add_bar(
            y=list(mine["title"]),
            x=list(mine["ours"]),
            orientation="h",
            name=title,
            legendrank=rank,
            offsetgroup="ours",
            marker={"color": colour, "cornerradius": 3},
            error_x=_interval(mine, ink),
            customdata=_details(mine),
            hovertemplate="%{y}, ours: %{x:.2f} %{customdata[0]}<br>n = %{customdata[1]}"
            "<extra></extra>",
        )
    # The axis runs upwards: what is added last stands on top.
    if shown["published"].notna().any():
        figure.add_bar(
            y=names,
            x=list(shown["published"]),
            orientation="h",
            name="published",
            legendrank=1,
            offsetgroup="published",
            marker={
                "color": "rgba(138,151,158,0.22)",
                "line": {"color": MUTED, "width": 1.2},
                "cornerradius": 3,
            },
            hovertemplate="%{y}, published: %{x:.2f}<extra></extra>",
        )
    chance = shown[shown["chance"].notna()]
    if len(chance):
        figure.add_scatter(
            y=list(chance["title"]),
            x=list(chance["chance"]),
            mode="markers",
            name="chance",
            legendrank=4,
            marker={"symbol": "line-ns-open", "size": 16, "color": ink, "line": {"width": 2}},
            hovertemplate="%{y}, chance: %{x:.2f}<extra></extra>",
        )
    figure.update_xaxes(
        title={"text": _axis_title(shown), "font": {"size": 13}}, rangemode="tozero"
    )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False)
    figure.update_layout(
        height=96 + _BAR_PIXELS * max(len(names), 2),
        barmode="group",
        bargap=0.32,
        bargroupgap=0.06,
        legend={
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "x": 0,
        },
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure


def _axis_title(frame: pd.DataFrame) -> str:
    return str(frame["metric"].iloc[0]) if len(frame) else ""


def _interval(rows: pd.DataFrame, colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": list((rows["high"] - rows["ours"]).fillna(0.0)),
        "arrayminus": list((rows["ours"] - rows["low"]).fillna(0.0)),
        "color": colour,
        "thickness": 1.4,
        "width": 4,
    }


def _details(rows: pd.DataFrame) -> list[list[str]]:
    """Interval and number of seeds, for the hover text."""
    return [
        [f"[{low:.2f}, {high:.2f}]" if np.isfinite(low) else "", f"{int(seeds)} seeds"]
        for low, high, seeds in zip(rows["low"], rows["high"], rows["seeds"], strict=True)
    ]


def describe_bars(frame: pd.DataFrame) -> str:
    """Text alternative of `published_bars`."""
    parts = []
    for row in frame.to_dict("records"):
        texts = []
        if np.isfinite(row["published"]):
            texts.append(f"{row['published']:.2f} published")
        if np.isfinite(row["ours"]):
            texts.append(f"{row['ours']:.2f} ours")
        if texts:
            parts.append(f"{row['title']} {', '.join(texts)}")
    return f"{_axis_title(frame)} by model: {'; '.join(parts)}."


def gain_dumbbells(frame: pd.DataFrame, *, ink: str = TEXT) -> go.Figure:
    """Each emotion's plain (hollow) and + CCIM (solid) number with intervals; a panel a model.

    Figure 5 with the change drawn in. `frame`: rows of one split of
    `analysis.tables_results.category_table`. Published pairs, where there are such, lie beneath in
    grey; models with neither have no panel.
    """
    named = frame[frame["ours"].notna() | frame["published"].notna()]
    models = list(dict.fromkeys(named["model"]))
    emotions = list(dict.fromkeys(frame["category"]))
    columns = min(2, max(len(models), 1))
    rows = -(-max(len(models), 1) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        shared_xaxes="all",
        subplot_titles=models,
        horizontal_spacing=0.03,
        vertical_spacing=0.1 / rows,
    )
    rows_of = {emotion: float(place) for place, emotion in enumerate(emotions)}
    for place, model in enumerate(models):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        mine = named[named["model"] == model].set_index("category")
        plain, ccim = (mine[mine["setting"] == name] for name in ("none", "ccim"))
        for column, colour, width in (("published", MUTED, 5), ("ours", CCIM_COLOUR, 2)):
            apart = _APART if column == "ours" else 0.0
            _bridges(figure, plain[column], ccim[column], rows_of, apart, colour, width, cell)
        _published_ends(figure, plain, ccim, rows_of, cell, first=place == 0)
        styles = (
            (plain, "plain", PLAIN_COLOUR, "circle-open", -_APART),
            (ccim, "+ CCIM", CCIM_COLOUR, "circle", _APART),
        )
        for part, title, colour, symbol, shift in styles:
            y = [rows_of[str(emotion)] + shift for emotion in part.index]
            _ends(figure, part, title, colour, symbol, y, cell, first=place == 0)
    figure.update_xaxes(showticklabels=True)
    figure.update_xaxes(title={"text": _axis_title(frame), "font": {"size": 13}}, row=rows)
    figure.update_yaxes(
        tickvals=list(rows_of.values()),
        ticktext=emotions,
        range=[len(emotions) - 0.4, -0.6],
        tickfont={"size": 12},
        zeroline=False,
    )
    figure.update_layout(
        height=130 + rows * (_ROW_PIXELS * len(emotions) + 40),
        legend={"orientation": "h", "y": 1.0, "yanchor": "top", "yref": "container", "x": 0},
        margin={"l": 8, "r": 8, "t": 72, "b": 8},
    )
    figure.update_annotations(font={"color": ink, "size": 14})
    return figure


def _bridges(
    figure: go.Figure,
    start: pd.Series,
    end: pd.Series,
    rows_of: dict[str, float],
    apart: float,
    colour: str,
    width: int,
    cell: dict[str, int],
) -> None:
    """The lines between the two ends of every emotion that has both."""
    x: list[float | None] = []
    y: list[float | None] = []
    for emotion in start.index.intersection(end.index):
        if np.isfinite([start[emotion], end[emotion]]).all():
            x += [float(start[emotion]), float(end[emotion]), None]
            y += [rows_of[str(emotion)] - apart, rows_of[str(emotion)] + apart, None]
    if x:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": width},
            opacity=0.45,
            showlegend=False,
            hoverinfo="skip",
            **cell,
        )


def _published_ends(
    figure: go.Figure,
    plain: pd.DataFrame,
    ccim: pd.DataFrame,
    rows_of: dict[str, float],
    cell: dict[str, int],
    *,
    first: bool,
) -> None:
    for part, title, symbol in (
        (plain, "published, plain", "diamond-open"),
        (ccim, "published, + CCIM", "diamond"),
    ):
        rows = part[part["published"].notna()]
        if len(rows):
            figure.add_scatter(
                x=list(rows["published"]),
                y=[rows_of[str(emotion)] for emotion in rows.index],
                customdata=[[str(emotion)] for emotion in rows.index],
                mode="markers",
                name=title,
                legendgroup=title,
                showlegend=first,
                marker={"symbol": symbol, "color": MUTED, "size": 8},
                hovertemplate=f"%{{customdata[0]}}, {title}: %{{x:.2f}}<extra></extra>",
                **cell,
            )


def _ends(
    figure: go.Figure,
    part: pd.DataFrame,
    title: str,
    colour: str,
    symbol: str,
    y: list[float],
    cell: dict[str, int],
    *,
    first: bool,
) -> None:
    known = part["ours"].notna().to_numpy(bool)
    rows = part[known]
    if rows.empty:
        return
    figure.add_scatter(
        x=list(rows["ours"]),
        y=[place for place, one in zip(y, known, strict=True) if one],
        mode="markers",
        name=title,
        legendgroup=title,
        showlegend=first,
        marker={"symbol": symbol, "color": colour, "size": 10, "line": {"width": 2}},
        error_x={**_interval(rows, colour), "width": 0},
        customdata=[
            [str(emotion), *more] for emotion, more in zip(rows.index, _details(rows), strict=True)
        ],
        hovertemplate=f"%{{customdata[0]}}, {title}: %{{x:.2f}} %{{customdata[1]}}<extra></extra>",
        **cell,
    )
