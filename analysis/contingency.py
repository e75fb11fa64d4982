"""Scene × emotion counts of a dataset, kept by image: what every bias statistic starts from.

The image is the unit that is drawn, permuted and resampled: the subjects of one picture share its
scene and often its feeling, so they are no independent observations of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ccim_core.errors import InputError

__all__ = ["ImageGroups", "SceneTable", "build_table", "group_images"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneTable:
    """Images with their scene and their subjects' emotions.

    emotions: E names; each is read one-against-rest, so a subject may have several.
    scenes: S names.
    sizes: (n_images,) subjects of each image.
    labels: (n_images, E) sparse, how many of the image's subjects have the emotion.
    mass: (n_images, E) sparse with the pattern of `labels`; a subject with k labels counts 1/k
        for each, so that a row sums to the image's size. It is the table of Y, the emotion of a
        subject, or one of its emotions drawn at random where it has several.
    scene: (n_images,) index of the image's scene, or None with soft scenes.
    weights: (n_images, S) share of each scene in the image, rows summing to 1, or None.
    """

    emotions: tuple[str, ...]
    scenes: tuple[str, ...]
    sizes: np.ndarray
    labels: sparse.csr_array
    mass: sparse.csr_array
    scene: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def is_soft(self) -> bool:
        """Whether an image is spread over several scenes."""
        return self.weights is not None

    @property
    def n_images(self) -> int:
        """Number of images."""
        return len(self.sizes)

    @cached_property
    def n_subjects(self) -> int:
        """Number of subjects N."""
        return int(self.sizes.sum())

    @cached_property
    def one_subject(self) -> bool:
        """Whether each image has one subject, so that subjects are the unit."""
        return bool((self.sizes == 1).all())

    @cached_property
    def one_label(self) -> bool:
        """Whether each subject has one label, so that `mass` equals `labels`."""
        return bool(np.array_equal(self.labels.data, self.mass.data))

    @cached_property
    def membership(self) -> sparse.csr_array | np.ndarray:
        """(n_images, S) share of each scene in each image."""
        if self.weights is not None:
            return self.weights
        ones = np.ones(self.n_images, np.float64)
        pointers = np.arange(self.n_images + 1)
        shape = (self.n_images, len(self.scenes))
        return sparse.csr_array((ones, self.scene, pointers), shape=shape)

    @cached_property
    def counts(self) -> np.ndarray:
        """(S, E) subjects of the scene that have the emotion; fractional with soft scenes."""
        return _dense(self.membership.T @ self.labels)

    @cached_property
    def label_mass(self) -> np.ndarray:
        """(S, E) joint table of scene and Y (see `mass`); sums to N."""
        return self.counts if self.one_label else _dense(self.membership.T @ self.mass)

    @cached_property
    def totals(self) -> np.ndarray:
        """(S,) subjects of each scene."""
        return np.asarray(self.membership.T @ self.sizes.astype(np.float64)).ravel()

    @cached_property
    def images(self) -> np.ndarray:
        """(S,) images of each scene."""
        return np.asarray(self.membership.sum(axis=0), np.float64).ravel()

    @cached_property
    def positives(self) -> np.ndarray:
        """(E,) subjects that have each emotion."""
        return np.asarray(self.labels.sum(axis=0), np.float64).ravel()


def build_table(
    targets: np.ndarray | sparse.sparray,
    image: np.ndarray,
    *,
    emotions: Sequence[str],
    scenes: Sequence[str],
    scene: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> SceneTable:
    """Gather subjects into images.

    Args:
        targets: (n, E) 0/1, a row a subject.
        image: (n,) index of each subject's image, 0 … n_images − 1, each occurring.
        scene: (n_images,) scene of each image; or
        weights: (n_images, S) non-negative, normalised here to rows summing to 1.

    Raises:
        InputError: weights that are negative, not finite, or all zero for an image.
    """
    if (scene is None) == (weights is None):
        raise ValueError("Expected either `scene` or `weights`, got both or neither.")
    subjects = sparse.csr_array(targets, dtype=np.float64)
    n_images = int(image.max()) + 1 if len(image) else 0
    gather = sparse.csr_array(
        (np.ones(len(image)), (image, np.arange(len(image)))), shape=(n_images, len(image))
    )
    per_subject = np.asarray(subjects.sum(axis=1)).ravel()
    spread = subjects.copy()
    spread.data = spread.data / np.repeat(per_subject, np.diff(spread.indptr))
    labels, mass = gather @ subjects, gather @ spread
    labels.sort_indices()
    mass.sort_indices()
    return SceneTable(
        emotions=tuple(emotions),
        scenes=tuple(scenes),
        sizes=np.bincount(image, minlength=n_images),
        labels=labels,
        mass=mass,
        scene=None if scene is None else np.asarray(scene, np.int32),
        weights=None if weights is None else _normalise(weights),
    )


def _normalise(weights: np.ndarray) -> np.ndarray:
    weights = np.asarray(weights, np.float64)
    sums = weights.sum(axis=1, keepdims=True)
    if not np.isfinite(weights).all() or (weights < 0).any() or (sums <= 0).any():
        raise InputError(
            "Expected scene weights that are finite, not negative and not all zero for an image, "
            "got others; give each image's scene probabilities."
        )
    return weights / sums


def _dense(product: sparse.sparray | np.ndarray) -> np.ndarray:
    return product if isinstance(product, np.ndarray) else product.toarray()


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageGroups:
    """Images that are interchangeable, because all that the statistics see of them is the same.

    code: (n_images,) group of each image; first: (G,) one image of each; size: (G,) images in it.
    """

    code: np.ndarray
    first: np.ndarray
    size: np.ndarray


def group_images(table: SceneTable, *, by_scene: bool) -> ImageGroups:
    """Group images with equal subject count and labels, and scene when `by_scene`.

    Rows are compared through two random projections in double precision: equal rows project
    equally, and different rows collide with probability of about 1e-20 for a million images.
    """
    rng = np.random.default_rng(0)  # fixes the projections only; any would give the same groups
    key = np.zeros(table.n_images, np.complex128)
    for unit in (1.0, 1.0j):
        of_labels, of_mass = rng.random(len(table.emotions)), rng.random(len(table.emotions))
        part = table.labels @ of_labels + table.sizes * rng.random()
        if not table.one_label:
            part = part + table.mass @ of_mass
        if by_scene:
            if table.scene is None:
                raise ValueError("Expected hard scenes to group images by scene, got soft ones.")
            part = part + rng.random(len(table.scenes))[table.scene]
        key += part * unit
    _, first, code, size = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    return ImageGroups(code=code, first=first, size=size)
