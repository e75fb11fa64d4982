"""What a person wears above the waist: cut, collar, pattern and folds."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.bodies import Body
from ccim_core.datasets.controlled.curves import Points, ribbon
from ccim_core.datasets.controlled.garments import (
    CUTS,
    dark_of,
    paint_hood,
    paint_roll_neck,
)
from ccim_core.datasets.controlled.palette import Colour
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["paint_garment", "sleeve_of"]

_SLEEVES = {"tee": "short", "vneck": "short", "dress": "none"}


def sleeve_of(garment: str) -> str:
    """Whether a garment's sleeves are "short", "long" or "none"."""
    return _SLEEVES.get(garment, "long")


def _torso(body: Body, neck: float) -> Points:
    """The garment's outline; `neck` is how low the neckline dips at the middle."""
    s, g = body.shoulder, body.person.girth
    soft = 1 - body.person.build
    chest = s * (0.80 + 0.04 * soft)
    waist = (1.24 - 0.20 * soft) * g * (0.92 if body.stature < 1 else 1.0)
    hip = (1.20 + 0.02 * soft) * g
    right = [
        (0.46, 1.60), (0.95, 1.78), (s - 0.26, 1.96), (s - 0.02, 2.25), (s - 0.08, 2.7),
        (chest, 3.1), (0.5 * (chest + waist), 3.7), (waist, 4.35), (hip, 5.5), (hip, 5.75),
    ]  # fmt: skip
    left = [(-x, y) for x, y in reversed(right)]
    middle = [(-0.36, 1.72), (0.0, neck), (0.36, 1.72)]
    return body.curve([*right, *left, *middle], steps=3)


def paint_garment(sitter: Sitter, body: Body) -> None:
    """The garment over the torso, without its sleeves."""
    cloth = sitter.light.lit(sitter.person.cloth)
    trim = sitter.light.lit(sitter.person.trim)
    garment = sitter.person.garment
    neck = {"dress": 2.35, "vneck": 1.9, "blazer": 1.8, "jacket": 1.8}.get(garment, 1.88)
    torso = _torso(body, neck)
    canvas = sitter.canvas
    canvas.solid(torso, cloth)
    if garment == "hoodie":
        paint_hood(sitter, body, cloth)
    elif garment == "turtleneck":
        paint_roll_neck(sitter, body, cloth)
    if not canvas.colours:
        return
    _pattern(sitter, body, torso, trim)
    canvas.shade(torso, "right" if sitter.light.side < 0 else "left", dark_of(sitter, cloth), 0.75)
    if sitter.fine:
        _folds(sitter, body, cloth)
    cut = CUTS.get(garment)
    if cut is not None:
        cut(sitter, body, cloth, trim)


def _pattern(sitter: Sitter, body: Body, torso: Points, trim: Colour) -> None:
    """Stripes, dots or a block of colour that keep to the torso."""
    kind, canvas = sitter.person.pattern, sitter.canvas
    if kind == "plain" or sitter.person.garment in ("blazer", "jacket"):
        return

    def half_width(y: float) -> float:
        height = body.at([(0.0, y)])[0, 1]
        right = torso[torso[:, 0] > body.x]
        near = np.abs(right[:, 1] - height) < 0.35 * body.unit
        return float((right[near, 0].max() - body.x) if near.any() else 0.0)

    bands: list[tuple[float, float]] = []
    if kind == "stripes":
        bands = [(y, y + 0.24) for y in np.arange(2.45, 5.6, 0.56)]
    elif kind == "block":
        bands = [(y, y + 0.66) for y in np.arange(3.6, 5.7, 0.6)]
    for y0, y1 in bands:
        top, bottom = half_width(y0) * 0.985, half_width(y1) * 0.985
        (_, high), (_, deep) = body.at([(0, y0), (0, y1)])
        sag = 0.07 * body.unit
        shape = np.array(
            [
                (body.x - top, high), (body.x, high + sag), (body.x + top, high),
                (body.x + bottom, deep), (body.x, deep + sag), (body.x - bottom, deep),
            ]
        )  # fmt: skip
        canvas.fill(shape, trim, 1.0 if kind == "block" else 0.92)
    if kind == "dots":
        for row, y in enumerate(np.arange(2.5, 5.5, 0.5)):
            for x in np.arange(-1.2 + 0.25 * (row % 2), 1.3, 0.5):
                (px, py) = body.at([(x, y)])[0]
                if abs(px - body.x) < half_width(float(y)) - 0.12 * body.unit:
                    r = 0.085 * body.unit
                    canvas.disc(px, py, r, r, trim, 0.9)


def _folds(sitter: Sitter, body: Body, cloth: Colour) -> None:
    dark, unit, s = dark_of(sitter, cloth), body.unit, body.shoulder
    for side in (-1, 1):
        for control in (
            [(side * (s - 0.42), 3.0), (side * (s - 0.72), 3.35), (side * 0.55, 3.55)],
            [(side * 0.95, 4.5), (side * 0.6, 4.65), (side * 0.2, 4.62)],
        ):
            line = body.curve(control, closed=False)
            sitter.canvas.fill(ribbon(line, [0.01 * unit, 0.07 * unit, 0.01 * unit]), dark, 0.45)
