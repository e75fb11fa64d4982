"""A library: walls of books, an arched window, a ladder, reading lamps on a table."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import arc, ribbon
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, placed, quad

_SPINES = tuple(
    hexa(k)
    for k in (
        "8a2f2f",
        "2f4f6f",
        "3f6a4f",
        "c9a24c",
        "6b4a7a",
        "b5623f",
        "e3d5b5",
        "4a4a55",
        "7a8f9a",
    )
)
_WOODS = (hexa("7a4f33"), hexa("5f3f2e"), hexa("96683f"), hexa("e6ddcc"))


def paint_library(s: Set) -> Light:
    """Shelves on three walls, receding; a window at the end."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "dusk", "night"))]
    wood = s.vary(s.pick(_WOODS), 4)
    room = Room(s, s.u(0.20, 0.28), s.u(0.02, 0.07), s.u(0.72, 0.80), s.u(0.58, 0.62))
    room.paint(
        mix(wood, (240, 226, 200), 0.35),
        scaled(s.pick((hexa("8f5f3f"), hexa("6f4a3a"), hexa("9a7a5a"))), 1.0),
        mix(wood, (250, 240, 222), 0.6),
    )
    room.boards(hexa("4a3326"), count=10)
    c = s.canvas
    c.distance = 5.5
    middle = 0.5 * (room.x0 + room.x1)
    _arch(s, weather, middle, 0.10, 0.42)
    for x0, x1 in ((room.x0 + 0.01, middle - 0.12), (middle + 0.12, room.x1 - 0.01)):
        _shelf(s, x0, x1, room.y0 + 0.03, room.y1 - 0.02, wood)
    for side in (-1, 1):
        c.distance = 3.5
        _shelf_in_depth(s, room, side, wood)
    c.fill(
        room.floor_quad(0.32, 0.68, 1, 0.05),
        s.pick((hexa("8a3a3a"), hexa("3f5f6f"), hexa("5f6a4a"))),
        0.85,
    )
    c.fill(room.floor_quad(0.36, 0.64, 1, 0.05), hexa("d9b98a"), 0.25)
    c.distance = 3.0
    _table(s, s.pick((0.12, 0.88)), 0.74, scaled(wood, 0.9))
    if s.chance(0.6):
        _ladder(s, room, s.side)
    return Light(
        key=(1.03, 0.95, 0.86),
        shade=(0.72, 0.63, 0.66),
        side=s.side,
        rim=(255, 222, 170),
        glare=0.3,
    )


def _arch(s: Set, weather: Weather, x: float, half: float, base: float) -> None:
    c = s.canvas
    frame = hexa("efe6d4")
    top = np.concatenate(
        [
            arc(x, 0.20, half + 0.014, 0.135, 180, 360, count=18),
            quad((x + half + 0.014, base), (x - half - 0.014, base)),
        ]
    )
    c.fill(top, frame)
    pane = np.concatenate(
        [
            arc(x, 0.20, half, 0.118, 180, 360, count=18),
            quad((x + half, base - 0.012), (x - half, base - 0.012)),
        ]
    )
    c.distance = 40.0
    c.fill(pane, weather.sky[1])
    c.shade(pane, "down", weather.sky[-1], 0.95)
    c.distance = 5.5
    for dx in (-0.34, 0.34):
        c.rect(x + dx * 2 * half * 0.5 - 0.003, 0.10, x + dx * half + 0.003, base - 0.01, frame)
    for y in (0.20, 0.30):
        c.rect(x - half, y - 0.003, x + half, y + 0.003, frame)
    c.glow(x, 0.26, 0.22, 0.26, weather.sky[-1], 0.25)


def _shelf(s: Set, x0: float, x1: float, y0: float, y1: float, wood: Colour) -> None:
    """An upright case of books facing the viewer."""
    c = s.canvas
    c.rect(x0 - 0.008, y0 - 0.012, x1 + 0.008, y1, wood)
    rows = 5
    step = (y1 - y0) / rows
    boxes, tones = [], []
    for row in range(rows):
        top, floor = y0 + step * row + 0.006, y0 + step * (row + 1) - 0.010
        c.rect(x0, top, x1, floor + 0.002, scaled(wood, 0.42))
        x = x0 + 0.004
        while x < x1 - 0.012:
            w = s.u(0.009, 0.017)
            spine = s.vary(s.pick(_SPINES), 6)
            boxes.append(
                (x, floor - (floor - top) * s.u(0.66, 0.95), min(x + w, x1 - 0.002), floor)
            )
            tones.append(spine)
            x += w + 0.0015
    c.boxes(np.array(boxes), tones)


