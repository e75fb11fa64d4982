"""Clusters: what is in each against slow counts, stability and silhouette by their number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, hypergeom

from analysis.cluster_page import cluster_lines
from analysis.cluster_sizes import compare_sizes, default_sizes
from analysis.cluster_text import cluster_title, describe_cluster, scene_mix, sorted_clusters
from analysis.clusters import ClusterSettings, cluster_study, nearest_members
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set

LABELS = get_label_set("controlled")
EMOTIONS = np.array(LABELS.emotions)


def clustered(
    n: int = 210, *, per_image: int = 1, seed: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Three clusters, one of them mostly happy bars, and a fourth that is empty."""
    rng = np.random.default_rng(seed)
    image = np.arange(n) // per_image
    cluster = rng.integers(0, 3, image.max() + 1)[image]
    happy = (cluster == 2) & (rng.random(n) < 0.7)
    frame = pd.DataFrame(
        {
            "sample_id": [f"s{k}" for k in range(n)],
            "image": np.char.add("i", image.astype(str)),
            "labels": np.where(happy, "Happy", rng.choice(EMOTIONS, n)),
            "scene": np.where(cluster == 2, "bar", rng.choice(["park", "street"], n)),
        }
    )
    return frame, cluster


def test_shares_sizes_and_lifts_are_those_of_a_count() -> None:
    frame, cluster = clustered()
    report = cluster_study(frame, cluster, LABELS, n_clusters=4)
    assert report.clusters["size"].tolist() == np.bincount(cluster, minlength=4).tolist()
    assert report.clusters["prior"].sum() == pytest.approx(1)
    assert len(report.distribution) == 4 * 7
    for row in report.distribution.to_dict("records"):
        mine = frame["labels"][cluster == row["cluster"]] == row["emotion"]
        assert row["count"] == mine.sum()
        if row["cluster"] == 3:
            assert np.isnan([row["share"], row["share_low"], row["lift"]]).all()
            continue
        assert row["share"] == pytest.approx(mine.mean())
        assert row["base_rate"] == pytest.approx((frame["labels"] == row["emotion"]).mean())
        assert row["lift"] == pytest.approx(row["share"] / row["base_rate"])
        law = beta(mine.sum() + 0.5, len(mine) - mine.sum() + 0.5)
        assert (row["share_low"], row["share_high"]) == pytest.approx(law.ppf([0.025, 0.975]))
    happy = report.clusters.loc[2]
    assert (happy["strongest_emotion"], happy["top_scene"]) == ("Happy", "bar")
    assert happy["strongest_q"] < 1e-6
    assert happy["scene_entropy_bits"] == pytest.approx(0)
    assert happy["told_bits"] == report.clusters["told_bits"].max()


def test_p_is_the_hypergeometric_for_single_subjects() -> None:
    frame, cluster = clustered()
    found = cluster_study(frame, cluster, LABELS).distribution
    for row in found.to_dict("records"):
        positives = int((frame["labels"] == row["emotion"]).sum())
        law = hypergeom(len(frame), positives, int((cluster == row["cluster"]).sum()))
        both = 2 * min(law.cdf(row["count"]), law.sf(row["count"] - 1))
        assert row["p"] == pytest.approx(min(1, both), rel=1e-8)


def test_subjects_of_one_image_widen_the_interval() -> None:
    alone, cluster = clustered(240)
    alone["labels"] = np.repeat(alone["labels"].to_numpy()[::4], 4)
    cluster = np.repeat(cluster[::4], 4)
    together = alone.assign(image=np.repeat(np.arange(60), 4).astype(str))

    def width(frame: pd.DataFrame) -> float:
        found = cluster_study(frame, cluster, LABELS).distribution
        return float((found["share_high"] - found["share_low"]).mean())

    assert width(together) > 1.6 * width(alone)


