"""Emotions as facial action units (FACS), with intensities that vary from person to person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["ACTION_UNITS", "EMOTIONS", "PROTOTYPES", "Expression", "express"]

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
