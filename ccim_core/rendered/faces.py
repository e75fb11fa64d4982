"""The curves of a face: action units, what they move, and where it falls in the picture.

Emotions are facial action units (FACS), with intensities that vary from person to person. Head
space has its origin between the eyes: x to the picture's right, y down, z towards the viewer; the
face is about 2 wide and 2.6 high (crown −1.38, chin 1.28). `face_paint.py` paints it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike

from ccim_core.rendered.curves import Points, mirrored, moved, smooth
from ccim_core.rendered.persons import Person


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


EMOTIONS = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")

ACTION_UNITS: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    12: "lip corner puller",
    15: "lip corner depressor",
    16: "lower lip depressor",
    20: "lip stretcher",
    23: "lip tightener",
    26: "jaw drop",
}

# The units of each emotion after Ekman and Friesen's EMFACS; 1 is the full, posed display.
PROTOTYPES: dict[str, Mapping[int, float]] = {
    "Anger": {4: 1.0, 5: 0.7, 7: 0.8, 23: 1.0},
    "Disgust": {9: 1.0, 15: 0.75, 16: 0.9},
    "Fear": {1: 1.0, 2: 0.75, 4: 0.75, 5: 1.0, 20: 1.0, 26: 0.45},
    "Happy": {6: 0.9, 12: 1.0},
    "Neutral": {},
    "Sad": {1: 1.0, 4: 0.6, 15: 1.0},
    "Surprise": {1: 1.0, 2: 1.0, 5: 0.9, 26: 1.0},
}

_INDEX = {unit: column for column, unit in enumerate(ACTION_UNITS)}
_RESTING_SPREAD = 0.09


@dataclass(frozen=True)
class Expression:
    """Intensities of the action units, one number per key of `ACTION_UNITS`, about 0 to 1.2."""

    intensities: tuple[float, ...]

    def __getitem__(self, unit: int) -> float:
        return self.intensities[_INDEX[unit]]


def express(emotion: str, clarity: float, rng: np.random.Generator) -> Expression:
    """A person's display of `emotion` at `clarity` in [0, 1].

    Each unit is clarity × prototype × a strength of this person, plus this person's resting
    face. Both are drawn whole whatever the emotion, so that they do not depend on it and a
    face moves away from its neutral along a straight line as clarity grows.
    """
    strength = rng.uniform(0.78, 1.12, len(ACTION_UNITS))
    resting = np.clip(
        rng.normal(0, _RESTING_SPREAD, len(ACTION_UNITS)), -2 * _RESTING_SPREAD, 2 * _RESTING_SPREAD
    )
    prototype = np.array([PROTOTYPES[emotion].get(unit, 0.0) for unit in ACTION_UNITS])
    return Expression(tuple((clarity * prototype * strength + resting).tolist()))


@dataclass(frozen=True)
class Eye:
    """One eye, in head space: lids from the inner to the outer corner (n, 3), iris, brow."""

    side: int
    upper: Points
    lower: Points
    crease: Points
    iris: Points
    pupil: Points
    glint: tuple[float, float]
    brow: Points


@dataclass(frozen=True)
class Mouth:
    """Lip curves from the left to the right corner (n, 3), and how far the mouth is open."""

    upper_outer: Points
    upper_inner: Points
    lower_inner: Points
    lower_outer: Points
    gap: float
    width: float
    height: float


@dataclass(frozen=True)
class Face:
    """The curves of a face in head space."""

    outline: Points
    eyes: tuple[Eye, Eye]
    mouth: Mouth
    jaw_drop: float
    nose_tip: float
    expression: Expression


def build_face(person: Person, expression: Expression, gaze: tuple[float, float]) -> Face:
    """The curves of `person`'s face with `expression`, looking along `gaze` (eye widths)."""
    jaw_drop = 0.24 * max(expression[26], -0.1)
    mouth = _mouth(person, expression, jaw_drop)
    return Face(
        outline=outline(person, jaw_drop),
        eyes=_eyes(person, expression, gaze),
        mouth=mouth,
        jaw_drop=jaw_drop,
        nose_tip=0.46 * person.nose_length - 0.045 * max(expression[9], 0),
        expression=expression,
    )


