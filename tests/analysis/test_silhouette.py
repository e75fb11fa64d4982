"""The mean silhouette against scikit-learn, and its influence against leaving one out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples, silhouette_score

from analysis import silhouette
from analysis.silhouette import mean_silhouettes


def example(n: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=n)
    features = rng.normal(size=(n, 4))
    features[:, 0] += 2 * codes
    return features, codes, rng.integers(2, size=n)


def test_several_groupings_agree_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    features, codes, other = example()
    monkeypatch.setattr(silhouette, "_CHUNK_CELLS", 7 * len(features))  # blocks of uneven size
    found = mean_silhouettes(features + 1000, [codes, other])
    for one, grouping in zip(found, (codes, other), strict=True):
        assert one.value == pytest.approx(silhouette_score(features, grouping), abs=1e-4)
        assert one.influence.mean() == pytest.approx(one.value, abs=1e-4)


def test_a_subject_alone_in_its_group_counts_as_zero() -> None:
    features, codes, _ = example(30)
    codes[0] = 3
    found = mean_silhouettes(features, [codes])[0]
    assert silhouette_samples(features, codes)[0] == 0
    assert found.value == pytest.approx(silhouette_score(features, codes), abs=1e-4)


def test_influence_follows_leaving_one_out() -> None:
    features, codes, _ = example()
    n = len(codes)
    found = mean_silhouettes(features, [codes])[0]
    left_out = [
        n * found.value
        - (n - 1) * silhouette_score(np.delete(features, j, axis=0), np.delete(codes, j))
        for j in range(n)
    ]
    assert np.corrcoef(left_out, found.influence)[0, 1] > 0.995
    assert found.influence.std() == pytest.approx(np.std(left_out), rel=0.1)


def test_equal_features_are_neither_near_nor_far() -> None:
    found = mean_silhouettes(np.ones((6, 3)), [np.array([0, 0, 0, 1, 1, 1])])[0]
    assert found.value == 0
    assert np.isfinite(found.influence).all()
