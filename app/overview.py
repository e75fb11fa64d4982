"""The parts of the Overview page that read the loaded study. Only JSON and Parquet are read."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.story import bias_facts, is_outdated, measured_bias, story_table
from analysis.story_text import (
    METRIC_NAMES,
    control_sentences,
    selection_sentence,
    story_sentences,
)
from analysis.variation import load_variation, variation_text
from app import layout, stored, study_cache
from app.model_card import show_headline
from ccim_core.study import Study

__all__ = ["show_models", "show_story", "show_study"]

KINDS = {
    "controlled": "Rendered pictures with a planted bias: the truth under intervention is known.",
    "photographs": "Portraits composed on real scenes with a planted bias.",
}


def show_study() -> None:
    """The loaded study in a row of cards: data, labels, bias, models."""
    study = study_cache.current_study()
    if study is None:
        st.info(
            "No study is loaded. Make the demo study with `python -m ccim_core demo`, or open "
            "yours with `streamlit run app/main.py -- --study DIR`.",
            icon=":material/folder_open:",
        )
        return
    st.subheader(f"Loaded: {layout.plain(study.name)}", anchor=False)
    st.caption(KINDS.get(study.kind, f"Data of kind “{layout.plain(study.kind)}”."))
    layout.cards(_cards(study))


def _cards(study: Study) -> list[tuple[str, str, str] | tuple[str, str, str, str]]:
    items: list[Any] = []
    manifest = study_cache.load_table(study.path / "manifest.parquet", ("sample_id", "split"))
    if manifest is not None:
        sizes = manifest["split"].value_counts(sort=False)
        items.append(
            (
                "Subjects",
                f"{len(manifest):,}",
                ", ".join(f"{split} {size:,}" for split, size in sizes.items()),
            )
        )
    items.append(("Emotions", str(study.labels.size), ", ".join(study.labels.emotions)))
    truth = study_cache.load_json(study.path / "truth.json")
    report = stored.bias_report(study)
    if truth:
        facts = bias_facts(truth)
        reveals = (
            f"I(Y; scene) = {facts['information']:.2f} bits, {facts['share']:.0%} of H(Y), by the "
            "generator's own probabilities."
        )
        items.append(
            (
                "Planted bias",
                f"{facts['bias']:.0%}",
                "Share of each emotion's pictures that its favoured scenes receive by design. "
                f"{reveals}",
            )
        )
        if report is None:
            items.append(("Scene reveals", f"{facts['share']:.0%}", reveals))
    if report is not None:
        chance = report.dataset["mutual_information_null_mean"]
        entropy = report.dataset["entropy_bits"]
        under = [] if chance is None else [f"by chance {chance / entropy:.1%}"]
        items.append(("Scene reveals", *measured_bias(report.dataset), *under))
    items.append(("Trained runs", str(len(study.run_paths())), "Finished runs in the study."))
    return items


def show_story() -> None:
    """What each method does on the same distribution and on the shift test, beside the oracle."""
    study = study_cache.current_study()
    rows = study_cache.load_json(study.analysis_root / "evaluation.json") if study else None
    if study is not None and rows and is_outdated(rows):
        st.info(
            "This study was evaluated by an earlier version: "
            f"`python -m ccim_core evaluate --study {layout.plain(str(study.path))}` brings its "
            "numbers up to date.",
            icon=":material/update:",
        )
    frame = story_table(rows) if rows else pd.DataFrame()
    if study is None or rows is None or frame.empty:
        return
    from analysis.figures_overview import describe_story, story_figure

    metric = METRIC_NAMES[study.labels.headline]
    st.subheader("Before and after", anchor=False)
    text, chart = st.columns([2, 3], gap="large")
    with text:
        chosen = study_cache.load_json(study.analysis_root / "selection.json") or []
        sentences = [*story_sentences(frame, metric), selection_sentence(chosen)]
        st.markdown("\n\n".join(filter(None, [*sentences, *control_sentences(rows)])))
        _causal_share(frame)
    with chart:
        st.plotly_chart(
            story_figure(frame, metric=metric.capitalize(), ink=layout.ink()),
            key="story",
            config={"displayModeBar": False},
            alt=describe_story(frame, metric),
        )
        seeds = int(frame["seeds"].min())
        note = (
            "Won back: share of the gap between the plain model and the oracle that sees the same "
            "inputs, shift test."
        )
        missing = {
            f"{row['method']}: {row['reason']}"
            for row in frame[~frame["oracle"] & frame["recovery"].isna()].to_dict("records")
            if row["reason"]
        }
        if missing:
            note = f"{note} No share: {layout.plain('; '.join(sorted(missing)))}."
        st.caption(
            f"Mean with 95% intervals over subjects and {seeds} "
            f"{'seed: the noise of training is not known' if seeds == 1 else 'seeds together'}. "
            f"{note}"
        )
    found = load_variation(study)
    if found:
        with st.expander("The same over other data and dictionary seeds"):
            st.dataframe(variation_text(found), hide_index=True)


def _causal_share(frame: pd.DataFrame) -> None:
    shares = frame.loc[frame["estimator"] == "ccim", "causal_share"].dropna()
    if len(shares):
        st.metric(
            "CCIM's causal share",
            f"{shares.iloc[0]:.3f}",
            help="‖W_g g‖ / ‖W_h h‖: how much of the module's output is its causal term (Eq. 4).",
            border=True,
        )


def show_models() -> None:
    """The photograph model's card in a line: it judges uploads whatever study is loaded."""
    entry: Any = study_cache.available_studies().get("photographs")
    if entry is not None:
        st.subheader("For your photographs", anchor=False)
        show_headline(entry)
