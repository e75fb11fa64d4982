"""Two dictionaries beside each other: for the Confounders page."""

from __future__ import annotations

import math

import streamlit as st

from analysis.cluster_comparison import (
    compare_clusters,
    describe_skew,
    matched_clusters,
    rand_agreement,
    skew_steps,
)
from analysis.stored import StoredClusters
from app import layout

__all__ = ["dictionary_titles", "show_dictionaries"]


def dictionary_titles(found: dict[str, StoredClusters]) -> dict[str, str]:
    """`64 prototypes (trained with)`; with its name where two would read the same."""
    titles = {}
    for name, one in found.items():
        use = "trained with" if one.trained else "to compare"
        titles[name] = f"{len(one.report.clusters)} prototypes ({use})"
    again = [title for title in titles.values() if list(titles.values()).count(title) > 1]
    return {name: f"{title}: {name}" if title in again else title for name, title in titles.items()}


def show_dictionaries(
    first: StoredClusters, second: StoredClusters, titles: tuple[str, str]
) -> None:
    """What both tell, how skewed their clusters are, and where each cluster went."""
    from analysis.figures_clusters import skew_figure

    st.subheader("Two dictionaries", anchor=False)
    left, right = st.columns([5, 4], gap="large")
    with left:
        rows = compare_clusters(first, second)
        st.dataframe(
            rows.drop(columns="meaning"),
            hide_index=True,
            height="content",
            column_config={
                "property": st.column_config.TextColumn("", width=170),
                "first": _short(first),
                "second": _short(second),
            },
        )
        agreement = rand_agreement(first, second)
        if not math.isnan(agreement):
            st.markdown(
                f"They agree to **{agreement:.2f}** (adjusted Rand index: 1 puts the same people "
                "together, 0 as by chance)."
            )
    with right:
        st.plotly_chart(
            skew_figure(
                {
                    title: skew_steps(found)
                    for title, found in zip(titles, (first, second), strict=True)
                },
                ink=layout.ink(),
            ),
            key="skew",
            config={"displayModeBar": False},
            alt=describe_skew(first, second),
        )
    told = rows[rows["meaning"] != ""]
    st.caption(
        layout.plain(
            " ".join(
                f"{name}: {meaning}"
                for name, meaning in zip(told["property"], told["meaning"], strict=True)
            )
        )
    )
    matched = matched_clusters(first, second)
    if matched is not None:
        with st.expander("Where each cluster went", icon=":material/call_split:"):
            bar = st.column_config.ProgressColumn
            st.dataframe(
                matched,
                hide_index=True,
                height=300,
                column_config={
                    "cluster": st.column_config.TextColumn("Cluster", pinned=True),
                    "size": st.column_config.NumberColumn("Subjects", format="%d"),
                    "strongest_emotion": "Strongest emotion",
                    "match": "Most of it is in",
                    "match_emotion": "strongest there",
                    "share": bar("its share there", format="percent", min_value=0, max_value=1),
                    "back": bar("of that one", format="percent", min_value=0, max_value=1),
                },
            )


def _short(found: StoredClusters) -> str:
    return f"N = {len(found.report.clusters)}"
