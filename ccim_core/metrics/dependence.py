"""Whether strata hold the dependence of emotion and scene: I(Y; scene | stratum) against chance.

Reweighting to P(y)P(stratum) says what a shift would do only if, within a stratum, the scene tells
nothing more of the emotion. Where it does, reweighting upweights the subjects whose scene gives
the emotion away *within* the stratum, and the estimate rises with the bias that is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ccim_core.metrics.checks import as_codes, as_targets

__all__ = ["Residual", "residual_dependence"]

Verdict = Literal["held", "not held", "cannot tell"]

# Of the whole dependence, what may escape for strata to be said to hold it.
_TOLERATED = 0.1


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Plug-in I(Y; scene | stratum) in bits, and the same with scenes permuted within strata.

    `null` is the mean of the permutations and `null_95` their 95th percentile: with few subjects
    a cell the plug-in estimate is far above 0 where there is nothing to find. `marginal` is
    I(Y; scene) less its own null's mean: the dependence that there is to hold.
    """

    bits: float
    null: float
    null_95: float
    marginal: float

    @property
    def verdict(self) -> Verdict:
        """ "held": within chance, and chance is a tenth of the whole dependence at most, so that
        more would have been seen; "cannot tell": within a chance that could hide more."""
        if self.bits > self.null_95:
            return "not held"
        return "held" if self.null_95 - self.null <= _TOLERATED * self.marginal else "cannot tell"


def residual_dependence(
    targets: Any,
    scenes: Any,
    strata: Any,
    *,
    images: Any,
    n_permutations: int = 200,
    random_state: int | np.random.Generator = 0,
) -> Residual:
    """I(Y; scene | stratum) of `targets` (n, C) of 0/1, `scenes` (n,) and `strata` (n,).

    Scenes are permuted within strata, those of one of `images` (n,) together. With several labels
    a subject it is the mean over emotions of their presence's. Raises ValueError on shapes that
    disagree or an entry that is missing.
    """
    shape = np.asarray(targets).shape
    positive = as_targets(targets, (shape[0], shape[-1]))
    n = len(positive)
    scene, stratum, image = (
        as_codes(value, n, name)[0]
        for value, name in ((scenes, "scenes"), (strata, "strata"), (images, "images"))
    )
    single = bool((positive.sum(axis=1) == 1).all())
    labels = [positive.argmax(axis=1)] if single else list(positive.T.astype(np.intp))
    generator = np.random.default_rng(random_state)

    def against_chance(given: np.ndarray) -> tuple[float, np.ndarray]:
        draws = [
            _information(labels, _permuted(scene, given, image, generator), given)
            for _ in range(n_permutations)
        ]
        return _information(labels, scene, given), np.array(draws)

    bits, null = against_chance(stratum)
    whole, whole_null = against_chance(np.zeros(n, np.intp))
    return Residual(
        bits=bits,
        null=float(null.mean()),
        null_95=float(np.quantile(null, 0.95)),
        marginal=whole - float(whole_null.mean()),
    )


def _information(labels: list[np.ndarray], scene: np.ndarray, given: np.ndarray) -> float:
    """Mean over `labels` of the plug-in I(Y; scene | given) in bits."""
    inside = _joined(given, scene)
    found = [
        _entropy(inside) + _entropy(_joined(given, y)) - _entropy(_joined(inside, y))
        for y in labels
    ]
    # What rounding leaves of nothing would compare with a chance of nothing.
    return round(float(np.mean(found) - _entropy(given)), 9) + 0.0


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One code a pair that occurs."""
    pair = first * (second.max(initial=0) + 1) + second
    return np.unique(pair, return_inverse=True)[1]


def _entropy(codes: np.ndarray) -> float:
    """Entropy in bits of the shares of `codes` (n,)."""
    share = np.bincount(codes) / len(codes)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def _permuted(
    scene: np.ndarray, given: np.ndarray, image: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """`scene` with whole images' moved among the images of a stratum."""
    blocks, first, inverse = np.unique(
        _joined(given, image), return_index=True, return_inverse=True
    )
    held = given[first]
    order = np.argsort(held, kind="stable")  # blocks by stratum
    shuffled = np.lexsort((generator.random(len(blocks)), held))  # the same, in another order
    moved = np.empty(len(blocks), np.intp)
    moved[order] = scene[first][shuffled]
    return moved[inverse]
