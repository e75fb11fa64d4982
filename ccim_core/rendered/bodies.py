"""The body below the head: its joints, neck, arms and legs.

Body space has the head's centre as origin and the head unit as length: x to the picture's
right, y down (chin 1.28, shoulders 2.0, hips 5.4, soles 11.6 for a grown person). A subject's pose
is one of `ARM_POSES`, drawn whatever the emotion; bystanders' arms follow their emotion
(`figures.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ccim_core.rendered.canvas import Canvas
from ccim_core.rendered.colours import Colour, Light, mix, scaled
from ccim_core.rendered.curves import Points, moved, ribbon, smooth
from ccim_core.rendered.persons import Person
from ccim_core.rendered.sitter import Sitter

# Elbow and wrist of each pose in body space: x as a multiple of the shoulder's half width plus an
# offset, and y.
_ARMS = {
    "down": ((1, 0.16, 3.95), (1, 0.14, 5.65)),
    "pocket": ((1, 0.26, 3.9), (1, -0.30, 5.45)),
    "behind": ((1, 0.22, 3.9), (1, -0.35, 5.1)),
    "clasped": ((1, 0.22, 3.85), (0, 0.22, 4.85)),
    "raised": ((1, 0.55, 1.55), (1, 0.45, -0.45)),
    "cheeks": ((1, 0.30, 3.55), (0, 1.32, 1.75)),
    "shield": ((1, 0.15, 3.75), (0, 0.72, 2.75)),
    "akimbo": ((1, 1.05, 3.65), (1, -0.45, 4.95)),
    "crossed": ((1, 0.10, 3.75), (0, -0.85, 3.25)),
    "hanging": ((1, -0.10, 3.9), (0, 0.55, 5.6)),
}
ARM_POSES = ("down", "pocket", "behind", "clasped")
"""What a subject's arms may do: nothing that tells an emotion."""

_CHIN = 1.3


def stature(person: Person, y: float) -> float:
    """A grown body's height `y`, in body space, for this person: a child's body is shorter."""
    return _CHIN + (y - _CHIN) * (0.70 if person.age == "child" else 1.0)


@dataclass(frozen=True)
class Body:
    """Joints in body space and where they fall in the picture."""

    person: Person
    x: float
    y: float
    unit: float
    turn: float
    arms: str

    @property
    def stature(self) -> float:
        """Vertical factor below the chin: a child's body is shorter for its head."""
        return 0.70 if self.person.age == "child" else 1.0

    @property
    def shoulder(self) -> float:
        """Half the width of the shoulders."""
        return 1.74 * self.person.shoulders

    @property
    def half_span(self) -> float:
        """How far from the body's axis its arms may reach."""
        return self.shoulder + (1.4 if self.arms in ("raised", "akimbo") else 0.95)

    def low(self, y: float) -> float:
        """A grown body's height y, for this stature."""
        return stature(self.person, y)

    def at(self, control: ArrayLike) -> Points:
        """Body space (n, 2) to picture fractions; heights below the chin follow the stature."""
        points = np.asarray(control, np.float64)
        if self.stature < 1:
            low = np.maximum(points[:, 1] - _CHIN, 0)
            points = points - low[:, None] * ((0.0, 1 - self.stature),)
        return points * self._gain + self._origin

    @cached_property
    def _gain(self) -> Points:
        return np.array([1 - 0.10 * abs(self.turn), 1.0]) * self.unit

    @cached_property
    def _origin(self) -> Points:
        return np.array([self.x, self.y])

    def curve(self, control: ArrayLike, *, closed: bool = True, steps: int = 4) -> Points:
        """A smooth curve through body-space points, in the picture."""
        return smooth(self.at(control), closed=closed, steps=steps)

    def arm(self, side: int) -> Points:
        """Shoulder, elbow and wrist (3, 2) of one arm, in body space."""
        reach = self.shoulder
        elbow, wrist = _ARMS[self.arms]
        return np.array(
            [
                (side * (reach - 0.40), 2.36),
                (side * (reach * elbow[0] + elbow[1]), elbow[2]),
                (side * (reach * wrist[0] + wrist[1]), wrist[2]),
            ]
        )

    def hip(self, side: int) -> tuple[float, float]:
        """One hip joint in body space."""
        return side * 0.56 * self.person.girth, 5.4

    def leg(self, side: int) -> Points:
        """Hip, knee and ankle (3, 2) of one leg, in body space."""
        x, y = self.hip(side)
        return np.array([(x, y), (x * 1.02, 8.2), (x * 1.0, 10.95)])


