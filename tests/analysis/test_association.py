"""Every cell: p against scipy and slow permutations, intervals, nPMI; planted links are found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom, false_discovery_control, hypergeom

from analysis.association import Associations, associate, beta_interval, normalised_pmi
from analysis.contingency import SceneTable, build_table
from analysis.resampling import simulate_null
from tests.analysis.independent import random_table, zipf


def study(table: SceneTable, *, min_support: int = 1, n_null: int = 0, **more) -> Associations:
    null = np.empty((0, *table.counts.shape))
    if n_null:
        null = simulate_null(table, n_draws=n_null, rng=np.random.default_rng(0)).counts
    settings = {"confidence": 0.95, "beta_prior": 0.5, "fdr": "discrete", **more}
    return associate(table, min_support=min_support, null_counts=null, **settings)


def test_p_of_single_subjects_is_twice_scipys_smaller_tail() -> None:
    table = random_table(1, sizes=(1,))
    found = study(table)
    for s, e in np.ndindex(table.counts.shape):
        law = hypergeom(table.n_subjects, int(table.positives[e]), int(table.totals[s]))
        count = table.counts[s, e]
        expected = min(1, 2 * min(law.cdf(count), law.sf(count - 1)))
        assert found.p[s, e] == pytest.approx(expected, rel=1e-9)
    assert (found.method == "hypergeometric").all()
    assert found.design_effect == pytest.approx(1)


def test_p_of_images_with_several_subjects_is_that_of_a_slow_permutation() -> None:
    table = random_table(8, n_images=60)
    found, n = study(table), 1500
    drawn = np.zeros((n, *table.counts.shape))
    rng = np.random.default_rng(2)
    assert table.scene is not None
    for k in range(n):
        scene = table.scene.copy()
        for size in np.unique(table.sizes):
            here = np.flatnonzero(table.sizes == size)
            scene[here] = scene[rng.permutation(here)]
        np.add.at(drawn[k], scene, table.labels.toarray())
    below, above = (drawn <= table.counts).mean(axis=0), (drawn >= table.counts).mean(axis=0)
    slow = np.minimum(1, 2 * np.minimum(below, above))
    assert np.abs(found.p - slow).max() < 2 * 4 * np.sqrt(0.25 / n)
    assert (found.method == "exact permutation").all()
    assert (found.design_effect >= 1).all()
    np.testing.assert_allclose(found.expected, drawn.mean(axis=0), atol=0.35)


def test_labels_that_images_share_make_the_same_counts_less_surprising() -> None:
    n = 40
    scene = np.repeat([0, 1], n // 2)
    labels = np.r_[np.tile([1, 0], 10), np.zeros(20)]
    rows = np.stack([labels, 1 - labels], axis=1)
    alone = build_table(
        np.repeat(rows, 3, axis=0), np.arange(3 * n), emotions="ab", scenes="xy",
        scene=np.repeat(scene, 3),
    )  # fmt: skip
    shared = build_table(
        np.repeat(rows, 3, axis=0), np.repeat(np.arange(n), 3), emotions="ab", scenes="xy",
        scene=scene,
    )  # fmt: skip
    assert (alone.counts == shared.counts).all()
    one, other = study(alone), study(shared)
    assert (one.p < other.p / 1000).all()
    np.testing.assert_allclose(other.design_effect, 3, rtol=0.1)
    assert (other.share_high - other.share_low > one.share_high - one.share_low).all()


def test_soft_scenes_are_tested_by_permutation_alone() -> None:
    table = random_table(3, soft=True)
    found = study(table, n_null=199)
    assert set(found.method.ravel()) <= {"permutation", "permutation moments"}
    assert (found.method == "permutation").any()
    assert not (study(table).method == "permutation").any()  # no null tables were drawn
    assert np.abs(found.p - study(table).p).max() < 0.25
    np.testing.assert_allclose(found.q[found.tested], found.q_bh[found.tested])


def test_q_is_over_the_cells_tested_and_no_cell_is_dropped() -> None:
    table = random_table(5, n_images=90, n_scenes=12, sizes=(1,))
    least = int(np.median(table.totals)) + 1
    found = study(table, min_support=least, fdr="bh")
    assert found.tested.sum() == (table.totals >= least).sum() * 3
    expected = false_discovery_control(found.p[found.tested], method="bh")
    np.testing.assert_allclose(found.q[found.tested], expected)
    assert np.isnan(found.q[~found.tested]).all()
    assert np.isfinite(found.p).all()
    assert (study(table).q <= study(table).q_bh + 1e-12).all()


def test_what_has_no_contrast_has_no_p() -> None:
    targets = np.array([[1, 0, 1], [1, 0, 0], [1, 0, 1], [1, 0, 0]])
    table = build_table(
        targets, np.arange(4), emotions="abc", scenes="xyz", scene=np.array([0, 0, 1, 1])
    )
    found = study(table)
    assert np.isnan(found.p[:, 0]).all()  # everybody
    assert np.isnan(found.p[:, 1]).all()  # nobody
    assert np.isfinite(found.p[:2, 2]).all()
    assert np.isnan(found.p[2]).all()  # a scene without subjects
    assert np.isnan(found.share[2]).all()


def test_beta_intervals_are_scipys() -> None:
    low, high = beta_interval(
        np.array([3.0, 0.0, 0.0]), np.array([10.0, 4.0, 0.0]), prior=0.5, confidence=0.9
    )
    law = beta(3.5, 7.5)
    assert (low[0], high[0]) == pytest.approx((law.ppf(0.05), law.ppf(0.95)))
    assert low[1] == pytest.approx(beta(0.5, 4.5).ppf(0.05))
    assert np.isnan([low[2], high[2]]).all()


def test_normalised_pmi_at_its_ends_and_between() -> None:
    def value(counts: list[list[float]]) -> np.ndarray:
        table = np.array(counts)
        return normalised_pmi(table, table.sum(axis=1), table.sum(axis=0))

    np.testing.assert_allclose(value([[5, 0], [0, 5]]), [[1, -1], [-1, 1]])
    np.testing.assert_allclose(value([[4, 4], [2, 2]]), 0, atol=1e-12)
    found = value([[3, 1], [1, 5]])
    assert found[0, 0] == pytest.approx(np.log2(0.3 / 0.16) / -np.log2(0.3))
    assert np.isnan(value([[5, 0], [0, 0]])[1]).all()


def planted(seed: int, *, base: float, n_images: int = 4000, n_scenes: int = 364) -> SceneTable:
    """Zipf scenes and one more of 100 subjects, in which the last emotion has odds ratio 3."""
    rng = np.random.default_rng(seed)
    rates = np.array([0.03, 0.1, 0.1, base])
    scene = rng.choice(n_scenes, n_images, p=zipf(n_scenes))
    chosen = rng.choice(n_images, 100, replace=False)
    scene[chosen] = n_scenes
    p = np.tile(rates, (n_images, 1))
    odds = 3 * base / (1 - base)
    p[chosen, -1] = odds / (1 + odds)
    return build_table(
        (rng.random(p.shape) < p).astype(float),
        np.arange(n_images),
        emotions="abcd",
        scenes=[str(k) for k in range(n_scenes + 1)],
        scene=scene,
    )


def found_first(table: SceneTable) -> tuple[bool, bool]:
    """Whether the planted cell is found, and whether no other has a smaller p."""
    cell = len(table.scenes) - 1, len(table.emotions) - 1
    result = study(table, min_support=10)
    p = np.where(result.tested, result.p, np.inf)
    return bool(result.q[cell] < 0.05), bool(p[cell] <= p.min())


def test_a_planted_link_is_found_in_nine_of_ten_datasets_and_comes_first() -> None:
    """One scene of 100 subjects among 365, one emotion of base rate 1/4, odds ratio 3."""
    outcomes = np.array([found_first(planted(seed, base=0.25)) for seed in range(40)])
    found, first = outcomes.mean(axis=0)
    assert found >= 0.9
    assert first >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("base", [0.1, 1 / 7, 0.2, 0.25, 0.35])
def test_power_by_base_rate(base: float) -> None:
    """No test of 200 cells can find more than what one that knew the cell, at p of 0.05/200, would.

    At a base rate of a tenth that is four datasets of five.
    """
    outcomes = np.array([found_first(planted(seed, base=base)) for seed in range(400)])
    found, first = outcomes.mean(axis=0)
    odds = 3 * base / (1 - base)
    counts = np.arange(101)
    tail = binom(100, base).sf(counts - 1)
    needed = counts[2 * tail <= 0.05 / 210][0]
    reachable = binom(100, odds / (1 + odds)).sf(needed - 1)
    print(f"\nbase {base:.3f}: found {found:.3f}, first {first:.3f}, reachable {reachable:.3f}")
    assert found > reachable - 0.06
    assert first > 0.88
