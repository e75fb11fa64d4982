"""A bar at night: lit shelves of bottles, a counter, pendant lamps, stools."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import Set, placed

_MOODS: tuple[tuple[Colour, Colour, Colour], ...] = (
    (hexa("4a2a2c"), hexa("7a4426"), hexa("ffc477")),
    (hexa("23323f"), hexa("5b3a2a"), hexa("ffd08a")),
    (hexa("33284a"), hexa("4d2f38"), hexa("ff9ec0")),
    (hexa("24403a"), hexa("6a4a2c"), hexa("ffdc94")),
)
_GLASS = tuple(
    hexa(k) for k in ("4f8a5b", "b5762f", "d8c9a0", "7a2f3a", "3f6f8f", "c9a23c", "8fb0a0")
)


def paint_bar(s: Set) -> Light:
    """Back wall, shelves, counter from side to side, lamps above."""
    wall, wood, glow = s.pick(_MOODS)
    wall, c = s.vary(wall, 4), s.canvas
    room = Room(s, -0.05, -0.02, 1.05, 0.70)
    room.paint(wall, scaled(wood, 0.55), scaled(wall, 0.7))
    c.distance = 6.0
    if s.chance(0.6):
        _bricks(s, wall)
    gap = s.u(0.30, 0.40)
    for x0, x1 in ((0.03, gap), (1 - gap, 0.97)) if s.chance(0.6) else ((0.10, 0.90),):
        _shelves(s, x0, x1, wood, glow)
    if s.chance(0.55):
        _neon(s, s.u(0.42, 0.58), 0.13)
    _counter(s, wood, glow)
    lamps = int(s.rng.integers(3, 6))
    shade = s.pick((hexa("22242b"), hexa("8a5a2c"), hexa("2c5048"), hexa("b08a4a")))
    c.distance = 3.5
    for k in range(lamps):
        room.pendant(
            (k + 0.5) / lamps + s.u(-0.02, 0.02), s.u(0.05, 0.12), 0.065, shade, glow, strength=0.55
        )
    return Light(
        key=(1.02, 0.90, 0.78),
        shade=(0.68, 0.58, 0.66),
        side=s.side,
        rim=mix(glow, (255, 120, 160), 0.2),
        glare=0.5,
    )


def _bricks(s: Set, wall: Colour) -> None:
    rows, colours = [], []
    for row in range(9):
        for k in range(8):
            if s.chance(0.45):
                x, y = (k + 0.5 * (row % 2)) / 8, 0.02 + 0.055 * row
                rows.append((x, y, x + 0.115, y + 0.046))
                colours.append(scaled(wall, s.u(1.05, 1.35)))
    s.canvas.boxes(np.array(rows), colours)


def _shelves(s: Set, x0: float, x1: float, wood: Colour, glow: Colour) -> None:
    c = s.canvas
    c.rect(x0 - 0.015, 0.055, x1 + 0.015, 0.50, scaled(wood, 0.55))
    for row in range(3):
        top, floor = 0.07 + 0.14 * row, 0.195 + 0.14 * row
        c.gradient(x0, top, x1, floor, mix(glow, wood, 0.55), mix(glow, wood, 0.12))
        x = x0 + 0.012
        boxes, tones = [], []
        while x < x1 - 0.03:
            w, h = s.u(0.018, 0.030), s.u(0.065, 0.105)
            glass = s.vary(s.pick(_GLASS), 8)
            boxes += [
                (x, floor - 0.68 * h, x + w, floor),
                (x + 0.34 * w, floor - h, x + 0.66 * w, floor - 0.6 * h),
                (x + 0.1 * w, floor - 0.45 * h, x + 0.9 * w, floor - 0.18 * h),
                (x + 0.12 * w, floor - 0.64 * h, x + 0.28 * w, floor - 0.06 * h),
            ]
            tones += [
                glass,
                scaled(glass, 0.8),
                mix(glass, (250, 240, 214), 0.65),
                mix(glass, (255, 255, 240), 0.4),
            ]
            x += w + s.u(0.006, 0.014)
        c.boxes(np.array(boxes), tones)
        c.rect(x0 - 0.012, floor, x1 + 0.012, floor + 0.015, mix(wood, (255, 220, 170), 0.15))


def _neon(s: Set, x: float, y: float) -> None:
    """A neon cocktail glass."""
    c = s.canvas
    pink, blue = s.pick(((hexa("ff7ab8"), hexa("7ae0ff")), (hexa("ffb35c"), hexa("9dff9a"))))
    c.glow(x, y + 0.06, 0.17, 0.17, pink, 0.5)
    glass = np.array([(x - 0.07, y), (x, y + 0.08), (x + 0.07, y), (x - 0.07, y)])
    c.fill(ribbon(glass, 0.010), pink)
    c.fill(ribbon(np.array([(x, y + 0.08), (x, y + 0.155)]), 0.010), pink)
    c.fill(ribbon(np.array([(x - 0.04, y + 0.158), (x + 0.04, y + 0.158)]), 0.010), pink)
    c.fill(ribbon(np.array([(x + 0.015, y + 0.04), (x + 0.075, y - 0.05)]), 0.008), blue)
    c.disc(x - 0.012, y + 0.02, 0.014, 0.014, blue)


def _counter(s: Set, wood: Colour, glow: Colour) -> None:
    c, top = s.canvas, s.u(0.58, 0.64)
    c.distance = 4.0
    c.gradient(0, top + 0.04, 1, 1.02, wood, scaled(wood, 0.45))
    for k in range(6):
        x = (k + 0.5) / 6
        c.rect(x - 0.070, top + 0.09, x + 0.070, 1.02, scaled(wood, 0.62), 0.55)
        c.rect(x - 0.062, top + 0.10, x + 0.062, 1.02, mix(wood, (0, 0, 0), 0.22), 0.5)
    c.gradient(0, top, 1, top + 0.045, mix(wood, glow, 0.55), mix(wood, (255, 235, 200), 0.18))
    c.rect(0, top + 0.045, 1, top + 0.056, scaled(wood, 0.4))
    for x in (s.u(0.06, 0.2), s.u(0.8, 0.94), s.u(0.4, 0.6)):
        _glass(s, x, top + 0.018)
    if s.chance(0.7):
        tap = s.u(0.25, 0.75)
        c.rect(tap - 0.012, top - 0.15, tap + 0.012, top + 0.01, hexa("d0b06a"))
        c.rect(tap - 0.075, top - 0.165, tap + 0.075, top - 0.135, hexa("e3c584"))
        for d in (-0.055, 0.0, 0.055):
            c.rect(tap + d - 0.006, top - 0.135, tap + d + 0.006, top - 0.105, hexa("b8964e"))
            c.rect(tap + d - 0.008, top - 0.215, tap + d + 0.008, top - 0.165, hexa("3a2a26"))
    c.distance = 3.2
    for x in (s.u(0.02, 0.14), s.u(0.86, 0.98)):
        seat = top + 0.20
        c.fill(ribbon(np.array([(x - 0.05, 1.02), (x - 0.02, seat)]), 0.012), hexa("2a2426"))
        c.fill(ribbon(np.array([(x + 0.05, 1.02), (x + 0.02, seat)]), 0.012), hexa("2a2426"))
        c.disc(x, seat, 0.075, 0.026, hexa("9a3f3a"))
        c.disc(x, seat - 0.008, 0.070, 0.020, hexa("b9544a"))


def _glass(s: Set, x: float, base: float) -> None:
    c = s.canvas
    drink = s.pick((hexa("e8a33c"), hexa("c9463d"), hexa("e6d37a"), hexa("7fb8a0")))
    if s.chance(0.5):
        c.fill(
            placed(x, base, (-0.028, -0.10), (0.028, -0.10), (0.022, 0), (-0.022, 0)),
            drink,
        )
        c.rect(x - 0.029, base - 0.118, x + 0.029, base - 0.092, hexa("fdf6e4"))
    else:
        bowl = smooth(
            np.array(
                [
                    (x - 0.032, base - 0.125),
                    (x + 0.032, base - 0.125),
                    (x + 0.024, base - 0.07),
                    (x, base - 0.052),
                    (x - 0.024, base - 0.07),
                ]
            ),
            steps=3,
        )
        c.fill(bowl, mix(drink, (255, 255, 255), 0.25), 0.95)
        c.rect(x - 0.003, base - 0.055, x + 0.003, base, (236, 230, 220), 0.9)
        c.disc(x, base, 0.024, 0.006, (236, 230, 220), 0.9)