def paint_neck(sitter: Sitter, body: Body) -> None:
    """The neck, with the head's shadow on it."""
    w = 0.36 + 0.12 * sitter.person.build if body.stature == 1 else 0.34
    chin = sitter.pose.project(np.array([[0.0, 1.0, 0.2]]))[0]
    lean = (chin[0] - body.x) / body.unit
    neck = body.curve(
        [
            (lean * 0.7 - w, 0.7), (lean * 0.4 - w * 0.98, 1.3), (-w * 1.12, 1.72),
            (-w * 1.7, 1.95), (0, 2.3), (w * 1.7, 1.95), (w * 1.12, 1.72),
            (lean * 0.4 + w * 0.98, 1.3), (lean * 0.7 + w, 0.7),
        ]
    )  # fmt: skip
    canvas = sitter.canvas
    canvas.solid(neck, sitter.skin)
    if not canvas.colours:
        return
    canvas.fill(neck, sitter.shadow, 0.35)
    s = -sitter.light.side * 0.10
    drop = sitter.face.jaw_drop
    cast = body.curve(
        [
            (lean * 0.6 - w, 0.8), (lean * 0.4 - w * 0.98, 1.38), (s, 1.68 + 0.4 * drop),
            (lean * 0.4 + w * 0.98, 1.38), (lean * 0.6 + w, 0.8),
        ]
    )  # fmt: skip
    canvas.fill(cast, scaled(sitter.shadow, 0.86), 0.75)


def _limb(
    canvas: Canvas, body: Body, joints: Points, widths: tuple[float, ...], colour: Colour
) -> Points:
    """A limb with a round upper end, painted; returns its outline."""
    placed = body.at(joints)
    centre = smooth(placed, closed=False, steps=4)
    shape = ribbon(centre, [w * body.unit for w in widths])
    half = 0.5 * widths[0] * body.unit
    canvas.disc(placed[0, 0], placed[0, 1], half, half, colour, solid=True)
    canvas.solid(shape, colour)
    return shape


def paint_arms(sitter: Sitter, body: Body, sleeve: str, cloth: Colour) -> None:
    """Both arms: skin, hand, and a `sleeve` that is "short", "long" or "none"."""
    canvas, light = sitter.canvas, sitter.light
    heavy = (0.86 + 0.22 * sitter.person.build) * (0.85 if body.stature < 1 else 1.0)
    dark = mix(light.shaded(cloth), (20, 14, 34), 0.06)
    for side in (-light.side, light.side):
        joints = body.arm(side)
        wrist = joints[2]
        if sleeve != "long":
            widths = (0.62 * heavy, 0.52 * heavy, 0.36 * heavy)
            skin = _limb(canvas, body, joints, widths, sitter.skin)
            canvas.fill(skin, sitter.shadow, 0.20 if side == light.side else 0.5)
        if body.arms != "pocket":
            _paint_hand(sitter, body, side, joints, heavy)
        if sleeve == "none":
            continue
        tone = mix(cloth, dark, 0.10 if side == light.side else 0.55)
        if sleeve == "short":
            upper = joints[:2].copy()
            upper[1] = joints[0] + (joints[1] - joints[0]) * 0.62
            shape = _limb(canvas, body, upper, (0.80 * heavy, 0.80 * heavy, 0.76 * heavy), tone)
        else:
            long = joints.copy()
            long[2] = joints[1] + (wrist - joints[1]) * 0.94
            shape = _limb(canvas, body, long, (0.78 * heavy, 0.70 * heavy, 0.54 * heavy), tone)
        if canvas.colours:
            _paint_sleeve_details(sitter, shape, sleeve, 0.10 if side == light.side else 0.5)


