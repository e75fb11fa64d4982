"""Outlines from few control points: splines, ribbons of varying width, ellipses.

Points are float64 arrays of shape (n, 2), or (n, 3) where a head's own space is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


@lru_cache(maxsize=256)
def _spline_basis(count: int, closed: bool, steps: int) -> Points:
    """Matrix (samples, count) that turns control points into a Catmull-Rom curve."""
    segments = count if closed else count - 1
    t = np.arange(steps)[:, None] / steps
    weights = 0.5 * np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3],
        axis=1,
    )
    basis = np.zeros((segments * steps + (not closed), count))
    for segment in range(segments):
        for offset in range(4):
            index = segment + offset - 1
            index = index % count if closed else min(max(index, 0), count - 1)
            basis[segment * steps : (segment + 1) * steps, index] += weights[:, offset]
    if not closed:
        basis[-1, -1] = 1.0
    return basis


def smooth(control: ArrayLike, *, closed: bool = True, steps: int = 4) -> Points:
    """A Catmull-Rom curve through `control` (n, d): (n·steps, d), or (n−1)·steps + 1 if open."""
    points = np.asarray(control, np.float64)
    return _spline_basis(len(points), closed, steps) @ points


def ribbon(centre: Points, width: float | Sequence[float]) -> Points:
    """The outline (2m, 2) of a stroke along `centre` (m, 2).

    `width` is one width, or widths at equal steps along the curve (interpolated).
    """
    count = len(centre)
    line = np.ascontiguousarray(centre).view(np.complex128)[:, 0]  # x + iy: one array to turn
    tangent = np.empty_like(line)
    np.subtract(line[2:], line[:-2], out=tangent[1:-1])
    tangent[0] = line[1] - line[0]
    tangent[-1] = line[-1] - line[-2]
    half = 0.5 * width if isinstance(width, float | int) else _spread(len(width), count) @ width
    offset = tangent * (half * 1j / np.maximum(np.abs(tangent), 1e-12))
    outline = np.empty(2 * count, np.complex128)
    np.add(line, offset, out=outline[:count])
    np.subtract(line, offset, out=outline[: count - 1 : -1])
    return outline.view(np.float64).reshape(-1, 2)


@lru_cache(maxsize=256)
def _spread(knots: int, count: int) -> Points:
    """Matrix (count, knots) from widths at equal steps to half widths along a curve."""
    where, at = np.linspace(0, 1, count), np.linspace(0, 1, knots)
    return 0.5 * np.stack([np.interp(where, at, row) for row in np.eye(knots)], axis=1)


@lru_cache(maxsize=64)
def _circle(count: int) -> Points:
    angle = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(x: float, y: float, rx: float, ry: float, *, count: int = 28) -> Points:
    """An upright ellipse about (x, y): (count, 2)."""
    return _circle(count) * (rx, ry) + (x, y)


def arc(
    x: float, y: float, rx: float, ry: float, start: float, end: float, *, count: int = 16
) -> Points:
    """Part of an ellipse, angles in degrees, clockwise from the right as on a screen."""
    angle = np.radians(np.linspace(start, end, count))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def scalloped(
    x: float, y: float, rx: float, ry: float, *, lobes: int, depth: float, phase: float = 0.0
) -> Points:
    """A cloud-like outline: an ellipse whose edge swells `lobes` times by `depth` of its radius."""
    base = _circle(max(8 * lobes, 24))
    angle = np.arctan2(base[:, 1], base[:, 0])
    swell = 1 - depth + depth * np.abs(np.sin(0.5 * lobes * angle + phase))
    return base * swell[:, None] * (rx, ry) + (x, y)


def moved(points: Points, dx: float, dy: float) -> Points:
    """The same points shifted by (dx, dy); a third coordinate stays."""
    shift = np.zeros(points.shape[-1])
    shift[:2] = dx, dy
    return points + shift


def mirrored(points: Points) -> Points:
    """The same points on the other side of x = 0."""
    flipped = points.copy()
    flipped[:, 0] *= -1
    return flipped


def to_64ths(pixels: ArrayLike) -> NDArray[np.float64]:
    """Coordinates rounded to 1/64 pixel, which binary numbers hold exactly."""
    return np.round(np.asarray(pixels, np.float64) * 64) / 64
