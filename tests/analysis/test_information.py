"""Mutual information, Cramér's V and their intervals against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from analysis.information import (
    band,
    basic_interval,
    chi_square_share,
    correct_bias,
    cramers_v_scale,
    entropy_bits,
    one_against_rest_information,
    table_information,
)


def test_entropies_of_known_distributions() -> None:
    assert entropy_bits(np.array([1, 1, 1, 1])) == pytest.approx(2)
    assert entropy_bits(np.array([[3, 0], [1, 1]])) == pytest.approx([0, 1])
    assert np.isnan(entropy_bits(np.zeros(3)))


def test_information_of_tables_in_closed_form() -> None:
    assert table_information(np.outer([1, 2, 5], [3, 4])) == pytest.approx(0)
    assert table_information(np.eye(4)) == pytest.approx(2)
    joint = np.array([[3.0, 1.0], [2.0, 4.0]])
    p = joint / 10
    value = sum(
        p[s, y] * np.log2(p[s, y] / (p[s].sum() * p[:, y].sum())) for s in (0, 1) for y in (0, 1)
    )
    assert table_information(joint) == pytest.approx(value)
    assert table_information(np.stack([joint, np.eye(2)])) == pytest.approx([value, 1])


def test_one_against_the_rest_is_the_table_of_two_columns() -> None:
    counts = np.array([[3.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    totals, positives = np.array([5.0, 9.0, 0.0]), np.array([5.0, 1.0])
    found = one_against_rest_information(counts, totals, positives)
    for e in range(2):
        both = np.stack([counts[:2, e], totals[:2] - counts[:2, e]], axis=1)
        assert found[e] == pytest.approx(table_information(both))


def test_chi_square_is_scipys() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, (5, 2)).astype(float)
    totals = counts.sum(axis=1) + rng.integers(1, 9, 5)
    found = chi_square_share(counts, totals, counts.sum(axis=0))
    for e in range(2):
        both = np.stack([counts[:, e], totals - counts[:, e]], axis=1)
        statistic = chi2_contingency(both, correction=False).statistic
        assert found[e] == pytest.approx(statistic / totals.sum())


def test_a_perfect_link_has_v_of_one() -> None:
    n = 400.0
    phi2 = chi_square_share(np.array([[200.0], [0.0]]), np.array([200.0, 200.0]), np.array([200.0]))
    assert phi2 == pytest.approx([1])
    # Bergsma's correction of φ² is (S − 1)(E − 1)/(N − 1); S̃ − 1 = Ẽ − 1 = 1 − 1/(N − 1).
    corrected = (phi2 - 1 / (n - 1)) / cramers_v_scale(2, n)
    assert np.sqrt(corrected) == pytest.approx([1])


def test_the_basic_interval_takes_deviations_away_and_keeps_to_what_can_be() -> None:
    deviations = np.linspace(-1.0, 1.0, 201)[:, None]
    interval = basic_interval(np.array([1.6]), deviations, confidence=0.95)
    np.testing.assert_allclose(interval, [[1.6 - 0.9595, 1.6 + 0.9595]])
    assert basic_interval(np.array([0.5]), deviations, confidence=0.95)[0, 0] == 0
    assert basic_interval(np.array([1.6]), deviations, confidence=0.95, ceiling=1.0)[0, 1] == 1
    assert correct_bias(np.array([1.6]), deviations + 0.4) == pytest.approx([1.2])
    assert correct_bias(np.array([0.3]), deviations + 0.4) == [0]


def test_what_chance_gives_as_often_is_no_evidence() -> None:
    deviations = np.linspace(-0.1, 0.1, 201)[:, None] * np.ones(2)
    by_chance = np.linspace(0.0, 1.0, 199)[:, None] * np.ones(2)
    interval = basic_interval(
        np.array([0.9, 0.99]), deviations, confidence=0.95, by_chance=by_chance
    )
    assert interval[0, 0] == 0
    assert interval[1, 0] > 0.8
    assert interval[0, 1] == pytest.approx(0.9 + 0.09595)


def test_a_band_leaves_as_many_draws_out_as_it_says() -> None:
    assert band(np.arange(199.0), confidence=0.95) == pytest.approx([4, 194])
    assert band(np.arange(39.0), confidence=0.95) == pytest.approx([0, 38], abs=1e-9)
