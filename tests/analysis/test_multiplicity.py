"""False discovery rates: Benjamini–Hochberg as in scipy, and with what chance gives exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control

from analysis.multiplicity import benjamini_hochberg, discrete_q


def test_benjamini_hochberg_is_scipys() -> None:
    p = np.random.default_rng(0).random(200) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p, method="bh"))
    assert benjamini_hochberg(np.empty(0)).shape == (0,)
    assert benjamini_hochberg(np.array([1.0])).tolist() == [1.0]


def test_continuous_cells_give_the_usual_q() -> None:
    p = np.random.default_rng(1).random(50)
    np.testing.assert_allclose(discrete_q(p, []), benjamini_hochberg(p))


def test_cells_that_can_never_be_significant_cost_nothing() -> None:
    """A cell whose smallest p is 0.3 is no chance to err at 0.01."""
    p = np.array([0.01, 0.3, 1.0])
    coarse = (np.array([0.3, 1.0]), np.array([0.3, 0.7]))
    fine = (np.array([0.01, 0.02, 1.0]), np.array([0.01, 0.01, 0.98]))
    q = discrete_q(p, [fine, coarse, coarse])
    assert q[0] == pytest.approx(0.01)
    assert benjamini_hochberg(p)[0] == pytest.approx(0.03)
    assert (q <= benjamini_hochberg(p)).all()


def test_with_many_values_the_two_agree() -> None:
    counts = np.arange(2001)
    pmf = binom(2000, 0.5).pmf(counts)
    lower, upper = np.cumsum(pmf), np.cumsum(pmf[::-1])[::-1]
    possible = np.minimum(1, 2 * np.minimum(lower, upper))
    p = possible[[900, 940, 1000, 1040]]
    found = discrete_q(p, [(possible, pmf)] * 4)
    np.testing.assert_allclose(found, benjamini_hochberg(p), rtol=0.1)


def test_equal_p_values_share_their_q() -> None:
    q = discrete_q(np.array([0.02, 0.02, 0.5]), [])
    assert q[0] == q[1] == pytest.approx(0.03)
