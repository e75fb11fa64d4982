"""What is known of a subject beside the picture's pixels: landmarks, keypoints, a depth map.

    landmarks   (68, 2)   the usual 68 points of the face, x and y in pixels
    keypoints   (17, 3)   COCO's joints: x, y in pixels, and visibility 0 (absent), 1 or 2
    depth       (64, 64)  distance, or any increasing function of it; the subject's box is filled
                          with its median, so that where the subject is stays known and its shape
                          is hidden, as in a masked picture

Rendered pictures come with the renderer's truth; for others the user's own files are taken in
(`import_auxiliary`). Both are stored like features: under `features/`, by content, resumable, by
any number of processes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch.nn import functional as F

from ccim_core.errors import InputError
from ccim_core.features.keys import row_keys
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import View
from ccim_core.features.work import Chunk, Work
from ccim_core.files import resolve_inside
from ccim_core.images import pixel_bounds
from ccim_core.manifest import Manifest
from ccim_core.pictures import RENDERED_SCHEME, PictureReader
from ccim_core.progress import progress_bar
from ccim_core.weights import Preprocessing, Provenance

if TYPE_CHECKING:
    from ccim_core.datasets.controlled.rendering import Rendering

__all__ = [
    "AUXILIARY",
    "AuxiliaryKind",
    "AuxiliarySpec",
    "check_auxiliary",
    "depth_in_picture",
    "extract_auxiliary",
    "import_auxiliary",
    "prepare_depth",
    "read_auxiliary",
]

AuxiliaryKind = Literal["landmarks", "keypoints", "depth"]

DEPTH_SIDE = 64

_VIEW = View(kind="subject")  # a row's picture and subject box are what its values belong to
_POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class AuxiliarySpec:
    """One kind: the shape and the type of a row on disk, and how a row of raw values is given."""

    shape: tuple[int, ...]
    dtype: str
    raw: str


AUXILIARY: dict[AuxiliaryKind, AuxiliarySpec] = {
    "landmarks": AuxiliarySpec(shape=(68, 2), dtype="float32", raw="(68, 2)"),
    "keypoints": AuxiliarySpec(shape=(17, 3), dtype="float32", raw="(17, 3)"),
    "depth": AuxiliarySpec(shape=(DEPTH_SIDE, DEPTH_SIDE), dtype="float16", raw="(H, W)"),
}


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
    """The stores of some kinds, whole for `manifest`: rendered now, or taken in before.

    Args:
        root: folder of stores, a study's `features`.
        rank, world_size: this process among those that were started together.

    Raises:
        InputError: the pictures are not rendered and some rows' values have not been taken in.
    """
    keys = row_keys(manifest, reader, _VIEW)
    rendered = manifest.frame["image"].str.startswith(RENDERED_SCHEME)
    if not rendered.all():
        stores = [_store(root, kind, "files") for kind in kinds]
        for kind, store in zip(kinds, stores, strict=True):
            _require(kind, manifest, store.has(keys), root)
        return stores
    stores = [_store(root, kind, "renderer") for kind in kinds]
    work = Work(stores, [keys] * len(stores), batch_size=1, rank=rank, world_size=world_size)
    if work.n_open:
        _render(work, manifest, kinds, quiet=quiet or rank > 0)
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
            of another shape or not finite, or other values than were taken in before.
    """
    if manifest.frame["image"].str.startswith(RENDERED_SCHEME).any():
        raise InputError(
            f"Expected pictures from files, got rendered ones, whose {kind} the renderer knows; "
            "leave --files out."
        )
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
    store, keys = _store(root, kind, "files"), row_keys(manifest, reader, _VIEW)
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


def check_auxiliary(kind: AuxiliaryKind, values: np.ndarray, *, source: str) -> np.ndarray:
    """`values` of one subject if they are of the kind's shape and finite, else InputError."""
    spec = AUXILIARY[kind]
    fits = values.ndim == 2 if kind == "depth" else values.shape == spec.shape
    if not fits or values.dtype.kind not in "fiu" or not values.size:
        raise InputError(
            f"Expected {kind} as numbers of shape {spec.raw} in {source}, got "
            f"{values.dtype} of shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise InputError(f"Expected finite {kind} in {source}, got NaN or infinity.")
    return values


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


def _store(root: Path, kind: AuxiliaryKind, source: str) -> FeatureStore:
    spec = AUXILIARY[kind]
    identity = hashlib.sha256(f"{kind} {spec.shape} {source}".encode()).hexdigest()
    return FeatureStore.create(
        root,
        provenance=Provenance(
            name=kind,
            source=source,
            sha256=identity,
            preprocessing=Preprocessing(size=DEPTH_SIDE, mean=(0.0,) * 3, std=(1.0,) * 3),
        ),
        fingerprint=identity,
        view=_VIEW,
        stage="auxiliary",
        precision="fp32",
        dtype=spec.dtype,
        shape=spec.shape,
    )


def _require(kind: AuxiliaryKind, manifest: Manifest, known: np.ndarray, root: Path) -> None:
    if known.all():
        return
    absent = np.flatnonzero(~known)
    first = ", ".join(str(name) for name in manifest.frame["sample_id"].iloc[absent[:3]])
    advice = ", or train without it (--model.depth false)" if kind == "depth" else ""
    raise InputError(
        f"Expected {kind} of every subject, got none for {len(absent)} of {len(manifest)} (first: "
        f"{first}); take yours in with `python -m ccim_core auxiliary --study {root.parent} "
        f"--kind {kind} --files FOLDER`{advice}."
    )


def read_auxiliary(kind: AuxiliaryKind, path: Path) -> np.ndarray:
    """One subject's values in a .npy file, checked. Raises InputError naming the file."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise InputError(f"Expected an array of numbers in {path}, got something else.") from None
    if not isinstance(values, np.ndarray):
        raise InputError(f"Expected one array (.npy) in {path}, got several.")
    return check_auxiliary(kind, values, source=str(path))


def _render(work: Work, manifest: Manifest, kinds: Sequence[AuxiliaryKind], *, quiet: bool) -> None:
    """Render until every row's values are there, by whomever."""
    images, boxes = manifest.frame["image"].tolist(), manifest.boxes()
    with progress_bar("render truth", total=work.n_open, unit="rows", quiet=quiet) as bar:
        try:
            while work.n_open:
                for chunk in work.chunks():
                    work.finish(chunk, _truth(chunk, images, boxes, kinds))
                    bar.update(work.advance())
                bar.update(work.advance())
                if work.n_open:  # the rest is being done by others
                    time.sleep(_POLL_SECONDS)
        finally:
            work.release()


def _truth(
    chunk: Chunk, images: list[str], boxes: np.ndarray, kinds: Sequence[AuxiliaryKind]
) -> list[np.ndarray]:
    """A chunk's values, one array a kind."""
    from ccim_core.datasets.controlled.rendering import RenderSpec, render

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
    "keypoints": lambda rendering, _: rendering.keypoints,
    "depth": lambda rendering, box: prepare_depth(rendering.depth, box.tolist()),
}
