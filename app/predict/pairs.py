"""Which two (estimator, run) pairs are compared: four choices, all in the address."""

from __future__ import annotations

import streamlit as st

from analysis.prediction_tables import estimator_title
from app.links import linked_selectbox
from app.predict.asking import Pair

__all__ = ["choose_pairs"]

SIDES = {"before": "Before (outlined bars)", "after": "After (solid bars)"}


def choose_pairs(offered: dict[str, list[str]]) -> tuple[Pair, Pair]:
    """The pair before and the pair after; a run is asked for only where there are several.

    `offered`: estimator to the runs that give it, the default one first.
    """
    keys = list(offered)
    defaults = {"before": keys[0], "after": "ccim" if "ccim" in keys else keys[-1]}
    before, after = (
        _choose(side, offered, default, column)
        for (side, default), column in zip(defaults.items(), st.columns(2), strict=True)
    )
    return before, after


def _choose(
    side: str,
    offered: dict[str, list[str]],
    default: str,
    column: st.delta_generator.DeltaGenerator,
) -> Pair:
    with column:
        estimator = linked_selectbox(
            SIDES[side], list(offered), key=side, default=default, format_func=estimator_title
        )
        runs = offered[estimator]
        if len(runs) == 1:
            return estimator, runs[0]
        run = linked_selectbox(
            f"Run {side}",
            runs,
            key=f"{side}_run",
            default=runs[0],
            format_func=str,
            help="Which trained network answers. The first is trained for this estimator.",
        )
        return estimator, run
