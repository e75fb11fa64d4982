"""Every run with its settings and curves, and the command that made it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.run_records import RunRecord
from analysis.run_table import made_by, run_settings, train_again
from analysis.run_text import METRIC_NAMES, describe_curves
from app import layout
from app.experiments.records import curves_of, table_of
from app.links import linked_selectbox
from ccim_core.study import Study

__all__ = ["show_runs"]

ALL = "all"
STATIC = {"displayModeBar": False}


def show_runs(study: Study, runs: dict[str, RunRecord]) -> None:
    """The table of runs, then one of them in detail."""
    table = table_of(study)
    chosen = _table(table)
    st.subheader("One run", anchor=False)
    names = list(chosen["run"]) or list(runs)
    name = linked_selectbox("Run", names, key="run", default=names[0], format_func=str)
    _detail(study, runs[name])


def _table(table: pd.DataFrame) -> pd.DataFrame:
    interventions = [ALL, *dict.fromkeys(table["intervention"])]
    inputs = [ALL, *dict.fromkeys(table["inputs"])]
    left, right = st.columns(2)
    with left:
        intervention = linked_selectbox(
            "Intervention",
            interventions,
            key="intervention",
            default=ALL,
            format_func=lambda name: "every intervention" if name == ALL else name,
        )
    with right:
        seen = linked_selectbox(
            "The network sees",
            inputs,
            key="inputs",
            default=ALL,
            format_func=lambda name: "everything" if name == ALL else name,
        )
    if intervention != ALL:
        table = table[table["intervention"] == intervention]
    if seen != ALL:
        table = table[table["inputs"] == seen]
    st.dataframe(
        table.drop(columns=["variant"]).dropna(axis="columns", how="all"),
        key="runs",
        hide_index=True,
        height=min(380, 38 + 35 * max(len(table), 1)),
        column_config=_columns(),
    )
    st.caption(f"{len(table)} runs. Test and shift: the run's own outputs, headline metric.")
    return table


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    share = {
        name: st.column_config.ProgressColumn(
            name.capitalize(), format="percent", min_value=0, max_value=1
        )
        for name in ("validation", "test", "shift")
    }
    return {
        "run": st.column_config.TextColumn("Run", pinned=True),
        "model": "Model",
        "intervention": "Intervention",
        "inputs": "Sees",
        "epoch by": "Epoch by",
        "trained on": "Trained on",
        "prototypes": number("Prototypes", format="%d"),
        "seed": number("Seed", format="%d"),
        "epochs": number("Epochs", format="%d"),
        **share,
        "seconds": number("Training", format="%.1f s"),
        "device": "Device",
        "evaluated": st.column_config.CheckboxColumn("Evaluated"),
    }


def _detail(study: Study, run: RunRecord) -> None:
    from analysis.figures_runs import curves_figure

    curves = curves_of(study, run.name)
    metric = METRIC_NAMES[run.labels.headline]
    if run.name in curves:
        mine = curves[run.name]
        best = float(mine["val_headline"].max()) if "val_headline" in mine else float("nan")
        st.plotly_chart(
            curves_figure(curves, chosen=run.name, metric=metric, ink=layout.ink()),
            key="curves",
            config=STATIC,
            alt=describe_curves(run.name, len(mine), best),
        )
        others = len(curves) - 1
        grey = f" Grey: {others} other {'seed' if others == 1 else 'seeds'}." if others else ""
        st.caption(f"The ring marks the epoch that was kept.{grey}")
    else:
        st.caption("This run kept no training curves.")
    left, right = st.columns(2, gap="large")
    with left:
        settings = run_settings(run)
        everything = st.toggle("Every setting", key="every_setting")
        shown = settings if everything else settings[settings["differs"]]
        st.dataframe(
            shown.drop(columns="differs"),
            hide_index=True,
            height=min(300, 38 + 35 * max(len(shown), 1)),
            column_config={"setting": "Setting", "value": "Value", "default": "Default"},
        )
        st.caption("Settings that differ from the defaults." if not everything else "All of them.")
    with right:
        _commands(run)


def _commands(run: RunRecord) -> None:
    recorded = made_by(run)
    environment = run.environment
    if recorded:
        st.markdown("**Made by**")
        st.code(recorded, language="bash", wrap_lines=True)
    st.markdown("**Trains this run alone**")
    st.code(train_again(run), language="bash", wrap_lines=True)
    if run.evaluation is None:
        st.markdown("**Not evaluated yet**")
        st.code(run.evaluate_command(), language="bash", wrap_lines=True)
    versions = ", ".join(f"{k} {v}" for k, v in environment.get("packages", {}).items())
    commit = str(environment.get("commit") or "")[:12]
    facts = [versions, commit and f"commit {commit}", str(environment.get("device", ""))]
    st.caption(layout.plain(" · ".join(fact for fact in facts if fact)))
