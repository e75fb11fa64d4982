"""Purity: how often a subject's nearest neighbours in feature space share its emotion or scene.

Neighbours come from other images only: subjects of one image share light, scene and often labels,
and would be each other's neighbours whatever the features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

__all__ = ["Purity", "agreement", "nearest_in_other_groups", "purity"]

# Rows of queries at a time: bounds the memory for neighbours of large groups.
_QUERIES = 8192
_AGREEMENT_CELLS = 20_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Purity:
    """Mean agreement over all (subject, neighbour) pairs.

    influence: (n,), mean `value`: what each subject adds, as the one asked and as a neighbour of
    others, so that resampling it also varies whom the others meet. chance: what neighbours drawn
    at random from the same candidates give, exactly. n: subjects that have neighbours.
    """

    value: float
    influence: np.ndarray
    chance: float
    n: int


def purity(
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    *,
    k: int,
    contexts: np.ndarray | None = None,
    candidates: str = "all",
) -> Purity:
    """kNN purity of `targets`.

    Args:
        features: (n, d).
        targets: (n, C) 0/1; two subjects agree by the share of labels that they have in common
            (Jaccard): 0 or 1 where each has one label.
        groups: (n,) codes; neighbours share none of the asking subject's group.
        k: neighbours, or as many as there are.
        contexts: (n,) codes, needed unless `candidates` is "all".
        candidates: neighbours are sought among "all", or those "within" the subject's own
            context, or those "across" it, in other contexts.

    NaN with n = 0 where nobody has a candidate.
    """
    n = len(features)
    neighbours = np.full((n, k), -1, np.int64)
    for asking, sought in _parts(n, contexts, candidates):
        found = nearest_in_other_groups(features, asking, sought, groups, k=k)
        neighbours[asking, : found.shape[1]] = found
    pair_row, column = np.nonzero(neighbours >= 0)
    pair_other = neighbours[pair_row, column]
    if not len(pair_row):
        return Purity(value=np.nan, influence=np.full(n, np.nan), chance=np.nan, n=0)
    agrees = agreement(targets[pair_row], targets[pair_other])
    value = float(agrees.mean())
    gap = agrees - value
    moved = np.bincount(pair_row, gap, minlength=n) + np.bincount(pair_other, gap, minlength=n)
    has_neighbours = np.bincount(pair_row, minlength=n) > 0
    expected = _expected_agreement(targets, groups, contexts, candidates)
    weights = np.bincount(pair_row, minlength=n)
    return Purity(
        value=value,
        influence=value + n * moved / len(pair_row),
        chance=float(np.average(expected[has_neighbours], weights=weights[has_neighbours])),
        n=int(has_neighbours.sum()),
    )


def agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Jaccard index (m,) of 0/1 label sets (m, C), row by row; every set has a label."""
    both = (first * second).sum(axis=1)
    return both / (first.sum(axis=1) + second.sum(axis=1) - both)


def nearest_in_other_groups(
    features: np.ndarray, asking: np.ndarray, sought: np.ndarray, groups: np.ndarray, *, k: int
) -> np.ndarray:
    """The k rows of `sought` nearest to each row of `asking` outside its group, (q, ≤ k).

    Nearest first; −1 where fewer are left.
    """
    if not len(sought):
        return np.empty((len(asking), 0), np.int64)
    spare = int(np.bincount(groups[sought]).max())
    wanted = min(k + spare, len(sought))
    index = NearestNeighbors(n_neighbors=wanted, algorithm="brute").fit(features[sought])
    parts = []
    for start in range(0, len(asking), _QUERIES):
        rows = asking[start : start + _QUERIES]
        found = sought[index.kneighbors(features[rows], return_distance=False)]
        own = groups[found] == groups[rows][:, None]
        order = np.argsort(own, axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(found, order, axis=1)
        parts.append(np.where(np.take_along_axis(own, order, axis=1), -1, kept))
    return np.concatenate(parts)


def _parts(
    n: int, contexts: np.ndarray | None, candidates: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(asking, sought) rows, such that each row asks once."""
    everyone = np.arange(n)
    if candidates == "all":
        yield everyone, everyone
        return
    if contexts is None or candidates not in ("within", "across"):
        raise ValueError(f"Expected contexts and 'within' or 'across', got {candidates!r}.")
    for context in np.unique(contexts):
        here = contexts == context
        yield everyone[here], everyone[here if candidates == "within" else ~here]


def _expected_agreement(
    targets: np.ndarray, groups: np.ndarray, contexts: np.ndarray | None, candidates: str
) -> np.ndarray:
    """Agreement (n,) with a candidate drawn at random; NaN where there is none."""
    n = len(targets)
    codes = np.zeros(n, np.int64) if contexts is None else contexts
    sets, label_set = np.unique(targets, axis=0, return_inverse=True)
    label_set = label_set.reshape(-1)
    n_contexts = int(codes.max()) + 1
    counts = np.zeros((len(sets), n_contexts))
    np.add.at(counts, (label_set, codes), 1.0)
    totals = np.empty_like(counts)
    chunk = max(1, _AGREEMENT_CELLS // len(sets))
    for start in range(0, len(sets), chunk):
        totals[start : start + chunk] = _set_agreement(sets[start : start + chunk], sets) @ counts
    of_context = counts.sum(axis=0)
    own, n_own = totals[label_set, codes], of_context[codes]
    agreed, available = {
        "all": (totals.sum(axis=1)[label_set], np.full(n, float(n))),
        "within": (own, n_own),
        "across": (totals.sum(axis=1)[label_set] - own, n - n_own),
    }[candidates]
    mates, mate = _group_pairs(groups)
    same = codes[mates] == codes[mate]
    kept = {"all": np.ones(len(mates), bool), "within": same, "across": ~same}[candidates]
    mates, mate = mates[kept], mate[kept]
    agreed = agreed - np.bincount(mates, agreement(targets[mates], targets[mate]), minlength=n)
    available = available - np.bincount(mates, minlength=n)
    return np.divide(agreed, available, out=np.full(n, np.nan), where=available > 0)


def _set_agreement(some: np.ndarray, sets: np.ndarray) -> np.ndarray:
    both = some.astype(np.float64) @ sets.T.astype(np.float64)
    return both / (some.sum(axis=1)[:, None] + sets.sum(axis=1)[None, :] - both)


def _group_pairs(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All ordered pairs of rows of one group, each row with itself among them."""
    n = len(groups)
    member = sparse.csr_array((np.ones(n), (np.arange(n), groups)))
    pairs = sparse.coo_array(member @ member.T)
    return pairs.coords
