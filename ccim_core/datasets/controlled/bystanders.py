"""Bystanders: the causal cue of the context, people behind the subject who share an emotion.

It shows in their faces and in their arms, for an encoder at 112 pixels cannot read faces that
small. (The subject's arms tell nothing.) They are drawn from their own seed and placed where the
subject leaves their faces free, so that the same subject and cue look the same in every scene.
"""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.action_units import express
from ccim_core.datasets.controlled.figures import Figure
from ccim_core.datasets.controlled.heads import HeadPose
from ccim_core.datasets.controlled.persons import draw_person
from ccim_core.datasets.controlled.streams import stream

__all__ = ["draw_bystanders"]

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
