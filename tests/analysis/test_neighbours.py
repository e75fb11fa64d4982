"""Purity of neighbourhoods against closed forms and a slow reference."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.neighbours import agreement, purity

CANDIDATES = ("all", "within", "across")


def onehot(codes: np.ndarray) -> np.ndarray:
    return np.eye(int(codes.max()) + 1)[codes]


def slow_purity(
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    contexts: np.ndarray,
    candidates: str,
    k: int,
) -> tuple[float, float, int]:
    """Value, chance and number of askers, a subject at a time."""
    agrees, chances, n = [], [], 0
    for i in range(len(features)):
        allowed = [
            j
            for j in range(len(features))
            if groups[j] != groups[i]
            and (candidates == "all" or (contexts[j] == contexts[i]) == (candidates == "within"))
        ]
        if not allowed:
            continue
        n += 1
        jaccard = {
            j: (targets[i] * targets[j]).sum() / np.maximum(targets[i], targets[j]).sum()
            for j in allowed
        }
        nearest = sorted(allowed, key=lambda j: ((features[i] - features[j]) ** 2).sum())[:k]
        agrees += [jaccard[j] for j in nearest]
        chances += [np.mean(list(jaccard.values()))] * len(nearest)
    return float(np.mean(agrees)), float(np.mean(chances)), n


@pytest.mark.parametrize("candidates", CANDIDATES)
@pytest.mark.parametrize("several", [False, True])
def test_it_agrees_with_a_slow_reference(candidates: str, several: bool) -> None:
    rng = np.random.default_rng(0)
    n = 45
    features = rng.normal(size=(n, 3))
    targets = onehot(rng.integers(4, size=n))
    if several:
        targets = np.maximum(targets, rng.random((n, 4)) < 0.3).astype(float)
    groups = rng.integers(20, size=n)
    contexts = np.minimum(rng.integers(4, size=n), 2)
    contexts[0] = 3  # a context of one subject
    found = purity(features, targets, groups, k=6, contexts=contexts, candidates=candidates)
    value, chance, n_asking = slow_purity(features, targets, groups, contexts, candidates, 6)
    assert found.value == pytest.approx(value)
    assert found.chance == pytest.approx(chance)
    assert found.n == n_asking
    assert found.influence.mean() == pytest.approx(value)


def test_separate_clusters_are_pure_and_a_chequered_line_is_the_opposite() -> None:
    groups = np.arange(10)
    apart = np.repeat([0.0, 100.0], 5)[:, None] + np.arange(10)[:, None] / 10
    assert purity(apart, onehot(np.repeat([0, 1], 5)), groups, k=4).value == 1
    line = np.arange(10.0)[:, None]
    # The nearest two of an inner point lie on either side of it; an end's are 1 and 2 away.
    found = purity(line, onehot(np.arange(10) % 2), groups, k=2)
    assert found.value == pytest.approx(2 * 0.5 / 10)


def test_chance_of_one_label_a_subject_is_the_closed_form() -> None:
    codes = np.repeat([0, 1, 2], [10, 6, 4])
    found = purity(np.arange(20.0)[:, None], onehot(codes), np.arange(20), k=3)
    assert found.chance == pytest.approx((10 * 9 + 6 * 5 + 4 * 3) / (20 * 19))


def test_subjects_of_one_image_are_not_each_others_neighbours() -> None:
    # Pairs of subjects at one place share an image and a label; labels are random across images.
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 2)
    features = rng.normal(size=(60, 4))[groups]
    codes = rng.integers(3, size=60)[groups]
    apart = purity(features, onehot(codes), groups, k=4)
    naive = purity(features, onehot(codes), np.arange(120), k=4)
    assert abs(apart.value - apart.chance) < 0.1
    assert naive.value > naive.chance + 0.1


def test_random_features_give_chance() -> None:
    rng = np.random.default_rng(2)
    codes = np.minimum(rng.geometric(0.4, 600) - 1, 4)
    found = purity(rng.normal(size=(600, 8)), onehot(codes), np.arange(600), k=15)
    assert found.value == pytest.approx(found.chance, abs=0.025)


def test_influence_is_what_leaving_a_subject_out_takes_away() -> None:
    # A subject's purity and its part in others' move the weighted mean as the influence says.
    rng = np.random.default_rng(3)
    n, k = 40, 5
    features, codes = rng.normal(size=(n, 2)), rng.integers(2, size=n)
    found = purity(features, onehot(codes), np.arange(n), k=k)
    distances = ((features[:, None] - features[None]) ** 2).sum(axis=2) + 1e9 * np.eye(n)
    near = np.argsort(distances, axis=1)[:, :k]
    same = codes[near] == codes[:, None]
    step = 1e-6
    for j in (0, 7, 39):
        weight = np.ones(n)
        weight[j] += step
        pairs = weight[:, None] * weight[near]
        moved = (pairs * same).sum() / pairs.sum()
        slope = n * (moved - found.value) / step
        assert found.influence[j] - found.value == pytest.approx(slope, abs=1e-3)


def test_nobody_to_be_compared_with_is_nan_not_zero() -> None:
    found = purity(np.zeros((3, 2)), np.eye(3), np.zeros(3, int), k=2)
    assert found.n == 0
    assert np.isnan(found.value)


def test_agreement_is_the_share_of_common_labels() -> None:
    first = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]])
    second = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1]])
    np.testing.assert_allclose(agreement(first, second), [1, 1 / 2, 1 / 3])
