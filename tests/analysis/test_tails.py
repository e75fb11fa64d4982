"""Tail probabilities against scipy, against every permutation, and against many random ones."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import hypergeom

from analysis.contingency import SceneTable, build_table
from analysis.tails import (
    exact_tails,
    hypergeometric_tails,
    pearson_tails,
    permutation_moments,
    small_counts,
    stratify,
    tails_of,
)
from tests.analysis.independent import random_table


@pytest.mark.parametrize(("total", "marked", "drawn"), [(30, 7, 12), (500, 40, 90), (8, 8, 3)])
def test_hypergeometric_tails_are_scipys(total: int, marked: int, drawn: int) -> None:
    law = hypergeom(total, marked, drawn)
    counts = np.arange(max(0, drawn + marked - total), min(drawn, marked) + 1)
    lower, upper = hypergeometric_tails(counts, np.array(drawn), np.array(marked), total)
    np.testing.assert_allclose(lower, law.cdf(counts), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(upper, law.sf(counts - 1), rtol=1e-9, atol=1e-14)


def test_far_tails_keep_their_digits() -> None:
    lower, upper = hypergeometric_tails(
        np.array([90, 0]), np.array([100, 400]), np.array([100, 300]), 10_000
    )
    assert upper[0] == pytest.approx(hypergeom(10_000, 100, 100).sf(89), rel=1e-6)
    assert upper[0] < 1e-100
    assert lower[1] == pytest.approx(hypergeom(10_000, 300, 400).cdf(0), rel=1e-9)


def every_permutation(table: SceneTable) -> dict[tuple[int, int], np.ndarray]:
    """Counts of each cell over all ways to deal the scenes within each number of subjects."""
    assert table.scene is not None
    labels = table.labels.toarray()
    found: dict[tuple[int, int], list[float]] = {}
    for order in permutations(range(table.n_images)):
        if any(table.sizes[i] != table.sizes[j] for i, j in enumerate(order)):
            continue
        scene = table.scene[list(order)]
        for s in range(len(table.scenes)):
            for e, count in enumerate(labels[scene == s].sum(axis=0)):
                found.setdefault((s, e), []).append(count)
    return {cell: np.array(counts) for cell, counts in found.items()}


def small_clustered() -> SceneTable:
    """Seven images of one, two and three subjects in three scenes; three emotions."""
    rng = np.random.default_rng(4)
    image = np.repeat(np.arange(7), [1, 1, 1, 2, 2, 2, 3])
    targets = (rng.random((len(image), 3)) < 0.5).astype(float)
    targets[:, 0] = np.maximum(targets[:, 0], targets.sum(axis=1) == 0)
    return build_table(
        targets, image, emotions="abc", scenes="xyz", scene=np.array([0, 1, 0, 1, 2, 0, 2])
    )


def test_exact_probabilities_are_those_of_every_permutation() -> None:
    table = small_clustered()
    strata = stratify(table)
    counted = every_permutation(table)
    for e in range(3):
        pmf = small_counts(strata, e, np.arange(3), upto=12)
        for s in range(3):
            share = np.bincount(counted[s, e].astype(int), minlength=13) / len(counted[s, e])
            np.testing.assert_allclose(pmf[s], share, atol=1e-12)


def test_exact_moments_are_those_of_every_permutation() -> None:
    table = small_clustered()
    moments = permutation_moments(table)
    for (s, e), counts in every_permutation(table).items():
        gaps = counts - counts.mean()
        assert moments.mean[s, e] == pytest.approx(counts.mean())
        assert moments.variance[s, e] == pytest.approx((gaps**2).mean(), abs=1e-12)
        assert moments.third[s, e] == pytest.approx((gaps**3).mean(), abs=1e-12)


def test_tails_of_clustered_cells_agree_with_a_slow_permutation() -> None:
    table = random_table(1, n_images=80, n_scenes=5)
    assert table.scene is not None
    rng = np.random.default_rng(0)
    labels, n = table.labels.toarray(), 2000
    drawn = np.zeros((n, 5, 3))
    for k in range(n):
        scene = table.scene.copy()
        for size in np.unique(table.sizes):
            here = np.flatnonzero(table.sizes == size)
            scene[here] = scene[rng.permutation(here)]
        np.add.at(drawn[k], scene, labels)
    worst = 4 * np.sqrt(0.25 / n)
    for e, scenes, lower, upper, _ in exact_tails(table, stratify(table), table.counts):
        counts = table.counts[scenes, e]
        assert np.abs(lower - (drawn[:, scenes, e] <= counts).mean(axis=0)).max() < worst
        assert np.abs(upper - (drawn[:, scenes, e] >= counts).mean(axis=0)).max() < worst
    low, high = pearson_tails(table.counts, permutation_moments(table), step=1.0)
    assert np.abs(low - (drawn <= table.counts).mean(axis=0)).max() < 0.03
    assert np.abs(high - (drawn >= table.counts).mean(axis=0)).max() < 0.03


def test_one_subject_an_image_gives_the_hypergeometric() -> None:
    table = random_table(2, n_images=50, sizes=(1,))
    for e, scenes, lower, upper, pmf in exact_tails(table, stratify(table), table.counts):
        law = hypergeom(table.n_subjects, int(table.positives[e]), table.totals[scenes].astype(int))
        np.testing.assert_allclose(lower, law.cdf(table.counts[scenes, e]), atol=1e-12)
        np.testing.assert_allclose(upper, law.sf(table.counts[scenes, e] - 1), atol=1e-12)
        assert pmf.sum(axis=1) == pytest.approx(1)


def test_tails_beyond_what_was_summed_are_not_lost() -> None:
    law = hypergeom(4000, 800, 2000)
    pmf = law.pmf(np.arange(65))[None]  # mean 400: all of it lies beyond
    lower, upper = tails_of(pmf)
    np.testing.assert_allclose(lower[0], law.cdf(np.arange(65)), rtol=1e-6)
    assert upper[0, 64] == pytest.approx(1)


def test_a_count_that_cannot_change_has_p_one() -> None:
    table = build_table(
        np.ones((4, 1)), np.arange(4), emotions="a", scenes="xy", scene=np.array([0, 0, 1, 1])
    )
    lower, upper = pearson_tails(table.counts, permutation_moments(table), step=1.0)
    assert (lower == 1).all()
    assert (upper == 1).all()