def outline(person: Person, jaw_drop: float) -> Points:
    """The closed outline of head and jaw (n, 3), starting at the crown, clockwise."""
    w, j, c = person.face_width, person.jaw, person.chin
    drop = jaw_drop
    right = [
        (0.56 * w, -1.26, 0.0),
        (0.90 * w, -0.82, 0.0),
        (1.00 * w, -0.20, 0.0),
        (0.975 * w, 0.26, 0.03),
        (0.86 * w * (0.55 + 0.45 * j), 0.74 + 0.4 * drop, 0.12),
        (0.55 * j, 1.10 * c + 0.8 * drop, 0.24),
        (0.25 * j, 1.255 * c + drop, 0.32),
    ]
    left = [(-x, y, z) for x, y, z in reversed(right)]
    return smooth([(0, -1.38, 0), *right, (0, 1.285 * c + drop, 0.34), *left])


_ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_RIM = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def _lids(person: Person, e: Expression) -> tuple[Points, Points]:
    """Upper and lower lid of a right eye about its middle, inner corner first: (n, 2) each."""
    size = person.eye_size
    half = 0.235 * size
    pinch = max(e[9], 0)
    oblique = min(max(e[1], 0), max(e[4], 0)) * (1 - 0.8 * min(max(e[5], 0), 1))
    top = 0.142 * size * (1 + 0.62 * e[5] - 0.28 * max(e[7], 0) - 0.36 * pinch - 0.14 * e[6])
    top = max(top - 0.022 * person.elderly, 0.05)
    squeeze = 0.85 * max(e[6], 0) + 0.62 * max(e[7], 0) + 0.75 * pinch
    low = 0.098 * size * (1 + 0.12 * e[5] - squeeze)
    frown = 0.05 * max(e[4], 0) * (1 - 0.75 * oblique)
    inner, outer = (-half, 0.03), (half, -0.02 - person.eye_tilt + 0.05 * oblique)
    upper = [
        inner,
        (-0.62 * half, -0.62 * top + frown - 0.035 * oblique),
        (-0.05 * half, -top + 0.5 * frown + 0.012 * oblique),
        (0.58 * half, -0.74 * top + 0.055 * oblique),
        outer,
    ]
    lower = [
        inner,
        (-0.5 * half, 0.03 + 0.70 * low),
        (0.1 * half, 0.02 + low),
        (0.62 * half, 0.01 + 0.72 * low),
        outer,
    ]
    return smooth(upper, closed=False), smooth(lower, closed=False)


def _eyes(person: Person, e: Expression, gaze: tuple[float, float]) -> tuple[Eye, Eye]:
    upper, lower = _lids(person, e)
    crease = moved(upper[2:-1], 0.0, -0.062 + 0.02 * max(e[5], 0))
    brow = _brow(e)
    half, centre = upper[-1, 0], 0.425 * person.eye_gap
    stops = np.cumsum([len(upper), len(lower), len(crease), len(_RIM)]).tolist()
    eyes = []
    for side in (-1, 1):
        gx, gy = side * gaze[0] * half - 0.02, 0.005 + gaze[1] * half
        disc = np.concatenate([_RIM, 0.5 * _RIM]) * (0.128 * person.eye_size) + np.array([gx, gy])
        # The lids hide what lies outside the opening.
        x = np.minimum(np.maximum(disc[:, 0], -half), half)
        high = np.interp(x, upper[:, 0], upper[:, 1])
        deep = np.maximum(high, np.interp(x, lower[:, 0], lower[:, 1]))
        ball = np.stack([x, np.minimum(np.maximum(disc[:, 1], high), deep)], axis=1)
        parts = np.concatenate([upper, lower, crease, ball])
        parts[:, 0] = side * (parts[:, 0] + centre)
        placed = on_face(parts)
        eyes.append(
            Eye(
                side=side,
                upper=placed[: stops[0]],
                lower=placed[stops[0] : stops[1]],
                crease=placed[stops[1] : stops[2]],
                iris=placed[stops[2] : stops[3]],
                pupil=placed[stops[3] :],
                glint=(side * (centre + gx), gy),
                brow=brow if side > 0 else mirrored(brow),
            )
        )
    return eyes[0], eyes[1]


