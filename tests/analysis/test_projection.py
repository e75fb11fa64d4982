"""Two sets of features in one plane: what is shared is exact, what is aligned is aligned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from analysis.projection import align, project_aligned_umap, project_pca
from ccim_core.errors import InputError


def rotation(rng: np.random.Generator, d: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def test_a_shared_basis_keeps_distances_of_features_that_lie_in_a_plane() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(2, 9))
    before, after = rng.normal(size=(30, 2)) @ plane, (rng.normal(size=(30, 2)) + 3) @ plane
    drawn = np.concatenate(project_pca(before, after, shared=True))
    np.testing.assert_allclose(pdist(drawn), pdist(np.concatenate([before, after])), atol=1e-4)


def test_a_shared_basis_is_that_of_both_sides_together() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=(40, 6)), rng.normal(size=(40, 6)) * 2 + 1
    drawn = np.concatenate(project_pca(before, after, shared=True))
    expected = PCA(2).fit_transform(np.concatenate([before, after]))
    np.testing.assert_allclose(np.abs(drawn), np.abs(expected), atol=1e-4)


def test_own_bases_agree_where_one_side_is_the_other_turned_mirrored_scaled_and_widened() -> None:
    rng = np.random.default_rng(2)
    before = rng.normal(size=(50, 5)) * [5, 3, 1, 1, 1]
    wide = np.concatenate([before, np.zeros((50, 3))], axis=1)
    after = -7 * wide @ rotation(rng, 8) + 11
    first, second = project_pca(before, after, shared=False)
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert (first**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-5)


def test_alignment_undoes_a_turn_and_a_mirror_and_no_more() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=(20, 2))
    mirrored = base @ np.array([[0.0, 1.0], [1.0, 0.0]]) + [4, -2]
    np.testing.assert_allclose(align(base, mirrored), base, atol=1e-12)
    np.testing.assert_allclose(pdist(align(base, 3 * base)), 3 * pdist(base))


def test_features_of_one_column_or_of_one_value_have_a_place() -> None:
    column = np.arange(5.0)[:, None]
    first, second = project_pca(column, np.zeros((5, 4)), shared=False)
    assert np.isfinite(first).all()
    assert not first[:, 1].any()
    np.testing.assert_allclose(second, 0, atol=1e-6)


def test_umap_refuses_a_handful_of_subjects() -> None:
    with pytest.raises(InputError, match="10 or more"):
        project_aligned_umap(np.zeros((9, 3)), np.zeros((9, 3)), seed=0)


@pytest.mark.slow
def test_umap_repeats_itself_under_a_seed_keeps_clusters_and_aligns_the_sides() -> None:
    rng = np.random.default_rng(4)
    label = np.repeat([0, 1, 2], 50)
    centres = rng.normal(size=(3, 8)) * 12
    before = centres[label] + rng.normal(size=(150, 8))
    after = np.concatenate([before @ rotation(rng, 8), np.zeros((150, 4))], axis=1)
    options = {"n_epochs": 100}
    first, second = project_aligned_umap(before, after, seed=3, **options)
    again = project_aligned_umap(before, after, seed=3, **options)
    other, _ = project_aligned_umap(before, after, seed=4, **options)
    np.testing.assert_array_equal(first, again[0])
    np.testing.assert_array_equal(second, again[1])
    assert np.abs(first - other).max() > 0.1
    means = np.stack([first[label == k].mean(axis=0) for k in range(3)])
    spread = max(first[label == k].std(axis=0).max() for k in range(3))
    assert pdist(means).min() > 2 * spread
    # The same subjects lie in the same place on both sides, though the features were turned.
    assert np.linalg.norm(first - second, axis=1).mean() < pdist(means).min() / 3
