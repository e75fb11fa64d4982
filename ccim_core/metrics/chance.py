"""The average precision of a ranking drawn at random: what an AP must beat to mean anything.

Chance is the prevalence for none of the three: the eleven-point and the interpolated AP take
maxima, which lifts them well above it when positives are few. A *constant* score is another
matter: all subjects tie, and all three equal the prevalence.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from ccim_core.metrics.average_precision import (
    AP_KINDS,
    AveragePrecisionKind,
    area_under_steps,
)

__all__ = ["Chance", "chance_average_precision"]


class Chance(NamedTuple):
    """Expected AP of a random ranking, and the standard error of that mean if simulated.

    `mean` (C,), NaN for a class without positives; `standard_error` (C,), 0 for the closed form.
    """

    mean: np.ndarray
    standard_error: np.ndarray


def chance_average_precision(
    positives: Sequence[int] | np.ndarray,
    n: int,
    *,
    kind: AveragePrecisionKind = "step",
    method: Literal["auto", "closed", "simulated"] = "auto",
    n_simulations: int = 400,
    seed: int = 0,
) -> Chance:
    """Chance level of classes with `positives` (C,) of `n` subjects, ranked without ties.

    `step` has a closed form, with H_n the n-th harmonic number and p positives:
    (H_n + (p − 1)(n − H_n)/(n − 1)) / n. The other two are simulated, from the same rankings in
    every call (they depend on `n` and `seed` alone), and remembered.
    """
    counts = np.asarray(positives)
    if kind not in AP_KINDS:
        raise ValueError(f"Expected `kind` to be one of {AP_KINDS}, got {kind!r}.")
    if method == "closed" and kind != "step":
        raise ValueError(f"Expected `method` to be 'simulated' for {kind!r}, got 'closed'.")
    if counts.ndim != 1 or not ((counts >= 0) & (counts <= n)).all():
        raise ValueError(f"Expected `positives` to be counts from 0 to {n}, got {positives!r}.")
    if n_simulations < 2:
        raise ValueError(f"Expected `n_simulations` to be 2 or more, got {n_simulations}.")
    if kind == "step" and method != "simulated":
        closed = np.array([_closed(int(count), n) for count in counts])
        return Chance(closed, np.where(counts > 0, 0.0, np.nan))
    distinct = tuple(sorted({int(count) for count in counts if count}))
    means, errors = _simulated(distinct, n, n_simulations, seed)[kind]
    at = np.searchsorted(np.array(distinct, np.intp), counts)
    return Chance(*(np.append(x, np.nan)[np.where(counts > 0, at, -1)] for x in (means, errors)))


def _closed(positives: int, n: int) -> float:
    """Σ_i P(rank i holds a positive) · E[precision at i | it does], over the ranks i = 1 … n."""
    if not positives:
        return float("nan")
    if n == 1:
        return 1.0
    harmonic = float((1 / np.arange(1, n + 1)).sum())
    return (harmonic + (positives - 1) * (n - harmonic) / (n - 1)) / n


@lru_cache(maxsize=256)
def _simulated(
    counts: tuple[int, ...], n: int, n_simulations: int, seed: int
) -> dict[AveragePrecisionKind, tuple[np.ndarray, np.ndarray]]:
    """Mean AP and its standard error, of each kind, for classes of `counts` positives.

    One random ranking of the n subjects serves every class (the positives are its first so many
    subjects): a class's own places stay uniformly random, and drawing them is the costly part.
    """
    generator = np.random.default_rng([seed, n])
    areas = {kind: np.empty((n_simulations, len(counts))) for kind in AP_KINDS}
    for i in range(n_simulations):
        places = generator.permutation(n)
        holds_positive = np.zeros(n, bool)
        taken = 0
        for column, count in enumerate(counts):
            holds_positive[places[taken:count]] = True
            taken = count
            ranks = np.flatnonzero(holds_positive) + 1
            admitted = np.diff(ranks, prepend=0).astype(np.float64)[:, None]
            for kind in AP_KINDS:
                area = area_under_steps(np.ones_like(admitted), admitted, kind=kind)
                areas[kind][i, column] = area[0]
    return {
        kind: (area.mean(axis=0), area.std(axis=0, ddof=1) / np.sqrt(n_simulations))
        for kind, area in areas.items()
    }
