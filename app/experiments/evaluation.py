"""The study's evaluation: variant × estimator × split, mean over seeds, with filters."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.prediction_tables import estimator_title
from analysis.story import is_outdated
from analysis.story_text import FILLED_IN, METRIC_NAMES, epoch_choice, shift_estimate_text
from app import study_cache
from app.links import linked_selectbox
from ccim_core.study import Study

__all__ = ["show_evaluation"]

ALL = "all"
ORDER = ("test", "shift", "val", "twins", "train")
SHARES = ("headline", "balanced_accuracy", "map_step", "worst_group", "causal_share")


def show_evaluation(study: Study) -> None:
    """The table with its filters."""
    rows = study_cache.load_json(study.analysis_root / "evaluation.json")
    if not rows:
        st.info("No run of this study has been evaluated yet:", icon=":material/hourglass_empty:")
        st.code(
            f"python -m ccim_core evaluate --study {study.path}", language="bash", wrap_lines=True
        )
        return
    if is_outdated(rows):
        st.info("Evaluated by an earlier version; bring it up to date:", icon=":material/update:")
        st.code(
            f"python -m ccim_core evaluate --study {study.path}", language="bash", wrap_lines=True
        )
        return
    frame = _filtered(pd.DataFrame(rows))
    shown = ["variant", "estimator", "inputs", "masks", "select_by", "split", "runs"]
    shown += ["headline", "headline_low", "headline_high", "difference", "difference_low"]
    shown += ["difference_high", "recovery", "recovery_reason", "matched_oracle"]
    shown += ["shift_estimate", "balanced_accuracy", "map_step", "ece", "nll", "worst_group"]
    shown += ["worst_group_name", "backdoor_random_contexts", "backdoor_shuffled_prior"]
    shown += ["causal_share", "top_change_from_likelihood", "n"]
    shown = [name for name in shown if name in frame and _tells(frame[name])]
    titled = frame.assign(
        estimator=frame["estimator"].map(estimator_title),
        select_by=frame["select_by"].map(epoch_choice),
        shift_estimate=[shift_estimate_text(row) for row in frame.to_dict("records")],
    )
    # An estimate of the shift test is made where a split's own bias can be weighed away.
    titled.loc[~titled["split"].isin(["val", "test"]), "shift_estimate"] = ""
    st.dataframe(
        titled[shown],
        key="evaluation",
        hide_index=True,
        height=min(560, 38 + 35 * max(len(frame), 1)),
        column_config=_columns(METRIC_NAMES[study.labels.headline]),
    )
    st.caption(
        f"{len(frame)} rows: means over training seeds; low and high: 95% over subjects and seeds "
        "together (one seed: over subjects alone). A difference to the plain model whose interval "
        "holds 0 is no rank. Won back: share of the gap between the plain model and an oracle of "
        f"the same model that sees the same inputs, shift test. {FILLED_IN}"
    )
    st.download_button(
        "Download these rows",
        frame.to_csv(index=False).encode(),
        file_name="evaluation.csv",
        mime="text/csv",
        icon=":material/download:",
    )


def _tells(column: pd.Series) -> bool:
    return bool((column.notna() & (column != "")).any())


def _filtered(frame: pd.DataFrame) -> pd.DataFrame:
    splits = sorted(frame["split"].unique(), key=lambda s: ORDER.index(s) if s in ORDER else 9)
    filters = (
        ("Split", "split", [*splits, ALL], splits[0]),
        ("Estimator", "estimator", [ALL, *dict.fromkeys(frame["estimator"])], ALL),
        ("Intervention", "intervention", [ALL, *dict.fromkeys(frame["intervention"])], ALL),
        ("The network sees", "inputs", [ALL, *dict.fromkeys(frame["inputs"])], ALL),
    )
    for place, (label, column, options, default) in zip(st.columns(4), filters, strict=True):
        with place:
            chosen = linked_selectbox(
                label,
                [str(option) for option in options],
                key=f"of_{column}",
                default=str(default),
                format_func=_named(column),
            )
        if chosen != ALL:
            frame = frame[frame[column] == chosen]
    return frame.sort_values("headline", ascending=False, kind="stable")


def _named(column: str) -> Any:
    def name(value: str) -> str:
        if value == ALL:
            return "all"
        return estimator_title(value) if column == "estimator" else value

    return name


def _columns(metric: str) -> dict[str, Any]:
    number, bar = st.column_config.NumberColumn, st.column_config.ProgressColumn
    titles = {
        "headline": metric.capitalize(),
        "balanced_accuracy": "Balanced acc.",
        "map_step": "mAP",
        "worst_group": "Worst group",
        "causal_share": "Causal share",
    }
    return {
        "variant": st.column_config.TextColumn("Variant", pinned=True),
        "estimator": "Estimator",
        "split": "Split",
        "runs": number("Seeds", format="%d"),
        **{name: bar(titles[name], format="percent", min_value=0, max_value=1) for name in SHARES},
        "inputs": "Sees",
        "masks": st.column_config.CheckboxColumn("True masks"),
        "select_by": "Epoch by",
        "headline_low": number("Low", format="percent"),
        "headline_high": number("High", format="percent"),
        "difference": number("Against plain", format="percent"),
        "difference_low": number("its low", format="percent"),
        "difference_high": number("its high", format="percent"),
        "recovery": number("Won back", format="percent"),
        "recovery_reason": "or why not",
        "matched_oracle": "Oracle",
        "shift_estimate": "Reweighted, %",
        "backdoor_random_contexts": number("Random contexts", format="percent"),
        "backdoor_shuffled_prior": number("Shuffled prior", format="percent"),
        "ece": number("ECE", format="%.3f", help="Expected calibration error."),
        "nll": number("NLL", format="%.2f", help="Negative log-likelihood, nats."),
        "worst_group_name": "which",
        "top_change_from_likelihood": number(
            "Top changed", format="percent", help="Leading emotion differs from P(Y|X)'s."
        ),
        "n": number("Subjects", format="localized"),
    }
