"""Figures: a person with an expression, posed at a place in the picture, ready to paint.

The subject is a person from a seed, framed and posed without regard to scene or emotion.

Bystanders are the causal cue of the context: people behind the subject who share an emotion. It
shows in their faces and in their arms, for an encoder at 112 pixels cannot read faces that small.
(The subject's arms tell nothing.) They are drawn from their own seed and placed where the subject
leaves their faces free, so that the same subject and cue look the same in every scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccim_core.rendered.bodies import ARM_POSES, Body, paint_arms, paint_legs, paint_neck, stature
from ccim_core.rendered.canvas import Canvas
from ccim_core.rendered.clothes import paint_garment, sleeve_of
from ccim_core.rendered.colours import DAYLIGHT, Light, stream
from ccim_core.rendered.face_paint import paint_brows, paint_glasses, paint_head
from ccim_core.rendered.faces import Expression, Face, HeadPose, build_face, express
from ccim_core.rendered.hair import paint_hair, paint_hair_behind
from ccim_core.rendered.persons import Person, draw_person
from ccim_core.rendered.sitter import Sitter

# A head unit is about 8.7 cm (a head of 23 cm is 2.66 units), and the picture spans 53°.
_UNIT_METRES = 0.087


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Who, feeling what, where and how: everything but the light."""

    person: Person
    expression: Expression
    face: Face
    pose: HeadPose
    body: Body

    @classmethod
    def make(
        cls,
        *,
        person: Person,
        expression: Expression,
        pose: HeadPose,
        turn: float,
        arms: str,
        gaze: tuple[float, float],
    ) -> Figure:
        """Build the face's curves and hang the body under the head."""
        return cls(
            person=person,
            expression=expression,
            face=build_face(person, expression, gaze),
            pose=pose,
            body=Body(person=person, x=pose.x, y=pose.y, unit=pose.unit, turn=turn, arms=arms),
        )

    @property
    def distance(self) -> float:
        """How far the figure stands from the camera, in metres."""
        return _UNIT_METRES / self.pose.unit

    def region(self, size: int) -> tuple[int, int, int, int]:
        """Whole pixels that surely hold the figure, clipped to the picture."""
        unit = self.pose.unit
        half = max(2.75, self.body.half_span) * unit
        top = self.pose.y - 2.35 * unit
        bottom = self.pose.y + self.body.low(12.0) * unit
        x0, x1 = np.floor((self.pose.x - half) * size), np.ceil((self.pose.x + half) * size)
        y0, y1 = np.floor(top * size), np.ceil(bottom * size)
        return (
            int(max(0, x0)),
            int(max(0, y0)),
            int(min(size, x1)),
            int(min(size, y1)),
        )


def paint_figure(canvas: Canvas, figure: Figure, light: Light) -> None:
    """Paint from back to front: hair behind, legs, neck, garment, arms, head, hair, glasses."""
    person, body = figure.person, figure.body
    sitter = Sitter.make(canvas, person, figure.face, figure.pose, light)
    paint_hair_behind(sitter)
    cloth = light.lit(person.cloth)
    if body.y + body.low(4.6) * body.unit < 1.0:
        paint_legs(canvas, person, body, light, sitter.skin)
    if body.arms == "behind":
        paint_arms(sitter, body, sleeve_of(person.garment), cloth)
    paint_neck(sitter, body)
    paint_garment(sitter, body)
    if body.arms != "behind":
        paint_arms(sitter, body, sleeve_of(person.garment), cloth)
    paint_head(sitter)
    paint_hair(sitter)
    if canvas.colours:
        paint_brows(sitter)  # over the hair, as cartoonists do: a fringe must not hide them
    paint_glasses(sitter)


def silhouette(figure: Figure, size: int, *, scale: int) -> NDArray[np.uint8]:
    """The figure's coverage of each pixel, (size, size) uint8, without painting colours."""
    canvas = Canvas(None, size=size, scale=scale, region=figure.region(size), coverage=True)
    paint_figure(canvas, figure, DAYLIGHT)
    return canvas.coverage()


