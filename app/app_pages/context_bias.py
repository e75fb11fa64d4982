"""Context bias: how far a data set's scenes give its labels away, and in which cells."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.bias_report import BiasReport
from analysis.bias_text import (
    bias_sentence,
    cell_rows,
    describe_heatmap,
    describe_histogram,
    emotion_sentence,
    readable_scene,
)
from app import layout, study_cache
from app.errors import shown_errors
from app.gallery import PictureOf, show_pictures
from app.links import linked_selectbox
from app.stored import bias_report, nothing_stored, require_study, scene_assignment
from ccim_core.labels import LABEL_SEPARATOR
from ccim_core.study import Study

LEAD = (
    "If a place alone tells the label, a model can be right without looking at the person. "
    "Every number here stands beside what chance would give."
)
ALL = "all"
MAX_SCENES = 40
MAX_PICTURES = 8
STATIC = {"displayModeBar": False}


def main() -> None:
    """The page."""
    layout.header("Context bias", LEAD)
    with shown_errors("reading the bias study"):
        study = require_study()
        if study is None:
            return
        report = bias_report(study)
        if report is None:
            nothing_stored(study, "No bias study is kept for this data set yet.", "store")
            return
        _headline(report)
        _figure_2(report)
        _heatmap(study, report)
        _cells(study, report)
        for note in report.notes:
            st.caption(layout.plain(note))


def _headline(report: BiasReport) -> None:
    data, settings = report.dataset, report.settings
    st.markdown(bias_sentence(report))
    share = data["information_share"]
    low, high = data["information_share_interval"]
    interval = "" if low is None else f" Interval: {low:.0%} to {high:.0%}."
    chance = data["mutual_information_null_mean"]
    layout.cards(
        [
            (
                "Scene reveals",
                "–" if share is None else f"{share:.0%}",
                f"I(Y; scene) as a share of H(Y), corrected for the number of cells.{interval}",
            ),
            (
                "By chance",
                "–" if chance is None else f"{chance / data['entropy_bits']:.1%}",
                "What the same tables give when scenes are dealt to pictures at random, "
                "before correction.",
            ),
            (
                "Cells that count",
                f"{data['significant_cells']} of {data['tested_cells']}",
                f"Scene × emotion cells at a false discovery rate of {settings.level:g}.",
            ),
            (
                "Subjects",
                f"{data['subjects']:,}",
                f"Split {settings.split or 'all'}: {data['images']:,} images, "
                f"{data['scenes']} scenes from {data['scene_source']}.",
            ),
        ]
    )


def _figure_2(report: BiasReport) -> None:
    from analysis.figures import bias_histogram, zero_entropy_figure

    st.subheader("Scenes that decide an emotion", anchor=False)
    emotions = list(report.emotions["emotion"])
    defined = list(report.emotions.loc[report.emotions["reason"] == "", "emotion"])
    left, right = st.columns([3, 2], gap="large")
    with left:
        emotion = linked_selectbox(
            "Emotion", emotions, key="emotion", default=(defined or emotions)[0], format_func=str
        )
        st.markdown(emotion_sentence(report, emotion))
        if emotion in defined:
            st.plotly_chart(
                bias_histogram(report.histogram, emotions=[emotion], ink=layout.ink()),
                key="histogram",
                config=STATIC,
                alt=describe_histogram(report, emotion),
            )
        st.caption(
            "After Figure 2 of the paper, with the marks of chance it lacks: a scene of few "
            "subjects is at zero entropy whatever the emotion."
        )
    with right:
        if defined:
            st.markdown("**Zero-entropy scenes, every emotion**")
            st.plotly_chart(
                zero_entropy_figure(report.emotions, ink=layout.ink()),
                key="zero_entropy",
                config=STATIC,
                alt=" ".join(emotion_sentence(report, name) for name in defined).replace("*", ""),
            )


@st.fragment
def _heatmap(study: Study, report: BiasReport) -> None:
    from analysis.figures import association_heatmap

    st.subheader("Which scenes go with which emotions", anchor=False)
    scenes = list(dict.fromkeys(report.cells["scene"]))[:MAX_SCENES]
    event = st.plotly_chart(
        association_heatmap(
            report.cells,
            level=report.settings.level,
            scenes=scenes,
            titles={name: readable_scene(name) for name in scenes},
            selectable=True,
            ink=layout.ink(),
        ),
        key="heatmap",
        on_select="rerun",
        selection_mode="points",
        config=STATIC,
        alt=describe_heatmap(report, scenes),
    )
    total = int((report.scenes["subjects"] > 0).sum())
    which = f"the {len(scenes)} largest of {total} scenes" if total > len(scenes) else "every scene"
    st.caption(
        f"Normalised pointwise mutual information, {which}: orange more often than by chance, blue "
        f"less, grey where q > {report.settings.level:g} or the scene is too small to test. "
        "Click a cell to see its pictures."
    )
    points = event["selection"]["points"]
    if points:
        scene, emotion, *_ = points[0]["customdata"]
        _pictures(study, report, str(scene), str(emotion))


@st.fragment
def _cells(study: Study, report: BiasReport) -> None:
    st.subheader("Every cell", anchor=False)
    options = [ALL, *report.emotions["emotion"]]
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        chosen = linked_selectbox(
            "Show",
            options,
            key="cells_of",
            default=ALL,
            format_func=lambda name: "every emotion" if name == ALL else name,
        )
    with right:
        only = st.toggle(f"Only cells at q ≤ {report.settings.level:g}", key="cells_that_count")
    rows = cell_rows(report, emotion=None if chosen == ALL else chosen, significant=only)
    event = st.dataframe(
        rows.assign(scene=rows["scene"].map(readable_scene)),
        key=f"cells_{chosen}_{only}",
        hide_index=True,
        height=min(420, 38 + 35 * max(len(rows), 1)),
        on_select="rerun",
        selection_mode="single-row",
        column_config=_columns(rows),
        column_order=[name for name in rows.columns if name not in ("base_rate", "npmi")],
    )
    st.download_button(
        "Download these cells",
        rows.to_csv(index=False).encode(),
        file_name="context_bias_cells.csv",
        mime="text/csv",
        icon=":material/download:",
    )
    picked = list(event["selection"]["rows"])
    if picked and picked[0] < len(rows):
        row = rows.iloc[picked[0]]
        _pictures(study, report, str(row["scene"]), str(row["emotion"]))
    else:
        st.caption("Select a row to see pictures of that scene and emotion.")


def _columns(rows: pd.DataFrame) -> dict[str, Any]:
    number, bar = st.column_config.NumberColumn, st.column_config.ProgressColumn
    lift = float(rows["lift"].max()) if rows["lift"].notna().any() else 1.0
    return {
        "scene": st.column_config.TextColumn("Scene", pinned=True),
        "emotion": "Emotion",
        "count": number("Subjects", format="%d", help="Of the scene, with the emotion."),
        "scene_support": number("of", format="%d", help="Subjects of the scene."),
        "share": bar("Share", format="percent", min_value=0, max_value=1),
        "share_low": number("from", format="percent", help="Lower end of the share's interval."),
        "share_high": number("to", format="percent", help="Upper end of the share's interval."),
        "lift": bar("Lift", format="%.2f", min_value=0, max_value=max(1.0, lift)),
        "q": number("q", format="%.2g", help="False discovery rate; empty where not tested."),
    }


def _scenes(study: Study, report: BiasReport, table: pd.DataFrame) -> pd.Series | None:
    """The scene of each row: the manifest's column, or what was recognised in its picture."""
    if report.settings.scene_column in table:
        return table[report.settings.scene_column]
    assigned = scene_assignment(study)
    return None if assigned is None else table["image"].map(assigned)


def _pictures(study: Study, report: BiasReport, scene: str, emotion: str) -> None:
    """Some pictures of a cell, in the manifest's order."""
    table = study_cache.load_table(study.path / "manifest.parquet")
    scenes = None if table is None else _scenes(study, report, table)
    if table is None or scenes is None:
        st.caption("Which pictures are in this scene is not kept with the study.")
        return
    rows = table[scenes == scene]
    if report.settings.split is not None:
        rows = rows[rows["split"] == report.settings.split]
    has = [emotion in str(text).split(LABEL_SEPARATOR) for text in rows["labels"]]
    rows = rows[has].drop_duplicates("image")
    st.markdown(f"**{emotion}** in **{layout.plain(readable_scene(scene))}**")
    if rows.empty:
        st.caption("Nobody in this scene has this emotion.")
    show_pictures(
        study,
        [
            PictureOf(image=str(image), alternative=f"{emotion} in {readable_scene(scene)}")
            for image in rows["image"].head(MAX_PICTURES)
        ],
    )


main()
