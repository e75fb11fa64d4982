"""Mean silhouette of several groupings of the same features, in two passes over the distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Silhouette", "mean_silhouettes"]

_CHUNK_CELLS = 16_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Silhouette:
    """Mean silhouette, in [−1, 1].

    influence: (n,), mean `value`: what each subject adds, by its own silhouette and by moving the
    mean distances of others, to be resampled.
    """

    value: float
    influence: np.ndarray


def mean_silhouettes(features: np.ndarray, groupings: Sequence[np.ndarray]) -> list[Silhouette]:
    """Mean silhouette (Rousseeuw 1987) by Euclidean distance, for each grouping.

    A subject that is alone in its group counts as 0.

    Args:
        features: (n, d).
        groupings: codes (n,), each with two groups or more, none empty.
    """
    features = np.ascontiguousarray(features - features.mean(axis=0), dtype=np.float32)
    onehots = [_onehot(codes) for codes in groupings]
    sums = _distance_products(features, np.concatenate(onehots, axis=1))
    cuts = np.cumsum([onehot.shape[1] for onehot in onehots])[:-1]
    parts = [
        _Part(codes, onehot, distances)
        for codes, onehot, distances in zip(
            groupings, onehots, np.split(sums, cuts, axis=1), strict=True
        )
    ]
    moves = _distance_products(features, np.concatenate([part.slopes for part in parts], axis=1))
    return [
        part.finish(move) for part, move in zip(parts, np.split(moves, cuts, axis=1), strict=True)
    ]


class _Part:
    """One grouping: silhouettes s, and the slopes of s in the mean distances a and b."""

    def __init__(self, codes: np.ndarray, onehot: np.ndarray, sums: np.ndarray) -> None:
        n, sizes = len(codes), onehot.sum(axis=0).astype(np.float64)
        rows = np.arange(n)
        alone = sizes[codes] == 1
        a = sums[rows, codes] / np.maximum(sizes[codes] - 1, 1)
        others = sums / sizes
        others[rows, codes] = np.inf
        nearest = others.argmin(axis=1)
        b = others[rows, nearest]
        larger = np.maximum(a, b)
        usable = ~alone & (larger > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.s = np.where(usable, (b - a) / larger, 0.0)
            of_a = np.where(usable, np.where(a < b, -1 / b, -b / a**2), 0.0)
            of_b = np.where(usable, np.where(a < b, a / b**2, 1 / a), 0.0)
        # How much s_i moves when one subject is added to its own group, or to the nearest one.
        self.to_own = of_a / np.maximum(sizes[codes] - 1, 1)
        to_nearest = of_b / sizes[nearest]
        self.slopes = np.zeros((n, len(sizes)))
        self.slopes[rows, codes] = self.to_own
        self.slopes[rows, nearest] = to_nearest
        self.offset = np.bincount(codes, self.to_own * a, minlength=len(sizes))
        self.offset += np.bincount(nearest, to_nearest * b, minlength=len(sizes))
        self.codes, self.a = codes, a

    def finish(self, moves: np.ndarray) -> Silhouette:
        """`moves` (n, groups): distances times slopes."""
        rows = np.arange(len(self.codes))
        added = moves[rows, self.codes] - self.offset[self.codes] + self.to_own * self.a
        return Silhouette(value=float(self.s.mean()), influence=self.s + added)


def _onehot(codes: np.ndarray) -> np.ndarray:
    onehot = np.zeros((len(codes), int(codes.max()) + 1), np.float32)
    onehot[np.arange(len(codes)), codes] = 1
    return onehot


def _distance_products(features: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Distances (n, n) times `columns` (n, m), float64, without holding the distances."""
    columns = columns.astype(np.float32)
    return np.concatenate([block @ columns for block in _distances(features)]).astype(np.float64)


def _distances(features: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of rows of the matrix of distances."""
    squares = np.einsum("ij,ij->i", features, features)
    chunk = max(1, _CHUNK_CELLS // len(features))
    for start in range(0, len(features), chunk):
        rows = slice(start, min(start + chunk, len(features)))
        block = features[rows] @ features.T
        block *= -2
        block += squares[rows, None]
        block += squares[None, :]
        np.maximum(block, 0, out=block)
        # Rounding leaves a small distance to oneself, which the root would make a large one.
        block[np.arange(rows.stop - start), np.arange(start, rows.stop)] = 0
        yield np.sqrt(block, out=block)
