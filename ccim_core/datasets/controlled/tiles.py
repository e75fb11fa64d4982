"""Soft tiles of alpha that are stretched over shapes to shade them, and runs of colour."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from ccim_core.datasets.controlled.palette import Colour

__all__ = ["Box", "run_of", "shaded_part", "stretched"]

_TILE = 72
_CLEAR = 0.375  # the share of the tiles "left" and "right" that shades nothing


@lru_cache(maxsize=16)
def _tile(kind: str) -> Image.Image:
    """A cached grey tile of soft alpha, stretched over a shape when it is shaded."""
    axis = (np.arange(_TILE) + 0.5) / _TILE * 2 - 1
    x, y = np.meshgrid(axis, axis)
    if kind == "glow":
        alpha = np.clip(1 - (x**2 + y**2), 0, 1) ** 2
    elif kind == "down":
        alpha = (y + 1) / 2
    elif kind == "up":
        alpha = (1 - y) / 2
    elif kind == "right":
        alpha = np.clip((x + 0.25) / 1.25, 0, 1) ** 1.3
    elif kind == "left":
        alpha = np.clip((0.25 - x) / 1.25, 0, 1) ** 1.3
    elif kind in ("ball_right", "ball_left"):
        # A ball lit from the other side and from above: its shadow gathers at the lower rim.
        side = x if kind == "ball_right" else -x
        z = np.sqrt(np.clip(1.15 - x**2 - y**2, 0, 1))
        alpha = np.clip(0.62 + 0.52 * side + 0.30 * y - 0.66 * z, 0, 1)
    elif kind == "vignette":
        alpha = np.clip((x**2 + y**2 - 0.55) / 1.45, 0, 1) ** 1.5
    else:
        raise ValueError(f"Expected a known tile, got {kind!r}")
    return Image.fromarray((alpha * 255).round().astype(np.uint8))


_LEVELS = 64


@lru_cache(maxsize=1024)
def _faint_tile(kind: str, level: int) -> Image.Image:
    """A tile at `level` of `_LEVELS` of its opacity."""
    return _tile(kind).point([value * level / _LEVELS for value in range(256)])


class Box(NamedTuple):
    """The bounds of a shape in canvas pixels, and the part of them that lies on the canvas."""

    whole: tuple[int, int, int, int]
    visible: tuple[int, int, int, int]


def stretched(kind: str, alpha: float, box: Box) -> Image.Image:
    """The visible part of a soft tile stretched over `box`."""
    (left, top, right, bottom), clip = box
    across, down = _TILE / (right - left), _TILE / (bottom - top)
    part = (
        (clip[0] - left) * across,
        (clip[1] - top) * down,
        (clip[2] - left) * across,
        (clip[3] - top) * down,
    )
    size = (clip[2] - clip[0], clip[3] - clip[1])
    tile = _faint_tile(kind, round(alpha * _LEVELS))
    return tile.resize(size, Image.Resampling.BILINEAR, box=part)


def shaded_part(kind: str, box: Box) -> Box | None:
    """`box` without the half where the tile `kind` is clear; None if nothing is left to see."""
    (left, _, right, _), (x0, y0, x1, y1) = box
    if kind == "right":
        x0 = max(x0, left + round(_CLEAR * (right - left)))
    elif kind == "left":
        x1 = min(x1, right - round(_CLEAR * (right - left)))
    return Box(box.whole, (x0, y0, x1, y1)) if x0 < x1 else None


def run_of(colours: tuple[Colour, ...], length: int) -> np.ndarray:
    """`colours` spread evenly over `length` steps: (length, 3) uint8."""
    stops = np.array(colours, np.float64)
    where = np.linspace(0, len(stops) - 1, length)
    low = np.minimum(where.astype(np.intp), len(stops) - 2)
    share = (where - low)[:, None]
    return (stops[low] * (1 - share) + stops[low + 1] * share + 0.5).astype(np.uint8)
