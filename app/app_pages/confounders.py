"""Confounders: the clusters of contexts that stand for Z, and what emotions each holds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analysis.bias_text import readable_scene
from analysis.cluster_bars import cluster_bars_html
from analysis.cluster_report import ClusterReport
from analysis.cluster_text import (
    SORTS,
    cluster_title,
    describe_cluster,
    describe_sizes,
    scene_mix,
    sorted_clusters,
)
from analysis.stored import StoredClusters, stored_clusters
from app import layout
from app.dictionary_comparison import dictionary_titles, show_dictionaries
from app.errors import shown_errors
from app.gallery import PictureOf, show_pictures
from app.links import linked_selectbox
from app.stored import cluster_report, nothing_stored, require_study
from ccim_core.study import Study

LEAD = (
    "CCIM approximates the confounder by clusters of training contexts, with the person masked. "
    "A cluster whose emotions are far from the base rate is what a model must not lean on."
)
NONE = "-"
PAGE_SIZE = 6
EXEMPLARS = 4
STATIC = {"displayModeBar": False}


def main() -> None:
    """The page."""
    layout.header("Confounders", LEAD)
    with shown_errors("reading the clusters"):
        study = require_study()
        if study is None:
            return
        names = stored_clusters(study)
        if not names:
            nothing_stored(study, "No cluster study is kept for this data set yet.", "store")
            return
        dictionaries = {
            name: found for name in names if (found := cluster_report(study, name)) is not None
        }
        titles = dictionary_titles(dictionaries)
        name, against = _choose(titles)
        found = dictionaries[name]
        _headline(found)
        if against != NONE:
            show_dictionaries(found, dictionaries[against], (titles[name], titles[against]))
        _cards(study, found)
        _sizes(found)
        _table(found.report)
        for note in found.report.notes:
            st.caption(layout.plain(note))


def _choose(titles: dict[str, str]) -> tuple[str, str]:
    """The dictionary that is shown, and the one beside it or `NONE`; nothing to ask of one."""
    default = next(iter(titles))
    if len(titles) == 1:
        return default, NONE
    left, right = st.columns(2)
    with left:
        name = linked_selectbox(
            "Dictionary",
            list(titles),
            key="dictionary",
            default=default,
            format_func=titles.__getitem__,
            help="By its number of prototypes N. Those to compare are of the same features; no "
            "model was trained with them.",
        )
    with right:
        against = linked_selectbox(
            "Compare with",
            [NONE, *(one for one in titles if one != name)],
            key="against",
            default=NONE,
            format_func=lambda one: "none" if one == NONE else titles[one],
        )
    return name, against


def _headline(found: StoredClusters) -> None:
    clusters = found.report.clusters
    sizes = clusters["size"]
    told = float((clusters["prior"] * clusters["told_bits"]).sum())
    tested = found.report.distribution["q"].notna()
    counted = int((found.report.distribution["q"] <= 0.05).sum())
    layout.cards(
        [
            ("Prototypes", str(len(clusters)), f"Dictionary {found.dictionary}."),
            (
                "Subjects",
                f"{int(sizes.sum()):,}",
                f"Split {found.split}; {int(sizes.min())} to {int(sizes.max())} in a cluster.",
            ),
            (
                "Clusters tell",
                f"{told:.2f} bits",
                "Mean distance of a cluster's emotions from those of all, weighed by P(z); not "
                "corrected for the number of clusters, so small ones add to it.",
            ),
            (
                "Cells that count",
                f"{counted} of {int(tested.sum())}",
                "Cluster × emotion cells at a false discovery rate of 0.05.",
            ),
        ]
    )


@st.fragment
def _cards(study: Study, found: StoredClusters) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        by = linked_selectbox(
            "Sort by", list(SORTS), key="sort", default="told_bits", format_func=SORTS.__getitem__
        )
    clusters = sorted_clusters(found.report, by)
    pages = [str(k + 1) for k in range(-(-len(clusters) // PAGE_SIZE))]
    with right:
        page = linked_selectbox(
            "Clusters",
            pages,
            key="cluster_page",
            default="1",
            format_func=lambda name: _range(int(name), len(clusters)),
        )
    start = (int(page) - 1) * PAGE_SIZE
    rows = clusters.iloc[start : start + PAGE_SIZE].to_dict("records")
    for first in range(0, len(rows), 2):
        columns = st.columns(2, gap="medium")
        for place, row in enumerate(rows[first : first + 2]):
            with columns[place].container(border=True, height="stretch"):
                _card(study, found.report, row)
    st.caption(
        "Bars: share of the cluster's subjects with the emotion, with its interval, pale where it "
        "does not differ from the base rate (the line) at q ≤ 0.05. Pictures: nearest the centre."
    )


def _range(page: int, total: int) -> str:
    return f"{(page - 1) * PAGE_SIZE + 1} to {min(page * PAGE_SIZE, total)} of {total}"


def _card(study: Study, report: ClusterReport, row: Mapping[Hashable, Any]) -> None:
    values = {str(name): value for name, value in row.items()}
    cluster = int(values["cluster"])
    st.markdown(f"##### {layout.plain(cluster_title(values))}")
    mix = scene_mix(report, cluster)
    told = values["told_bits"]
    skew = "" if pd.isna(told) else f" · skew {told:.2f} bits"
    lines = [f"{values['size']:,} subjects · P(z) {values['prior']:.3f}{skew}", layout.plain(mix)]
    st.caption("  \n".join(line for line in lines if line))
    nearest = report.exemplars[report.exemplars["cluster"] == cluster].head(EXEMPLARS)
    show_pictures(
        study,
        [
            PictureOf(image=str(image), alternative=f"A picture of cluster {cluster}")
            for image in nearest["image"]
        ],
        width=84,
    )
    alternative = describe_cluster(report, cluster)
    st.html(cluster_bars_html(report.distribution, cluster=cluster, alternative=alternative))


def _sizes(found: StoredClusters) -> None:
    """How stable and separate the clusters are by their number, where the study keeps it."""
    if found.sizes is None:
        return
    from analysis.figures import size_choice_figure

    st.subheader("How many clusters", anchor=False)
    st.plotly_chart(
        size_choice_figure(found.sizes, ink=layout.ink()),
        key="sizes",
        config=STATIC,
        alt=describe_sizes(found.sizes),
    )
    st.caption(
        "Stability: adjusted Rand index of the clusterings of each two seeds, 1 the same, 0 as by "
        "chance. Silhouette: 1 well apart, 0 touching. Bars: range over seeds."
    )


def _table(report: ClusterReport) -> None:
    st.subheader("Every cluster", anchor=False)
    rows = sorted_clusters(report, "told_bits")
    number, bar = st.column_config.NumberColumn, st.column_config.ProgressColumn
    most = {name: float(rows[name].max()) for name in ("prior", "told_bits")}
    scenes = rows["top_scene"].map(readable_scene, na_action="ignore")
    st.dataframe(
        rows.assign(top_scene=scenes),
        key="clusters",
        hide_index=True,
        height=420,
        column_config={
            "cluster": number("Cluster", format="%d", pinned=True),
            "size": number("Subjects", format="%d"),
            "prior": bar("P(z)", format="%.3f", min_value=0, max_value=max(most["prior"], 1e-9)),
            "images": number("Images", format="%d"),
            "entropy_bits": number("H(Y|z)", format="%.2f", help="Bits."),
            "told_bits": bar(
                "Skew", format="%.2f", min_value=0, max_value=max(most["told_bits"], 1e-9)
            ),
            "top_scene": "Commonest scene",
            "top_scene_share": bar("its share", format="percent", min_value=0, max_value=1),
            "scene_entropy_bits": number("Scene entropy", format="%.2f", help="Bits."),
            "strongest_emotion": "Strongest emotion",
            "strongest_lift": number("its lift", format="%.2f"),
            "strongest_q": number("its q", format="%.2g"),
        },
    )
    st.download_button(
        "Download every cluster × emotion",
        report.distribution.to_csv(index=False).encode(),
        file_name="confounder_clusters.csv",
        mime="text/csv",
        icon=":material/download:",
    )


main()