def test_exemplars_are_the_members_nearest_the_centre() -> None:
    frame, cluster = clustered()
    features = np.random.default_rng(1).normal(size=(len(frame), 5)).astype(np.float32)
    centers = np.stack([features[cluster == z].mean(0) for z in range(3)])
    report = cluster_study(
        frame, cluster, LABELS, features=features, centers=centers,
        settings=ClusterSettings(exemplars=4),
    )  # fmt: skip
    assert report.exemplars.groupby("cluster").size().tolist() == [4, 4, 4]
    for z, rows in report.exemplars.groupby("cluster"):
        members = np.flatnonzero(cluster == z)
        gaps = np.linalg.norm(features[members] - centers[z], axis=1)
        expected = frame["sample_id"].to_numpy()[members[np.argsort(gaps)[:4]]]
        assert rows["sample_id"].tolist() == expected.tolist()
        np.testing.assert_allclose(rows["distance"], np.sort(gaps)[:4], rtol=1e-5)
    rows, distances = nearest_members(features[:2], np.zeros(2, int), centers, k=4)
    assert (rows[0] >= 0).sum() == 2
    assert np.isnan(distances[1]).all()


def test_what_is_not_known_is_said_and_not_made_up() -> None:
    frame, cluster = clustered()
    report = cluster_study(frame.drop(columns="scene"), cluster, LABELS)
    assert report.scenes.empty
    assert report.clusters["top_scene"].isna().all()
    assert len(report.notes) == 2
    frame.loc[:4, "labels"] = None
    report = cluster_study(frame, cluster, LABELS)
    assert report.notes[0].startswith("5 rows have no label or image")
    assert report.clusters["size"].sum() == len(frame) - 5
    for change, said in (
        ({"labels": None}, "got none"),
        ({"labels": "Glee"}, "Glee"),
    ):
        with pytest.raises(InputError, match=said):
            cluster_study(frame.assign(**change), cluster, LABELS)
    with pytest.raises(InputError, match="another table"):
        cluster_study(frame, cluster[1:], LABELS)
    with pytest.raises(InputError, match="column `image`"):
        cluster_study(frame.drop(columns="image"), cluster, LABELS)


def test_the_true_number_of_blobs_is_the_most_stable_and_separate() -> None:
    rng = np.random.default_rng(0)
    centres = 9 * np.eye(6)[:4]
    features = (centres[rng.integers(0, 4, 240)] + rng.normal(size=(240, 6))).astype(np.float32)
    sizes = compare_sizes(features, [2, 4, 12]).set_index("n_clusters")
    assert sizes["stability_mean"].idxmax() == 4
    assert sizes["silhouette_mean"].idxmax() == 4
    assert sizes.loc[4, "stability_mean"] == pytest.approx(1)
    assert (sizes["stability_low"] <= sizes["stability_mean"]).all()
    assert (sizes["silhouette_mean"] <= sizes["silhouette_high"]).all()
    assert sizes.loc[12, "smallest"] < sizes.loc[4, "smallest"]
    alone = compare_sizes(features, [4], seeds=[0])
    assert alone["stability_mean"].isna().all()
    assert alone["silhouette_mean"].notna().all()
    with pytest.raises(InputError, match="one number of clusters"):
        compare_sizes(features, [])
    assert default_sizes(64, 2400) == [32, 64, 128]
    assert default_sizes(64, 150) == [32, 64]
    assert default_sizes(2, 4) == [2]


def test_clusters_in_words() -> None:
    frame, cluster = clustered()
    report = cluster_study(frame, cluster, LABELS, n_clusters=4)
    order = sorted_clusters(report, "told_bits")
    assert order["cluster"].iloc[0] == 2
    assert sorted_clusters(report, "cluster")["cluster"].tolist() == [0, 1, 2, 3]
    assert cluster_title(order.iloc[0].to_dict()) == "#2 bar"
    assert scene_mix(report, 2) == "bar 100%"
    assert scene_mix(report, 3) == ""
    assert "Happy" in describe_cluster(report, 2)
    assert "nobody" in describe_cluster(report, 3)
    with pytest.raises(ValueError, match="told_bits"):
        sorted_clusters(report, "beauty")
    lines = cluster_lines(report, None, most=2)
    assert "Happy ×" in "\n".join(lines)
    assert lines[3] == "… and 2 smaller ones"
