"""A classroom: a board with drawings, rows of desks, a globe, paper shapes, windows."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import arc, ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, placed, quad

_WALLS = (hexa("efe3c4"), hexa("dfe8d8"), hexa("f0dccb"), hexa("d8e4ea"))
_BOARDS = (hexa("2f5d4c"), hexa("2b5a5f"), hexa("33404a"))
_PAPER = tuple(hexa(k) for k in ("e4674f", "f2b84b", "5aa9a0", "6f8fcf", "b58bc4"))


def paint_classroom(s: Set) -> Light:
    """The front wall with its board; windows on one side; desks towards the viewer."""
    weather = WEATHERS[s.pick(("noon", "noon", "morning", "overcast"))]
    room = Room(s, s.u(0.05, 0.13), s.u(0.05, 0.10), s.u(0.87, 0.95), s.u(0.58, 0.62))
    wall = s.vary(s.pick(_WALLS), 4)
    floor = s.vary(s.pick((hexa("c49a6c"), hexa("b08d6a"), hexa("a9a69c"))), 5)
    room.paint(wall, floor, mix(wall, (255, 255, 255), 0.6))
    room.boards(scaled(floor, 0.75), count=10)
    wide = s.u(0.46, 0.58)
    left = room.x0 + s.u(0.05, 0.15) * (room.x1 - room.x0)
    _board(s, left, room.y0 + 0.085, left + wide, room.y0 + 0.345)
    right = left + wide
    if s.chance(0.6):
        room.clock(min(right + 0.08, room.x1 - 0.05), room.y0 + 0.11, 0.045)
        _chart(s, right + 0.035, room.y0 + 0.19, 0.11, 0.15)
    else:
        room.window(
            right + 0.05, room.y0 + 0.08, room.x1 - 0.02, 0.42, weather, frame=hexa("f6f2e6")
        )
    _bunting(s, room.y0 + 0.01)
    desk = s.vary(s.pick((hexa("d9a768"), hexa("e2b980"), hexa("c98d56"))), 5)
    _teacher_desk(s, room, desk)
    for row, (y, size) in enumerate(((0.66, 0.15), (0.80, 0.21))):
        s.canvas.distance = 4.5 - 1.5 * row
        shift = s.u(-0.04, 0.04)
        for k in range(5 - row):
            _desk(s, shift + (k + 0.5) / (5 - row), y, size, desk)
    key = (1.02, 1.0, 0.96) if weather.name != "overcast" else (0.99, 0.99, 0.99)
    return Light(key=key, shade=(0.76, 0.71, 0.75), side=s.side)


def _board(s: Set, x0: float, y0: float, x1: float, y1: float) -> None:
    """A chalk board with geometry, a curve and dust, but no writing."""
    c, board = s.canvas, s.pick(_BOARDS)
    wood, chalk = hexa("a8743f"), hexa("f2efe2")
    c.rect(x0 - 0.016, y0 - 0.016, x1 + 0.016, y1 + 0.016, wood)
    c.gradient(x0, y0, x1, y1, mix(board, (255, 255, 255), 0.06), board)
    for _ in range(3):
        c.glow(s.u(x0 + 0.08, x1 - 0.08), s.u(y0 + 0.07, y1 - 0.07), 0.08, 0.06, chalk, 0.14)
    middle = 0.5 * (x0 + x1)
    drawings = [_triangle, _sun, _graph, _circle]
    order = s.rng.permutation(len(drawings))
    for k, at in enumerate((x0 + 0.09, middle, x1 - 0.09)):
        drawings[int(order[k])](
            s, at, 0.5 * (y0 + y1), s.pick((chalk, hexa("f6d98a"), hexa("a9d8e0")))
        )
    c.rect(x0 + 0.02, y1 + 0.010, x1 - 0.02, y1 + 0.024, scaled(wood, 1.15))
    for k, tone in enumerate((chalk, hexa("f0a6a0"), hexa("f6d98a"))):
        c.rect(x0 + 0.08 + 0.03 * k, y1 + 0.004, x0 + 0.10 + 0.03 * k, y1 + 0.011, tone)


def _triangle(s: Set, x: float, y: float, chalk: Colour) -> None:
    a = np.array(
        [(x - 0.06, y + 0.05), (x + 0.06, y + 0.05), (x - 0.06, y - 0.06), (x - 0.06, y + 0.05)]
    )
    s.canvas.fill(ribbon(a, 0.006), chalk, 0.9)
    s.canvas.fill(
        ribbon(
            np.array([(x - 0.045, y + 0.05), (x - 0.045, y + 0.035), (x - 0.06, y + 0.035)]), 0.004
        ),
        chalk,
        0.9,
    )


def _sun(s: Set, x: float, y: float, chalk: Colour) -> None:
    ring = arc(x, y, 0.03, 0.03, 0, 360, count=24)
    s.canvas.fill(ribbon(ring, 0.006), chalk, 0.9)
    for k in range(8):
        way = np.array([np.cos(k * np.pi / 4), np.sin(k * np.pi / 4)])
        s.canvas.fill(
            ribbon(np.stack([way * 0.042, way * 0.062]) + np.array([x, y]), 0.005), chalk, 0.9
        )


def _graph(s: Set, x: float, y: float, chalk: Colour) -> None:
    axes = np.array([(x - 0.06, y - 0.07), (x - 0.06, y + 0.06), (x + 0.07, y + 0.06)])
    s.canvas.fill(ribbon(axes, 0.005), hexa("f2efe2"), 0.9)
    t = np.linspace(0, 1, 16)
    wave = np.stack([x - 0.055 + 0.12 * t, y + 0.03 - 0.06 * np.sin(t * 5)], axis=1)
    s.canvas.fill(ribbon(wave, 0.006), chalk, 0.9)


def _circle(s: Set, x: float, y: float, chalk: Colour) -> None:
    s.canvas.fill(ribbon(arc(x, y, 0.055, 0.055, 0, 360, count=28), 0.006), chalk, 0.9)
    s.canvas.fill(ribbon(np.array([(x, y), (x + 0.055, y)]), 0.005), chalk, 0.9)
    s.canvas.fill(ribbon(np.array([(x, y), (x - 0.028, y - 0.048)]), 0.005), chalk, 0.9)


def _chart(s: Set, x: float, y: float, w: float, h: float) -> None:
    """A wall chart: a plant or the planets."""
    c = s.canvas
    c.rect(x, y, x + w, y + h, hexa("fbf6e8"))
    c.rect(x - 0.006, y - 0.006, x + w + 0.006, y + 0.006, hexa("8a6a4c"))
    if s.chance(0.5):
        c.fill(
            ribbon(np.array([(x + 0.5 * w, y + 0.9 * h), (x + 0.5 * w, y + 0.3 * h)]), 0.006),
            hexa("5f8f4f"),
        )
        for k, side in enumerate((-1, 1, -1)):
            c.disc(
                x + (0.5 + 0.16 * side) * w, y + (0.75 - 0.15 * k) * h, 0.018, 0.010, hexa("6fa85a")
            )
        c.discs(
            np.array(
                [
                    [x + 0.5 * w, y + 0.25 * h, 0.022, 0.022],
                    [x + 0.5 * w, y + 0.25 * h, 0.009, 0.009],
                ]
            ),
            [hexa("e4674f"), hexa("f2d14b")],
        )
        return
    c.rect(x + 0.04 * w, y + 0.08 * h, x + 0.96 * w, y + 0.95 * h, hexa("27335f"))
    spots = [(0.2, 0.5, 0.024), (0.48, 0.4, 0.010), (0.66, 0.6, 0.014), (0.84, 0.42, 0.008)]
    discs = np.array([[x + a * w, y + b * h, r, r] for a, b, r in spots])
    c.discs(discs, [hexa("f6c64b"), hexa("9fc7e0"), hexa("d98a5a"), hexa("e6e0cf")])


def _bunting(s: Set, y: float) -> None:
    """A string of paper flags under the ceiling."""
    c = s.canvas
    xs = np.linspace(0, 1, 17)
    ys = y + 0.035 * np.abs(np.sin(xs * np.pi * 2))
    c.fill(ribbon(np.stack([xs, ys], axis=1), 0.004), hexa("7d6b58"))
    for k in range(16):
        a, b = (xs[k], ys[k]), (xs[k] + 0.045, 0.3 * ys[k] + 0.7 * ys[k + 1])
        c.fill(quad(a, b, (xs[k] + 0.022, max(a[1], b[1]) + 0.045)), _PAPER[k % len(_PAPER)])


def _teacher_desk(s: Set, room: Room, wood: Colour) -> None:
    c = s.canvas
    c.distance = 5.5
    x, y, w = (room.x0 + 0.02 if s.chance(0.5) else room.x1 - 0.32), room.y1 - 0.12, 0.30
    c.rect(x, y, x + w, y + 0.17, scaled(wood, 0.66))
    c.rect(x + 0.02, y + 0.03, x + w - 0.02, y + 0.15, scaled(wood, 0.78))
    c.rect(x - 0.012, y - 0.014, x + w + 0.012, y + 0.010, scaled(wood, 0.92))
    gx, gy, r = x + 0.20, y - 0.085, 0.055
    c.rect(gx - 0.006, gy + r, gx + 0.006, y - 0.012, hexa("7a5a3c"))
    c.disc(gx, y - 0.014, 0.035, 0.010, hexa("7a5a3c"))
    c.discs(np.array([[gx, gy, r, r]]), [hexa("4f9fc4")])
    land = smooth(
        np.array(
            [
                (gx - 0.03, gy - 0.02),
                (gx - 0.005, gy - 0.035),
                (gx + 0.02, gy - 0.012),
                (gx + 0.004, gy + 0.012),
                (gx + 0.01, gy + 0.034),
                (gx - 0.012, gy + 0.018),
            ]
        ),
        steps=3,
    )
    c.fill(land, hexa("7fb86a"))
    c.fill(ribbon(arc(gx, gy, r + 0.008, r + 0.008, 110, 290, count=16), 0.007), hexa("c9a45c"))
    for k, tone in enumerate((hexa("c8453b"), hexa("3f6fa0"), hexa("e0a63e"))):
        c.rect(x + 0.03, y - 0.034 - 0.020 * k, x + 0.12 - 0.006 * k, y - 0.014 - 0.020 * k, tone)
    c.discs(np.array([[x + 0.075, y - 0.088, 0.018, 0.017]]), [hexa("c63d3a")])
    c.disc(x + 0.083, y - 0.108, 0.010, 0.005, hexa("5f9a4a"))


def _desk(s: Set, x: float, y: float, w: float, wood: Colour) -> None:
    """A pupil's desk seen from behind, with its chair."""
    c = s.canvas
    steel = hexa("6b747c")
    for dx in (-0.42, 0.40):
        c.rect(x + dx * w, y, x + (dx + 0.035) * w, y + 0.75 * w, steel)
    c.fill(
        placed(x, y, (-0.46, -0.10), (0.46, -0.10), (0.52, 0), (-0.52, 0), size=(w, w)),
        mix(wood, (255, 246, 220), 0.25),
    )
    c.rect(x - 0.52 * w, y, x + 0.52 * w, y + 0.055 * w, scaled(wood, 0.8))
    chair = s.pick((hexa("3f7ca8"), hexa("c8553b"), hexa("4f8f6a")))
    back = smooth(
        placed(x, y, (-0.27, 0.10), (0.27, 0.10), (0.25, 0.42), (-0.25, 0.42), size=(w, w)),
        steps=4,
    )
    for dx in (-0.22, 0.18):
        c.rect(x + dx * w, y + 0.36 * w, x + (dx + 0.04) * w, y + 0.9 * w, steel)
    c.fill(back, chair)
    c.rect(x - 0.28 * w, y + 0.50 * w, x + 0.28 * w, y + 0.57 * w, scaled(chair, 0.8))
    if s.chance(0.6):
        a = x + s.u(-0.3, 0.1) * w
        c.fill(
            placed(a, y, (0, -0.075), (0.2, -0.075), (0.21, -0.015), (-0.01, -0.015), size=(w, w)),
            s.pick(((252, 251, 246), *_PAPER)),
        )
