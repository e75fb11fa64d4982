"""The Predict page's right side: two estimates beside each other, their reasons, the model."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.figures_prediction import comparison_figure, effect_figure, mix_figure, unit_of
from analysis.palette import emotion_colours
from analysis.prediction_tables import (
    LEAST_EFFECT,
    comparison_table,
    estimate_table,
    estimator_title,
    prototype_table,
)
from analysis.prediction_text import describe_comparison, describe_effects, verdict
from app import layout
from app.model_card import show_card
from app.predict.asking import Pair, Subject, ask
from app.predict.state import Prediction, PredictState

__all__ = ["by_size", "compare", "show_estimates", "show_reasons"]

MAX_BARS = 10
STATIC = {"displayModeBar": False}


def by_size(frame: pd.DataFrame) -> pd.DataFrame:
    """A comparison's emotions, the highest value of either estimate first."""
    order = frame[["before", "after"]].max(axis=1).sort_values(ascending=False, kind="stable")
    return frame.loc[order.index].reset_index(drop=True)


def compare(prediction: Prediction, before: str, after: str) -> None:
    """Two estimates, by their keys, as a sentence and as bars."""
    frame = comparison_table(prediction, before, after)
    link = prediction["estimates"][after]["link"]
    titles = (estimator_title(before), estimator_title(after))
    st.markdown(f"##### {verdict(frame, link)}")
    shown = by_size(frame).head(MAX_BARS)
    st.plotly_chart(
        comparison_figure(
            shown,
            before=titles[0],
            after=titles[1],
            colours=emotion_colours(list(frame["emotion"])),
            link=link,
            ink=layout.ink(),
        ),
        key="comparison",
        config=STATIC,
        alt=describe_comparison(frame, *titles, link),
    )
    note = "A guess at how a person looks to annotators, not what the person feels."
    if len(frame) > len(shown):
        note = f"The {len(shown)} highest of {len(frame)} emotions. {note}"
    st.caption(note)


def show_reasons(state: PredictState, subject: Subject, after: Pair, title: str) -> None:
    """The prototypes whose removal changes the second estimate, each with that change."""
    estimator, run = after
    prototypes = ask(
        state,
        subject,
        ("reasons", estimator, run),
        lambda predictor, reading: predictor.reasons(reading, run=run, estimator=estimator),
    )
    if not prototypes:
        st.info(
            f"**{title}** has no prototypes in it, so none is a reason. Choose the back-door "
            "estimate or CCIM after, or look at *What if*.",
            icon=":material/block:",
        )
        return
    table = prototype_table(prototypes, estimator)
    frame = table[table["size"] >= LEAST_EFFECT]
    some = next(iter(subject.prediction["estimates"].values()))
    link, emotions = some["link"], list(some["probabilities"])
    if frame.empty:
        least = f"{LEAST_EFFECT * 100:g} points" if link != "identity" else f"{LEAST_EFFECT:g}"
        st.info(
            f"**No single context matters here.** Removing any one of them changes every emotion "
            f"of {title} by less than {least}. *What if* shows what whole contexts do to this "
            "person.",
            icon=":material/balance:",
        )
        _effect_table(table, link)
        return
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
                colours=emotion_colours(emotions),
                ink=layout.ink(),
            ),
            key="mixes",
            config=STATIC,
            alt="Shares of emotions among each prototype's training pictures.",
        )
    note = "A prototype is a cluster of training contexts; P(z) is its share of them."
    home = next((one for one in prototypes if one["assigned"]), None)
    if home is not None:
        scene = str(home["scene"] or "context").replace("_", " ")
        note += f" This picture's own context falls into {scene} #{home['index']}."
    st.caption(note)
    _effect_table(table, link)


def _effect_table(table: pd.DataFrame, link: str) -> None:
    """Every removal's number, those too small to matter too."""
    factor, _, suffix = unit_of(link)
    with st.expander("Every removal in numbers", icon=":material/table:"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Context": [
                        f"{str(scene or 'context').replace('_', ' ')} #{index}"
                        for scene, index in zip(table["scene"], table["index"], strict=True)
                    ],
                    "P(z)": table["prior"] * 100,
                    "Moves most": table["emotion"],
                    "Change": table["effect"] * factor,
                }
            ),
            hide_index=True,
            column_config={
                "P(z)": st.column_config.NumberColumn(format="%.1f%%"),
                "Change": st.column_config.NumberColumn(format=f"%.3f{suffix}"),
            },
            alt="Each prototype with the change that its removal makes.",
        )


def show_estimates(subject: Subject, prediction: Prediction, keys: tuple[str, str]) -> None:
    """Every estimate of the subject, and the model that gave them."""
    left, right = st.columns(2, gap="large")
    with left:
        _estimates(prediction)
    with right:
        show_card(subject.entry)
        for key in dict.fromkeys(keys):
            estimate = prediction["estimates"][key]
            st.caption(
                f"{estimator_title(key)}: run `{estimate['run']}`, weights "
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