def paint_on(
    picture: Image.Image, figure: Figure, light: Light, *, size: int, scale: int, coverage: bool
) -> NDArray[np.uint8]:
    """Paint a figure onto `picture`; returns its coverage, (0, 0) if that isn't asked for."""
    canvas = Canvas(picture, size=size, scale=scale, region=figure.region(size), coverage=coverage)
    paint_figure(canvas, figure, light)
    canvas.fold()
    return canvas.coverage() if coverage else np.zeros((0, 0), np.uint8)


# framing → (share, smallest and largest head unit, lowest and highest eye line)
FRAMINGS: dict[str, tuple[float, float, float, float, float]] = {
    "bust": (0.37, 0.120, 0.148, 0.33, 0.42),
    "half": (0.38, 0.097, 0.116, 0.27, 0.36),
    "knee": (0.17, 0.080, 0.094, 0.20, 0.26),
    "whole": (0.08, 0.067, 0.071, 0.165, 0.17),
}


@lru_cache(maxsize=256)
def draw_subject(seed: int, emotion: str, clarity: float) -> Figure:
    """The subject of `seed` showing `emotion`; all but the expression is the seed's alone."""
    person = draw_person(stream(seed, "person"))
    pose, _framing = _place(stream(seed, "place"), person)
    rng = stream(seed, "stance")
    turn = float(np.clip(pose.yaw / 0.35 + rng.normal(0, 0.25), -1, 1))
    arms = ARM_POSES[int(rng.integers(len(ARM_POSES)))]
    # The eyes make up for part of the head's turn, as when someone looks at a camera.
    gaze = (float(-0.55 * pose.yaw + rng.normal(0, 0.10)), float(rng.normal(0, 0.04)))
    return Figure.make(
        person=person,
        expression=express(emotion, clarity, stream(seed, "expression")),
        pose=pose,
        turn=turn,
        arms=arms,
        gaze=gaze,
    )


def _place(rng: np.random.Generator, person: Person) -> tuple[HeadPose, str]:
    shares = np.cumsum([framing[0] for framing in FRAMINGS.values()])
    framing = list(FRAMINGS)[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]
    _, small, large, high, low = FRAMINGS[framing]
    unit = rng.uniform(small, large)
    if person.age == "child" and framing == "whole":
        unit *= 1.18
    y = max(rng.uniform(high, low), 2.08 * unit)
    if framing == "whole":  # the soles stand near the lower edge
        y = max(2.08 * unit, 0.965 - stature(person, 11.45) * unit)
    x = float(rng.choice([0.33, 0.5, 0.67])) + rng.uniform(-0.06, 0.06)
    pose = HeadPose(
        yaw=float(np.clip(rng.normal(0, 0.17), -0.38, 0.38)),
        pitch=float(np.clip(rng.normal(0, 0.07), -0.16, 0.16)),
        roll=float(np.clip(rng.normal(0, 0.065), -0.16, 0.16)),
        x=float(x),
        y=float(y),
        unit=float(unit),
    )
    return pose, framing


_SMALL, _LARGE = 0.068, 0.077
_CLARITY = (0.85, 1.0)  # the cue is plain to see; how often it agrees is set elsewhere

# What the arms of somebody with that emotion do (`bodies.py`).
_POSTURES = {
    "Anger": "akimbo",
    "Disgust": "crossed",
    "Fear": "shield",
    "Happy": "raised",
    "Neutral": "down",
    "Sad": "hanging",
    "Surprise": "cheeks",
}
_BOWED = 0.22  # pitch of a sad head, radians

Rect = tuple[float, float, float, float]


