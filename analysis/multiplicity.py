"""False discovery rate over scenes × emotions.

Counts of rare cells take few values, so their p-values are far larger than uniform ones would be,
and m·p, what Benjamini and Hochberg take for the number of null p-values at or below p, is far
too high: with 365 scenes and a 3% emotion the usual q finds next to nothing. The number that
chance gives is known here from each cell's own distribution, and takes the place of m·p
(Heyse 2011; Döhler, Durand & Roquain 2018). Where counts are many the two agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["LatticePoints", "benjamini_hochberg", "discrete_q"]

LatticePoints = tuple[np.ndarray, np.ndarray]
"""p-values that a cell's count can give, and the probability of each when nothing depends."""


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q of each p (m,): min over larger p of m·p/rank."""
    p = np.asarray(p, np.float64)
    return _step_up(p, len(p) * np.sort(p))


def discrete_q(p: np.ndarray, lattices: Sequence[LatticePoints]) -> np.ndarray:
    """q of each p (m,) with the expected number of null p-values at or below it in place of m·p.

    Args:
        p: p-values of all cells tested.
        lattices: for the cells whose whole distribution is known; the others are taken for
            continuous, which is conservative.
    """
    p = np.asarray(p, np.float64)
    ordered = np.sort(p)
    expected = (len(p) - len(lattices)) * ordered
    if lattices:
        points = np.concatenate([np.ravel(values) for values, _ in lattices])
        weights = np.concatenate([np.ravel(mass) for _, mass in lattices])
        order = np.argsort(points)
        cumulated = np.concatenate([[0.0], np.cumsum(weights[order])])
        # p-values of one count come out of different sums: equal up to rounding means equal.
        expected += cumulated[np.searchsorted(points[order], ordered * (1 + 1e-7), side="right")]
    return _step_up(p, expected)


def _step_up(p: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """q from the expected null count at each sorted p; ties share the largest rank."""
    if not len(p):
        return np.empty(0)
    order = np.argsort(p, kind="stable")
    ratio = expected / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(ratio[::-1])[::-1], 1.0)
    return q
