"""Entropies in closed form, the selection of scenes, and the share at zero beside chance."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.entropy import (
    band_ranks,
    binary_entropy,
    count_histogram,
    is_zero_entropy,
    scene_entropies,
    select_scenes,
    summarise_zero_entropy,
)


def test_binary_entropy_in_closed_form() -> None:
    assert binary_entropy(np.array([0, 0.5, 1, 0.25])) == pytest.approx(
        [0, 1, 0, 0.8112781244591328]
    )
    assert np.isnan(binary_entropy(np.array([np.nan]))).all()


COUNTS = np.array([[3.0], [0.0], [1.0], [0.0]])
TOTALS = np.array([4.0, 5.0, 11.0, 0.0])
POSITIVES = np.array([4.0])


def test_entropy_over_all_and_over_balanced_negatives() -> None:
    bits = scene_entropies(COUNTS, TOTALS, POSITIVES, negatives="all")[:, 0]
    assert bits[:3] == pytest.approx(binary_entropy(np.array([3 / 4, 0, 1 / 11])))
    assert np.isnan(bits[3])  # nobody is there
    balanced = scene_entropies(COUNTS, TOTALS, POSITIVES, negatives="balanced")[:, 0]
    # 16 subjects without it weigh as much as 4 with it.
    weighed = [(3 / 4) / (3 / 4 + 1 / 16), 0, (1 / 4) / (1 / 4 + 10 / 16)]
    assert balanced[:3] == pytest.approx(binary_entropy(np.array(weighed)))
    assert np.nanmax(balanced) <= 1


def test_a_scene_that_tells_nothing_has_one_bit_over_balanced_negatives() -> None:
    totals = np.array([100.0, 900.0])
    bits = scene_entropies(
        np.array([[3.0], [27.0]]), totals, np.array([30.0]), negatives="balanced"
    )
    assert bits[:, 0] == pytest.approx([1, 1])


def test_zero_entropy_is_nobody_or_everybody() -> None:
    totals = np.array([2.0, 2.0, 2.0, 0.0])
    counts = np.array([[0.0], [2.0], [1.0], [0.0]])
    assert is_zero_entropy(counts, totals)[:, 0].tolist() == [True, True, False, False]
    soft = np.array([[0.4], [1.7], [0.6], [0.0]])
    assert is_zero_entropy(soft, totals, soft=True)[:, 0].tolist() == [True, True, False, False]
    assert not is_zero_entropy(soft, totals).any()


def test_the_most_frequent_scenes_overall_or_among_positives() -> None:
    counts = np.array([[0.0, 5.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    totals = np.array([9.0, 4.0, 3.0, 0.0])
    overall = select_scenes(counts, totals, top_k=2, selected_by="overall")
    assert overall.T.tolist() == [[True, True, False, False]] * 2
    positives = select_scenes(counts, totals, top_k=2, selected_by="positives")
    assert positives.T.tolist() == [[False, True, True, False], [True, False, False, False]]
    # A scene without subjects is never frequent, however many are asked for.
    assert select_scenes(counts, totals, top_k=9, selected_by="overall")[3].tolist() == [False] * 2
    drawn = np.stack([counts, counts[::-1]])
    again = select_scenes(drawn, totals, top_k=2, selected_by="positives")
    assert (again[0] == positives).all()
    assert (again[1] == positives[::-1]).all()


def test_a_band_holds_a_further_draw_as_often_as_it_says() -> None:
    assert band_ranks(39, 0.95) == (0, 38)
    assert band_ranks(199, 0.95) == (4, 194)
    with pytest.raises(ValueError, match="at least 39"):
        band_ranks(38, 0.95)
    rng = np.random.default_rng(0)
    draws = np.sort(rng.random((20_000, 39)), axis=1)
    inside = (rng.random(20_000) >= draws[:, 0]) & (rng.random(20_000) <= 1)
    assert inside.mean() == pytest.approx(1 - 1 / 40, abs=0.004)


def summarise(zero: np.ndarray, null: np.ndarray, entropies: np.ndarray, drawn: np.ndarray):
    everything = np.ones(zero.shape, bool)
    return summarise_zero_entropy(
        zero, everything, entropies, null, np.ones(null.shape, bool), drawn, confidence=0.95
    )


def test_the_excess_is_what_chance_does_not_give_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(1)
    null = rng.random((199, 40, 2)) < np.array([0.1, 0.3])
    drawn = rng.random(null.shape)
    zero = np.zeros((40, 2), bool)
    zero[:20, 0], zero[:12, 1] = True, True
    found = summarise(zero, null, rng.random(zero.shape), drawn)
    np.testing.assert_allclose(found.share, [0.5, 0.3])
    np.testing.assert_allclose(found.null_mean, null.mean(axis=(0, 1)))
    np.testing.assert_allclose(found.excess, found.share - found.null_mean)
    low, high = found.excess_interval.T
    assert (low <= found.excess).all()
    assert (found.excess <= high).all()
    assert low[0] > 0 > low[1]
    # The band consists of shares that chance gave.
    shares = null.mean(axis=1)
    for e in range(2):
        assert set(found.null_interval[e]) <= set(shares[:, e])
    assert not found.coarse.any()


def test_no_bound_is_beyond_what_a_share_can_be() -> None:
    null = np.zeros((199, 14, 1), bool)
    zero = np.zeros((14, 1), bool)
    zero[0] = True
    rng = np.random.default_rng(2)
    found = summarise(zero, null, rng.random((14, 1)), rng.random((199, 14, 1)))
    assert found.null_interval.tolist() == [[0, 0]]
    low, high = found.excess_interval[0]
    assert 0 < low <= high
    assert high == pytest.approx(1 / 14)


def test_ties_with_chance_are_broken_by_how_even_the_scenes_are() -> None:
    rng = np.random.default_rng(3)
    null = rng.random((199, 30, 1)) < 0.5
    zero = np.sort(null[:, :, 0], axis=1)[100][:, None]  # a share that chance gives often
    drawn = rng.random(null.shape)
    even = summarise(zero, null, np.full((30, 1), 0.99), drawn)
    biased = summarise(zero, null, np.full((30, 1), 0.01), drawn)
    assert even.share == biased.share
    assert even.excess_interval[0, 0] < biased.excess_interval[0, 0]


def test_a_value_that_chance_gives_all_the_time_is_called_coarse() -> None:
    null = np.zeros((39, 5, 1), bool)
    found = summarise(np.zeros((5, 1), bool), null, np.ones((5, 1)), np.ones(null.shape))
    assert found.coarse.all()
    assert found.excess_interval.tolist() == [[0, 0]]


def test_the_histogram_counts_exact_zeros_apart() -> None:
    bits = np.array([[0.0], [0.0], [0.04], [0.5], [1.0], [np.nan]])
    chosen = np.array([[True], [False], [True], [True], [True], [False]])
    counts = count_histogram(bits, chosen, np.array([0.0, 0.5, 1.0]))
    assert counts[:, 0].tolist() == [1, 2, 1]
