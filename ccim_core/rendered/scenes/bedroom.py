"""A bedroom: a bed with pillows, bedside lamp, window with curtains, pictures, rug."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, level, placed, quad

_SCHEMES: tuple[tuple[Colour, Colour, Colour], ...] = (
    (hexa("c9d6df"), hexa("4f6d8f"), hexa("e9c46a")),
    (hexa("e8d5c8"), hexa("b5655a"), hexa("8aa399")),
    (hexa("d5dccb"), hexa("6b8f71"), hexa("e0a58a")),
    (hexa("d9cfe3"), hexa("7a6fa0"), hexa("f0c0b0")),
    (hexa("e6dcc6"), hexa("2f6f73"), hexa("d98a4e")),
)


def paint_bedroom(s: Set) -> Light:
    """A bed against the back wall; by day or by lamplight."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "dusk", "night", "night"))]
    dark = weather.name in ("dusk", "night")
    wall, cover, accent = s.pick(_SCHEMES)
    wall = s.vary(wall, 4)
    wall = scaled(wall, (0.74, 0.68, 0.70)) if dark else wall
    dim = 0.84 if dark else 1.0
    room = Room(s, s.u(0.02, 0.10), s.u(0.02, 0.07), s.u(0.90, 0.98), s.u(0.60, 0.65))
    floor = scaled(s.vary(s.pick((hexa("b98a5e"), hexa("9a7658"), hexa("c7a684"))), 5), dim)
    room.paint(wall, floor, mix(wall, (255, 255, 255), 0.5))
    room.boards(scaled(floor, 0.72), count=11)
    frame = scaled(hexa("f4efe6"), dim)
    room.window(
        room.x0 + 0.09,
        room.y0 + 0.09,
        room.x0 + 0.33,
        0.42,
        weather,
        frame=frame,
        curtains=scaled(accent, dim),
    )
    bed_x = room.x1 - s.u(0.52, 0.56)
    for k in range(int(s.rng.integers(1, 4))):
        room.frame(
            bed_x + 0.07 + 0.14 * k,
            room.y0 + s.u(0.07, 0.10),
            0.10,
            s.u(0.10, 0.14),
            scaled(s.pick((hexa("5b4636"), hexa("f4efe6"), hexa("c9a45c"))), dim),
        )
    if s.chance(0.45):
        _string_lights(s, bed_x - 0.02, room.x1, room.y0 + 0.035)
    _rug(s, room, scaled(accent, dim))
    _bed(s, bed_x, 0.50, scaled(cover, dim), scaled(accent, dim))
    _nightstand(s, bed_x - 0.115, 0.56, dark, dim)
    if s.chance(0.6):
        room.plant(
            room.x0 + 0.02,
            0.78,
            s.u(0.3, 0.42),
            scaled(hexa("d9c7b4"), dim),
            scaled(hexa("4f8a5c"), dim),
        )
    if dark:
        return Light(
            key=(0.99, 0.88, 0.78), shade=(0.66, 0.58, 0.68), side=s.side, rim=(255, 206, 140)
        )
    return Light(key=(1.02, 0.99, 0.95), shade=(0.76, 0.70, 0.75), side=-1)


