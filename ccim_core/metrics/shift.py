"""What a real test set says about a shift, where no unbiased data exist.

Reweighting test subjects from P(y, z) to P(y)P(z) makes emotion independent of z, as an
intervention on context would, if z is all of the context that tells of the emotion: scenes, or
strata that are shown to hold as much (`residual_dependence`). Over anything coarser the estimate
rises with what is left of the bias, and so does its effective sample size: that says how many
subjects a figure rests on, not whether it is of a shift. Leaving contexts out asks another
question: what happens in places never seen in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ccim_core.metrics.checks import as_class_indices, as_codes, as_targets

__all__ = [
    "ContextFold",
    "ShiftWeights",
    "effective_sample_size",
    "leave_contexts_out",
    "multi_label_shift_weights",
    "shift_weights",
]


@dataclass(frozen=True, kw_only=True)
class ShiftWeights:
    """Weights that make emotion independent of context cluster, mean 1.

    `weights` is (n,), or (n, C) with a column an emotion for several labels a subject.
    `effective_size`, `covered` and `largest` are floats, or (C,): the effective sample size
    (Σw)²/Σw²; the share of P(y)P(z) in cells that have a subject (the rest cannot be estimated);
    and the largest weight.
    """

    weights: np.ndarray
    effective_size: Any
    covered: Any
    largest: Any


@dataclass(frozen=True, kw_only=True)
class ContextFold:
    """Rows to train on and to test on, (n,) bool each, with the contexts only the test has."""

    held_out: tuple[str, ...]
    train: np.ndarray
    test: np.ndarray


def effective_sample_size(weights: np.ndarray) -> Any:
    """(Σw)²/Σw² along the first axis: how many equally weighted subjects carry as much."""
    square = (weights**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(square > 0, weights.sum(axis=0) ** 2 / square, 0.0)[()]


def shift_weights(labels: Any, clusters: Any, *, n_classes: int) -> ShiftWeights:
    """w = P(y)P(z)/P(y, z) for `labels` (n,) of class indices and `clusters` (n,)."""
    labels = as_class_indices(labels, n_classes, "labels")
    codes, _ = as_codes(clusters, len(labels), "clusters")
    weights, covered = _independence_weights(labels, codes)
    return ShiftWeights(
        weights=weights,
        effective_size=float(effective_sample_size(weights)),
        covered=covered,
        largest=float(weights.max(initial=0.0)),
    )


def multi_label_shift_weights(targets: Any, clusters: Any) -> ShiftWeights:
    """As `shift_weights` for each emotion's presence: w = P(y_e)P(z)/P(y_e, z), (n, C)."""
    shape = np.asarray(targets).shape
    targets = as_targets(targets, (shape[0], shape[-1]))
    codes, _ = as_codes(clusters, len(targets), "clusters")
    columns = [_independence_weights(column.astype(np.intp), codes) for column in targets.T]
    weights = np.stack([weights for weights, _ in columns], axis=1)
    return ShiftWeights(
        weights=weights,
        effective_size=effective_sample_size(weights),
        covered=np.array([covered for _, covered in columns]),
        largest=weights.max(axis=0, initial=0.0),
    )


def leave_contexts_out(
    contexts: Any,
    *,
    n_folds: int = 5,
    held_out: Sequence[str] | None = None,
    images: Any = None,
    random_state: int | np.random.Generator = 0,
) -> list[ContextFold]:
    """Folds that test on contexts never trained on.

    Contexts are dealt to `n_folds` folds of nearly equal size (largest first, to the smallest
    fold; `random_state` orders equals), or one fold holds out exactly those of `held_out`.
    Subjects of an image with a test subject are not trained on if `images` (n,) is given.
    Raises ValueError when there are fewer contexts than folds, an unknown context is to be held
    out, or nothing would be left to train on.
    """
    n = len(np.asarray(contexts))
    codes, names = as_codes(contexts, n, "contexts")
    texts = [str(name) for name in names]
    if held_out is not None:
        unknown = sorted(set(held_out) - set(texts))
        if unknown or not held_out:
            raise ValueError(f"Expected `held_out` to be contexts of the data, got {unknown}.")
        parts = [[texts.index(name) for name in dict.fromkeys(held_out)]]
    else:
        if not 2 <= n_folds <= len(texts):
            raise ValueError(
                f"Expected `n_folds` to be from 2 to the {len(texts)} contexts, got {n_folds}."
            )
        parts = _deal(np.bincount(codes), n_folds, np.random.default_rng(random_state))
    image_codes = None if images is None else as_codes(images, n, "images")[0]
    return [_fold(part, codes, texts, image_codes) for part in parts]


def _independence_weights(labels: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (n,) of mean 1, and the share of P(y)P(z) that has a subject."""
    n = len(labels)
    if not n:
        return np.zeros(0), float("nan")
    joint = np.zeros((labels.max() + 1, codes.max() + 1))
    np.add.at(joint, (labels, codes), 1 / n)
    wanted = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    covered = float(wanted[joint > 0].sum())
    weights = wanted[labels, codes] / joint[labels, codes]
    return weights / weights.mean(), covered


def _deal(sizes: np.ndarray, n_folds: int, generator: np.random.Generator) -> list[list[int]]:
    """Context codes dealt to folds: the largest first, each to the fold with fewest subjects."""
    order = generator.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    parts: list[list[int]] = [[] for _ in range(n_folds)]
    load = np.zeros(n_folds)
    for code in order:
        fold = int(load.argmin())
        parts[fold].append(int(code))
        load[fold] += sizes[code]
    return parts


def _fold(
    part: list[int], codes: np.ndarray, texts: list[str], image_codes: np.ndarray | None
) -> ContextFold:
    """The fold that holds out the contexts of `part`."""
    test = np.isin(codes, part)
    train = ~test
    if image_codes is not None:
        train &= ~np.isin(image_codes, image_codes[test])
    names = tuple(sorted(texts[code] for code in part))
    if not train.any():
        raise ValueError(f"Expected contexts beside {list(names)} to train on, got none.")
    return ContextFold(held_out=names, train=train, test=test)
