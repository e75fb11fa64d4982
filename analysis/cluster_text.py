"""A cluster study in words: one cluster's line, its scenes, the order to look at clusters in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.bias_text import readable_scene
from analysis.cluster_report import ClusterReport

__all__ = [
    "SORTS",
    "cluster_title",
    "describe_cluster",
    "describe_sizes",
    "scene_mix",
    "sorted_clusters",
]

SORTS: dict[str, str] = {
    "told_bits": "skew: how far its emotions are from the base rate",
    "size": "size: subjects in it",
    "scene_entropy_bits": "mix: how many scenes it holds",
    "strongest_lift": "lift of its strongest emotion",
    "cluster": "number",
}
"""Columns of `ClusterReport.clusters` that clusters can be sorted by, with what each means."""


def sorted_clusters(report: ClusterReport, by: str) -> pd.DataFrame:
    """The clusters, most of `by` first (numbers upwards); those without a value last."""
    if by not in SORTS:
        raise ValueError(f"Expected `by` of {list(SORTS)}, got {by!r}.")
    table = report.clusters.sort_values(by, ascending=by == "cluster", kind="stable")
    return table.reset_index(drop=True)


def cluster_title(row: Mapping[str, Any]) -> str:
    """`#4 bar`: its number and its commonest scene, where that is known."""
    scene = row["top_scene"]
    named = f" {readable_scene(scene)}" if isinstance(scene, str) else ""
    return f"#{row['cluster']}{named}"


def scene_mix(report: ClusterReport, cluster: int, *, most: int = 3) -> str:
    """`bar 79%, office 12%, 2 more`; empty where no scene is known."""
    rows = report.scenes[report.scenes["cluster"] == cluster]
    parts = [
        f"{readable_scene(str(row['scene']))} {row['share']:.0%}"
        for row in rows.head(most).to_dict("records")
    ]
    if len(rows) > most:
        parts.append(f"{len(rows) - most} more")
    return ", ".join(parts)


def describe_cluster(report: ClusterReport, cluster: int) -> str:
    """Text alternative of a cluster's bars."""
    rows = report.distribution[report.distribution["cluster"] == cluster]
    parts = [
        f"{row['emotion']} {row['share']:.0%} (base rate {row['base_rate']:.0%})"
        for row in rows.sort_values("share", ascending=False).head(4).to_dict("records")
        if row["share"] == row["share"]
    ]
    return f"Emotions of cluster {cluster}: {', '.join(parts) or 'nobody is in it'}."


def describe_sizes(sizes: pd.DataFrame) -> str:
    """Text alternative of the choice of N (`cluster_sizes.compare_sizes`)."""
    parts = [
        f"{row['n_clusters']} clusters: stability {row['stability_mean']:.2f}, "
        f"silhouette {row['silhouette_mean']:.2f}"
        for row in sizes.to_dict("records")
    ]
    return f"Stability and silhouette by number of clusters. {'; '.join(parts)}."
