"""Datasets in which emotion does not depend on scene, or does to a known degree."""

from __future__ import annotations

import numpy as np

from analysis.contingency import SceneTable, build_table
from analysis.information import one_against_rest_information, table_information


def zipf(n: int, exponent: float = 1.2) -> np.ndarray:
    """Probabilities of n scenes."""
    weights = np.arange(1, n + 1) ** -exponent
    return weights / weights.sum()


def independent_table(
    seed: int,
    *,
    n_images: int,
    clustered: bool,
    rates: tuple[float, ...] = (0.03, 0.03, 0.1, 0.1),
    n_scenes: int = 365,
) -> SceneTable:
    """Zipf scenes, emotions of the given base rates, none of them depending on the scene.

    Clustered: one to four subjects an image; each emotion is drawn for the image, and 80% of its
    subjects share that draw, the others have their own.
    """
    rng = np.random.default_rng(seed)
    base = np.array(rates)
    sizes = np.ones(n_images, np.int64)
    if clustered:
        sizes = rng.choice([1, 2, 3, 4], n_images, p=[0.4, 0.3, 0.2, 0.1])
    image = np.repeat(np.arange(n_images), sizes)
    targets = rng.random((len(image), len(base))) < base
    if clustered:
        shared = (rng.random((n_images, len(base))) < base)[image]
        shares = rng.random(len(image)) < 0.8
        targets = np.where(shares[:, None], shared, targets)
    return build_table(
        targets.astype(np.float64),
        image,
        emotions=[f"emotion {k}" for k in range(len(base))],
        scenes=[f"scene {k}" for k in range(n_scenes)],
        scene=rng.choice(n_scenes, n_images, p=zipf(n_scenes)),
    )


def random_table(
    seed: int,
    *,
    n_images: int = 60,
    n_scenes: int = 4,
    n_emotions: int = 3,
    sizes: tuple[int, ...] = (1, 2, 3),
    soft: bool = False,
) -> SceneTable:
    """A small dataset whose scenes and labels are unrelated; each subject has a label or more."""
    rng = np.random.default_rng(seed)
    image = np.repeat(np.arange(n_images), rng.choice(sizes, n_images))
    targets = rng.random((len(image), n_emotions)) < 0.3
    targets[np.arange(len(image)), rng.integers(0, n_emotions, len(image))] = True
    weights = rng.dirichlet(np.full(n_scenes, 0.4), n_images) if soft else None
    return build_table(
        targets.astype(np.float64),
        image,
        emotions=[f"emotion {k}" for k in range(n_emotions)],
        scenes=[f"scene {k}" for k in range(n_scenes)],
        scene=None if soft else rng.integers(0, n_scenes, n_images),
        weights=weights,
    )


def tilted_table(
    seed: int,
    *,
    strength: float,
    n_images: int = 4000,
    clustered: bool = False,
    rates: tuple[float, ...] = (0.03, 0.03, 0.1, 0.84),
    n_scenes: int = 365,
) -> tuple[SceneTable, float, np.ndarray]:
    """Zipf scenes whose emotions are tilted at random, and the true information in bits.

    One label a subject. strength: standard deviation of the log odds over scenes, 0 for none.
    Clustered: as in `independent_table`, within the scene.

    Returns:
        The table, I(Y; scene), and (E,) I of each emotion against the rest, of the population.
    """
    tilt = np.random.default_rng(5).normal(size=(n_scenes, len(rates))) * strength
    share = np.array(rates) * np.exp(tilt)
    share /= share.sum(axis=1, keepdims=True)
    joint = zipf(n_scenes)[:, None] * share
    rng = np.random.default_rng(seed)
    sizes = np.ones(n_images, np.int64)
    if clustered:
        sizes = rng.choice([1, 2, 3, 4], n_images, p=[0.4, 0.3, 0.2, 0.1])
    image = np.repeat(np.arange(n_images), sizes)
    scene = rng.choice(n_scenes, n_images, p=zipf(n_scenes))
    edges = np.cumsum(share, axis=1)
    emotion = (rng.random(len(image))[:, None] >= edges[scene[image]]).sum(axis=1)
    if clustered:
        shared = (rng.random(n_images)[:, None] >= edges[scene]).sum(axis=1)[image]
        emotion = np.where(rng.random(len(image)) < 0.8, shared, emotion)
    table = build_table(
        np.eye(len(rates))[np.minimum(emotion, len(rates) - 1)],
        image,
        emotions=[f"emotion {k}" for k in range(len(rates))],
        scenes=[f"scene {k}" for k in range(n_scenes)],
        scene=scene,
    )
    of_scene, of_emotion = joint.sum(axis=1), joint.sum(axis=0)
    truth = float(table_information(joint))
    return table, truth, one_against_rest_information(joint, of_scene, of_emotion)
