"""The subject: a person from a seed, framed and posed without regard to scene or emotion."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ccim_core.datasets.controlled.action_units import express
from ccim_core.datasets.controlled.bodies import ARM_POSES, stature
from ccim_core.datasets.controlled.figures import Figure
from ccim_core.datasets.controlled.heads import HeadPose
from ccim_core.datasets.controlled.persons import Person, draw_person
from ccim_core.datasets.controlled.streams import stream

__all__ = ["FRAMINGS", "draw_subject"]

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
