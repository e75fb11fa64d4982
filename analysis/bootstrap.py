"""How far statistics of the table vary, and how far they are off: images drawn again.

Plug-in information is too high, most where scenes are rare, and plain resampling does not see it:
a scene whose two subjects lack an emotion lacks it in every resample. So images are drawn not from
the data as they are but from a smoothed version: in a rare scene an image stands for one of the
same scene or, the more often the rarer the scene and the less scenes differ in this dataset at
all, for any image with as many subjects. Where nothing depends on the scene that is the null
itself; where scenes are frequent it is the plain bootstrap. What statistics of the drawn tables
exceed those of the smoothed table by is their bias and spread.

Measured on Zipf scenes (365, 4,000 images, intervals of nominally 95%): plain resampling covers the
true information in 0 to 30% of datasets, this in 93 to 100%, at every strength of dependence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from analysis.contingency import SceneTable, group_images
from analysis.information import (
    chi_square_share,
    entropy_bits,
    one_against_rest_information,
    table_information,
)
from analysis.tails import design_effect, permutation_moments

__all__ = [
    "SMOOTH_UP_TO",
    "BootstrapDraws",
    "TableStatistics",
    "resample_images",
    "scene_shrinkage",
    "smoothed_table",
]

SMOOTH_UP_TO = 500
"""Subjects of a scene beyond which it tells its own bias: plain resampling does."""

_CHUNK_CELLS = 4_000_000

Counts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""counts and mass (…, S, E), totals (…, S), as in `SceneTable`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableStatistics:
    """Of one table, or of B tables along the first axis.

    information: (…, E) bits, each emotion against the rest; chi_square_share: (…, E) φ²;
    table_information: (…,) bits; label_entropy: (…,) H(Y) bits.
    """

    information: np.ndarray
    chi_square_share: np.ndarray
    table_information: np.ndarray
    label_entropy: np.ndarray

    @property
    def information_share(self) -> np.ndarray:
        """I(Y; scene) as a share of H(Y)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.table_information / self.label_entropy


@dataclass(frozen=True, kw_only=True, eq=False)
class BootstrapDraws:
    """Statistics of B drawn tables, and of the smoothed table that they are drawn from."""

    draws: TableStatistics
    centre: TableStatistics

    def deviations(self, name: str) -> np.ndarray:
        """(B, …) how far the statistic `name` of a drawn table is from the truth it was drawn
        from."""
        return np.asarray(getattr(self.draws, name) - getattr(self.centre, name))


def resample_images(
    table: SceneTable,
    *,
    n_draws: int,
    rng: np.random.Generator,
    advance: Callable[[int], object] | None = None,
) -> BootstrapDraws:
    """Draw `n_draws` tables of as many images as there are; `advance(k)` is told after every k."""
    shrinkage = scene_shrinkage(table)
    draws = (_soft_draws if table.is_soft else _hard_draws)(table, shrinkage, n_draws, rng)
    parts = []
    for counts in draws:
        parts.append(_statistics(counts))
        if advance is not None:
            advance(len(counts[2]))
    names = ("information", "chi_square_share", "table_information", "label_entropy")
    return BootstrapDraws(
        draws=TableStatistics(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        ),
        centre=_statistics(smoothed_table(table, shrinkage)),
    )


def _statistics(table: Counts) -> TableStatistics:
    counts, mass, totals = table
    positives = counts.sum(axis=-2)
    return TableStatistics(
        information=one_against_rest_information(counts, totals, positives),
        chi_square_share=chi_square_share(counts, totals, positives),
        table_information=table_information(mass),
        label_entropy=entropy_bits(mass.sum(axis=-2)),
    )


