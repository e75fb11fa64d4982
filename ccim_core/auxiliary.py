"""What is known of a subject beside the picture's pixels: landmarks, keypoints, a depth map.

    landmarks    (68, 2)   the usual 68 points of the face, x and y in pixels
    face_points  (5, 2)    left eye, right eye, nose, left and right corner of the mouth, left and
                           right as seen in the picture: what face detectors find
    keypoints    (17, 3)   COCO's joints: x, y in pixels, and visibility 0 (absent), 1 or 2
    depth        (64, 64)  distance, or any increasing function of it; the subject's box is filled
                           with its median, so that where the subject is stays known and its shape
                           is hidden, as in a masked picture

Rendered pictures come with the renderer's truth; for others the user's own files are taken in
(`import_auxiliary`), or networks estimate all but the 68 landmarks
(`ccim_core.auxiliary_estimates`). All are stored like features: under `features/`, by content,
resumable, by any number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from ccim_core.auxiliary_stores import (
    AUXILIARY,
    AUXILIARY_VIEW,
    DEPTH_SIDE,
    FILES,
    AuxiliaryKind,
    AuxiliarySpec,
    auxiliary_store,
    check_auxiliary,
    filled_store,
    other_source,
    require_known,
)
from ccim_core.errors import InputError
from ccim_core.features.keys import row_keys
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import require_boxes
from ccim_core.features.work import Chunk, Work, work_through
from ccim_core.files import resolve_inside
from ccim_core.images import pixel_bounds
from ccim_core.manifest import Manifest
from ccim_core.pictures import RENDERED_SCHEME, PictureReader
from ccim_core.progress import progress_bar

if TYPE_CHECKING:
    from ccim_core.rendered.rendering import Rendering

__all__ = [
    "AUXILIARY",
    "AuxiliaryKind",
    "AuxiliarySpec",
    "check_auxiliary",
    "depth_in_picture",
    "extract_auxiliary",
    "five_points",
    "import_auxiliary",
    "prepare_depth",
    "read_auxiliary",
]

_HIDING = "to hide its subject's shape in a depth map"


def extract_auxiliary(
    manifest: Manifest,
    reader: PictureReader,
    kinds: Sequence[AuxiliaryKind],
    *,
    root: Path,
    rank: int = 0,
    world_size: int = 1,
    quiet: bool = False,
) -> list[FeatureStore]:
    """The stores of some kinds, whole for `manifest`: rendered now, or filled before.

    Args:
        root: folder of stores, a study's `features`.
        rank, world_size: this process among those that were started together.

    Raises:
        InputError: the pictures are not rendered and some rows' values are not there; it names
            the commands that make them.
    """
    keys = row_keys(manifest, reader, AUXILIARY_VIEW)
    rendered = manifest.frame["image"].str.startswith(RENDERED_SCHEME)
    if not rendered.all():
        stores = [filled_store(root, k) or auxiliary_store(root, k, FILES) for k in kinds]
        for kind, store in zip(kinds, stores, strict=True):
            require_known(kind, manifest, store.has(keys), root)
        return stores
    stores = [auxiliary_store(root, kind, "renderer") for kind in kinds]
    work = Work(stores, [keys] * len(stores), batch_size=1, rank=rank, world_size=world_size)
    if work.n_open:
        images, boxes = manifest.frame["image"].tolist(), manifest.boxes()
        work_through(
            work,
            lambda chunk, _: _truth(chunk, images, boxes, kinds),
            label="render truth",
            unit="rows",
            quiet=quiet or rank > 0,
        )
    return stores


def import_auxiliary(
    manifest: Manifest,
    reader: PictureReader,
    kind: AuxiliaryKind,
    folder: Path,
    *,
    root: Path,
    quiet: bool = False,
) -> FeatureStore:
    """Take in `<folder>/<sample_id>.npy` of every row, checked; see the module for the shapes.

    Raises:
        InputError: rendered pictures (their truth is known), files that are missing, no arrays,
            of another shape or not finite, or other values than were taken in or estimated
            before.
    """
    if manifest.frame["image"].str.startswith(RENDERED_SCHEME).any():
        raise InputError(
            f"Expected pictures from files, got rendered ones, whose {kind} the renderer knows; "
            "leave --files out."
        )
    if kind == "depth":
        require_boxes(manifest, _HIDING)
    other_source(root, kind, FILES)
    ids = manifest.frame["sample_id"].astype(str).tolist()
    paths = [resolve_inside(folder, f"{name}.npy") for name in ids]
    absent = [path for path in paths if not path.is_file()]
    if absent:
        raise InputError(
            f"Expected a file SAMPLE_ID.npy in {folder} for each of {len(ids)} rows, got none for "
            f"{len(absent)} (first: {absent[0].name})."
        )
    images = manifest.frame["image"].tolist()
    values = []
    with progress_bar(f"take in {kind}", total=len(paths), unit="files", quiet=quiet) as bar:
        for path, box, image in zip(paths, manifest.boxes(), images, strict=True):
            found = read_auxiliary(kind, path)
            if kind == "depth":
                found = depth_in_picture(found, box, reader.read(image).shape)
            values.append(found)
            bar.update(1)
    store = auxiliary_store(root, kind, FILES)
    keys = row_keys(manifest, reader, AUXILIARY_VIEW)
    keys, first = np.unique(keys, return_index=True)
    taken = np.stack(values)[first].astype(store.dtype)
    known = store.has(keys)
    if not np.array_equal(store.take(keys[known], dtype=store.dtype), taken[known]):
        raise InputError(
            f"Expected the {kind} that were taken in before, got other values; delete "
            f"{store.path} to replace them."
        )
    if not known.all():
        store.add(keys[~known], taken[~known])
    return store


def prepare_depth(depth: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """A depth map (H, W) as it is stored: the box at its median, (64, 64) float32.

    `box` is in pixels of the map.
    """
    filled = np.array(depth, np.float32)
    left, top, right, bottom = pixel_bounds(box, filled.shape[1], filled.shape[0])
    filled[top:bottom, left:right] = np.median(filled[top:bottom, left:right])
    planes = torch.from_numpy(filled)[None, None]
    return F.adaptive_avg_pool2d(planes, DEPTH_SIDE)[0, 0].numpy()


def depth_in_picture(depth: np.ndarray, box: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """`prepare_depth` with the box in pixels of a picture of `shape` (H, W, …)."""
    scale = np.array([depth.shape[1] / shape[1], depth.shape[0] / shape[0]])
    return prepare_depth(depth, (np.asarray(box) * np.tile(scale, 2)).tolist())


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Of the 68 landmarks (68, 2): the eyes' middles, the nose's tip, the mouth's corners."""
    left, right = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    return np.stack([left, right, landmarks[30], landmarks[48], landmarks[54]])


