"""A kitchen: cupboards, tiles, a worktop with things on it, stove and hood, fridge, lamps."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import arc, ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, quad

# wall, cupboards, tiles
_SCHEMES: tuple[tuple[Colour, Colour, Colour], ...] = (
    (hexa("f2e8d8"), hexa("5f8f87"), hexa("e8f0ec")),
    (hexa("efe6dc"), hexa("c98a5c"), hexa("f6efe2")),
    (hexa("e6ecef"), hexa("4f6a8a"), hexa("f2f6f8")),
    (hexa("f4ead0"), hexa("f3efe6"), hexa("d98f6a")),
    (hexa("e4e6dc"), hexa("7f9a6a"), hexa("f2eee0")),
)
_TOP = 0.50


def paint_kitchen(s: Set) -> Light:
    """One wall of cupboards, with window and stove in either order; a table edge in front."""
    weather = WEATHERS[s.pick(("noon", "morning", "morning", "overcast", "dusk", "night"))]
    dark = weather.name in ("dusk", "night")
    wall, cupboard, tile = s.pick(_SCHEMES)
    dim: float | tuple[float, float, float] = (0.92, 0.86, 0.80) if dark else 1.0
    wall, cupboard, tile = (scaled(s.vary(k, 4), dim) for k in (wall, cupboard, tile))
    room = Room(s, -0.06, -0.03, 1.06, 0.74)
    floor = scaled(s.pick((hexa("c9a57c"), hexa("b9b4aa"), hexa("a58a70"))), dim)
    room.paint(wall, floor, mix(wall, (255, 255, 255), 0.5))
    room.tiles(scaled(floor, 0.8), count=9, alpha=0.5)
    c = s.canvas
    c.distance = 5.5
    _tiles(s, tile)
    fridge, stove = s.u(0.19, 0.23), s.pick((0.34, 0.66))
    window = 1.06 - stove
    room.window(
        window - 0.13,
        0.10,
        window + 0.13,
        0.38,
        weather,
        frame=scaled(hexa("fbf8f0"), dim),
        curtains=scaled(s.pick((hexa("e9c46a"), hexa("d98a7a"), hexa("8fb0a0"))), dim),
    )
    c.distance = 5.0
    _upper(
        s,
        cupboard,
        [
            (fridge + 0.005, min(stove, window) - 0.15),
            (min(stove, window) + 0.14, max(stove, window) - 0.15),
            (max(stove, window) + 0.15, 1.02),
        ],
    )
    _lower(
        s, cupboard, scaled(s.pick((hexa("4a4f55"), hexa("e9e2d6"), hexa("a87c50"))), dim), stove
    )
    _stove(s, stove, dim)
    _sink(s, window)
    _fridge(
        s,
        fridge,
        scaled(s.pick((hexa("dfe4e8"), hexa("f2efe8"), hexa("a9d0cc"), hexa("e2a59a"))), dim),
    )
    _clutter(s, stove, window, dim)
    if dark or s.chance(0.5):
        for x in (0.36, 0.66):
            room.pendant(
                x + s.u(-0.03, 0.03),
                0.06,
                0.075,
                scaled(s.pick((hexa("3d4a52"), hexa("d9a441"), hexa("b5533f"))), dim),
                (255, 224, 160),
                strength=0.6 if dark else 0.25,
            )
    key = (1.0, 0.93, 0.84) if dark else (1.02, 1.0, 0.97)
    return Light(key=key, shade=(0.74, 0.68, 0.72), side=s.side)


def _tiles(s: Set, tile: Colour) -> None:
    """The splashback: bricks of glazed tile."""
    rows, tones = [], []
    s.canvas.rect(0, 0.27, 1, _TOP, scaled(tile, 0.86))
    for row in range(6):
        for k in range(-1, 13):
            x, y = (k + 0.5 * (row % 2)) / 12, 0.272 + 0.039 * row
            rows.append((x, y, x + 0.078, y + 0.034))
            tones.append(scaled(tile, s.u(0.95, 1.03)))
    s.canvas.boxes(np.array(rows), tones)


def _upper(s: Set, colour: Colour, spans: list[tuple[float, float]]) -> None:
    c = s.canvas
    for x0, x1 in spans:
        if x1 - x0 < 0.05:
            continue
        c.rect(x0 - 0.004, 0.04, x1 + 0.004, 0.285, scaled(colour, 0.72))
        doors = max(1, round((x1 - x0) / 0.13))
        for k in range(doors):
            a = x0 + (x1 - x0) * k / doors + 0.004
            b = x0 + (x1 - x0) * (k + 1) / doors - 0.004
            c.gradient(a, 0.048, b, 0.275, mix(colour, (255, 255, 255), 0.12), colour)
            c.rect(a + 0.016, 0.072, b - 0.016, 0.252, scaled(colour, 0.92))
            c.rect(a + 0.020, 0.076, b - 0.020, 0.250, mix(colour, (255, 255, 255), 0.05))
            knob = b - 0.010 if k % 2 == 0 else a + 0.010
            c.discs(np.array([[knob, 0.235, 0.007, 0.007]]), [hexa("e3cf9a")])
        c.rect(x0 - 0.004, 0.285, x1 + 0.004, 0.293, scaled(colour, 0.5), 0.6)


def _lower(s: Set, colour: Colour, top: Colour, stove: float) -> None:
    c = s.canvas
    c.rect(0, _TOP + 0.03, 1, 0.80, scaled(colour, 0.70))
    for k in range(8):
        a, b = k / 8 + 0.005, (k + 1) / 8 - 0.005
        c.gradient(a, _TOP + 0.045, b, _TOP + 0.105, mix(colour, (255, 255, 255), 0.10), colour)
        c.gradient(
            a, _TOP + 0.115, b, 0.775, mix(colour, (255, 255, 255), 0.06), scaled(colour, 0.94)
        )
        c.rect(
            0.5 * (a + b) - 0.022, _TOP + 0.070, 0.5 * (a + b) + 0.022, _TOP + 0.079, hexa("e3cf9a")
        )
        c.rect(a + 0.018, _TOP + 0.140, b - 0.018, 0.755, scaled(colour, 0.90))
    c.rect(0, 0.775, 1, 0.80, hexa("2f2a28"))
    c.gradient(0, _TOP - 0.012, 1, _TOP + 0.018, mix(top, (255, 255, 255), 0.25), top)
    c.rect(0, _TOP + 0.018, 1, _TOP + 0.032, scaled(top, 0.68))


def _stove(s: Set, x: float, dim: float | tuple[float, float, float]) -> None:
    c, steel = s.canvas, scaled(hexa("c3c8cc"), dim)
    c.fill(
        quad((x - 0.05, 0.0), (x + 0.05, 0.0), (x + 0.05, 0.15), (x - 0.05, 0.15)),
        scaled(steel, 0.9),
    )
    hood = quad((x - 0.055, 0.14), (x + 0.055, 0.14), (x + 0.135, 0.24), (x - 0.135, 0.24))
    c.fill(hood, steel)
    c.shade(hood, "down", scaled(steel, 0.7), 0.7)
    c.rect(x - 0.14, 0.24, x + 0.14, 0.262, scaled(steel, 0.85))
    c.glow(x, 0.30, 0.15, 0.08, (255, 244, 210), 0.5)
    c.rect(x - 0.125, _TOP - 0.016, x + 0.125, _TOP + 0.02, hexa("2b2e33"))
    c.rect(x - 0.125, _TOP + 0.02, x + 0.125, 0.775, scaled(steel, 0.92))
    for k in range(4):
        c.discs(np.array([[x - 0.09 + 0.06 * k, _TOP + 0.046, 0.012, 0.012]]), [hexa("3a3f46")])
    c.rect(x - 0.10, _TOP + 0.085, x + 0.10, _TOP + 0.097, hexa("f0f2f2"))
    c.gradient(x - 0.10, _TOP + 0.115, x + 0.10, 0.735, hexa("3a3f46"), hexa("23262b"))
    c.glow(x, 0.68, 0.09, 0.08, (255, 170, 80), 0.35)
    pot = scaled(s.pick((hexa("c8453b"), hexa("e0e4e6"), hexa("3f7f8a"), hexa("e6a637"))), dim)
    c.rect(x - 0.095, _TOP - 0.085, x - 0.005, _TOP - 0.016, pot)
    c.rect(x - 0.112, _TOP - 0.070, x + 0.012, _TOP - 0.056, scaled(pot, 0.8))
    c.disc(x - 0.05, _TOP - 0.087, 0.047, 0.014, mix(pot, (255, 255, 255), 0.25))
    c.discs(np.array([[x - 0.05, _TOP - 0.104, 0.009, 0.009]]), [hexa("2b2e33")])
    for k in range(2):
        wisp = smooth(
            np.array(
                [
                    (x - 0.06 + 0.03 * k, _TOP - 0.11),
                    (x - 0.045 + 0.03 * k, _TOP - 0.15),
                    (x - 0.065 + 0.03 * k, _TOP - 0.19),
                    (x - 0.05 + 0.03 * k, _TOP - 0.23),
                ]
            ),
            closed=False,
        )
        c.fill(ribbon(wisp, [0.004, 0.014, 0.004]), (255, 255, 255), 0.4)
    c.disc(x + 0.065, _TOP - 0.024, 0.046, 0.012, hexa("24262b"))
    c.fill(
        ribbon(np.array([(x + 0.10, _TOP - 0.026), (x + 0.165, _TOP - 0.045)]), 0.010),
        hexa("7a5236"),
    )


def _sink(s: Set, x: float) -> None:
    c, steel = s.canvas, hexa("cfd5d9")
    tap = np.concatenate(
        [
            quad((x, _TOP - 0.01), (x, _TOP - 0.075)),
            arc(x + 0.03, _TOP - 0.075, 0.03, 0.035, 180, 350, count=10),
        ]
    )
    c.fill(ribbon(tap, 0.014), steel)
    c.rect(x - 0.09, _TOP - 0.008, x + 0.12, _TOP + 0.010, scaled(steel, 0.8))


def _fridge(s: Set, right: float, colour: Colour) -> None:
    c = s.canvas
    c.distance = 4.5
    c.rect(-0.02, 0.10, right, 0.82, scaled(colour, 0.7))
    c.gradient(
        -0.02, 0.105, right - 0.008, 0.34, mix(colour, (255, 255, 255), 0.25), colour, across=True
    )
    c.gradient(
        -0.02, 0.352, right - 0.008, 0.80, mix(colour, (255, 255, 255), 0.25), colour, across=True
    )
    for y0, y1 in ((0.20, 0.32), (0.38, 0.54)):
        c.rect(right - 0.040, y0, right - 0.026, y1, hexa("8a9299"))
    for _ in range(3):
        x, y = s.u(0.01, right - 0.09), s.u(0.40, 0.56)
        c.rect(x, y, x + 0.035, y + 0.042, s.pick((hexa("f4e29a"), hexa("f6f2ea"), hexa("a9d3c0"))))
        c.discs(
            np.array([[x + 0.017, y + 0.002, 0.007, 0.007]]),
            [s.pick((hexa("d9473f"), hexa("3f74b0")))],
        )


def _clutter(s: Set, stove: float, window: float, dim: float | tuple[float, float, float]) -> None:
    """What stands on the worktop: fruit bowl, jars, board and knife, plant."""
    c = s.canvas
    c.distance = 4.8
    x = 0.5
    bowl = scaled(s.pick((hexa("e8e2d4"), hexa("5f8fb0"), hexa("d98f5a"))), dim)
    fruit = np.array(
        [
            [x - 0.035, _TOP - 0.062, 0.024, 0.024],
            [x + 0.012, _TOP - 0.066, 0.024, 0.024],
            [x + 0.045, _TOP - 0.056, 0.021, 0.021],
            [x - 0.008, _TOP - 0.086, 0.022, 0.022],
        ]
    )
    c.discs(fruit, [scaled(hexa(k), dim) for k in ("e2473a", "f0922f", "8bb83f", "f4c83d")])
    c.fill(np.concatenate([arc(x, _TOP - 0.055, 0.082, 0.055, 0, 180, count=16)]), bowl)
    y = _TOP - 0.012
    edge = 0.94 if max(stove, window) < 0.8 else 0.985
    for k, tone in enumerate(("e9d8b0", "c98f5a", "8fb0a0")):
        a = edge - 0.045 * k
        h = 0.10 - 0.018 * k
        c.rect(a - 0.018, y - h, a + 0.018, y, scaled(hexa(tone), dim))
        c.rect(a - 0.020, y - h - 0.014, a + 0.020, y - h + 0.004, hexa("7a5a3c"))
        c.rect(a - 0.014, y - 0.85 * h, a - 0.007, y - 0.1 * h, (255, 255, 255), 0.35)
    px = window - 0.17
    c.fill(
        quad((px - 0.026, y - 0.055), (px + 0.026, y - 0.055), (px + 0.019, y), (px - 0.019, y)),
        scaled(hexa("c9714f"), dim),
    )
    for angle in (-150, -120, -90, -60, -30):
        way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        leaf = np.stack([np.array([px, y - 0.055]), np.array([px, y - 0.055]) + 0.06 * way])
        c.fill(
            ribbon(smooth(leaf, closed=False), [0.006, 0.026, 0.003]), scaled(hexa("5f9a55"), dim)
        )
