"""What the renderer knows exactly about the subject: boxes, landmarks and keypoints.

All are recorded to 1/64 pixel: sines and roots differ in their last bit between processors, and
a table's identity, its content hash, must not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccim_core.datasets.controlled.curves import Points
from ccim_core.datasets.controlled.figures import Figure

__all__ = [
    "KEYPOINTS",
    "LANDMARK_GROUPS",
    "face_box",
    "keypoints",
    "landmarks",
    "mask_box",
    "to_64ths",
]

Box = tuple[float, float, float, float]

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

# The usual 68 points, in the usual order: from the picture's left to its right.
LANDMARK_GROUPS: dict[str, slice] = {
    "jaw": slice(0, 17),
    "right_brow": slice(17, 22),
    "left_brow": slice(22, 27),
    "nose_bridge": slice(27, 31),
    "nostrils": slice(31, 36),
    "right_eye": slice(36, 42),
    "left_eye": slice(42, 48),
    "outer_lips": slice(48, 60),
    "inner_lips": slice(60, 68),
}


def to_64ths(pixels: ArrayLike) -> NDArray[np.float64]:
    """Coordinates rounded to 1/64 pixel, which binary numbers hold exactly."""
    return np.round(np.asarray(pixels, np.float64) * 64) / 64


def _along(curve: Points, shares: list[float]) -> Points:
    """Points of a curve at shares of its index range."""
    where = np.asarray(shares) * (len(curve) - 1)
    index = np.arange(len(curve))
    return np.stack([np.interp(where, index, column) for column in curve.T], axis=1)


def landmarks(figure: Figure, size: int) -> NDArray[np.float32]:
    """The 68 face landmarks in pixels, (68, 2), grouped as in `LANDMARK_GROUPS`."""
    face, mouth = figure.face, figure.face.mouth
    fifths = [0, 0.25, 0.5, 0.75, 1]
    right, left = face.eyes  # as the viewer sees them: the subject's right eye is on the left
    lids = [0.0, 0.33, 0.67, 1.0]
    tip, wide = face.nose_tip, 0.155 * figure.person.nose_width
    nose = np.array(
        [
            (0, -0.10, 1.0), (0, 0.5 * tip - 0.1, 1.03), (0, tip - 0.12, 1.06), (0, tip, 1.1),
            (-wide, tip + 0.06, 1.0), (-0.5 * wide, tip + 0.09, 1.02), (0, tip + 0.105, 1.04),
            (0.5 * wide, tip + 0.09, 1.02), (wide, tip + 0.06, 1.0),
        ]
    )  # fmt: skip
    parts = [
        _jaw(figure),
        _along(right.brow[::-1], fifths),
        _along(left.brow, fifths),
        nose,
        _along(right.upper[::-1], lids),
        _along(right.lower, lids)[1:3],
        _along(left.upper, lids),
        _along(left.lower[::-1], lids)[1:3],
        _along(mouth.upper_outer, [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1]),
        _along(mouth.lower_outer[::-1], [1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6]),
        _along(mouth.upper_inner, fifths),
        _along(mouth.lower_inner[::-1], [0.25, 0.5, 0.75]),
    ]
    return to_64ths(figure.pose.project(np.concatenate(parts)) * size).astype(np.float32)


def _jaw(figure: Figure) -> Points:
    """17 points from the left ear (as seen) round the chin to the right one."""
    outline = figure.face.outline
    lower = outline[outline[:, 1] > -0.1]
    order = np.argsort(-np.arctan2(lower[:, 1] + 0.1, lower[:, 0]))
    return _along(lower[order], list(np.linspace(0, 1, 17)))


def keypoints(figure: Figure, size: int) -> NDArray[np.float32]:
    """The 17 COCO keypoints, (17, 3): x and y in pixels, and visibility.

    Visibility is 2 for visible, 1 for in the picture but hidden (by hair, a sleeve's far side or
    the body), 0 for outside the picture; the position of a point outside is kept, not zeroed.
    """
    pose, body, face = figure.pose, figure.body, figure.face
    left_eye, right_eye = face.eyes[1].iris.mean(axis=0), face.eyes[0].iris.mean(axis=0)
    w = figure.person.face_width
    head = pose.project(
        np.array(
            [
                (0, face.nose_tip, 1.1), left_eye, right_eye, (1.0 * w, 0.12, 0.0),
                (-1.0 * w, 0.12, 0.0),
            ]
        )
    )  # fmt: skip
    arms = [body.arm(1), body.arm(-1)]
    legs = [body.leg(1), body.leg(-1)]
    joints = [arm[k] for k in range(3) for arm in arms] + [leg[k] for k in range(3) for leg in legs]
    points = to_64ths(np.concatenate([head, body.at(np.array(joints))]) * size)
    visible = np.full(17, 2.0)
    covered = figure.person.hair_style in ("scarf", "bob", "fringe_bob", "long", "wavy", "afro")
    for index, side in ((3, 1), (4, -1)):
        if covered or side * np.sin(pose.yaw) > 0.12:
            visible[index] = 1
    if body.arms in ("behind", "pocket"):
        visible[9:11] = 1
    if figure.person.lower in ("dress", "skirt"):
        visible[11:13] = 1
    inside = (points >= 0).all(axis=1) & (points < size).all(axis=1)
    return np.column_stack([points, np.where(inside, visible, 0)]).astype(np.float32)


def face_box(figure: Figure, size: int) -> Box:
    """Hairline to chin and cheek to cheek, in pixels, clipped to the picture."""
    outline = figure.face.outline
    face = to_64ths(figure.pose.project(outline[outline[:, 1] > -0.95]) * size)
    (x1, y1), (x2, y2) = face.min(axis=0), face.max(axis=0)
    return (
        float(max(0.0, x1)),
        float(max(0.0, y1)),
        float(min(size, x2)),
        float(min(size, y2)),
    )


def mask_box(mask: NDArray[np.bool_]) -> Box:
    """Bounds (x1, y1, x2, y2) of a mask's true pixels, in pixels: right and bottom exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