def _paint_sleeve_details(sitter: Sitter, shape: Points, sleeve: str, dim: float) -> None:
    """Stripes across the sleeve where the garment has them, and its cuff."""
    person, light = sitter.person, sitter.light
    half = len(shape) // 2
    left, right = shape[:half], shape[: half - 1 : -1]
    trim = light.lit(person.trim)
    trim = mix(trim, light.shaded(trim), dim)
    if person.pattern == "stripes" and person.garment not in ("blazer", "jacket"):
        for k in range(1, half - 1, 2):
            quad = np.stack([left[k], right[k], right[k + 1], left[k + 1]])
            sitter.canvas.fill(quad, trim, 0.92)
    if sleeve == "short":
        hem = np.stack([left[-1], right[-1], right[-2], left[-2]])
        hem[2:] += (hem[:2][::-1] - hem[2:]) * 0.55
        sitter.canvas.fill(hem, light.shaded(light.lit(person.cloth)), 0.45)


def _paint_hand(sitter: Sitter, body: Body, side: int, joints: Points, heavy: float) -> None:
    wrist = joints[2]
    if body.arms == "clasped":
        x, y = body.at([moved(wrist, -0.12 * side, 0.1)])[0]
        rx, ry = 0.34 * body.unit * heavy, 0.26 * body.unit * heavy
    else:
        along = (wrist - joints[1]) / np.linalg.norm(wrist - joints[1])
        x, y = body.at([wrist + 0.36 * along])[0]
        flat = abs(along[0])
        rx = (0.24 + 0.16 * flat) * body.unit * heavy
        ry = (0.40 - 0.16 * flat) * body.unit * heavy
    sitter.canvas.disc(x, y, rx, ry, sitter.skin, solid=True)
    thumb_x, thumb_y = x - 0.18 * side * body.unit, y - 0.12 * body.unit
    tone = mix(sitter.skin, sitter.shadow, 0.25)
    sitter.canvas.disc(thumb_x, thumb_y, 0.09 * body.unit, 0.2 * body.unit, tone, solid=True)


def paint_legs(canvas: Canvas, person: Person, body: Body, light: Light, skin: Colour) -> None:
    """Trousers, shorts, or legs below a skirt or dress, and shoes."""
    cloth = light.lit(person.trousers)
    bare = person.lower in ("skirt", "dress", "shorts")
    shoes = light.lit(person.shoes)
    for side in (-light.side, light.side):
        joints = body.leg(side)
        tone = skin if bare else cloth
        if side != light.side:
            tone = mix(tone, light.shaded(tone), 0.55)
        wide = person.girth * (0.72 if bare else 1.0)
        _limb(canvas, body, joints, (1.08 * wide, 0.80 * wide, 0.56 * wide), tone)
        foot = body.at([joints[2] + (0.10 * side, 0.42)])[0]
        canvas.disc(foot[0], foot[1], 0.46 * body.unit, 0.24 * body.unit, shoes, solid=True)
        if person.lower == "shorts":
            top = joints[:2].copy()
            top[1] = joints[0] + (joints[1] - joints[0]) * 0.95
            _limb(canvas, body, top, (1.12 * person.girth, 1.02 * person.girth), cloth)
    if person.lower in ("skirt", "dress"):
        colour = light.lit(person.cloth if person.lower == "dress" else person.trousers)
        g = person.girth
        skirt = body.curve(
            [
                (-0.98 * g, 4.75), (-1.12 * g, 5.6), (-1.42 * g, 7.6), (-1.30 * g, 7.9), (0, 8.05),
                (1.30 * g, 7.9), (1.42 * g, 7.6), (1.12 * g, 5.6), (0.98 * g, 4.75),
            ]
        )  # fmt: skip
        canvas.solid(skirt, colour)
        canvas.shade(skirt, "right" if light.side < 0 else "left", light.shaded(colour), 0.8)
        for x in (-0.6, 0.05, 0.65):
            pleat = body.curve([(x * 0.8 * g, 5.5), (x * 1.3 * g, 7.9)], closed=False)
            canvas.fill(
                ribbon(pleat, [0.02 * body.unit, 0.09 * body.unit]), light.shaded(colour), 0.6
            )
    else:
        waist = body.curve(
            [
                (-1.06 * person.girth, 4.7),
                (-1.16 * person.girth, 5.9),
                (0, 6.35),
                (1.16 * person.girth, 5.9),
                (1.06 * person.girth, 4.7),
            ]
        )
        canvas.solid(waist, cloth)
