"""A model's card: what it was trained on, how well it did on a held-out part, and its limits."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.model_card import card_estimates, card_recalls
from analysis.palette import emotion_colours
from app import layout, study_cache
from app.study_cache import StudyEntry

__all__ = ["show_card", "show_headline"]


def show_headline(entry: StudyEntry) -> None:
    """The card as figures: for the Overview."""
    card = study_cache.load_json(entry.path / "card.json")
    if not card:
        return
    st.markdown(layout.plain(card["data"]))
    layout.cards(_headline_cards(card))
    left, right = st.columns(2, gap="large")
    recalls = card_recalls(card)
    if len(recalls):
        with left:
            _recalls(recalls)
    with right:
        _estimates(card_estimates(card))
        _limits(card)


def show_card(entry: StudyEntry) -> None:
    """The card of the models that judged: for the Predict page."""
    study = study_cache.load_study(entry.path)
    card = study_cache.load_json(entry.path / "card.json")
    if not card:
        st.markdown(
            f"**{layout.plain(study.name)}**, trained on data of kind “{layout.plain(study.kind)}” "
            f"with {study.labels.size} emotions. It comes without a card: its runs' "
            "`environment.json` files say what made them."
        )
        return
    st.markdown(f"**{layout.plain(card['name'])}.** {layout.plain(card['data'])}")
    for label, value, help_text in _headline_cards(card):
        st.caption(f"{label}: **{value}** ({help_text})" if help_text else f"{label}: **{value}**")
    _limits(card)


def _headline_cards(card: dict[str, Any]) -> list[tuple[str, str, str]]:
    items = [
        (
            "Portraits",
            f"{sum(card['portraits']['pools'].values()):,}",
            ", ".join(
                f"{pool} {size:,}" for pool, size in sorted(card["portraits"]["pools"].items())
            ),
        ),
        (
            "Emotions",
            str(len(card["emotions"])),
            f"{', '.join(card['emotions'])}; left out for want of pictures: "
            f"{', '.join(card['left_out'])}",
        ),
    ]
    held_out = card["encoder"]["held_out"]
    if held_out["balanced_accuracy"] is not None:
        items.append(
            (
                "Balanced accuracy",
                f"{held_out['balanced_accuracy']:.2f} ± {held_out['standard_error']:.2f}",
                f"on {sum(held_out['counts'].values()):,} held-out portraits, ± one standard "
                f"error; chance is {1 / len(card['emotions']):.2f}",
            )
        )
    return items


def _recalls(frame: pd.DataFrame) -> None:
    from analysis.figures_card import describe_recalls, recall_figure

    st.markdown("**Recall on held-out portraits**")
    st.plotly_chart(
        recall_figure(frame, colours=emotion_colours(list(frame["emotion"])), ink=layout.ink()),
        key="recalls",
        config={"displayModeBar": False},
        alt=describe_recalls(frame),
    )


def _estimates(frame: pd.DataFrame) -> None:
    if frame.empty:
        return
    st.markdown("**On composites of held-out portraits**")
    st.dataframe(
        frame.drop(columns="estimator"),
        hide_index=True,
        column_config={
            "title": "Estimator",
            "test": _percent("Biased", "Balanced accuracy with the planted bias."),
            "shift": _percent("Shift", "Balanced accuracy, scenes independent of emotions."),
            "scene_moves": _percent(
                "Δ scene", "Mean total variation of the output when only the scene changes."
            ),
            "emotion_moves": _percent(
                "Δ emotion", "Mean total variation of the output when only the emotion changes."
            ),
        },
        alt="Balanced accuracy and movement of each estimator on composites.",
    )


def _percent(label: str, help_text: str) -> Any:
    return st.column_config.NumberColumn(label, help=help_text, format="percent", width="small")


def _limits(card: dict[str, Any]) -> None:
    with st.expander("Limits", icon=":material/report:"):
        st.markdown("\n".join(f"- {layout.plain(limit)}" for limit in card["limits"]))
