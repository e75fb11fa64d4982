"""How many clusters the contexts hold: stability over seeds and separation, by their number N."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.progress import progress_bar

__all__ = ["compare_sizes", "default_sizes"]


def default_sizes(n_clusters: int, n_rows: int) -> list[int]:
    """Numbers of clusters to compare with `n_clusters`: half and double, as far as rows allow."""
    wanted = (n_clusters // 2, n_clusters, 2 * n_clusters)
    return [n for n in wanted if 2 <= n <= n_rows // 2] or [min(2, n_rows)]


def compare_sizes(
    features: np.ndarray,
    sizes: Sequence[int],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    n_components: int = 256,
    sample: int = 2000,
    progress: bool = False,
) -> pd.DataFrame:
    """How stable and how separate the clusters are, by their number N, so that N can be chosen.

    Returns a row per N: n_clusters, stability_mean, stability_low, stability_high (adjusted Rand
    index of the clusterings of each two seeds: 1 the same, 0 as by chance; NaN for one seed),
    silhouette_mean, silhouette_low, silhouette_high (over seeds, of `sample` rows at most, in the
    PCA space that is clustered), smallest (members of the smallest cluster, over seeds).

    Raises:
        InputError: fewer distinct features than the largest N.
    """
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    if not len(sizes) or not len(seeds):
        raise InputError("Expected at least one number of clusters and one seed, got none.")
    first = ConfounderDictionary(1, n_components=n_components).fit(features)
    projected = (features - first.pca_mean_) @ first.pca_components_.T
    rows: list[dict[str, Any]] = []
    total = len(sizes) * len(seeds)
    with progress_bar("clusterings", total=total, unit="fit", quiet=not progress) as bar:
        for n in sizes:
            codes, scores = [], []
            for seed in seeds:
                fitted = ConfounderDictionary(n, n_components=n_components, random_state=seed)
                codes.append(fitted.fit(projected).labels_)
                chosen = np.random.default_rng(seed).permutation(len(projected))[:sample]
                present = len(np.unique(codes[-1][chosen]))
                if 2 <= present < len(chosen):
                    scores.append(silhouette_score(projected[chosen], codes[-1][chosen]))
                bar.update(1)
            rands = [adjusted_rand_score(a, b) for a, b in combinations(codes, 2)]
            rows.append(
                {
                    "n_clusters": n,
                    **_spread("stability", rands),
                    **_spread("silhouette", scores),
                    "smallest": int(min(np.bincount(code, minlength=n).min() for code in codes)),
                }
            )
    return pd.DataFrame(rows)


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {f"{name}_{end}": float("nan") for end in ("mean", "low", "high")}
    return {
        f"{name}_mean": float(np.mean(values)),
        f"{name}_low": float(min(values)),
        f"{name}_high": float(max(values)),
    }
