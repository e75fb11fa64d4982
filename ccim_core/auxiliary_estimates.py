"""Keypoints, face points and depth maps estimated by networks, stored like features.

Every picture is read once for all its rows, what is there is not done again, and what was done
before an interruption is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ccim_core.auxiliary import depth_in_picture
from ccim_core.auxiliary_stores import (
    AUXILIARY_VIEW,
    AuxiliaryKind,
    auxiliary_store,
    other_source,
)
from ccim_core.depth_model import DepthModel
from ccim_core.detection import Face, FaceDetector, face_in_box
from ccim_core.errors import InputError
from ccim_core.features.keys import row_keys
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import require_boxes
from ccim_core.features.work import Chunk, Work, work_through
from ccim_core.images import Picture
from ccim_core.manifest import Manifest
from ccim_core.persons.cache import CHUNK_ROWS, look_for_faces_and_persons, read_pictures
from ccim_core.persons.detectors import PoseEstimator
from ccim_core.pictures import RENDERED_SCHEME, PictureReader

__all__ = [
    "DepthEstimates",
    "Estimates",
    "JointEstimates",
    "estimate_auxiliary",
    "find_face_points",
]

_SAME_FACE = 0.3
"""Least overlap (intersection over union) of a given face and the one that was found."""


class Estimates(Protocol):
    """A network that estimates one kind of subjects in pictures."""

    kind: AuxiliaryKind
    source: str

    def __call__(self, pictures: Sequence[Picture], boxes: np.ndarray) -> list[np.ndarray]:
        """Pictures, one a row (rows of one picture share its array), and the rows' boxes (n, 4)
        to the rows' values as they are stored."""


class JointEstimates:
    """Keypoints by keypoint R-CNN on the subjects' boxes."""

    kind: AuxiliaryKind = "keypoints"

    def __init__(self, estimator: PoseEstimator) -> None:
        self.estimator = estimator
        weights = estimator.weights
        self.source = f"{estimator.name} ({weights.source}, sha256 {weights.sha256})"

    def __call__(self, pictures: Sequence[Picture], boxes: np.ndarray) -> list[np.ndarray]:
        """See `Estimates`."""
        distinct, members = _distinct(pictures)
        found = self.estimator.joints(distinct, [boxes[rows] for rows in members])
        return _in_order(members, found)


class DepthEstimates:
    """Depth maps, in which the subject's box is filled with its median."""

    kind: AuxiliaryKind = "depth"

    def __init__(self, model: DepthModel) -> None:
        self.model = model
        self.source = model.source

    def __call__(self, pictures: Sequence[Picture], boxes: np.ndarray) -> list[np.ndarray]:
        """See `Estimates`."""
        distinct, members = _distinct(pictures)
        found = [
            [depth_in_picture(depth, boxes[row], picture.shape) for row in rows]
            for picture, depth, rows in zip(
                distinct, self.model.depth(distinct), members, strict=True
            )
        ]
        return _in_order(members, found)


def estimate_auxiliary(
    manifest: Manifest,
    reader: PictureReader,
    estimates: Estimates,
    *,
    root: Path,
    batch_size: int = 4,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    quiet: bool = False,
) -> FeatureStore:
    """Fill the store of a network's estimates for every row; return it.

    Args:
        root: folder of stores, a study's `features`.
        batch_size: rows at a time. workers: threads that decode; 0: this one does.

    Raises:
        InputError: rendered pictures (their truth is known), rows without a box of their own, a
            picture that cannot be read, or values of the kind from another source.
    """
    kind = estimates.kind
    _refuse_rendered(manifest, kind)
    require_boxes(manifest, f"to estimate {kind}")
    other_source(root, kind, estimates.source)
    store = auxiliary_store(root, kind, estimates.source)
    work = Work(
        [store],
        [row_keys(manifest, reader, AUXILIARY_VIEW, threads=workers)],
        batch_size=batch_size,
        chunk_rows=max(CHUNK_ROWS, batch_size),
        rank=rank,
        world_size=world_size,
    )
    boxes = manifest.boxes()

    def make(chunk: Chunk, report: Callable[[int], object]) -> list[np.ndarray]:
        rows = [row for row, _ in chunk.items]
        values: list[np.ndarray] = []
        for batch in read_pictures(manifest, reader, rows, batch_size=batch_size, workers=workers):
            numbers, pictures = zip(*batch, strict=True)
            values += estimates(pictures, boxes[list(numbers)])
            report(len(batch))
        return [np.stack(values)]

    if work.n_open:
        label = f"estimate {kind}"
        work_through(work, make, label=label, unit="rows", quiet=quiet or rank > 0)
    return store


