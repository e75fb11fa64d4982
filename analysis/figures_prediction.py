"""Figures of one picture's predictions: a function of a DataFrame each, shared by app and report.

Fonts, grid and background are left to the template in use (the app's follows its theme); the
colour of text is `ink`, and the others set here hold on white and on near-black alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from analysis import palette

__all__ = [
    "comparison_figure",
    "effect_figure",
    "mix_figure",
    "picture_figure",
    "unit_of",
]

INK = palette.INK["light"]
EFFECT_REACH = 10.0
"""Where the axis of removals ends on both sides, in points of probability (or 0.1 of a score)."""

BOX_COLOUR, CHOSEN_COLOUR, HALO = "#FFFFFF", "#F2B24D", "rgba(0,0,0,0.65)"
ROW_PIXELS = 38
MAX_EMOTIONS = 7


def unit_of(link: str) -> tuple[float, str, str]:
    """Factor, suffix of a value and suffix of a change: probabilities as %, scores as they are."""
    return (1.0, "", "") if link == "identity" else (100.0, "%", " pts")


def picture_figure(
    source: str,
    *,
    source_size: tuple[int, int],
    width: int,
    height: int,
    boxes: pd.DataFrame,
    chosen: int = 1,
    drawn: tuple[float, float, float, float] | None = None,
    shown_height: int = 400,
) -> go.Figure:
    """The picture with its subjects' boxes; a box-select on it comes back in the picture's pixels.

    Args:
        source: the picture as a data URL, usually a reduced copy.
        source_size: (width, height) of that copy in its own pixels.
        width, height: of the picture itself, in which boxes are given and come back.
        boxes: number, x1, y1, x2, y2, a row per subject.
        chosen: number of the subject in the foreground; 0 for the drawn box.
        drawn: a box the user drew.
        shown_height: height on the page in pixels.
    """
    # `dx`, `dy` stretch the reduced copy over the original's pixels, so that a selection on it is
    # in those; pixel centres lie half a step in.
    dx, dy = width / source_size[0], height / source_size[1]
    figure = go.Figure(
        go.Image(source=source, x0=dx / 2, y0=dy / 2, dx=dx, dy=dy, hoverinfo="skip")
    )
    for number, x1, y1, x2, y2 in boxes[["number", "x1", "y1", "x2", "y2"]].itertuples(index=False):
        active = number == chosen
        _outline(figure, (x1, y1, x2, y2), CHOSEN_COLOUR if active else BOX_COLOUR, active)
    if drawn is not None:
        _outline(figure, drawn, CHOSEN_COLOUR if chosen == 0 else BOX_COLOUR, chosen == 0)
    _number_badges(figure, boxes, chosen)
    figure.update_xaxes(visible=False, range=[0, width], constrain="domain", fixedrange=True)
    figure.update_yaxes(
        visible=False, range=[height, 0], scaleanchor="x", constrain="domain", fixedrange=True
    )
    figure.update_layout(
        height=shown_height,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="select",
        showlegend=False,
        newselection={"line": {"color": CHOSEN_COLOUR, "width": 2, "dash": "solid"}},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _outline(
    figure: go.Figure, box: tuple[float, float, float, float], colour: str, active: bool
) -> None:
    """A box with a dark halo, so that it shows on light and dark pictures."""
    x0, y0, x1, y1 = box
    for line_colour, line_width in ((HALO, 6 if active else 4), (colour, 3 if active else 2)):
        figure.add_shape(
            type="rect",
            x0=x0,
            y0=y0,
            x1=x1,
            y1=y1,
            line={"color": line_colour, "width": line_width},
            fillcolor="rgba(0,0,0,0)",
        )


def _number_badges(figure: go.Figure, boxes: pd.DataFrame, chosen: int) -> None:
    """A numbered badge in each box's corner."""
    for number, x, y in boxes[["number", "x1", "y1"]].itertuples(index=False):
        figure.add_annotation(
            x=x,
            y=y,
            text=f"<b>{number:.0f}</b>",
            xanchor="left",
            yanchor="top",
            showarrow=False,
            font={"color": INK, "size": 14},
            bgcolor=CHOSEN_COLOUR if number == chosen else BOX_COLOUR,
            bordercolor=HALO,
            borderwidth=1,
            borderpad=4,
        )


