"""Faces cut from portraits for training, exactly as an uploaded photograph's face is cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ccim_core.datasets.controlled.portraits import Portrait
from ccim_core.features.views import View
from ccim_core.images import Picture, decode_image, resize_picture
from ccim_core.manifest import FACE_COLUMNS
from ccim_core.progress import progress

__all__ = ["cut_face", "load_grey_faces"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601


def cut_face(root: Path | str, file: str, portrait: Portrait, *, grow: float) -> Picture:
    """The portrait's face box grown about its centre by `grow`, (h, w, 3) uint8; the whole
    portrait where no face was found."""
    picture = decode_image(Path(root) / file)
    if portrait.face is None:
        return picture
    row = dict(zip(FACE_COLUMNS, portrait.face, strict=True))
    return View(kind="face", grow=grow).apply(picture, row)


def load_grey_faces(
    root: Path | str,
    files: Sequence[str],
    portraits: Mapping[str, Portrait],
    *,
    grow: float,
    side: int,
    quiet: bool = False,
) -> np.ndarray:
    """Faces as (n, side, side) uint8 luma: small enough to hold all of them while training."""
    faces = np.empty((len(files), side, side), np.uint8)
    for k, file in enumerate(progress(files, "Cut faces", unit="portrait", quiet=quiet)):
        face = resize_picture(cut_face(root, file, portraits[file], grow=grow), (side, side))
        faces[k] = np.round(face.astype(np.float32) @ _LUMA)
    return faces