def find_face_points(
    manifest: Manifest,
    reader: PictureReader,
    detector: FaceDetector,
    *,
    root: Path,
    **options: Any,
) -> tuple[FeatureStore, np.ndarray]:
    """The five points of each subject's face, as MTCNN gives them.

    Of the faces in a picture a row's is the one that overlaps its face box most, or, where it has
    none, the largest whose centre is in its box.

    Args:
        root: folder of stores, a study's `features`.
        options: of `look_for_faces_and_persons`.

    Returns:
        The store, and which rows (n,) have a face in it.

    Raises:
        InputError: as `estimate_auxiliary` does, save that boxes may be whole pictures.
    """
    _refuse_rendered(manifest, "face_points")
    other_source(root, "face_points", detector.source)
    everybody = np.ones(len(manifest), bool)
    seen = look_for_faces_and_persons(
        manifest,
        reader,
        root=root,
        persons=None,
        faces=detector,
        persons_in=~everybody,
        faces_in=everybody,
        **options,
    )
    store = auxiliary_store(root, "face_points", detector.source)
    keys = row_keys(manifest, reader, AUXILIARY_VIEW)
    images = manifest.frame["image"].astype(str).tolist()
    boxes, given = manifest.boxes(), manifest.face_boxes()
    points: dict[bytes, np.ndarray] = {}
    has_face = np.zeros(len(manifest), bool)
    for row, image in enumerate(images):
        face = _face_of(seen[image].faces or [], boxes[row], given[row])
        if face is not None:
            points[keys[row]] = np.array(face.landmarks)
            has_face[row] = True
    new = np.array(sorted(points), keys.dtype)
    new = new[~store.has(new)]
    if len(new) and not options.get("rank", 0):
        store.add(new, np.stack([points[key] for key in new]))
    return store, has_face


def _face_of(faces: Sequence[Face], box: np.ndarray, given: np.ndarray) -> Face | None:
    if np.isfinite(given).all():
        known = given.tolist()
        best = max(faces, key=lambda face: _overlap(face.box, known), default=None)
        return best if best is not None and _overlap(best.box, known) >= _SAME_FACE else None
    x1, y1, x2, y2 = box.tolist()
    return face_in_box(faces, (x1, y1, x2, y2))


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)


def _refuse_rendered(manifest: Manifest, kind: AuxiliaryKind) -> None:
    if manifest.frame["image"].str.startswith(RENDERED_SCHEME).any():
        raise InputError(
            f"Expected pictures from files, got rendered ones, whose {kind} the renderer knows; "
            "leave --estimate out."
        )


def _distinct(pictures: Sequence[Picture]) -> tuple[list[Picture], list[list[int]]]:
    """The different arrays, each with the rows that share it."""
    members: dict[int, list[int]] = {}
    for row, picture in enumerate(pictures):
        members.setdefault(id(picture), []).append(row)
    return [pictures[rows[0]] for rows in members.values()], list(members.values())


def _in_order(
    members: Sequence[Sequence[int]], found: Sequence[Sequence[np.ndarray] | np.ndarray]
) -> list[np.ndarray]:
    """Values by picture to values by row."""
    by_row = {
        row: value
        for rows, values in zip(members, found, strict=True)
        for row, value in zip(rows, values, strict=True)
    }
    return [by_row[row] for row in sorted(by_row)]
