"""Checks that the metrics share: shapes, finiteness, 0/1 targets, integer codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "as_class_indices",
    "as_codes",
    "as_column",
    "as_probabilities",
    "as_scores",
    "as_targets",
    "as_weights",
]


def as_scores(value: Any, name: str = "scores") -> np.ndarray:
    """`value` as a finite float matrix (n, C)."""
    matrix = np.asarray(value)
    if matrix.ndim != 2:
        raise ValueError(f"Expected `{name}` to be a matrix (n, C), got shape {matrix.shape}.")
    if not np.issubdtype(matrix.dtype, np.floating):
        matrix = matrix.astype(np.float64)
    broken = int((~np.isfinite(matrix)).any(axis=1).sum())
    if broken:
        raise ValueError(f"Expected `{name}` to be finite, got NaN or infinity in {broken} rows.")
    return matrix


def as_targets(value: Any, shape: tuple[int, ...], name: str = "targets") -> np.ndarray:
    """`value` as a boolean array of `shape`, from 0/1 or booleans."""
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(f"Expected `{name}` to be of shape {shape}, got {array.shape}.")
    positive = array == 1
    if not (positive | (array == 0)).all():
        raise ValueError(f"Expected `{name}` to be 0 or 1, got other values.")
    return positive


def as_probabilities(value: Any, name: str = "probabilities") -> np.ndarray:
    """`value` as a float64 array whose entries all lie in [0, 1].

    What single-precision rounding put up to 1e-6 outside is moved onto the bound.
    """
    array = np.asarray(value, np.float64)
    # Written so that NaN, which compares false, is refused too.
    outside = int((~((array >= -1e-6) & (array <= 1 + 1e-6))).sum())
    if outside:
        raise ValueError(f"Expected `{name}` to be in [0, 1], got {outside} values outside.")
    return array.clip(0, 1)


def as_class_indices(value: Any, n_classes: int, name: str) -> np.ndarray:
    """`value` as a vector of integers in [0, n_classes)."""
    indices = np.asarray(value)
    if indices.ndim != 1 or not (np.issubdtype(indices.dtype, np.integer) or not indices.size):
        raise ValueError(
            f"Expected `{name}` to be a vector of class indices, "
            f"got shape {indices.shape} of {indices.dtype}."
        )
    if indices.size and ((indices < 0) | (indices >= n_classes)).any():
        raise ValueError(
            f"Expected `{name}` to be between 0 and {n_classes - 1}, "
            f"got {indices.min()} to {indices.max()}."
        )
    return indices.astype(np.intp)


def as_column(value: Any, n: int, name: str) -> np.ndarray:
    """`value` as a vector with one entry a subject."""
    column = np.asarray(value)
    if column.shape != (n,):
        raise ValueError(f"Expected `{name}` to be of shape ({n},), got {column.shape}.")
    return column


def as_weights(value: Any, n: int, name: str = "sample_weight") -> np.ndarray:
    """`value` as n finite weights of zero or more, float64; None is n ones."""
    if value is None:
        return np.ones(n)
    weights = as_column(value, n, name).astype(np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"Expected `{name}` to be finite and not negative, got other values.")
    return weights


def as_codes(value: Any, n: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) of the distinct entries of `value`, and the entries, in order of appearance."""
    codes, names = pd.factorize(as_column(value, n, name))
    missing = int((codes < 0).sum())
    if missing:
        raise ValueError(f"Expected `{name}` to be given for every subject, got {missing} without.")
    return codes.astype(np.intp), np.asarray(names)