def comparison_figure(
    frame: pd.DataFrame,
    *,
    before: str,
    after: str,
    colours: Mapping[str, str],
    link: str = "softmax",
    ink: str = INK,
) -> go.Figure:
    """Two estimates as paired horizontal bars, the change of each emotion at the right.

    Args:
        frame: emotion, before, after, change (`prediction_tables.comparison_table`); its order is
            the figure's, from the top.
        before, after: titles of the two estimators.
        colours: emotion to colour.
        link: "identity" for scores, which are shown as numbers; otherwise percentages.
    """
    factor, value_suffix, change_suffix = unit_of(link)
    emotions = list(frame["emotion"])
    tints = [colours[emotion] for emotion in emotions]
    values = {role: frame[role] * factor for role in ("before", "after")}
    figure = go.Figure()
    styles = {
        "before": {"color": "rgba(127,127,127,0.10)", "line": {"color": tints, "width": 1.5}},
        "after": {"color": tints, "line": {"color": tints, "width": 1.5}},
    }
    digits = ".2f" if link == "identity" else ".1f"
    for role, title in (("before", before), ("after", after)):
        figure.add_bar(
            y=emotions,
            x=values[role],
            orientation="h",
            name=title,
            marker={**styles[role], "cornerradius": 3},
            text=[f"{value:{digits}}" for value in values[role]],
            textposition="outside",
            textfont={"size": 12, "color": ink},
            cliponaxis=False,
            offsetgroup=role,
            hovertemplate=f"%{{y}}: %{{x:{digits}}}{value_suffix}<extra>{title}</extra>",
        )
    for emotion, change in zip(emotions, frame["change"] * factor, strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="right",
            y=emotion,
            text=_signed(change, digits, change_suffix),
            showarrow=False,
            font={"size": 13, "color": ink},
        )
    top = max(float(series.max()) for series in values.values())
    low = min(0.0, min(float(series.min()) for series in values.values()))
    figure.update_layout(
        height=ROW_PIXELS * len(emotions) + 44,
        barmode="group",
        bargap=0.28,
        bargroupgap=0.08,
        showlegend=False,
        margin={"l": 4, "r": 8, "t": 26, "b": 8},
    )
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="right",
        y=1,
        yref="paper",
        yanchor="bottom",
        text="change",
        showarrow=False,
        font={"size": 12, "color": ink},
    )
    # Room at the right for the outside text and the column of changes.
    figure.update_xaxes(
        range=[low * 1.1, top * 1.42 or 1.0], showgrid=False, showticklabels=False, zeroline=False
    )
    _rows_axis(figure, ink)
    return figure


def _signed(value: float, digits: str, suffix: str) -> str:
    if f"{abs(value):{digits}}" == f"{0:{digits}}":
        return f"±0{suffix}"
    mark = "▲" if value > 0 else "▼"
    return f"{mark} {abs(value):{digits}}{suffix}"


