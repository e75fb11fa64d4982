"""The Predict page's right side and foot: two estimators, the reasons, the model."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.figures_prediction import comparison_figure, effect_figure, mix_figure, unit_of
from analysis.palette import emotion_colours
from analysis.prediction_tables import (
    comparison_table,
    estimate_table,
    estimator_title,
    prototype_table,
)
from analysis.prediction_text import describe_comparison, describe_effects, verdict
from app import layout
from app.links import linked_selectbox
from app.model_card import show_card
from app.predict.state import Prediction
from app.study_cache import StudyEntry

__all__ = ["compare", "show_reasons", "show_rest"]

MAX_BARS = 10
STATIC = {"displayModeBar": False, "staticPlot": False}


def compare(prediction: Prediction) -> tuple[str, str]:
    """The two chosen estimates as bars. Returns the estimators' keys."""
    table = estimate_table(prediction)
    keys = list(table["estimator"])
    left, right = st.columns(2)
    with left:
        before = linked_selectbox(
            "Before (outlined bars)",
            keys,
            key="before",
            default=keys[0],
            format_func=estimator_title,
        )
    with right:
        after = linked_selectbox(
            "After (solid bars)",
            keys,
            key="after",
            default="ccim" if "ccim" in keys else keys[-1],
            format_func=estimator_title,
        )
    frame = comparison_table(prediction, before, after)
    link = prediction["estimates"][after]["link"]
    st.markdown(f"##### {verdict(frame, link)}")
    order = frame[["before", "after"]].max(axis=1).sort_values(ascending=False).index
    shown = frame.loc[order].head(MAX_BARS).reset_index(drop=True)
    st.plotly_chart(
        comparison_figure(
            shown,
            before=estimator_title(before),
            after=estimator_title(after),
            colours=emotion_colours(list(frame["emotion"])),
            link=link,
            ink=layout.ink(),
        ),
        key="comparison",
        config=STATIC,
        alt=describe_comparison(frame, estimator_title(before), estimator_title(after), link),
    )
    note = "A guess at how a person looks to annotators, not what the person feels."
    if len(frame) > len(shown):
        note = f"The {len(shown)} highest of {len(frame)} emotions. {note}"
    st.caption(note)
    return before, after


def show_reasons(prediction: Prediction, after: str) -> None:
    st.subheader("Contexts that moved it", anchor=False)
    frame = prototype_table(prediction, after)
    title = estimator_title(after)
    if frame.empty:
        st.caption(
            f"{title} has no prototype whose removal changes this result, so none is shown: a "
            "prototype counts as a reason only with the change its removal makes."
        )
        return
    link = prediction["estimates"][after]["link"]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**What its removal changes** in {title}")
        st.plotly_chart(
            effect_figure(frame, link=link, ink=layout.ink()),
            key="effects",
            config=STATIC,
            alt=describe_effects(frame, link),
        )
    with right:
        st.markdown("**Emotions of its training pictures**")
        st.plotly_chart(
            mix_figure(
                frame,
                colours=emotion_colours(list(frame["emotions"].iloc[0])),
                ink=layout.ink(),
            ),
            key="mixes",
            config=STATIC,
            alt="Shares of emotions among each prototype's training pictures.",
        )
    home = frame[frame["assigned"]]
    note = "A prototype is a cluster of training contexts; P(z) is its share of them."
    if len(home):
        scene = str(home["scene"].iloc[0] or "context").replace("_", " ")
        note += f" This picture's own context falls into {scene} #{home['index'].iloc[0]}."
    st.caption(note)


def show_rest(prediction: Prediction, entry: StudyEntry, before: str, after: str) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Every estimator", anchor=False)
        _estimates(prediction)
    with right:
        st.subheader("The model that judged", anchor=False)
        show_card(entry)
        for role in dict.fromkeys((before, after)):
            estimate = prediction["estimates"][role]
            st.caption(
                f"{estimator_title(role)}: run `{estimate['run']}`, weights "
                f"`{estimate['weights_sha256'][:12]}`"
            )


def _estimates(prediction: Prediction) -> None:
    table = estimate_table(prediction)
    link = table["link"].iloc[0]
    factor, suffix, _ = unit_of(link)
    number = f"%.{2 if link == 'identity' else 1}f{suffix.replace('%', '%%')}"
    shown = pd.DataFrame(
        {
            "Estimator": table["title"],
            "Leads": table["emotion"],
            "Value": table["value"] * factor,
            "Moved": table["moved"] * factor,
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "Value": st.column_config.NumberColumn(
                "Score" if link == "identity" else "Probability", format=number
            ),
            "Moved": st.column_config.NumberColumn(
                format=number,
                help="Total variation from the likelihood: half the sum of absolute changes.",
            ),
        },
        alt="Every estimator with its leading emotion.",
    )
    for name, reason in prediction["absent"].items():
        st.caption(f"**{estimator_title(name)}** is absent: {layout.plain(reason)}")
