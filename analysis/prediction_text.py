"""Predictions in words: the line above the figures, and the figures' text alternatives."""

from __future__ import annotations

import pandas as pd

from analysis.figures_prediction import unit_of

__all__ = ["describe_comparison", "describe_effects", "verdict"]


def verdict(frame: pd.DataFrame, link: str = "softmax") -> str:
    """The result of a comparison (`prediction_tables.comparison_table`) in a sentence, Markdown."""
    factor, suffix, change_suffix = unit_of(link)
    before = frame.iloc[int(frame["before"].to_numpy().argmax())]
    after = frame.iloc[int(frame["after"].to_numpy().argmax())]
    start = f"{before['before'] * factor:.1f}{suffix}"
    end = f"{after['after'] * factor:.1f}{suffix}"
    if before["emotion"] != after["emotion"]:
        return (
            f"The reading changes: **{before['emotion']}** ({start}) → "
            f"**{after['emotion']}** ({end})."
        )
    change = after["change"] * factor
    signed = f"{change:+.1f}".replace("-", "−")
    if signed in ("+0.0", "−0.0"):
        return f"The reading stays **{after['emotion']}**, at {end}."
    return f"The reading stays **{after['emotion']}**: {start} → {end} ({signed}{change_suffix})."


def describe_comparison(frame: pd.DataFrame, before: str, after: str, link: str) -> str:
    """Text alternative of `comparison_figure`: every emotion with its two values."""
    factor, suffix, _ = unit_of(link)
    rows = ", ".join(
        f"{row['emotion']} {row['before'] * factor:.1f} to {row['after'] * factor:.1f}{suffix}"
        for row in frame.to_dict("records")
    )
    return f"Bars from {before} to {after}: {rows}."


def describe_effects(frame: pd.DataFrame, link: str) -> str:
    """Text alternative of `effect_figure`: every prototype with what its removal changes."""
    factor, _, suffix = unit_of(link)
    rows = ", ".join(
        f"{row['scene'] or 'context'} {row['index']}: {row['emotion']} "
        f"{row['effect'] * factor:+.2f}{suffix}"
        for row in frame.to_dict("records")
    )
    return f"Change of the estimate when a prototype is removed: {rows}."
