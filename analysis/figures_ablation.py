"""Table 4 and Figure 6 as figures: a function of a DataFrame each, for app and report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.palette import INK, MUTED, OKABE_ITO

__all__ = ["ablation_dots", "describe_ablation", "size_lines"]

TEXT = INK["light"]
_COLOURS = (OKABE_ITO[0], OKABE_ITO[5], OKABE_ITO[2], OKABE_ITO[3])
_ROW_PIXELS = 44


def ablation_dots(
    frame: pd.DataFrame, *, reference: pd.DataFrame | None = None, ink: str = TEXT
) -> go.Figure:
    """What each ablation changes against the full CCIM, in points, with 95% intervals.

    A panel a dataset and split, a colour a model; grey diamonds are the paper's changes. Hollow
    marks are of one seed, whose interval holds the images alone.

    Args:
        frame: `analysis.tables_ablation.ablation_table`.
        reference: the paper's changes on *its* datasets (`published_changes`), drawn behind a
            dataset that it does not have.
    """
    shown = frame[frame["setting"] != "ccim"]
    panels = list(dict.fromkeys(zip(shown["dataset"], shown["split"], strict=True)))
    models = list(dict.fromkeys(shown["model"]))
    titles = list(dict.fromkeys(shown["title"]))
    figure = make_subplots(
        rows=1,
        cols=max(len(panels), 1),
        shared_yaxes=True,
        subplot_titles=[f"{dataset}, {split}" for dataset, split in panels],
        horizontal_spacing=0.03,
    )
    rows = {title: place for place, title in enumerate(titles)}
    seen: set[str] = set()
    for column, (dataset, split) in enumerate(panels, start=1):
        panel = shown[(shown["dataset"] == dataset) & (shown["split"] == split)]
        published = panel["published_change"].notna().any()
        if not published and reference is not None:
            _reference_marks(figure, reference, rows, column, seen)
        for place, model in enumerate(models):
            mine = panel[panel["model"] == model]
            shift = (place - (len(models) - 1) / 2) * 0.26
            y = [rows[title] + shift for title in mine["title"]]
            _published_marks(figure, mine, y, column, seen)
            _measured_marks(figure, mine, y, model, _COLOURS[place % 4], column, seen)
        figure.add_vline(x=0, line={"color": ink, "width": 1, "dash": "dot"}, row=1, col=column)
    figure.update_yaxes(
        tickvals=list(rows.values()),
        ticktext=titles,
        range=[len(titles) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(
        title={"text": "change from the full + CCIM, points", "font": {"size": 13}}, zeroline=False
    )
    figure.update_layout(
        height=150 + _ROW_PIXELS * len(titles),
        legend={"orientation": "h", "y": 1.0, "yanchor": "top", "yref": "container", "x": 0},
        margin={"l": 8, "r": 8, "t": 70, "b": 8},
    )
    figure.update_annotations(font={"color": ink, "size": 14})
    return figure


def _published_marks(
    figure: go.Figure, rows: pd.DataFrame, y: list[float], column: int, seen: set[str]
) -> None:
    if rows["published_change"].notna().any():
        figure.add_scatter(
            x=list(rows["published_change"]),
            y=y,
            mode="markers",
            name="published",
            legendgroup="published",
            showlegend="published" not in seen,
            marker={"symbol": "diamond", "color": MUTED, "size": 10},
            customdata=[[text] for text in rows["model"]],
            hovertemplate="%{customdata[0]}, published: %{x:+.2f}<extra></extra>",
            row=1,
            col=column,
        )
        seen.add("published")


def _reference_marks(
    figure: go.Figure,
    reference: pd.DataFrame,
    rows: dict[str, int],
    column: int,
    seen: set[str],
) -> None:
    mine = reference[reference["title"].isin(rows)]
    name = "the paper, on its own datasets"
    figure.add_scatter(
        x=list(mine["change"]),
        y=[rows[title] for title in mine["title"]],
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=name not in seen,
        marker={"symbol": "diamond-open", "color": MUTED, "size": 7, "opacity": 0.8},
        customdata=[
            [f"{model} on {dataset}"]
            for model, dataset in zip(mine["model"], mine["dataset"], strict=True)
        ],
        hovertemplate="published, %{customdata[0]}: %{x:+.2f}<extra></extra>",
        row=1,
        col=column,
    )
    seen.add(name)


def _measured_marks(
    figure: go.Figure,
    rows: pd.DataFrame,
    y: list[float],
    model: str,
    colour: str,
    column: int,
    seen: set[str],
) -> None:
    if not rows["change"].notna().any():
        return
    figure.add_scatter(
        x=list(rows["change"]),
        y=y,
        mode="markers",
        name=model,
        legendgroup=model,
        showlegend=model not in seen,
        marker={
            "color": colour,
            "size": 11,
            "symbol": ["circle-open" if v == "one seed" else "circle" for v in rows["verdict"]],
            "line": {"width": 2.5},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": list((rows["change_high"] - rows["change"]).fillna(0.0)),
            "arrayminus": list((rows["change"] - rows["change_low"]).fillna(0.0)),
            "color": colour,
            "thickness": 1.6,
            "width": 4,
        },
        customdata=[
            [title, f"[{low:+.2f}, {high:+.2f}]" if np.isfinite(low) else ""]
            for title, low, high in zip(
                rows["title"], rows["change_low"], rows["change_high"], strict=True
            )
        ],
        hovertemplate=f"{model}, %{{customdata[0]}}: %{{x:+.2f}} %{{customdata[1]}}<extra></extra>",
        row=1,
        col=column,
    )
    seen.add(model)


def describe_ablation(frame: pd.DataFrame) -> str:
    """Text alternative of `ablation_dots`."""
    rows = frame[frame["change"].notna()]
    parts = [
        f"{row['model']}, {row['title']}, {row['split']}: {row['change']:+.2f} "
        f"({row['change_low']:+.2f} to {row['change_high']:+.2f})"
        for row in rows.to_dict("records")
    ]
    return f"Change from the full CCIM in points. {'; '.join(parts) or 'No runs'}."


def size_lines(frame: pd.DataFrame, *, ink: str = TEXT) -> go.Figure:
    """The headline by dictionary size N with 95% intervals; a panel a dataset and split.

    `frame`: `analysis.tables_ablation.size_table`. A ring marks the default size, a dotted line
    the plain model, which has no dictionary.
    """
    panels = list(dict.fromkeys(zip(frame["dataset"], frame["split"], strict=True)))
    models = list(dict.fromkeys(frame["model"]))
    figure = make_subplots(
        rows=1,
        cols=max(len(panels), 1),
        subplot_titles=[f"{dataset}, {split}" for dataset, split in panels],
        horizontal_spacing=0.08,
    )
    seen: set[str] = set()
    for column, (dataset, split) in enumerate(panels, start=1):
        for place, model in enumerate(models):
            rows = frame[
                (frame["dataset"] == dataset)
                & (frame["split"] == split)
                & (frame["model"] == model)
                & frame["ours"].notna()
            ]
            if rows.empty:
                continue
            colour = _COLOURS[place % 4]
            # Models side by side, so that their intervals can be told apart.
            x = rows["size"].astype(float) * (1.0 + 0.045 * (place - (len(models) - 1) / 2))
            figure.add_scatter(
                x=list(x),
                y=list(rows["ours"]),
                mode="lines+markers",
                name=model,
                legendgroup=model,
                showlegend=model not in seen,
                line={"color": colour, "width": 2},
                marker={
                    "size": 10,
                    "color": colour,
                    "symbol": ["circle" if n > 1 else "circle-open" for n in rows["seeds"]],
                    "line": {
                        "color": ink,
                        "width": [2.5 if one else 1.5 for one in rows["default"]],
                    },
                },
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": list((rows["high"] - rows["ours"]).fillna(0.0)),
                    "arrayminus": list((rows["ours"] - rows["low"]).fillna(0.0)),
                    "thickness": 1.4,
                    "width": 4,
                },
                customdata=[[int(size)] for size in rows["size"]],
                hovertemplate=f"{model}, N = %{{customdata[0]}}: %{{y:.2f}}<extra></extra>",
                row=1,
                col=column,
            )
            seen.add(model)
            plain = float(rows["plain"].iloc[0])
            if np.isfinite(plain):
                figure.add_hline(
                    y=plain, line={"color": colour, "width": 1.5, "dash": "dot"}, row=1, col=column
                )
    sizes = sorted(int(size) for size in frame["size"].unique())
    figure.update_xaxes(
        type="log",
        title={"text": "prototypes N", "font": {"size": 13}},
        tickvals=sizes,
        ticktext=[str(n) for n in sizes],
    )
    if len(frame):
        title = {"text": str(frame["metric"].iloc[0]), "font": {"size": 13}}
        figure.update_yaxes(title=title, col=1)
    figure.update_layout(
        height=420,
        legend={"orientation": "h", "y": -0.18, "yanchor": "top", "x": 0},
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
    )
    figure.update_annotations(font={"color": ink, "size": 14})
    return figure
