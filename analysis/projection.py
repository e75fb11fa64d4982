"""Features to the plane, two sets of them at once so that both can be compared by eye.

Two separate layouts cannot be compared: each is free to turn, mirror and tear. `project_pca`
gives both sides one basis, or turns the second onto the first; `project_aligned_umap` lays both
out together, pulling each subject's two points towards each other.
"""

from __future__ import annotations

import warnings

import numpy as np

from ccim_core.errors import InputError

__all__ = ["align", "project_aligned_umap", "project_pca"]

Plane = tuple[np.ndarray, np.ndarray]

# Up to here UMAP's neighbours are exact; above it they are approximate and need a seed as well.
_EXACT_NEIGHBOURS = 4096


def project_pca(before: np.ndarray, after: np.ndarray, *, shared: bool) -> Plane:
    """The first two principal components of both sides, each (n, 2) float32.

    Args:
        before, after: (n, d) and (n, d′), row by row the same subjects.
        shared: both have the same axes: one basis, of both together, serves both, and the
            distance between a subject's two points is a distance in feature space. Otherwise
            each side has its own basis and unit scale, and `after` is turned (and mirrored) onto
            `before` by orthogonal Procrustes: only shapes can be compared.
    """
    if shared:
        both = _principal(np.concatenate([before, after]))
        first, second = both[: len(before)], both[len(before) :]
    else:
        first, second = (_unit_scale(_principal(side)) for side in (before, after))
        second = align(first, second)
    return first.astype(np.float32), second.astype(np.float32)


def align(base: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """`moving` (n, 2) centred, then turned and mirrored to lie closest to `base` (n, 2)."""
    target = base - base.mean(axis=0)
    centred = moving - moving.mean(axis=0)
    left, _, right = np.linalg.svd(centred.T @ target)
    return centred @ (left @ right) + base.mean(axis=0)


def _principal(features: np.ndarray) -> np.ndarray:
    """Scores (n, 2) on the first two principal axes, float64; 0 where there is no second axis."""
    centred = np.asarray(features, np.float64) - features.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    # An eigenvector's sign is free; the largest entry is made positive, so that runs agree.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    scores = np.zeros((len(features), 2))
    scores[:, : axes.shape[1]] = centred @ axes
    return scores


def _unit_scale(points: np.ndarray) -> np.ndarray:
    """Points divided by their root mean square radius; left alone where all are one point."""
    radius = np.sqrt((points**2).sum(axis=1).mean())
    return points / radius if radius > 0 else points


def project_aligned_umap(
    before: np.ndarray,
    after: np.ndarray,
    *,
    seed: int,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    n_epochs: int = 200,
    alignment: float = 0.01,
) -> Plane:
    """AlignedUMAP of both sides, each (n, 2) float32, centred together.

    Equal seed, versions and machine give equal points. A point that UMAP could not connect to any
    other is NaN.

    Args:
        before, after: (n, d) and (n, d′), row by row the same subjects; d may differ from d′.
        n_neighbors: size of the neighbourhoods kept; n − 1 at most is used.
        min_dist: how close two points of the plane may come.
        n_epochs: rounds of optimisation, for both sides together.
        alignment: strength of the pull between a subject's two points; it is weakened where the
            subject's neighbours differ between the sides, so real change stays visible.

    Raises:
        InputError: too few subjects for a layout.
    """
    n = len(before)
    if n < 10:
        raise InputError(
            f"Expected 10 or more subjects for UMAP, got {n}; use --method pca or more subjects."
        )
    # Imported here: it takes seconds, and more while it compiles.
    from umap import AlignedUMAP

    mapper = AlignedUMAP(
        n_neighbors=min(n_neighbors, n - 1),
        min_dist=min_dist,
        n_epochs=n_epochs,
        alignment_regularisation=alignment,
        # AlignedUMAP's layout takes its seed from here; `random_state` reaches only the search
        # for approximate neighbours, and makes that run on one core.
        transform_seed=seed,
        random_state=seed if n >= _EXACT_NEIGHBOURS else None,
    )
    same = {row: row for row in range(n)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one core instead of several, disconnected points: said
        first, second = mapper.fit_transform([before, after], relations=[same])
    middle = np.nanmean(np.concatenate([first, second]), axis=0)
    return (first - middle).astype(np.float32), (second - middle).astype(np.float32)
