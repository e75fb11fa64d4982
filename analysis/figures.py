"""Figures of the bias and cluster studies: a function of a DataFrame each, for app and report.

Fonts, grid and background are left to the template in use; the colours set here hold on white and
on near-black alike, and the colour of text is `ink`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures_entropy import bias_histogram, zero_entropy_figure
from analysis.palette import DIVERGING, INK, OKABE_ITO, emotion_colours

__all__ = [
    "association_heatmap",
    "bias_histogram",
    "cluster_bars",
    "size_choice_figure",
    "zero_entropy_figure",
]

TEXT = INK["light"]
ROW_PIXELS = 22
_GREY_CELL = "rgba(138,151,158,0.22)"


def association_heatmap(
    cells: pd.DataFrame,
    *,
    level: float = 0.05,
    max_scenes: int = 40,
    scenes: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
    selectable: bool = False,
    ink: str = TEXT,
) -> go.Figure:
    """Emotion × scene: normalised pointwise mutual information, grey where q > `level`.

    `cells` as of a `BiasReport`. Shows `scenes`, or the `max_scenes` with most subjects, by their
    `titles` where given. A browser cannot select cells of a heat map: with `selectable` each has a
    mark that is seen once it is clicked, whose `customdata` begins with scene and emotion.
    """
    names = list(scenes) if scenes is not None else list(dict.fromkeys(cells["scene"]))
    names = names[:max_scenes]
    emotions = list(dict.fromkeys(cells["emotion"]))
    shown = cells.set_index(["scene", "emotion"])
    shown = shown.reindex(pd.MultiIndex.from_product([names, emotions]))
    grid = (len(names), len(emotions))
    coloured = np.where(shown["q"] <= level, shown["npmi"], np.nan).reshape(grid)
    details = [
        [
            f"{count:.0f} of {support:.0f}",
            f"{share * 100:.1f} %",
            f"{low * 100:.1f} to {high * 100:.1f} %",
            f"{lift:.2f}",
            "not tested" if np.isnan(q) else f"{q:.2g}",
        ]
        for count, support, share, low, high, lift, q in shown[
            ["count", "scene_support", "share", "share_low", "share_high", "lift", "q"]
        ].itertuples(index=False)
    ]
    customdata = [details[k * grid[1] : (k + 1) * grid[1]] for k in range(grid[0])]
    hover = (
        "%{y}, %{x}<br>%{customdata[0]} subjects: %{customdata[1]} (%{customdata[2]})<br>"
        "lift %{customdata[3]}, q %{customdata[4]}<extra></extra>"
    )
    rows = [(titles or {}).get(name, name) for name in names]
    common = {"x": emotions, "y": rows, "xgap": 1, "ygap": 1, "hovertemplate": hover}
    figure = go.Figure()
    figure.add_heatmap(
        z=np.zeros(grid).tolist(),
        colorscale=[[0, _GREY_CELL], [1, _GREY_CELL]],
        showscale=False,
        customdata=customdata,
        **common,
    )
    largest = max(0.1, float(np.nanmax(np.abs(coloured), initial=0.0)))
    figure.add_heatmap(
        z=[[None if np.isnan(v) else float(v) for v in row] for row in coloured],
        colorscale=[[k / (len(DIVERGING) - 1), hue] for k, hue in enumerate(DIVERGING)],
        zmin=-largest,
        zmax=largest,
        customdata=customdata,
        colorbar={"title": {"text": "nPMI"}, "tickfont": {"color": ink}, "thickness": 12},
        hoverongaps=False,
        **common,
    )
    if selectable:
        figure.update_traces(hoverinfo="skip", hovertemplate=None)
        figure.add_trace(_cell_marks(names, rows, emotions, details, ink))
        # Whatever is clicked in a cell, its own mark is the nearest.
        figure.update_layout(hoverdistance=-1, hovermode="closest", clickmode="event+select")
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5])
    figure.update_xaxes(
        side="top",
        tickangle=-45 if len(emotions) > 8 else None,
        range=[-0.5, len(emotions) - 0.5],
    )
    figure.update_layout(height=60 + ROW_PIXELS * len(names), margin=_margin(8))
    return figure


def _cell_marks(
    scenes: Sequence[str],
    rows: Sequence[str],
    emotions: Sequence[str],
    details: Sequence[list[str]],
    ink: str,
) -> go.Scatter:
    """A mark per cell, unseen until selected; `details` as the heat map's hover text needs."""
    cells = [
        (scene, row, name) for scene, row in zip(scenes, rows, strict=True) for name in emotions
    ]
    return go.Scatter(
        x=[name for _, _, name in cells],
        y=[row for _, row, _ in cells],
        mode="markers",
        marker={
            "symbol": "square-open",
            "size": 16,
            "color": ink,
            "opacity": 0,
            "line": {"width": 2.5},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
        customdata=[
            [scene, name, *more] for (scene, _, name), more in zip(cells, details, strict=True)
        ],
        hovertemplate="%{y}, %{x}<br>%{customdata[2]} subjects: %{customdata[3]} "
        "(%{customdata[4]})<br>lift %{customdata[5]}, q %{customdata[6]}<extra></extra>",
    )


def _margin(top: int) -> dict[str, int]:
    """Room for the legend alone; axes make their own."""
    return {"l": 8, "r": 8, "t": top, "b": 8}


def cluster_bars(
    distribution: pd.DataFrame, *, cluster: int, level: float = 0.05, ink: str = TEXT
) -> go.Figure:
    """One cluster's emotions with their intervals, beside the base rate of each.

    `distribution` as of a `ClusterReport`; bars of emotions that do not differ (q > `level`, or
    not tested) are pale.
    """
    rows = distribution[distribution["cluster"] == cluster].iloc[::-1]
    colours = emotion_colours(list(rows["emotion"]))
    differs = (rows["q"] <= level).to_numpy(bool)
    figure = go.Figure()
    figure.add_bar(
        y=list(rows["emotion"]),
        x=list(rows["share"] * 100),
        orientation="h",
        marker={
            "color": [colours[name] for name in rows["emotion"]],
            "opacity": np.where(differs, 1.0, 0.4).tolist(),
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": list((rows["share_high"] - rows["share"]).clip(lower=0) * 100),
            "arrayminus": list((rows["share"] - rows["share_low"]).clip(lower=0) * 100),
            "color": ink,
            "thickness": 1.2,
            "width": 3,
        },
        name="in this cluster",
        customdata=[
            [f"{lift:.2f}", f"{q:.2g}"] for lift, q in zip(rows["lift"], rows["q"], strict=True)
        ],
        hovertemplate="%{y}: %{x:.1f} %, lift %{customdata[0]}, q %{customdata[1]}<extra></extra>",
    )
    figure.add_scatter(
        y=list(rows["emotion"]),
        x=list(rows["base_rate"] * 100),
        mode="markers",
        marker={"symbol": "line-ns-open", "color": ink, "size": 16, "line": {"width": 2.5}},
        name="base rate",
        hovertemplate="%{y}, base rate: %{x:.1f} %<extra></extra>",
    )
    figure.update_xaxes(title_text="subjects, %", rangemode="tozero")
    figure.update_layout(
        height=110 + 28 * len(rows),
        bargap=0.35,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        margin=_margin(8),
    )
    return figure


def size_choice_figure(sizes: pd.DataFrame, *, ink: str = TEXT) -> go.Figure:
    """Stability over seeds and silhouette by number of clusters (`clusters.compare_sizes`)."""
    figure = go.Figure()
    styles = (
        ("stability", "stability (adjusted Rand over seeds)", OKABE_ITO[0], "circle"),
        ("silhouette", "silhouette", OKABE_ITO[5], "diamond"),
    )
    for name, title, colour, symbol in styles:
        mean = sizes[f"{name}_mean"]
        figure.add_scatter(
            x=list(sizes["n_clusters"]),
            y=list(mean),
            mode="lines+markers",
            name=title,
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 9},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": list(sizes[f"{name}_high"] - mean),
                "arrayminus": list(mean - sizes[f"{name}_low"]),
                "thickness": 1.2,
                "width": 4,
            },
            hovertemplate="N = %{x}: %{y:.3f}<extra></extra>",
        )
    figure.update_xaxes(type="log", title_text="clusters N", tickvals=list(sizes["n_clusters"]))
    figure.update_yaxes(zerolinecolor=ink)
    figure.update_layout(
        height=320,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        margin=_margin(8),
    )
    return figure