def _shelf_in_depth(s: Set, room: Room, side: int, wood: Colour) -> None:
    """A side wall of books: spines as quads that shrink with distance."""
    c = s.canvas
    c.fill(room.side_wall(side, 1, 0.0, 0.02, 0.99), scaled(wood, 0.5))
    rows = 5
    shade = 0.92 if side == s.side else 0.78
    for row in range(rows):
        top, floor = 0.04 + 0.19 * row, 0.04 + 0.19 * row + 0.165
        depth = 0.34
        while depth > 0.01:
            step = 0.014 + 0.036 * depth
            spine = scaled(s.pick(_SPINES), shade)
            high = top + (floor - top) * s.u(0.05, 0.3)
            c.fill(room.side_wall(side, depth, depth - 0.86 * step, high, floor), spine)
            depth -= step
        c.fill(room.side_wall(side, 0.4, 0.0, floor, floor + 0.022), scaled(wood, shade))
    for depth in (0.34, 0.165, 0.05):
        c.fill(
            room.side_wall(side, depth + 0.008 + 0.02 * depth, depth, 0.02, 0.99),
            scaled(wood, 1.08 * shade),
        )
    c.fill(room.side_wall(side, 0.4, 0.0, 0.005, 0.04), scaled(wood, 1.1 * shade))


def _table(s: Set, x: float, top: float, wood: Colour) -> None:
    """A reading table with a green lamp and an open book."""
    c = s.canvas
    c.fill(
        placed(x, top, (-0.20, -0.03), (0.20, -0.03), (0.25, 0.03), (-0.25, 0.03)),
        mix(wood, (255, 236, 200), 0.15),
    )
    c.rect(x - 0.25, top + 0.03, x + 0.25, top + 0.055, scaled(wood, 0.7))
    for dx in (-0.22, 0.19):
        c.rect(x + dx, top + 0.055, x + dx + 0.03, 1.02, scaled(wood, 0.55))
    lx = x - 0.07
    c.glow(lx, top - 0.06, 0.20, 0.16, (255, 226, 150), 0.65)
    c.rect(lx - 0.006, top - 0.13, lx + 0.006, top - 0.005, hexa("c9a24c"))
    c.disc(lx, top - 0.004, 0.035, 0.011, hexa("c9a24c"))
    c.fill(
        np.concatenate([arc(lx, top - 0.115, 0.075, 0.048, 180, 360, count=14)]),
        s.pick((hexa("2f7f5a"), hexa("c9a24c"), hexa("8a2f2f"))),
    )
    c.rect(lx - 0.075, top - 0.118, lx + 0.075, top - 0.108, (255, 246, 206))
    bx, by = x + 0.09, top - 0.002
    for d in (-1, 1):
        c.fill(
            placed(bx, by, (0, -0.012), (0.07, -0.020), (0.085, 0.014), (0, 0.02), size=(d, 1)),
            hexa("fbf5e6") if d > 0 else hexa("efe6d2"),
        )
    for k, tone in enumerate((hexa("8a2f2f"), hexa("2f4f6f"), hexa("c9a24c"))):
        c.rect(
            x - 0.19, top - 0.045 - 0.018 * k, x - 0.10 - 0.008 * k, top - 0.027 - 0.018 * k, tone
        )


def _ladder(s: Set, room: Room, side: int) -> None:
    c = s.canvas
    wood = hexa("c99a5c")
    x = room.x1 - 0.06 if side > 0 else room.x0 + 0.06
    lean = -0.05 * side
    for dx in (-0.03, 0.03):
        c.fill(
            ribbon(np.array([(x + dx + lean, room.y1 + 0.10), (x + dx, room.y0 + 0.06)]), 0.010),
            wood,
        )
    for k in range(7):
        t = (k + 0.5) / 7
        y = room.y1 + 0.10 + (room.y0 - 0.04 - room.y1) * t
        c.rect(
            x - 0.03 + lean * (1 - t),
            y - 0.004,
            x + 0.03 + lean * (1 - t),
            y + 0.004,
            scaled(wood, 0.85),
        )