def effect_figure(frame: pd.DataFrame, *, link: str = "softmax", ink: str = INK) -> go.Figure:
    """What removing each prototype does to the estimate: diverging bars, largest at the top.

    The axis is the same for all pictures (`EFFECT_REACH`); a longer bar ends at its edge, its
    number beside it whole.

    `frame`: scene, index, prior, assigned, emotion, effect (`prediction_tables.prototype_table`).
    """
    factor, _, suffix = unit_of(link)
    effects = frame["effect"] * factor
    digits = ".3f" if link == "identity" else ".1f"
    reach = EFFECT_REACH * factor / 100
    texts = [
        f"{emotion} {_signed(effect, digits, suffix)}"
        for emotion, effect in zip(frame["emotion"], effects, strict=True)
    ]
    labels = _row_labels(frame)
    figure = go.Figure()
    figure.add_bar(
        y=labels,
        x=effects.clip(-reach, reach),
        orientation="h",
        marker={"color": palette.MUTED, "cornerradius": 3},
        customdata=texts,
        hovertemplate="%{y}<br>without it: %{customdata}<extra></extra>",
    )
    for label, text in zip(labels, texts, strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="right",
            y=label,
            text=text,
            showarrow=False,
            font={"size": 13, "color": ink},
        )
    figure.update_layout(
        height=_rows_height(frame) + 52,
        bargap=0.34,
        margin={"l": 4, "r": 8, "t": 8, "b": 8},
        showlegend=False,
    )
    # Room at the right for the column of texts.
    figure.update_xaxes(
        range=[-1.05 * reach, 3.1 * reach],
        tickvals=[-reach, -reach / 2, 0, reach / 2, reach],
        tickformat="+.3~g",
        tickfont={"color": ink, "size": 12},
        title={
            "text": "change of the score"
            if link == "identity"
            else "change, points of probability",
            "font": {"color": ink, "size": 12},
        },
        showgrid=True,
        zeroline=True,
        zerolinewidth=1,
    )
    _rows_axis(figure, ink)
    return figure


def mix_figure(frame: pd.DataFrame, *, colours: Mapping[str, str], ink: str = INK) -> go.Figure:
    """Which emotions each prototype's training pictures carry: a stacked bar a prototype, in %.

    `frame` as for `effect_figure`, with `emotions` (a dict) in each row. The emotions past the
    seven most frequent are summed as "other".
    """
    shares = pd.DataFrame(list(frame["emotions"])).fillna(0.0)
    shares = shares.div(shares.sum(axis=1).where(lambda total: total > 0, 1.0), axis=0) * 100
    kept = list(shares.sum().nlargest(MAX_EMOTIONS).index)
    kept = [emotion for emotion in shares.columns if emotion in kept]
    labels = _row_labels(frame)
    figure = go.Figure()
    for emotion in kept:
        figure.add_bar(
            y=labels,
            x=shares[emotion],
            orientation="h",
            name=emotion,
            marker={"color": colours[emotion]},
            hovertemplate=f"{emotion}: %{{x:.0f}}%<extra>%{{y}}</extra>",
        )
    other = shares.drop(columns=kept).sum(axis=1)
    if other.max() > 0:
        figure.add_bar(
            y=labels, x=other, orientation="h", name="other", marker={"color": palette.MUTED}
        )
    figure.update_layout(
        height=_rows_height(frame) + 52,
        barmode="stack",
        bargap=0.34,
        margin={"l": 4, "r": 8, "t": 8, "b": 8},
        legend={
            "orientation": "h",
            "y": -0.02,
            "yanchor": "top",
            "x": 0,
            "traceorder": "normal",
            "font": {"color": ink, "size": 12},
            "title": None,
        },
    )
    figure.update_xaxes(range=[0, 100], showgrid=False, showticklabels=False)
    _rows_axis(figure, ink)
    return figure


def _rows_axis(figure: go.Figure, ink: str) -> None:
    """The rows' names, the first at the top."""
    figure.update_yaxes(
        autorange="reversed",
        showgrid=False,
        ticklabelstandoff=6,
        tickfont={"color": ink, "size": 13},
        title=None,
    )


def _rows_height(frame: pd.DataFrame) -> int:
    return 40 * len(frame) + 16


def _row_labels(frame: pd.DataFrame) -> list[str]:
    """ "beach · 2.1 %" a row; the index keeps two prototypes of one scene apart."""
    labels = []
    for index, scene, prior in frame[["index", "scene", "prior"]].itertuples(index=False):
        name = str(scene).replace("_", " ") if scene else "context"
        labels.append(
            f"{name} #{index}<br><span style='font-size:11px'>P(z) {prior * 100:.1f}%</span>"
        )
    return labels
