"""Pictures that are nearly the same, so that they are not trained on and tested on at once."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["group_near_duplicates"]

_ROWS_AT_ONCE = 1024


def group_near_duplicates(features: np.ndarray, *, threshold: float = 0.8) -> np.ndarray:
    """Number of each picture's group, (n,), from encoder features (n, d).

    Two pictures are near-duplicates when the cosine of their features, after the mean over all
    pictures is taken off, reaches `threshold`; groups are the connected components. It finds the
    same photograph cropped or lit otherwise and most shots of one sitting; it does not find the
    same person on another day, which takes an identity model. At most 1,024 · n cosines are held.
    """
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"Expected finite features (n, d), got shape {features.shape}.")
    unit = features.astype(np.float32) - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    norm = np.linalg.norm(unit, axis=1, keepdims=True)
    unit = np.divide(unit, norm, out=np.zeros_like(unit), where=norm > 0)
    rows, columns = [], []
    for start in range(0, len(unit), _ROWS_AT_ONCE):
        near = unit[start : start + _ROWS_AT_ONCE] @ unit.T >= threshold
        row, column = np.nonzero(near)
        rows.append(row + start)
        columns.append(column)
    if not rows:
        return np.zeros(0, np.int64)
    row, column = np.concatenate(rows), np.concatenate(columns)
    pairs = coo_array((np.ones(len(row), bool), (row, column)), shape=(len(unit), len(unit)))
    return connected_components(pairs, directed=False)[1].astype(np.int64)
