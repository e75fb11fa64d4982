"""Datasets of images with several subjects, whose true metrics are known in closed form.

An image shifts the scores of all its subjects and their chance of a positive label, so subjects
of one image are alike: intervals that take them as independent are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = [
    "PREVALENCES",
    "RARE_PREVALENCES",
    "SimulatedOutputs",
    "population_average_precision",
    "simulate_correct",
    "simulate_outputs",
]

PREVALENCES = (0.3, 0.5)
RARE_PREVALENCES = tuple(float(p) for p in np.geomspace(0.01, 0.5, 26))
_SHARED = 0.7  # share of variance that the subjects of an image have in common


@dataclass(frozen=True)
class SimulatedOutputs:
    """targets (n, C), scores (n, C) of two equally good estimators, and images (n,)."""

    targets: np.ndarray
    first: np.ndarray
    second: np.ndarray
    images: np.ndarray


def simulate_outputs(
    seed: int,
    *,
    n_images: int,
    separation: float = 1.0,
    prevalences: Sequence[float] = PREVALENCES,
) -> SimulatedOutputs:
    """One to five subjects an image; positives score N(separation, 1), negatives N(0, 1).

    Both marginals are exact, so the population AP is `population_average_precision`.
    """
    generator = np.random.default_rng(seed)
    images = _images(generator, n_images)
    shape = (len(images), len(prevalences))
    latent = _clustered(generator, images, shape)
    targets = latent < ndtri(np.array(prevalences))
    common = _clustered(generator, images, shape)
    first, second = (
        separation * targets + np.sqrt(0.5) * (common + _clustered(generator, images, shape))
        for _ in range(2)
    )
    return SimulatedOutputs(targets, first, second, images)


def simulate_correct(seed: int, *, n_images: int, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether each subject was got right (n,), with probability `accuracy`, and images (n,)."""
    generator = np.random.default_rng(seed)
    images = _images(generator, n_images)
    latent = _clustered(generator, images, (len(images), 1))[:, 0]
    return latent < ndtri(accuracy), images


def population_average_precision(prevalence: float, separation: float = 1.0) -> float:
    """∫ P dR for positives N(separation, 1) and negatives N(0, 1), by quadrature."""
    recall = (np.arange(200_000) + 0.5) / 200_000
    threshold = separation - ndtri(recall)
    false_positive = ndtr(-threshold)
    precision = prevalence * recall / (prevalence * recall + (1 - prevalence) * false_positive)
    return float(precision.mean())


def _images(generator: np.random.Generator, n_images: int) -> np.ndarray:
    """Image number of each subject: one to five an image."""
    return np.repeat(np.arange(n_images), generator.integers(1, 6, size=n_images))


def _clustered(
    generator: np.random.Generator, images: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Standard normal (n, C) that subjects of an image share for the most part."""
    shared = generator.normal(size=(images[-1] + 1, shape[1]))[images]
    own = generator.normal(size=shape)
    return np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own
