"""Tables under "emotion does not depend on scene".

Null tables deal the scenes anew to whole images among images with as many subjects: every image
keeps its subjects and their labels, every scene its images of each size. Nothing else is held, so
a null table shows what rare scenes, common emotions and shared labels give by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.stats import random_table

from analysis.contingency import ImageGroups, SceneTable, group_images
from analysis.information import table_information

__all__ = ["NullDraws", "simulate_null"]

Advance = Callable[[int], object]
Tables = tuple[np.ndarray, np.ndarray]

# Cost of one joint table is about scenes × groups, of one direct permutation about images + labels.
_TABLE_COST = 15
_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class NullDraws:
    """R null tables: `counts` (R, S, E), and I(Y; scene) of the whole label in bits, (R,)."""

    counts: np.ndarray
    information: np.ndarray


def simulate_null(
    table: SceneTable, *, n_draws: int, rng: np.random.Generator, advance: Advance | None = None
) -> NullDraws:
    """Draw `n_draws` null tables; `advance(k)` is told after every k of them."""
    groups = None if table.is_soft else group_images(table, by_scene=False)
    draws = _soft_permutations(table, n_draws, rng)
    if groups is not None:
        cost = _TABLE_COST * len(table.scenes) * len(groups.size)
        direct = table.n_images + table.labels.nnz
        draws = (
            _joint_tables(table, groups, n_draws, rng)
            if cost <= direct
            else _hard_permutations(table, n_draws, rng)
        )
    counts = np.empty(
        (n_draws, len(table.scenes), len(table.emotions)),
        np.float64 if table.is_soft else np.int32,
    )
    information = np.empty(n_draws)
    done = 0
    for of_labels, of_mass in draws:
        upto = done + len(of_labels)
        counts[done:upto] = of_labels
        information[done:upto] = table_information(of_mass)
        if advance is not None:
            advance(upto - done)
        done = upto
    return NullDraws(counts=counts, information=information)


def _joint_tables(
    table: SceneTable, groups: ImageGroups, n_draws: int, rng: np.random.Generator
) -> Iterator[Tables]:
    """Scene × group tables with both margins fixed, drawn whole, per number of subjects."""
    assert table.scene is not None
    labels = table.labels[groups.first].toarray()
    mass = labels if table.one_label else table.mass[groups.first].toarray()
    n_scenes, n_groups = len(table.scenes), len(groups.size)
    of_group = table.sizes[groups.first]
    margins = []
    for size in np.unique(of_group):
        here = table.sizes == size
        rows = np.bincount(table.scene[here], minlength=n_scenes)
        columns = np.flatnonzero(of_group == size)
        margins.append((rows, columns, groups.size[columns]))
    chunk = max(1, _CHUNK_CELLS // (n_scenes * n_groups))
    for start in range(0, n_draws, chunk):
        n = min(chunk, n_draws - start)
        tables = np.zeros((n, n_scenes, n_groups))
        for rows, columns, sizes in margins:
            drawn = random_table(rows, sizes).rvs(size=n, method="patefield", random_state=rng)
            tables[:, :, columns] = drawn
        of_labels = tables @ labels
        yield of_labels, (of_labels if mass is labels else tables @ mass)


def _hard_permutations(
    table: SceneTable, n_draws: int, rng: np.random.Generator
) -> Iterator[Tables]:
    """Shuffle the images' scenes within each number of subjects, and count again."""
    assert table.scene is not None
    order = np.argsort(table.sizes, kind="stable")
    labels, mass = table.labels[order], table.mass[order]
    n_emotions, n_cells = len(table.emotions), len(table.scenes) * len(table.emotions)
    start_of_scene = table.scene[order].astype(np.int64) * n_emotions
    cuts = np.append(np.flatnonzero(np.diff(table.sizes[order])) + 1, table.n_images)
    strata = list(pairwise(np.append(0, cuts)))
    row = np.repeat(np.arange(table.n_images), np.diff(labels.indptr))
    emotion = labels.indices.astype(np.int64)
    plain = bool((labels.data == 1).all())
    dealt, cell = np.empty_like(start_of_scene), np.empty(len(row), np.int64)
    for _ in range(n_draws):
        for start, stop in strata:  # permuting indices is faster than shuffling the values
            index = rng.permutation(stop - start)
            np.take(start_of_scene[start:stop], index, out=dealt[start:stop], mode="clip")
        np.take(dealt, row, out=cell, mode="clip")
        cell += emotion
        weights = None if plain else labels.data
        of_labels = np.bincount(cell, weights, minlength=n_cells).reshape(1, -1, n_emotions)
        of_mass = of_labels
        if not table.one_label:
            of_mass = np.bincount(cell, mass.data, minlength=n_cells).reshape(1, -1, n_emotions)
        yield of_labels, of_mass


def _soft_permutations(
    table: SceneTable, n_draws: int, rng: np.random.Generator
) -> Iterator[Tables]:
    """Deal the images' labels anew within each number of subjects to the images' scene weights."""
    assert table.weights is not None
    order = np.argsort(table.sizes, kind="stable")
    weights = np.ascontiguousarray(table.weights[order].T)
    stacked = [table.labels] if table.one_label else [table.labels, table.mass]
    labels = sparse.hstack(stacked).toarray()[order]
    index = np.arange(table.n_images)
    blocks = np.split(index, np.flatnonzero(np.diff(table.sizes[order])) + 1)
    n_emotions = len(table.emotions)
    for _ in range(n_draws):
        for block in blocks:
            rng.shuffle(block)
        drawn = (weights @ labels[index])[None]
        yield drawn[..., :n_emotions], drawn[..., -n_emotions:]