def _brow(e: Expression) -> Points:
    """The middle of the right brow, inner end first: (n, 3)."""
    inner, outer, knit = e[1], e[2], e[4]
    pull = 0.075 * max(knit, 0)
    pinch = 0.05 * max(e[9], 0)
    both = min(max(inner, 0), max(knit, 0))
    control = [
        (0.185 - pull, -0.315 - 0.20 * inner + 0.155 * knit - 0.05 * both + pinch),
        (0.36 - 0.6 * pull, -0.375 - 0.165 * inner + 0.10 * knit - 0.05 * outer + 0.8 * pinch),
        (0.55, -0.405 - 0.05 * inner + 0.035 * knit - 0.155 * outer + 0.06 * both + 0.4 * pinch),
        (0.765, -0.315 + 0.03 * inner + 0.005 * knit - 0.15 * outer + 0.075 * both),
    ]
    return on_face(smooth(control, closed=False, steps=3), 0.04)


def _mouth(person: Person, e: Expression, drop: float) -> Mouth:
    smile, frown, stretch = max(e[12], 0), max(e[15], 0), max(e[20], 0)
    tight, wrinkle, bare = max(e[23], 0), max(e[9], 0), max(e[16], 0)
    jaw = max(e[26], 0)
    width = 0.335 * person.mouth_width * (
        1 + 0.36 * smile + 0.30 * stretch - 0.20 * tight + 0.06 * frown + 0.10 * bare
        - 0.20 * jaw * (1 - min(stretch, 1))
    )  # fmt: skip
    base = 0.785 * (0.5 + 0.5 * person.chin) + 0.35 * drop
    corner = base - 0.155 * smile + (0.165 + 0.04 * min(bare, 1)) * frown + 0.02 * stretch
    gap = 0.40 * jaw + 0.17 * max(0.0, smile - 0.30) + 0.11 * bare + 0.13 * max(0, stretch - 0.2)
    gap *= 1 - 0.5 * min(tight, 1)
    corner += 0.16 * gap * min(jaw, 1) * (1 - min(stretch, 1))
    lift = 0.09 * wrinkle + 0.015 * smile
    full = person.lip_fullness * (1 - 0.62 * min(tight, 1.2) - 0.22 * min(smile, 1) - 0.12 * jaw)
    upper_lip, lower_lip = 0.070 * full, 0.105 * full
    top = base - (0.38 + 0.10 * min(jaw, 1) * (1 - min(stretch, 1))) * gap - lift - 0.035 * frown
    bottom = base + 0.62 * gap - 0.02 * frown * (1 - min(jaw, 1)) - 0.045 * frown * (gap < 0.02)
    bottom += 0.075 * smile
    top += 0.075 * smile
    if gap < 0.015:
        bottom = top
    bottom = max(bottom, top)
    arch = 0.62 + 0.25 * min(jaw, 1)  # a dropped jaw rounds the opening
    square = 0.72 + 0.16 * min(bare + stretch, 1.2) + 0.10 * jaw

    def curve(points: Sequence[tuple[float, float]]) -> Points:
        half = [(x * width, y) for x, y in points]
        whole = [(-x, y) for x, y in half[:0:-1]] + half
        return on_face(smooth(whole, closed=False), 0.03)

    def between(middle: float, share: float) -> float:
        return corner + (middle - corner) * share

    return Mouth(
        upper_outer=curve(
            [
                (0.0, top - 0.80 * upper_lip),
                (0.24, top - 1.12 * upper_lip),
                (0.62, between(top, square) - 0.72 * upper_lip),
                (1.0, corner),
            ]
        ),
        upper_inner=curve(
            [(0.0, top + 0.10 * upper_lip), (0.3, top), (0.62, between(top, arch)), (0.96, corner)]
        ),
        lower_inner=curve(
            [
                (0.0, bottom),
                (0.3, between(bottom, 0.97)),
                (0.64, between(bottom, square)),
                (0.96, corner),
            ]
        ),
        lower_outer=curve(
            [
                (0.0, bottom + lower_lip),
                (0.34, between(bottom, 0.95) + 0.95 * lower_lip),
                (0.70, between(bottom, square) + 0.55 * lower_lip),
                (1.0, corner),
            ]
        ),
        gap=bottom - top,
        width=width,
        height=base,
    )
