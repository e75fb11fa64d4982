"""A cluster's emotions as HTML: many stand on one page, where as many figures would be slow."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from analysis.palette import emotion_colours

__all__ = ["cluster_bars_html"]

_STEPS = (0.05, 0.1, 0.25)
_NAMES = "6.6rem"


def cluster_bars_html(
    distribution: pd.DataFrame, *, cluster: int, level: float = 0.05, alternative: str = ""
) -> str:
    """One cluster's emotions with their intervals, beside the base rate of each.

    `distribution` as of a `ClusterReport`; bars of emotions that do not differ (q > `level`, or not
    tested) are pale. Each row's numbers are its tooltip, `alternative` says the whole in words.
    Lines are in the colour of the text around it.
    """
    rows = distribution[distribution["cluster"] == cluster]
    colours = emotion_colours(list(rows["emotion"]))
    most = max(0.1, float(rows[["share_high", "base_rate"]].fillna(0).to_numpy().max(initial=0)))
    step = next((one for one in _STEPS if most <= 4 * one), _STEPS[-1])
    most = step * -(-most // step)  # up to a full step
    records = [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
    drawn = [_row(row, most, colours[row["emotion"]], level) for row in records]
    return (
        f'<div role="img" aria-label="{escape(alternative)}" style="font-size:0.8rem">'
        f"{''.join(drawn)}{_axis(most, step)}</div>"
    )


def _row(row: Mapping[str, Any], most: float, colour: str, level: float) -> str:
    name, share, base, q = escape(row["emotion"]), row["share"], row["base_rate"], row["q"]
    marks = [_mark(base / most, "top:2px;bottom:2px;width:2.5px;margin-left:-1.25px")]
    told = f"{name}: nobody is in this cluster"
    if share == share:
        low, high = row["share_low"], row["share_high"]
        tested = f"q {q:.2g}" if q == q else "not tested"
        told = f"{name}: {share:.1%} ({low:.1%} to {high:.1%}), base rate {base:.1%}, {tested}"
        opacity = 1 if q <= level else 0.4
        bar = f"top:4px;bottom:4px;width:{share / most:.2%};background:{colour};opacity:{opacity}"
        whisker = f"top:calc(50% - 0.6px);height:1.2px;width:{(high - low) / most:.2%}"
        end = "top:calc(50% - 3px);height:6px;width:1.2px"
        marks = [
            f'<div style="position:absolute;left:0;{bar}"></div>',
            *(_mark(low / most, style) for style in (whisker, end)),
            _mark(high / most, end),
            *marks,
        ]
    return (
        f'<div title="{told}" style="display:flex;height:22px;align-items:center">'
        f'<div style="width:{_NAMES};padding-right:8px;text-align:right">{name}</div>'
        f'<div style="position:relative;flex:1;height:100%;margin-right:1.2rem">'
        f"{''.join(marks)}</div></div>"
    )


def _mark(place: float, style: str) -> str:
    """A line in the colour of the text, from `place` (a share of the width)."""
    return f'<div style="position:absolute;left:{place:.2%};background:currentColor;{style}"></div>'


def _axis(most: float, step: float) -> str:
    ticks = "".join(
        f'<div style="position:absolute;left:{step * k / most:.2%};transform:translateX(-50%);'
        f'opacity:0.76">{step * k:.0%}</div>'
        for k in range(round(most / step) + 1)
    )
    return (
        f'<div style="display:flex;height:20px"><div style="width:{_NAMES}"></div>'
        f'<div style="position:relative;flex:1;margin-right:1.2rem">{ticks}</div></div>'
    )