def _bed(s: Set, x: float, top: float, cover: Colour, accent: Colour) -> None:
    """A double bed whose foot points to the viewer."""
    c = s.canvas
    c.distance = 5.0
    w = 0.50
    wood = s.pick((hexa("7a5138"), hexa("a3764e"), mix(cover, (255, 255, 255), 0.35)))
    head = smooth(
        np.array(
            [
                (x - 0.01, top + 0.15),
                (x - 0.01, top - 0.13),
                (x + 0.12, top - 0.185),
                (x + 0.5 * w, top - 0.20),
                (x + w - 0.12, top - 0.185),
                (x + w + 0.01, top - 0.13),
                (x + w + 0.01, top + 0.15),
            ]
        ),
        steps=4,
    )
    c.fill(head, wood)
    for k in range(1, 6):
        a = x + w * k / 6
        c.rect(a - 0.003, top - 0.165, a + 0.003, top + 0.10, scaled(wood, 0.82))
    sheet = hexa("fbf7ee")
    c.distance = 4.5
    for dx in (0.03, 0.27):
        pillow = smooth(
            np.array(
                [
                    (x + dx, top + 0.045),
                    (x + dx + 0.02, top - 0.075),
                    (x + dx + 0.10, top - 0.090),
                    (x + dx + 0.19, top - 0.070),
                    (x + dx + 0.205, top + 0.045),
                    (x + dx + 0.10, top + 0.06),
                ]
            ),
            steps=4,
        )
        c.fill(pillow, sheet)
        c.shade(pillow, "down", scaled(mix(sheet, cover, 0.3), 0.9), 0.8)
    cushion = smooth(
        placed(x, top, (0.18, 0.06), (0.19, -0.045), (0.25, -0.055), (0.32, -0.04), (0.325, 0.06)),
        steps=4,
    )
    c.fill(cushion, accent)
    c.shade(cushion, "down", scaled(accent, 0.7), 0.7)
    c.distance = 3.5
    mattress = level(top + 0.04, x - 0.005, x + w + 0.005, top + 0.33, x + w + 0.10, x - 0.10)
    c.fill(mattress, cover)
    c.shade(mattress, "up", mix(cover, (255, 255, 255), 0.35), 0.6)
    if s.chance(0.6):
        for k in range(1, 6, 2):
            t0, t1 = k / 6, (k + 1) / 6
            c.fill(
                quad(
                    (x + w * t0, top + 0.10),
                    (x + w * t1, top + 0.10),
                    (x - 0.10 + (w + 0.2) * t1, top + 0.33),
                    (x - 0.10 + (w + 0.2) * t0, top + 0.33),
                ),
                mix(cover, accent, 0.55),
                0.6,
            )
    c.fill(
        level(top + 0.035, x - 0.008, x + w + 0.008, top + 0.10, x + w + 0.030, x - 0.030),
        mix(sheet, cover, 0.12),
    )
    c.fill(
        level(top + 0.33, x - 0.10, x + w + 0.10, top + 0.47, x + w + 0.10, x - 0.10),
        scaled(cover, 0.74),
    )
    throw = level(top + 0.25, x - 0.078, x + w + 0.078, top + 0.335, x + w + 0.10, x - 0.10)
    c.fill(throw, accent)
    c.fill(
        level(top + 0.335, x - 0.10, x + w + 0.10, top + 0.38, x + w + 0.10, x - 0.10),
        scaled(accent, 0.78),
    )


def _nightstand(s: Set, x: float, top: float, lit: bool, dim: float) -> None:
    c = s.canvas
    c.distance = 5.0
    wood = scaled(hexa("9a6f4a"), dim)
    c.rect(x, top, x + 0.105, top + 0.15, wood)
    c.rect(x - 0.008, top - 0.012, x + 0.113, top + 0.006, mix(wood, (255, 240, 210), 0.2))
    for k in (0, 1):
        c.rect(
            x + 0.012,
            top + 0.02 + 0.062 * k,
            x + 0.093,
            top + 0.072 + 0.062 * k,
            scaled(wood, 0.84),
        )
        c.discs(np.array([[x + 0.052, top + 0.046 + 0.062 * k, 0.006, 0.006]]), [hexa("e0c27a")])
    lx = x + 0.05
    if lit:
        c.glow(lx, top - 0.15, 0.23, 0.23, (255, 210, 140), 0.75)
    c.rect(lx - 0.007, top - 0.10, lx + 0.007, top - 0.01, hexa("c9b28a"))
    c.disc(lx, top - 0.014, 0.026, 0.009, hexa("c9b28a"))
    shade = (255, 236, 190) if lit else scaled(hexa("f0e2c8"), dim)
    c.fill(
        placed(lx, top, (-0.028, -0.175), (0.028, -0.175), (0.052, -0.09), (-0.052, -0.09)),
        shade,
    )


def _rug(s: Set, room: Room, colour: Colour) -> None:
    c = s.canvas
    c.distance = 0.0
    x = s.u(0.2, 0.45)
    c.disc(x, 0.84, 0.33, 0.085, mix(colour, (255, 255, 255), 0.2))
    c.disc(x, 0.84, 0.28, 0.070, mix(colour, (255, 255, 255), 0.55))
    c.disc(x, 0.84, 0.22, 0.053, mix(colour, (255, 255, 255), 0.2))


def _string_lights(s: Set, x0: float, x1: float, y: float) -> None:
    c = s.canvas
    xs = np.linspace(x0, x1, 13)
    ys = y + 0.03 * np.abs(np.sin(np.arange(13) * np.pi / 4))
    c.fill(ribbon(np.stack([xs, ys], axis=1), 0.003), hexa("6b5a4a"))
    for x, h in zip(xs, ys, strict=True):
        c.glow(x, h + 0.012, 0.03, 0.03, (255, 220, 140), 0.8)
    c.discs(np.column_stack([xs, ys + 0.012, np.full((13, 2), 0.008)]), [(255, 244, 204)] * 13)