def scene_shrinkage(table: SceneTable) -> np.ndarray:
    """(S,) how much of each scene's images any image stands in for, 0 to 1.

    ρ, the correlation of an emotion between subjects of one scene beyond what dealing scenes to
    images gives, is estimated over all cells by moments. A scene's own share is then reliable to
    n ρ/(1 − ρ + n ρ), n its subjects over the design effect. Shrinking by the root of that keeps
    the smoothed scenes as different from each other as the estimate says that scenes are.
    """
    moments = permutation_moments(table)
    totals, base = table.totals[:, None], table.positives / max(table.n_subjects, 1)
    usable = table.totals > 1
    squares = (table.counts - moments.mean) ** 2 - moments.variance
    excess = (squares[usable] / totals[usable]).sum()
    room = ((totals[usable] - 1) * (base * (1 - base))).sum()
    rho = float(np.clip(excess / room, 0.0, 1.0)) if room > 0 else 0.0
    effect = design_effect(moments, table.totals, table.positives, table.n_subjects)
    effective = table.totals / np.median(effect, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        reliability = np.nan_to_num(effective * rho / (1 - rho + effective * rho))
    rare = (table.totals > 0) & (table.totals <= SMOOTH_UP_TO)
    return np.where(rare, 1 - np.sqrt(reliability), 0.0)


def smoothed_table(table: SceneTable, shrinkage: np.ndarray) -> Counts:
    """The expected table when images are replaced at random as `scene_shrinkage` says."""
    replaced = _per_image(table, shrinkage)
    tables = []
    for labels in (table.labels, table.mass):
        change = labels.multiply(replaced[:, None]).tocsr()
        out = _dense(table.membership.T @ change)
        back = np.zeros_like(out)
        for size in np.unique(table.sizes):
            here = np.flatnonzero(table.sizes == size)
            moved = _dense(table.membership[here].T @ replaced[here])
            back += np.outer(moved, _dense(labels[here].sum(axis=0)) / len(here))
        tables.append(_dense(table.membership.T @ labels) - out + back)
    return tables[0], tables[1], table.totals


def _per_image(table: SceneTable, shrinkage: np.ndarray) -> np.ndarray:
    """(n_images,) chance that another image's subjects stand in for an image's own."""
    return _dense(table.membership @ shrinkage)


def _hard_draws(
    table: SceneTable, shrinkage: np.ndarray, n_draws: int, rng: np.random.Generator
) -> Iterator[Counts]:
    """Margins of the scenes are drawn; a rare scene's subjects then fill its margin.

    Its own number of subjects decides how far they stray, since it decided in the data; scenes
    beyond `SMOOTH_UP_TO` are resampled plainly, by groups of equal images.
    """
    assert table.scene is not None
    rare = _RareScenes(table, shrinkage)
    units = _units(table, rare.of_image)
    scene, sizes = table.scene[units.first], table.sizes[units.first]
    plain = ~rare.of_image[units.first]
    n_scenes, n_emotions = len(table.scenes), len(table.emotions)
    to_cells = [
        _to_cells(labels[units.first].multiply(plain[:, None]).tocsr(), scene, n_scenes)
        for labels in ([table.labels] if table.one_label else [table.labels, table.mass])
    ]
    n_units = len(scene)
    to_totals = sparse.csr_array(
        (sizes.astype(np.float64), (scene, np.arange(n_units))), shape=(n_scenes, n_units)
    )
    chunk = max(1, min(n_draws, _CHUNK_CELLS // max(n_units, n_scenes * n_emotions)))
    for start in range(0, n_draws, chunk):
        n = min(chunk, n_draws - start)
        weights = np.stack([_draw_units(units, rng) for _ in range(n)], axis=1)
        totals = (to_totals @ weights).T
        tables = [(cells @ weights).T.reshape(n, n_scenes, n_emotions) for cells in to_cells]
        if rare.any:
            filled = np.stack([rare.draw(rng) for _ in range(n)])
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.where(table.totals > 0, totals / table.totals, 0.0)[..., None]
            for place, drawn in enumerate(np.split(filled, len(tables), axis=2)):
                tables[place] = tables[place] + drawn * scale
        yield tables[0], tables[-1], totals


class _RareScenes:
    """Images of scenes up to `SMOOTH_UP_TO`, sorted by scene, and what may stand in for each."""

    def __init__(self, table: SceneTable, shrinkage: np.ndarray) -> None:
        assert table.scene is not None
        self.of_image = (table.totals <= SMOOTH_UP_TO)[table.scene]
        images = np.flatnonzero(self.of_image)
        images = images[np.lexsort((table.sizes[images], table.scene[images]))]
        self.any = bool(len(images))
        scene, sizes = table.scene[images], table.sizes[images]
        self.chance = shrinkage[scene]
        self.own = images
        cell = scene.astype(np.int64) * (int(table.sizes.max(initial=0)) + 1) + sizes
        self.own_start, self.own_count = _runs(cell, cell)
        self.others = np.argsort(table.sizes, kind="stable")
        self.others_start, self.others_count = _runs(table.sizes[self.others], sizes)
        stacked = [table.labels] if table.one_label else [table.labels, table.mass]
        self.labels = sparse.hstack(stacked, format="csr")
        self.shape = (len(table.scenes), table.n_images)
        self.pointers = np.searchsorted(scene, np.arange(len(table.scenes) + 1))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """(S, E) counts, or (S, 2E) with mass, each scene with as many images as it has."""
        place = rng.random(len(self.own))
        own = self.own[self.own_start + (place * self.own_count).astype(np.int64)]
        other = self.others[self.others_start + (place * self.others_count).astype(np.int64)]
        chosen = np.where(rng.random(len(self.own)) < self.chance, other, own)
        gather = sparse.csr_array((np.ones(len(chosen)), chosen, self.pointers), shape=self.shape)
        return _dense(gather @ self.labels)


def _runs(ordered: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `wanted` begins in sorted `ordered`, and how often it is there."""
    start = np.searchsorted(ordered, wanted, "left")
    return start, np.searchsorted(ordered, wanted, "right") - start


@dataclass(frozen=True, kw_only=True, eq=False)
class _Units:
    """What is drawn: groups of equal images of frequent scenes; of rare ones, scene × size.

    code (n_images,), first: an image of each (U,), size: images in each (U,).
    """

    code: np.ndarray
    first: np.ndarray
    size: np.ndarray


def _units(table: SceneTable, rare: np.ndarray) -> _Units:
    assert table.scene is not None
    groups = group_images(table, by_scene=True)
    cell = table.scene.astype(np.int64) * (int(table.sizes.max(initial=0)) + 1) + table.sizes
    keys = np.where(rare, len(groups.size) + cell, groups.code)
    _, first, code, size = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return _Units(code=code, first=first, size=size)


def _draw_units(units: _Units, rng: np.random.Generator) -> np.ndarray:
    """(U,) images drawn of each; the two ways have one distribution and differ in speed."""
    n_images, n_units = len(units.code), len(units.size)
    if n_units * 4 < n_images:
        return rng.multinomial(n_images, units.size / n_images).astype(np.float64)
    drawn = units.code[rng.integers(0, n_images, n_images)]
    return np.bincount(drawn, minlength=n_units).astype(np.float64)


def _to_cells(labels: sparse.csr_array, scene: np.ndarray, n_scenes: int) -> sparse.csr_array:
    """Matrix that takes weights of units (U,) to the table (S·E,)."""
    n_units, n_emotions = labels.shape
    row = np.repeat(np.arange(n_units), np.diff(labels.indptr))
    cell = scene[row].astype(np.int64) * n_emotions + labels.indices
    return sparse.csr_array((labels.data, (cell, row)), shape=(n_scenes * n_emotions, n_units))


def _soft_draws(
    table: SceneTable, shrinkage: np.ndarray, n_draws: int, rng: np.random.Generator
) -> Iterator[Counts]:
    """Whole images are drawn; another's subjects may stand in for one's own."""
    assert table.weights is not None
    weights = np.ascontiguousarray(table.weights.T)
    stacked = [table.labels] if table.one_label else [table.labels, table.mass]
    labels = sparse.hstack(stacked).toarray()
    chance, n_emotions = _per_image(table, shrinkage), len(table.emotions)
    others = np.argsort(table.sizes, kind="stable")
    start, count = _runs(table.sizes[others], table.sizes)
    for _ in range(n_draws):
        times = rng.multinomial(table.n_images, np.full(table.n_images, 1 / table.n_images))
        other = others[start + (rng.random(table.n_images) * count).astype(np.int64)]
        stands_in = rng.random(table.n_images) < chance
        chosen = np.where(stands_in, other, np.arange(table.n_images))
        drawn = (weights @ (labels[chosen] * times[:, None]))[None]
        totals = (weights @ (table.sizes * times))[None]
        yield drawn[..., :n_emotions], drawn[..., -n_emotions:], totals


def _dense(product: sparse.sparray | np.ndarray) -> np.ndarray:
    return np.asarray(product if isinstance(product, np.ndarray) else product.toarray())
