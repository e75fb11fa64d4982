"""A head in space: where the points of a face fall in the picture.

Head space has its origin between the eyes: x to the picture's right, y down, z towards the
viewer; the face is about 2 wide and 2.6 high (crown −1.38, chin 1.28).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike

from ccim_core.datasets.controlled.curves import Points

__all__ = ["HeadPose", "on_face"]


@dataclass(frozen=True)
class HeadPose:
    """Angles in radians, the centre in fractions of the picture, and the head unit likewise."""

    yaw: float
    pitch: float
    roll: float
    x: float
    y: float
    unit: float

    def project(self, points: Points) -> Points:
        """Head space (n, 3) to picture fractions (n, 2).

        Points at z = 0, the outline, keep their place under yaw: a head is as deep as wide.
        """
        z = points[:, 2:]
        flat = points[:, :2] * (1 - z * self._shrink) + z * self._shift
        return flat @ self._turn + self._origin

    def project_all(self, *curves: Points) -> list[Points]:
        """`project` for several curves at once, which is cheaper than one by one."""
        placed = self.project(np.concatenate(curves))
        stops = list(accumulate(len(curve) for curve in curves))
        return [placed[a:b] for a, b in zip([0, *stops], stops, strict=False)]

    def project_front(self, points: Points, lift: float = 0.0) -> Points:
        """Points (n, 2) on the front of the face, as `project(on_face(points, lift))`."""
        z = _front_depth(points, lift)[:, None]
        return (points * (1 - z * self._shrink) + z * self._shift) @ self._turn + self._origin

    @cached_property
    def _shrink(self) -> Points:
        return np.array([1 - np.cos(self.yaw), 1 - np.cos(self.pitch)])

    @cached_property
    def _shift(self) -> Points:
        return np.array([np.sin(self.yaw), np.sin(self.pitch)])

    @cached_property
    def _turn(self) -> Points:
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        return np.array([[cosine, sine], [-sine, cosine]]) * self.unit

    @cached_property
    def _origin(self) -> Points:
        return np.array([self.x, self.y])


def on_face(points: ArrayLike, lift: float = 0.0) -> Points:
    """Points (n, 2) on the front of the face, given their depth z (plus `lift`): (n, 3)."""
    flat = np.asarray(points, np.float64)
    points = np.empty((len(flat), 3))
    points[:, :2] = flat
    points[:, 2] = _front_depth(flat, lift)
    return points


_CURVATURE = np.array([0.80, 0.30])


def _front_depth(points: Points, lift: float) -> Points:
    """How far towards the viewer the face is at points (n, 2): (n,)."""
    return 0.92 * np.sqrt(np.maximum(1 - (points * points) @ _CURVATURE, 0.02)) + lift
