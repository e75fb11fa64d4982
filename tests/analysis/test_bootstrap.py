"""Drawn tables: unbiased for what they are drawn from, plain where scenes are frequent, and with
intervals that hold the truth where scenes are rare."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import binom

from analysis import bootstrap
from analysis.bias import study_table
from analysis.bias_report import BiasSettings
from analysis.bootstrap import resample_images, scene_shrinkage, smoothed_table
from analysis.contingency import SceneTable
from analysis.information import one_against_rest_information, table_information
from analysis.tails import permutation_moments
from tests.analysis.independent import random_table, tilted_table


@pytest.fixture(params=[(False, (1,)), (False, (1, 2, 3)), (True, (1, 2))])
def table(request: pytest.FixtureRequest) -> SceneTable:
    soft, sizes = request.param
    return random_table(6, n_images=50, soft=soft, sizes=sizes)


def test_a_smoothed_table_lies_between_the_data_and_the_null(table: SceneTable) -> None:
    n = len(table.scenes)
    counts, mass, totals = smoothed_table(table, np.zeros(n))
    np.testing.assert_allclose(counts, table.counts)
    np.testing.assert_allclose(mass, table.label_mass)
    assert totals is table.totals
    counts, mass, _ = smoothed_table(table, np.ones(n))
    np.testing.assert_allclose(counts, permutation_moments(table).mean, atol=1e-9)
    half = smoothed_table(table, np.full(n, 0.5))[0]
    np.testing.assert_allclose(half, (counts + table.counts) / 2, atol=1e-9)
    np.testing.assert_allclose(half.sum(axis=0), table.positives, atol=1e-9)


def test_drawn_tables_are_on_average_the_smoothed_one(table: SceneTable) -> None:
    shrinkage = np.linspace(0.2, 0.9, len(table.scenes))
    draws = bootstrap._soft_draws if table.is_soft else bootstrap._hard_draws
    parts = list(draws(table, shrinkage, 1500, np.random.default_rng(0)))
    expected = smoothed_table(table, shrinkage)
    for place in range(3):
        drawn = np.concatenate([part[place] for part in parts])
        spread = drawn.std(axis=0) / np.sqrt(len(drawn))
        assert (np.abs(drawn.mean(axis=0) - expected[place]) < 4.5 * spread + 1e-9).all()


def test_frequent_scenes_are_resampled_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "SMOOTH_UP_TO", 0)
    table, n = random_table(6, n_images=40), 600
    assert (scene_shrinkage(table) == 0).all()
    found = resample_images(table, n_draws=n, rng=np.random.default_rng(0))
    rng, slow, whole = np.random.default_rng(1), [], []
    membership, labels, mass = (
        sparse.csr_array(part).toarray() for part in (table.membership, table.labels, table.mass)
    )
    for _ in range(n):
        rows = rng.integers(0, table.n_images, table.n_images)
        counts, totals = membership[rows].T @ labels[rows], membership[rows].T @ table.sizes[rows]
        slow.append(one_against_rest_information(counts, totals, counts.sum(axis=0)))
        whole.append(table_information(membership[rows].T @ mass[rows]))
    spread = np.std(slow, axis=0)
    gap = np.abs(found.draws.information.mean(axis=0) - np.mean(slow, axis=0))
    assert (gap < 4.5 * spread * np.sqrt(2 / n)).all()
    np.testing.assert_allclose(found.draws.information.std(axis=0), spread, rtol=0.15)
    assert found.draws.table_information.mean() == pytest.approx(
        np.mean(whole), abs=4.5 * np.std(whole) * np.sqrt(2 / n)
    )
    # Deviations are from the data themselves then.
    np.testing.assert_allclose(found.centre.table_information, table_information(table.label_mass))


def test_a_rare_scene_is_drawn_with_as_many_subjects_as_it_has() -> None:
    """The slow way: each image by one of its scene or, by chance, by any with as many subjects."""
    table = random_table(3, n_images=30)
    shrinkage, n = scene_shrinkage(table), 800
    found = resample_images(table, n_draws=n, rng=np.random.default_rng(0))
    assert table.scene is not None
    rng, slow = np.random.default_rng(1), []
    labels = table.labels.toarray()
    alike = [np.flatnonzero(table.sizes == size) for size in table.sizes]
    mine = [rows[table.scene[rows] == s] for rows, s in zip(alike, table.scene, strict=True)]
    for _ in range(n):
        counts = np.zeros(table.counts.shape)
        for i, s in enumerate(table.scene):
            pool = alike[i] if rng.random() < shrinkage[s] else mine[i]
            counts[s] += labels[rng.choice(pool)]
        drawn = rng.integers(0, table.n_images, table.n_images)
        totals = np.bincount(table.scene[drawn], table.sizes[drawn], len(table.scenes))
        counts *= (totals / table.totals)[:, None]
        slow.append(one_against_rest_information(counts, totals, counts.sum(axis=0)))
    spread = np.std(slow, axis=0)
    gap = np.abs(found.draws.information.mean(axis=0) - np.mean(slow, axis=0))
    assert (gap < 4.5 * spread * np.sqrt(2 / n)).all()
    np.testing.assert_allclose(found.draws.information.std(axis=0), spread, rtol=0.15)


def test_scenes_shrink_the_more_the_rarer_and_the_less_scenes_differ() -> None:
    means = []
    for strength in (0.0, 0.8, 2.5):
        table, _, _ = tilted_table(0, strength=strength)
        shrinkage = scene_shrinkage(table)
        assert ((shrinkage >= 0) & (shrinkage <= 1)).all()
        assert (shrinkage[table.totals > bootstrap.SMOOTH_UP_TO] == 0).all()
        rare = (table.totals > 0) & (table.totals <= bootstrap.SMOOTH_UP_TO)
        order = np.argsort(table.totals[rare])
        assert (np.diff(shrinkage[rare][order]) <= 1e-12).all()
        means.append(shrinkage[rare].mean())
    assert means[0] > means[1] > means[2]


def held(strength: float, seeds: range, *, clustered: bool = False) -> tuple[np.ndarray, ...]:
    """Per dataset, whether each interval holds the truth, (D, 1 + E); estimates and truths."""
    inside, estimates = [], []
    for seed in seeds:
        n_images = 3000 if clustered else 4000
        table, whole, each = tilted_table(
            seed, strength=strength, n_images=n_images, clustered=clustered
        )
        report = study_table(table, settings=BiasSettings(n_null=79), random_state=seed)
        truth = np.append(whole, each)
        bounds = report.emotions[["mutual_information_low", "mutual_information_high"]].to_numpy()
        low, high = np.vstack([report.dataset["mutual_information_interval"], bounds]).T
        inside.append((low <= truth) & (truth <= high))
        estimates.append(
            np.append(
                report.dataset["mutual_information_corrected"],
                report.emotions["mutual_information_corrected"],
            )
        )
        assert (low <= estimates[-1]).all()
        assert (estimates[-1] <= high).all()
    return np.array(inside), np.array(estimates).mean(axis=0), truth


@pytest.mark.parametrize("strength", [0.0, 0.8, 2.5])
def test_intervals_hold_the_truth_where_scenes_are_rare(strength: float) -> None:
    inside, estimate, truth = held(strength, range(5))
    assert inside.mean() >= 0.8
    np.testing.assert_allclose(estimate, truth, atol=0.02)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("clustered", [False, True], ids=["one subject", "clustered"])
@pytest.mark.parametrize("strength", [0.0, 0.3, 0.8, 2.5])
def test_coverage_by_strength_of_dependence(strength: float, clustered: bool) -> None:
    if clustered and strength > 1:
        strength = 1.5
    n = 300
    inside, estimate, truth = held(strength, range(n), clustered=clustered)
    coverage = inside.mean(axis=0)
    print(
        f"\nstrength {strength}: I = {truth.round(4).tolist()}, mean estimate "
        f"{estimate.round(4).tolist()}, coverage {coverage.round(3).tolist()}"
    )
    assert (coverage >= binom.ppf(0.0005, n, 0.95) / n - 0.01).all()