def draw_bystanders(seed: int, emotion: str, subject: Figure) -> list[Figure]:
    """Two people, sometimes three, who show `emotion`; the farthest first."""
    rng = stream(seed, "bystanders")
    wanted = 3 if rng.random() < 0.25 else 2
    unit = min(rng.uniform(_SMALL, _LARGE), 0.86 * subject.pose.unit)
    eye_line = float(np.clip(subject.pose.y + rng.uniform(-0.02, 0.06), 0.19, 0.40))
    order, jitter = rng.permutation(_COLUMNS), rng.uniform(-1, 1, (len(_COLUMNS), 2))
    for shrink in (1.0, 0.93, 0.86, 0.79, 0.72, 0.64, 0.56):
        places = _free_places(order, jitter, eye_line, unit * shrink, subject, wanted)
        if len(places) >= 2:
            break
    figures = [_draw(seed, k, emotion, place) for k, place in enumerate(places)]
    return sorted(figures, key=lambda figure: figure.pose.unit)


_COLUMNS = np.linspace(0.09, 0.91, 28)
_HEIGHTS = (0.0, -0.07, 0.07, 0.14)  # some stand taller or shorter where that is what fits


def _free_places(
    order: np.ndarray,
    jitter: np.ndarray,
    eye_line: float,
    unit: float,
    subject: Figure,
    wanted: int,
) -> list[tuple[float, float, float]]:
    """Up to `wanted` heads (x, y, unit), clear of the subject and of each other."""
    taken, found = _taken_by(subject), []
    for height in _HEIGHTS:
        for column, (dx, dy) in zip(order.tolist(), jitter.tolist(), strict=True):
            size = unit * (1 + 0.05 * dy)
            x = min(max(column + 0.012 * dx, 1.36 * size), 1 - 1.36 * size)
            y = max(eye_line + height + 0.02 * dy, 2.0 * size)
            face: Rect = (x - 1.2 * size, y - 1.5 * size, x + 1.2 * size, y + 1.4 * size)
            if any(_overlap(face, rect) for rect in taken):
                continue
            taken.append((x - 1.5 * size, y - 2 * size, x + 1.5 * size, 1.0))
            found.append((x, y, size))
            if len(found) == wanted:
                return found
    return found


def _taken_by(subject: Figure) -> list[Rect]:
    """Rectangles that hold the subject's head with its hair, shoulders and arms."""
    x, y, unit = subject.pose.x, subject.pose.y, subject.pose.unit
    wide = {"afro": 1.62, "wavy": 1.50, "braids": 1.42, "curly": 1.42, "scarf": 1.35}
    half = wide.get(subject.person.hair_style, 1.30) * unit
    left = right = half
    if subject.person.hair_style == "ponytail":
        left, right = (1.5 * unit, half) if subject.person.part < 0 else (half, 1.5 * unit)
    shoulders = (subject.body.shoulder + 0.12) * unit
    arms = (subject.body.shoulder + 0.62) * unit
    return [
        (x - left, y - 2.0 * unit, x + right, y + 1.7 * unit),
        (x - shoulders, y + subject.body.low(1.65) * unit, x + shoulders, 1.0),
        (x - arms, y + subject.body.low(2.5) * unit, x + arms, 1.0),
    ]


def _overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _draw(seed: int, index: int, emotion: str, place: tuple[float, float, float]) -> Figure:
    rng = stream(seed, f"bystander {index}")
    x, y, unit = place
    inwards = float(np.sign(0.5 - x))
    pose = HeadPose(
        yaw=float(np.clip(0.12 * inwards + rng.normal(0, 0.09), -0.28, 0.28)),
        pitch=float(rng.normal(_BOWED if emotion == "Sad" else 0, 0.03)),
        roll=float(np.clip(rng.normal(0, 0.05), -0.12, 0.12)),
        x=x,
        y=y,
        unit=unit,
    )
    return Figure.make(
        person=draw_person(rng, grown=True),
        expression=express(emotion, rng.uniform(*_CLARITY), rng),
        pose=pose,
        turn=float(np.clip(pose.yaw / 0.3, -1, 1)),
        arms=_POSTURES[emotion],
        gaze=(-0.3 * pose.yaw, 0.0),
    )