def read_auxiliary(kind: AuxiliaryKind, path: Path) -> np.ndarray:
    """One subject's values in a .npy file, checked. Raises InputError naming the file."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise InputError(f"Expected an array of numbers in {path}, got something else.") from None
    if not isinstance(values, np.ndarray):
        raise InputError(f"Expected one array (.npy) in {path}, got several.")
    return check_auxiliary(kind, values, source=str(path))


def _truth(
    chunk: Chunk, images: list[str], boxes: np.ndarray, kinds: Sequence[AuxiliaryKind]
) -> list[np.ndarray]:
    """A chunk's values, one array a kind."""
    from ccim_core.rendered.rendering import RenderSpec, render

    parts: list[list[np.ndarray]] = [[] for _ in kinds]
    for row, wanted in chunk.items:
        rendering = render(RenderSpec.from_uri(images[row]))
        for index, kind in enumerate(kinds):
            if wanted >> index & 1:
                parts[index].append(_OF_RENDERING[kind](rendering, boxes[row]))
    return [
        np.stack(part) if part else np.empty((0, *AUXILIARY[kind].shape))
        for part, kind in zip(parts, kinds, strict=True)
    ]


_OF_RENDERING: dict[AuxiliaryKind, Callable[[Rendering, np.ndarray], np.ndarray]] = {
    "landmarks": lambda rendering, _: rendering.landmarks,
    "face_points": lambda rendering, _: five_points(rendering.landmarks),
    "keypoints": lambda rendering, _: rendering.keypoints,
    "depth": lambda rendering, box: prepare_depth(rendering.depth, box.tolist()),
}
