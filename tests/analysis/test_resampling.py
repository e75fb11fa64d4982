"""Null tables keep what the null holds fixed, and vary as dealing scenes to images does."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import resampling
from analysis.contingency import SceneTable, group_images
from analysis.resampling import simulate_null
from analysis.tails import permutation_moments
from tests.analysis.independent import random_table

ONE, SEVERAL = (1,), (1, 2, 3)


def draws_by(way: str, table: SceneTable, n: int) -> np.ndarray:
    """Null counts (n, S, E), drawn by one of the three ways."""
    rng = np.random.default_rng(5)
    if way == "joint":
        pairs = resampling._joint_tables(table, group_images(table, by_scene=False), n, rng)
    elif way == "direct":
        pairs = resampling._hard_permutations(table, n, rng)
    else:
        pairs = resampling._soft_permutations(table, n, rng)
    return np.concatenate([counts for counts, _ in pairs])


@pytest.mark.parametrize("sizes", [ONE, SEVERAL])
@pytest.mark.parametrize("way", ["joint", "direct", "soft"])
def test_null_tables_have_the_moments_of_the_permutation(way: str, sizes: tuple[int, ...]) -> None:
    table = random_table(7, n_images=70, sizes=sizes, soft=way == "soft")
    counts, n = draws_by(way, table, 1200), 1200
    moments = permutation_moments(table)
    sd = np.sqrt(moments.variance)
    assert (np.abs(counts.mean(axis=0) - moments.mean) < 4.5 * sd / np.sqrt(n)).all()
    np.testing.assert_allclose(counts.std(axis=0), sd, rtol=0.12)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("sizes", [ONE, SEVERAL])
def test_margins_stay_in_every_null_table(sizes: tuple[int, ...], soft: bool) -> None:
    table = random_table(2, sizes=sizes, soft=soft)
    told: list[int] = []
    null = simulate_null(table, n_draws=40, rng=np.random.default_rng(0), advance=told.append)
    assert null.counts.shape == (40, 4, 3)
    assert sum(told) == 40
    np.testing.assert_allclose(
        null.counts.sum(axis=1), np.broadcast_to(table.positives, (40, 3)), rtol=1e-9
    )
    assert (null.counts <= table.totals[:, None] + 1e-9).all()
    assert (null.information >= 0).all()


def test_an_image_keeps_its_subjects_together_and_its_stratum() -> None:
    """Two images of three subjects who all have the emotion are dealt to scenes whole."""
    table = random_table(0, n_images=2, n_scenes=2, n_emotions=2, sizes=(3,))
    null = simulate_null(table, n_draws=60, rng=np.random.default_rng(0))
    possible = {tuple(row) for row in table.labels.toarray().tolist()}
    possible.add((0, 0))
    possible.add(tuple(table.labels.toarray().sum(axis=0).tolist()))
    assert {tuple(map(float, row)) for draw in null.counts for row in draw.tolist()} <= possible
    lone = random_table(3, n_images=3, sizes=(1,))
    lone = SceneTable(
        emotions=lone.emotions, scenes=lone.scenes, sizes=np.array([1, 2, 3]), labels=lone.labels,
        mass=lone.mass, scene=lone.scene,
    )  # fmt: skip
    fixed = simulate_null(lone, n_draws=10, rng=np.random.default_rng(0))
    assert (fixed.counts == lone.counts).all()


def test_equal_seeds_give_equal_tables() -> None:
    table = random_table(4)
    first, again, other = (
        simulate_null(table, n_draws=5, rng=np.random.default_rng(seed)).counts
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
