"""A subject cut out of a photograph and set into another scene: an intervention on the pixels.

No person is segmented here: the cut is grown from what is known, the subject's box and face, with
the soft edge that the photograph model's own composites have.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ccim_core.datasets.controlled.compositor import soft_edge
from ccim_core.detection import Subject
from ccim_core.errors import InputError
from ccim_core.images import Box, Picture, pixel_bounds, resize_picture

__all__ = ["Extent", "cover", "cut_out_mask", "set_into"]

Extent = Literal["person", "box"]

# The head with its hair, in multiples of the face's box, which runs from brow to chin.
_HEAD_WIDTHS = 1.9
_HEAD_HEIGHTS = 1.75
_HEAD_RISE = 0.08
# Shoulders: a dome from a little above the chin, its crown as high as this many faces.
_CHIN_OVERLAP = 0.3
_DOME_HEIGHTS = 3.0
_BORDER = 0.03  # width of the soft edge where the box cuts the shape, in shares of its shorter side


def cut_out_mask(
    shape: tuple[int, int], subject: Subject, extent: Extent = "person"
) -> NDArray[np.float32]:
    """How much of each pixel is the subject's: (H, W) in 0–1, 0 outside the subject's box.

    What a model takes for context, the picture outside the box, is thus replaced whole.

    Args:
        shape: (H, W) of the picture.
        subject: with box and, if one was found, face.
        extent: "person", a head and shoulders grown from the face (without a face: the rounded
            box), so that most of the background *within* the box goes too; "box", all of the
            box, so that what a model reads as the subject stays exactly as it is.

    Raises:
        InputError: an unknown extent, or a box off the picture.
    """
    if extent not in get_args(Extent):
        raise InputError(f"Expected an extent of {list(get_args(Extent))}, got {extent!r}.")
    height, width = shape
    left, top, right, bottom = pixel_bounds(subject.box, width, height)
    mask = np.zeros(shape, np.float32)
    if extent == "box":
        mask[top:bottom, left:right] = 1
        return mask
    if subject.face is None:
        mask[top:bottom, left:right] = soft_edge(bottom - top, right - left)
        return mask
    _lay(mask, _head(subject.face.box), full_below=False)
    _lay(mask, _shoulders(subject.face.box, (left, top, right, bottom)), full_below=True)
    return mask * _border(shape, (left, top, right, bottom))


def _head(face: Box) -> Box:
    x1, y1, x2, y2 = face
    across, down = _HEAD_WIDTHS * (x2 - x1) / 2, _HEAD_HEIGHTS * (y2 - y1) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2 - _HEAD_RISE * (y2 - y1)
    return (x - across, y - down, x + across, y + down)


def _shoulders(face: Box, box: tuple[int, int, int, int]) -> Box:
    """The whole ellipse of the dome; below its middle the body goes straight down."""
    tall = face[3] - face[1]
    crown = face[3] - _CHIN_OVERLAP * tall
    return (box[0], crown, box[2], crown + 2 * _DOME_HEIGHTS * tall)


def _lay(mask: NDArray[np.float32], ellipse: Box, *, full_below: bool) -> None:
    """Raise `mask` to a soft superellipse within `ellipse`, in place.

    `full_below` continues its widest row down to the picture's edge.
    """
    height, width = mask.shape
    left, top, right, bottom = (round(value) for value in ellipse)
    tile = soft_edge(max(1, bottom - top), max(1, right - left))
    if full_below:
        middle = len(tile) // 2
        rest = max(0, height - top - middle)
        tile = np.concatenate([tile[:middle], np.repeat(tile[middle : middle + 1], rest, axis=0)])
    x1, y1 = max(0, left), max(0, top)
    x2, y2 = min(width, left + tile.shape[1]), min(height, top + tile.shape[0])
    if x1 < x2 and y1 < y2:
        window = mask[y1:y2, x1:x2]
        np.maximum(window, tile[y1 - top : y2 - top, x1 - left : x2 - left], out=window)


def _border(shape: tuple[int, int], box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """1 inside the box, 0 outside, falling softly within it, but not at the picture's own edge."""
    left, top, right, bottom = box
    soft = max(1.0, _BORDER * min(right - left, bottom - top))

    def profile(size: int, low: int, high: int) -> NDArray[np.float32]:
        place = np.arange(size, dtype=np.float32) + 0.5
        rise = np.ones(size, np.float32) if low == 0 else np.clip((place - low) / soft, 0, 1)
        fall = np.ones(size, np.float32) if high == size else np.clip((high - place) / soft, 0, 1)
        return np.asarray(rise * fall, np.float32)

    return np.outer(profile(shape[0], top, bottom), profile(shape[1], left, right))


def cover(scene: Picture, shape: tuple[int, int]) -> Picture:
    """The middle of a scene, as large as it goes, at `shape` = (H, W)."""
    height, width = shape
    scale = max(height / scene.shape[0], width / scene.shape[1])
    tall, wide = min(scene.shape[0], height / scale), min(scene.shape[1], width / scale)
    top, left = round((scene.shape[0] - tall) / 2), round((scene.shape[1] - wide) / 2)
    middle = scene[top : top + max(1, round(tall)), left : left + max(1, round(wide))]
    return resize_picture(np.ascontiguousarray(middle), (height, width))


def set_into(picture: Picture, mask: NDArray[np.float32], scene: Picture) -> Picture:
    """The masked subject of `picture` on a scene of the same size, at the same place."""
    if scene.shape != picture.shape or mask.shape != picture.shape[:2]:
        raise ValueError(
            f"Expected a scene {picture.shape} and a mask {picture.shape[:2]}, got {scene.shape} "
            f"and {mask.shape}."
        )
    alpha = mask[:, :, None]
    mixed = alpha * picture.astype(np.float32) + (1 - alpha) * scene.astype(np.float32)
    return np.round(mixed).astype(np.uint8)
