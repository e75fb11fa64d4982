"""Two dictionaries beside each other: what their clusters tell, and how far they are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.cluster_text import cluster_title
from analysis.stored import StoredClusters

__all__ = ["compare_clusters", "describe_skew", "matched_clusters", "rand_agreement", "skew_steps"]

LEVEL = 0.05


def compare_clusters(first: StoredClusters, second: StoredClusters) -> pd.DataFrame:
    """A row a property: `property`, `first`, `second` (text, as it is read), `meaning`
    (the rest of a sentence that begins with the property)."""
    rows = [
        ("Subjects in a cluster", _sizes, "smallest, median, largest."),
        ("Clusters tell", _told, "mean distance of p(Y|z) from p(Y), weighed by P(z)."),
        (
            "More than chance",
            _told_more,
            "without what as many clusters of as many subjects would tell by chance, "
            "(N − 1)(E − 1) / 2n ln 2 (Miller and Madow), for one emotion a subject.",
        ),
        ("Cells that count", _cells, "at a false discovery rate of 0.05."),
        ("Commonest scene", _purity, "its share of a cluster's subjects, weighed by P(z)."),
    ]
    return pd.DataFrame(
        [
            {"property": name, "first": told(first), "second": told(second), "meaning": meaning}
            for name, told, meaning in rows
        ]
    )


def skew_steps(found: StoredClusters) -> pd.DataFrame:
    """Share of subjects in clusters at least so skewed.

    Columns: subjects (cumulative share in [0, 1], most skewed cluster first), told_bits (of the
    cluster that ends there), cluster.
    """
    rows = found.report.clusters.dropna(subset=["told_bits"])
    rows = rows.sort_values("told_bits", ascending=False, kind="stable")
    return pd.DataFrame(
        {
            "subjects": rows["prior"].cumsum().to_numpy(),
            "told_bits": rows["told_bits"].to_numpy(),
            "cluster": rows["cluster"].to_numpy(),
        }
    )


def describe_skew(first: StoredClusters, second: StoredClusters) -> str:
    """Text alternative of both skew curves."""
    parts = []
    for found in (first, second):
        clusters = found.report.clusters
        share = float(clusters.loc[clusters["told_bits"] > 1, "prior"].sum())
        parts.append(f"{len(clusters)} prototypes: {share:.0%}")
    return f"Subjects in clusters with a skew of more than 1 bit. {'; '.join(parts)}."


def rand_agreement(first: StoredClusters, second: StoredClusters) -> float:
    """Adjusted Rand index of the two clusterings: 1 the same, 0 as by chance.

    NaN where either study's members were not kept, or they share no subject.
    """
    both = _shared_members(first, second)
    if both is None:
        return float("nan")
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(both["cluster_first"], both["cluster_second"]))


def matched_clusters(first: StoredClusters, second: StoredClusters) -> pd.DataFrame | None:
    """A row per cluster of `first`: where most of its subjects are in `second`.

    Columns: cluster, size, strongest_emotion, match, match_emotion, share (of its subjects that
    are in the match), back (of the match's subjects that are in it). None where members were not
    kept. Emotions are the strongest of each cluster, None where no emotion is more frequent.
    """
    table = _overlap(first, second)
    if table is None:
        return None
    counts = table.to_numpy(np.float64)
    best = counts.argmax(axis=1)
    here = first.report.clusters.set_index("cluster").loc[table.index]
    there = second.report.clusters.set_index("cluster").loc[table.columns[best]]
    most = counts[np.arange(len(counts)), best]
    frame = pd.DataFrame(
        {
            "cluster": _titles(here),
            "size": here["size"].to_numpy(),
            "strongest_emotion": here["strongest_emotion"].to_numpy(object),
            "match": _titles(there),
            "match_emotion": there["strongest_emotion"].to_numpy(object),
            "share": most / counts.sum(axis=1),
            "back": most / counts.sum(axis=0)[best],
        }
    )
    return frame.sort_values("share", kind="stable").reset_index(drop=True)


def _overlap(first: StoredClusters, second: StoredClusters) -> pd.DataFrame | None:
    both = _shared_members(first, second)
    return None if both is None else pd.crosstab(both["cluster_first"], both["cluster_second"])


def _shared_members(first: StoredClusters, second: StoredClusters) -> pd.DataFrame | None:
    """A row a subject of both: cluster_first, cluster_second. None where that is unknown."""
    if first.members is None or second.members is None:
        return None
    both = first.members.merge(second.members, on="sample_id", suffixes=("_first", "_second"))
    return None if both.empty else both


def _titles(rows: pd.DataFrame) -> list[str]:
    records: list[Mapping[str, Any]] = [
        {str(name): value for name, value in row.items()}
        for row in rows.reset_index(names="cluster").to_dict("records")
    ]
    return [cluster_title(row) for row in records]


def _sizes(found: StoredClusters) -> str:
    sizes = found.report.clusters["size"]
    return f"{int(sizes.min())}, {sizes.median():g}, {int(sizes.max())}"


def _bits_told(found: StoredClusters) -> float:
    clusters = found.report.clusters
    return float((clusters["prior"] * clusters["told_bits"]).sum())


def _told(found: StoredClusters) -> str:
    return f"{_bits_told(found):.2f} bits"


def _told_more(found: StoredClusters) -> str:
    distribution, sizes = found.report.distribution, found.report.clusters["size"]
    n, emotions = int(sizes.sum()), distribution["emotion"].nunique()
    if not np.isclose(distribution["count"].sum(), n):
        return "–"  # several emotions a subject
    chance = (int((sizes > 0).sum()) - 1) * (emotions - 1) / (2 * n * np.log(2))
    return f"{_bits_told(found) - chance:.2f} bits"


def _cells(found: StoredClusters) -> str:
    q = found.report.distribution["q"]
    return f"{int((q <= LEVEL).sum())} of {int(q.notna().sum())}"


def _purity(found: StoredClusters) -> str:
    clusters = found.report.clusters.dropna(subset=["top_scene_share"])
    if clusters.empty:
        return "–"
    share = np.average(clusters["top_scene_share"], weights=clusters["prior"])
    return f"{share:.0%}"
