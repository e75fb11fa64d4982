"""What a person wears above the waist: cuts, collars, fronts, patterns and folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ccim_core.rendered.bodies import Body
from ccim_core.rendered.colours import Colour, mix, scaled
from ccim_core.rendered.curves import Points, moved, ribbon
from ccim_core.rendered.sitter import Sitter


def dark_of(sitter: Sitter, colour: Colour) -> Colour:
    """A cloth's colour deep in its own shadow."""
    return mix(sitter.light.shaded(colour), (20, 14, 34), 0.10)


def _band(sitter: Sitter, body: Body, colour: Colour, width: float = 0.16) -> None:
    """A knitted band along a round neckline."""
    line = body.curve(
        [(-0.50, 1.58), (-0.33, 1.80), (0, 1.91), (0.33, 1.80), (0.50, 1.58)], closed=False
    )
    sitter.canvas.fill(ribbon(line, width * body.unit), colour)
    lower = moved(line, 0, 0.6 * width * body.unit)
    sitter.canvas.fill(ribbon(lower, 0.03 * body.unit), dark_of(sitter, colour), 0.6)


def _tee(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    plain = sitter.person.pattern == "plain"
    _band(sitter, body, scaled(cloth, 0.88) if plain else trim, 0.13)


def _sweater(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    _band(sitter, body, mix(cloth, (255, 255, 255), 0.12), 0.22)


def _shirt(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    canvas, unit = sitter.canvas, body.unit
    open_neck = body.at([(-0.30, 1.55), (0.0, 2.28), (0.30, 1.55)])
    canvas.fill(open_neck, mix(sitter.skin, sitter.shadow, 0.55))
    mid = 0.10 * body.turn
    placket = body.at([(0.0, 2.25), (mid, 5.7)])
    canvas.fill(ribbon(placket, 0.26 * unit), mix(cloth, (255, 255, 255), 0.10))
    for edge in (-0.13, 0.13):
        canvas.fill(
            ribbon(moved(placket, edge * unit, 0), 0.025 * unit), dark_of(sitter, cloth), 0.5
        )
    for k in range(5):
        (x, y) = body.at([(mid * k / 5, 2.62 + 0.66 * k)])[0]
        canvas.disc(x, y, 0.05 * unit, 0.05 * unit, dark_of(sitter, cloth), 0.9)
    _collar(sitter, body, mix(cloth, (255, 255, 255), 0.16), dark_of(sitter, cloth))


def _collar(sitter: Sitter, body: Body, colour: Colour, edge: Colour) -> None:
    for s in (-1, 1):
        wing = body.at(
            [(s * 0.50, 1.42), (s * 0.16, 1.80), (0.0, 2.30), (s * 0.58, 2.38), (s * 0.80, 1.74)]
        )
        sitter.canvas.fill(moved(wing, 0.0, 0.06 * body.unit), edge, 0.5)
        sitter.canvas.fill(wing, colour)


def _vneck(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    opening = body.curve(
        [(-0.48, 1.60), (-0.30, 2.05), (0.0, 2.72), (0.30, 2.05), (0.48, 1.60), (0, 1.5)], steps=3
    )
    sitter.canvas.fill(opening, mix(sitter.skin, sitter.shadow, 0.30))
    edge = body.at([(-0.52, 1.62), (-0.30, 2.12), (0.0, 2.74), (0.30, 2.12), (0.52, 1.62)])
    sitter.canvas.fill(ribbon(edge, 0.10 * body.unit), scaled(cloth, 0.84))


def _dress(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    line = body.curve(
        [(-0.62, 1.66), (-0.46, 2.10), (0, 2.32), (0.46, 2.10), (0.62, 1.66)], closed=False
    )
    skin = np.concatenate([line, body.at([(0.3, 1.4), (-0.3, 1.4)])])
    sitter.canvas.fill(skin, mix(sitter.skin, sitter.shadow, 0.25))
    sitter.canvas.fill(ribbon(line, 0.08 * body.unit), scaled(cloth, 0.84))
    belt = body.at([(-0.95 * body.person.girth, 4.42), (0, 4.52), (0.95 * body.person.girth, 4.42)])
    sitter.canvas.fill(ribbon(belt, 0.22 * body.unit), trim)


def paint_hood(sitter: Sitter, body: Body, cloth: Colour) -> None:
    hood = body.curve(
        [
            (-0.62, 1.30), (-0.95, 1.62), (-0.80, 1.95), (-0.35, 2.08), (0, 2.20), (0.35, 2.08),
            (0.80, 1.95), (0.95, 1.62), (0.62, 1.30), (0.36, 1.72), (0, 1.86), (-0.36, 1.72),
        ]
    )  # fmt: skip
    sitter.canvas.solid(hood, mix(cloth, dark_of(sitter, cloth), 0.30))


def _hoodie(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    canvas, unit = sitter.canvas, body.unit
    cord = mix(cloth, (255, 255, 255), 0.72)
    paint_hood(sitter, body, cloth)
    for s in (-1, 1):
        line = body.curve([(s * 0.22, 2.12), (s * 0.25, 2.6), (s * 0.21, 3.05)], closed=False)
        canvas.fill(ribbon(line, 0.07 * unit), cord)
    pocket = body.curve(
        [(-0.50, 4.45), (0.50, 4.45), (0.82, 5.1), (0.80, 5.5), (-0.80, 5.5), (-0.82, 5.1)], steps=3
    )
    canvas.fill(pocket, dark_of(sitter, cloth), 0.22)


def paint_roll_neck(sitter: Sitter, body: Body, cloth: Colour) -> None:
    chin = sitter.pose.project(np.array([[0.0, 1.0, 0.2]]))[0]
    lean = 0.35 * (chin[0] - body.x) / body.unit
    roll = body.curve(
        [
            (-0.48 + lean, 1.30),
            (-0.56, 1.72),
            (0, 1.98),
            (0.56, 1.72),
            (0.48 + lean, 1.30),
            (lean, 1.46),
        ],
        steps=4,
    )
    sitter.canvas.solid(roll, mix(cloth, (255, 255, 255), 0.07))
    fold = body.curve([(-0.54, 1.56), (0, 1.80), (0.54, 1.56)], closed=False)
    sitter.canvas.fill(ribbon(fold, 0.05 * body.unit), dark_of(sitter, cloth), 0.55)


def _turtleneck(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    paint_roll_neck(sitter, body, cloth)


def _open_front(sitter: Sitter, body: Body, under: Colour, low: float) -> None:
    """The garment beneath, seen between the two fronts of a coat."""
    opening = body.at(
        [
            (-0.52, 1.56),
            (-0.30, 1.75),
            (0, 1.9),
            (0.30, 1.75),
            (0.52, 1.56),
            (0.34, low),
            (-0.34, low),
        ]
    )
    sitter.canvas.fill(opening, under)


def _blazer(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    canvas, unit = sitter.canvas, body.unit
    under = sitter.light.lit((240, 238, 232))
    opening = body.at(
        [(-0.55, 1.56), (0.0, 1.9), (0.55, 1.56), (0.42, 2.4), (0.0, 3.9), (-0.42, 2.4)]
    )
    canvas.fill(opening, under)
    if sitter.person.build > 0.5:
        tie = body.at([(-0.11, 1.98), (0.11, 1.98), (0.16, 3.0), (0.02, 3.75), (-0.14, 3.0)])
        canvas.fill(tie, trim)
        canvas.fill(
            body.at([(-0.15, 1.82), (0.15, 1.82), (0.10, 2.08), (-0.10, 2.08)]), scaled(trim, 0.85)
        )
    else:
        canvas.fill(
            body.at([(-0.28, 1.55), (0.0, 2.35), (0.28, 1.55)]),
            mix(sitter.skin, sitter.shadow, 0.4),
        )
    _collar(sitter, body, under, dark_of(sitter, under))
    for s in (-1, 1):
        lapel = body.at(
            [
                (s * 0.60, 1.52),
                (s * 0.34, 2.1),
                (0.0, 3.95),
                (s * 0.62, 3.0),
                (s * 0.98, 2.52),
                (s * 0.72, 2.38),
                (s * 0.86, 1.80),
            ]
        )
        canvas.fill(lapel, mix(cloth, (255, 255, 255), 0.09))
        canvas.fill(ribbon(lapel[[2, 3, 4]], 0.04 * unit), dark_of(sitter, cloth), 0.7)
    front = body.at([(0.02, 3.95), (0.10 + 0.1 * body.turn, 5.7)])
    canvas.fill(ribbon(front, 0.035 * unit), dark_of(sitter, cloth), 0.8)
    (x, y) = body.at([(0.06, 4.3)])[0]
    canvas.disc(x, y, 0.07 * unit, 0.07 * unit, dark_of(sitter, cloth))


def _jacket(sitter: Sitter, body: Body, cloth: Colour, trim: Colour) -> None:
    canvas, unit = sitter.canvas, body.unit
    under = mix(trim, (255, 255, 255), 0.25)
    _open_front(sitter, body, under, 5.75)
    _band(sitter, body, scaled(under, 0.88), 0.12)
    for s in (-1, 1):
        edge = body.at([(s * 0.52, 1.60), (s * 0.36, 2.6), (s * 0.35, 5.75)])
        canvas.fill(ribbon(edge, 0.10 * unit), mix(cloth, (255, 255, 255), 0.14))
        wing = body.at([(s * 0.50, 1.40), (s * 0.44, 2.45), (s * 0.92, 2.2), (s * 0.90, 1.72)])
        canvas.fill(moved(wing, 0, 0.05 * unit), dark_of(sitter, cloth), 0.6)
        canvas.fill(wing, mix(cloth, (255, 255, 255), 0.10))
        pocket = body.at([(s * 0.72, 3.15), (s * 1.20, 3.12)])
        canvas.fill(ribbon(pocket, 0.06 * unit), dark_of(sitter, cloth), 0.6)


Cut = Callable[[Sitter, Body, Colour, Colour], None]

CUTS: dict[str, Cut] = {
    "tee": _tee,
    "shirt": _shirt,
    "hoodie": _hoodie,
    "sweater": _sweater,
    "blazer": _blazer,
    "vneck": _vneck,
    "dress": _dress,
    "turtleneck": _turtleneck,
    "jacket": _jacket,
}


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
