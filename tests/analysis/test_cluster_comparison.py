"""Two dictionaries beside each other, against slow references and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, mutual_info_score

from analysis.cluster_comparison import (
    compare_clusters,
    describe_skew,
    matched_clusters,
    rand_agreement,
    skew_steps,
)
from analysis.cluster_report import ClusterSettings
from analysis.clusters import cluster_study
from analysis.figures_clusters import skew_figure
from analysis.stored import StoredClusters
from ccim_core.labels import LABEL_SETS

LABELS = LABEL_SETS["controlled"]
N = 400


def subjects(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sample_id": [f"s{k}" for k in range(N)],
            "image": [f"{k}.jpg" for k in range(N)],
            "labels": rng.choice(LABELS.emotions, N),
            "scene": rng.choice(["bar", "park", "street"], N),
        }
    )


def study(frame: pd.DataFrame, codes: np.ndarray, **more: Any) -> StoredClusters:
    members = pd.DataFrame({"sample_id": frame["sample_id"], "cluster": codes})
    return StoredClusters(
        report=cluster_study(frame, codes, LABELS),
        settings=ClusterSettings(),
        dictionary="d",
        split="train",
        **{"members": members, **more},
    )


def values(first: StoredClusters, second: StoredClusters) -> dict[str, tuple[str, str]]:
    rows = compare_clusters(first, second)
    return {row["property"]: (row["first"], row["second"]) for row in rows.to_dict("records")}


@pytest.mark.parametrize("seed", range(4))
def test_agreement_is_the_adjusted_rand_index(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 6, N)
    second = np.where(rng.random(N) < 0.7, first % 3, rng.integers(0, 3, N))
    frame = subjects()
    # Subjects are matched by name, not by place.
    shuffled = rng.permutation(N)
    other = study(frame.iloc[shuffled].reset_index(drop=True), second[shuffled])
    found = rand_agreement(study(frame, first), other)
    assert found == pytest.approx(adjusted_rand_score(first, second))


def test_agreement_of_a_dictionary_with_itself_and_of_unknown_members() -> None:
    codes = np.arange(N) % 5
    one = study(subjects(), codes)
    assert rand_agreement(one, study(subjects(), (codes + 2) % 5)) == 1.0
    unknown = study(subjects(), codes, members=None)
    assert math.isnan(rand_agreement(one, unknown))
    assert matched_clusters(one, unknown) is None


def test_what_clusters_tell_is_mutual_information_and_its_chance_term_is_taken_off() -> None:
    frame = subjects()
    codes = np.arange(N) % 20
    told = values(study(frame, codes), study(frame, codes % 4))
    bits = mutual_info_score(codes, frame["labels"]) / math.log(2)
    assert told["Clusters tell"][0] == f"{bits:.2f} bits"
    chance = 19 * 6 / (2 * N * math.log(2))
    assert told["More than chance"][0] == f"{bits - chance:.2f} bits"
    assert told["Subjects in a cluster"] == ("20, 20, 20", "100, 100, 100")


def test_the_chance_term_is_what_clusters_without_meaning_tell() -> None:
    rng = np.random.default_rng(1)
    more = []
    for _ in range(30):
        codes = rng.permutation(np.arange(N) % 20)
        row = values(study(subjects(), codes), study(subjects(), codes))["More than chance"][0]
        more.append(float(row.removesuffix(" bits")))
    assert np.mean(more) == pytest.approx(0, abs=0.03)  # 0.21 bits before it is taken off


def test_several_emotions_a_subject_have_no_chance_term() -> None:
    frame = subjects()
    multi = LABEL_SETS["emotic"].emotions
    frame["labels"] = [f"{multi[k % 26]}|{multi[(k + 1) % 26]}" for k in range(N)]
    report = cluster_study(frame, np.arange(N) % 4, LABEL_SETS["emotic"])
    one = StoredClusters(
        report=report, settings=ClusterSettings(), dictionary="d", split="train", members=None
    )
    assert values(one, one)["More than chance"] == ("–", "–")


def test_each_cluster_is_found_in_the_other_dictionary() -> None:
    codes = np.arange(N) % 4
    merged = codes // 2
    moved = merged.copy()
    moved[np.flatnonzero(codes == 0)[:30]] = 1  # 30 of cluster 0's 100 go elsewhere
    found = matched_clusters(study(subjects(), codes), study(subjects(), moved))
    assert found is not None
    first = found.iloc[0]  # the most scattered comes first
    assert first["cluster"].startswith("#0")
    assert first["match"].startswith("#0")
    assert (first["share"], first["size"]) == (0.7, 100)
    assert first["back"] == pytest.approx(70 / 170)
    assert found["share"].tolist()[1:] == [1.0, 1.0, 1.0]


def test_skew_is_stepped_over_all_subjects_and_drawn() -> None:
    frame = subjects()
    one, two = study(frame, np.arange(N) % 10), study(frame, np.arange(N) % 3)
    steps = skew_steps(one)
    assert steps["subjects"].iloc[-1] == pytest.approx(1)
    assert steps["told_bits"].is_monotonic_decreasing
    figure = skew_figure({"ten": steps, "three": skew_steps(two)})
    assert [trace.name for trace in figure.data] == ["ten", "three"]
    area = np.diff(figure.data[0].x) @ np.asarray(figure.data[0].y[1:])
    clusters = one.report.clusters
    assert area == pytest.approx(float((clusters["prior"] * clusters["told_bits"]).sum()))
    assert "10 prototypes: 0%; 3 prototypes: 0%." in describe_skew(one, two)
