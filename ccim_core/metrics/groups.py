"""Metrics by emotion × context group: the worst group, and the training mix's average.

An average over a biased test set rewards whoever follows the bias. The worst group (the emotion
in the context where it is least expected) is where following it fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ccim_core.metrics.checks import as_class_indices, as_codes, as_column, as_scores, as_targets

__all__ = [
    "Group",
    "ReweightedAverage",
    "WorstGroup",
    "group_means",
    "group_proportions",
    "outranked_negatives",
    "reweighted_average",
    "worst_group",
]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The `size` subjects of one emotion in one context group, and their mean `value`."""

    emotion: str
    context: str
    size: int
    value: float


@dataclass(frozen=True, kw_only=True)
class WorstGroup:
    """The lowest group mean; `value` is NaN, `group` None and `reason` says why if there is none.

    `n_groups` reached the minimum size, `n_small` groups did not and were left out.
    """

    value: float
    group: Group | None
    n_groups: int
    n_small: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ReweightedAverage:
    """Group means averaged with training shares; `covered` is the share that could be measured.

    Groups seen in training but not among the measured ones are left out and the rest scaled up:
    below, say, 0.95 `covered`, the average is of another mix than the training one.
    """

    value: float
    covered: float


def group_means(values: Any, emotions: Any, contexts: Any, *, names: Sequence[str]) -> list[Group]:
    """Mean of `values` (m,) in each group that occurs, by emotion then context name.

    `emotions` (m,) indexes `names`; `contexts` (m,) is anything with a text form. For several
    labels a subject, pass a row per (subject, label) pair.
    """
    emotions = as_class_indices(emotions, len(names), "emotions")
    values = as_column(values, len(emotions), "values").astype(np.float64)
    codes, context_names = as_codes(contexts, len(emotions), "contexts")
    n_contexts = max(len(context_names), 1)
    cell = emotions * n_contexts + codes
    size = np.bincount(cell, minlength=len(names) * n_contexts)
    total = np.bincount(cell, values, minlength=len(names) * n_contexts)
    groups = [
        Group(
            emotion=names[i // n_contexts],
            context=str(context_names[i % n_contexts]),
            size=int(size[i]),
            value=float(total[i] / size[i]),
        )
        for i in np.flatnonzero(size).tolist()
    ]
    return sorted(groups, key=lambda group: (names.index(group.emotion), group.context))


def worst_group(groups: Sequence[Group], *, min_size: int = 10) -> WorstGroup:
    """The group of `min_size` or more with the lowest mean; among equals, the largest.

    A minimum over many small groups is biased downwards: keep `min_size` where a mean means
    something, and compare runs on the same groups only.
    """
    if min_size < 1:
        raise ValueError(f"Expected `min_size` to be 1 or more, got {min_size}.")
    eligible = [group for group in groups if group.size >= min_size]
    n_small = len(groups) - len(eligible)
    if not eligible:
        largest = max((group.size for group in groups), default=0)
        reason = f"no group has {min_size} subjects (the largest has {largest})"
        return WorstGroup(
            value=float("nan"), group=None, n_groups=0, n_small=n_small, reason=reason
        )
    worst = min(eligible, key=lambda group: (group.value, -group.size))
    return WorstGroup(value=worst.value, group=worst, n_groups=len(eligible), n_small=n_small)


def group_proportions(
    emotions: Any, contexts: Any, *, names: Sequence[str]
) -> dict[tuple[str, str], float]:
    """Share of subjects in each (emotion, context) group: the training mix; sums to 1."""
    groups = group_means(np.zeros(len(np.asarray(emotions))), emotions, contexts, names=names)
    n = sum(group.size for group in groups)
    return {(group.emotion, group.context): group.size / n for group in groups}


def reweighted_average(
    groups: Sequence[Group], proportions: Mapping[tuple[str, str], float]
) -> ReweightedAverage:
    """Average of the group means under `proportions`; NaN if they share no group."""
    if any(not share >= 0 for share in proportions.values()):
        raise ValueError("Expected `proportions` to be zero or more, got a negative or NaN share.")
    shares = np.array([proportions.get((g.emotion, g.context), 0.0) for g in groups])
    values = np.array([group.value for group in groups])
    covered, everything = shares.sum(), sum(proportions.values())
    if not covered > 0:
        return ReweightedAverage(value=float("nan"), covered=0.0)
    return ReweightedAverage(
        value=float(shares @ values / covered), covered=float(covered / everything)
    )


def outranked_negatives(targets: Any, scores: Any) -> np.ndarray:
    """For each positive, the share of its class's negatives that it outranks (ties count half).

    (n, C); NaN where the target is 0 or the class has no negatives. Its mean over a class's
    positives is the ROC area; over the positives of one context group it is how well the emotion
    is recognised there, whatever the prevalence: the several-label counterpart of "correct".
    """
    scores = as_scores(scores)
    targets = as_targets(targets, scores.shape)
    shares = np.full(scores.shape, np.nan)
    for column, positive in enumerate(targets.T):
        negatives = np.sort(scores[~positive, column])
        if len(negatives):
            wanted = scores[positive, column]
            below = np.searchsorted(negatives, wanted, side="left")
            not_above = np.searchsorted(negatives, wanted, side="right")
            shares[positive, column] = (below + not_above) / (2 * len(negatives))
    return shares
