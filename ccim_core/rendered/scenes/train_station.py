"""A railway platform: a train along it or across the picture, roof, clock, safety line, tracks."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import arc, ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, placed, quad

_LIVERIES: tuple[tuple[Colour, Colour], ...] = (
    (hexa("2f5f9e"), hexa("f2efe6")),
    (hexa("c8453b"), hexa("f4f0e8")),
    (hexa("3f7f6a"), hexa("efe3c0")),
    (hexa("e6a637"), hexa("44525e")),
    (hexa("d5dade"), hexa("c23f4a")),
)


def paint_train_station(s: Set) -> Light:
    """Either along the platform, into the distance, or across the tracks."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "dusk", "night", "golden"))]
    c = s.canvas
    c.ground_depth(0.43)
    if s.chance(0.6):
        _along(s, weather)
    else:
        _across(s, weather)
    base = weather.light(s.side)
    key = (0.5 + 0.5 * base.key[0], 0.5 + 0.49 * base.key[1], 0.5 + 0.48 * base.key[2])
    return Light(key=key, shade=base.shade, side=s.side, rim=base.rim, glare=base.glare)


def _along(s: Set, weather: Weather) -> None:
    c, vx, vy = s.canvas, s.u(0.44, 0.56), 0.43
    s.sky(weather, 0.47, clouds=1)
    c.distance = 40.0
    s.hills(0.455, 0.06, weather.tone(hexa("6f8a72"), 0.4), bumps=4)

    def out(x: float, y: float, share: float) -> tuple[float, float]:
        """From the vanishing point towards (x, y); 1 is the picture's edge."""
        return vx + (x - vx) * share, vy + (y - vy) * share

    stone = weather.tone(s.vary(s.pick((hexa("b9b3aa"), hexa("a8adb0"), hexa("c2b8a6"))), 5))
    ballast = weather.tone(hexa("6b645e"))
    c.distance = 0.0
    c.gradient(0, 0.45, 1, 1.02, mix(stone, weather.haze, 0.5), scaled(stone, 0.92))
    c.fill(quad(out(-0.9, 1.1, 0.04), out(0.2, 1.1, 0.04), (0.2, 1.1), (-0.9, 1.1)), ballast)
    for k in range(9):
        a = 0.07 * 1.42**k
        c.fill(
            quad(
                out(-0.62, 1.1, a),
                out(0.12, 1.1, a),
                out(0.12, 1.1, a * 1.12),
                out(-0.62, 1.1, a * 1.12),
            ),
            scaled(ballast, 0.72),
        )
    for x in (-0.5, -0.02):
        c.fill(
            quad(
                out(x - 0.03, 1.1, 0.04),
                out(x + 0.03, 1.1, 0.04),
                (x + 0.035, 1.1),
                (x - 0.035, 1.1),
            ),
            weather.tone(hexa("b9bfc4")),
        )
    platform = quad(out(0.20, 1.1, 0.04), out(1.6, 1.1, 0.04), (1.6, 1.1), (0.20, 1.1))
    c.fill(platform, stone)
    c.shade(platform, "up", mix(stone, weather.haze, 0.6), 0.7)
    c.fill(
        quad(out(0.12, 1.1, 0.04), out(0.20, 1.1, 0.04), (0.20, 1.1), (0.12, 1.1)),
        scaled(stone, 0.55),
    )
    c.fill(
        quad(out(0.30, 1.1, 0.04), out(0.38, 1.1, 0.04), (0.38, 1.1), (0.30, 1.1)),
        weather.tone(hexa("f2c230")),
    )
    for k in range(7):
        a = 0.12 * 1.42**k
        c.fill(
            quad(
                out(0.20, 1.1, a),
                out(1.6, 1.1, a),
                out(1.6, 1.1, a * 1.02),
                out(0.20, 1.1, a * 1.02),
            ),
            scaled(stone, 0.82),
            0.7,
        )
    _train_in_depth(s, weather, vx, vy)
    _roof(s, weather, vx, vy)
    c.distance = 5.0
    _bench(s, weather, 0.93, 0.73)
    Room(s, 0, 0, 1, 1).clock(vx + s.u(0.06, 0.16), s.u(0.17, 0.21), 0.052)


def _train_in_depth(s: Set, weather: Weather, vx: float, vy: float) -> None:
    """A train at the left that runs towards the vanishing point."""
    c = s.canvas
    body, stripe = (weather.tone(k) for k in s.pick(_LIVERIES))
    c.distance = 6.0

    def at(depth: float, up: float) -> tuple[float, float]:
        """Depth 0 is level with the viewer; `up` from the rails (0) to the roof (1)."""
        share = 1 - depth
        return vx + (-0.30 - vx) * share, vy + (0.62 - 1.16 * up) * share

    far = 0.80
    c.fill(quad(at(0, 1), at(far, 1), at(far, 0.08), at(0, 0.08)), body)
    c.fill(quad(at(0, 1.0), at(far, 1.0), at(far, 0.93), at(0, 0.93)), scaled(body, 0.7))
    c.fill(quad(at(0, 0.42), at(far, 0.42), at(far, 0.33), at(0, 0.33)), stripe)
    c.fill(quad(at(0, 0.10), at(far, 0.10), at(far, 0.0), at(0, 0.0)), hexa("2a2b30"))
    lit = weather.name in ("dusk", "night")
    glass = hexa("ffe3a0") if lit else mix(weather.tone(hexa("4f6478")), weather.sky[-1], 0.35)
    for k in range(12):
        a = 0.04 + 0.066 * k
        b = a + 0.046
        if k % 4 == 3:
            c.fill(quad(at(a, 0.86), at(b, 0.86), at(b, 0.12), at(a, 0.12)), stripe)
            c.fill(
                quad(
                    at(a + 0.008, 0.80), at(b - 0.008, 0.80), at(b - 0.008, 0.5), at(a + 0.008, 0.5)
                ),
                glass,
            )
        else:
            c.fill(quad(at(a, 0.82), at(b, 0.82), at(b, 0.52), at(a, 0.52)), glass)
    nose = (at(far, 1.0), at(far, 0.05))
    front = quad(
        nose[0], (nose[0][0] + 0.055, nose[0][1] + 0.012), (nose[0][0] + 0.065, nose[1][1]), nose[1]
    )
    c.fill(front, scaled(body, 0.85))
    c.fill(
        placed(
            nose[0][0], nose[0][1], (0.008, 0.018), (0.05, 0.022), (0.052, 0.07), (0.008, 0.068)
        ),
        glass,
    )
    for dx in (0.012, 0.05):
        x, y = nose[0][0] + dx, nose[1][1] - 0.035
        if lit:
            c.glow(x, y, 0.05, 0.05, (255, 240, 190), 0.8)
        c.discs(np.array([[x, y, 0.008, 0.008]]), [(255, 246, 214)])


def _roof(s: Set, weather: Weather, vx: float, vy: float) -> None:
    """The platform's roof on the right: beams and pillars that recede, and hanging lamps."""
    c = s.canvas
    steel = weather.tone(s.pick((hexa("4f5d68"), hexa("5f6f5f"), hexa("6b5a52"), hexa("3f5f73"))))
    lit = weather.name in ("dusk", "night", "overcast")

    def out(x: float, y: float, share: float) -> tuple[float, float]:
        return vx + (x - vx) * share, vy + (y - vy) * share

    under = quad(out(0.30, -0.62, 0.1), out(1.7, -0.62, 0.1), (1.7, -0.62), (0.30, -0.62))
    c.distance = 4.0
    c.fill(under, mix(steel, weather.haze, 0.35))
    c.shade(under, "down", mix(steel, weather.haze, 0.7), 0.7)
    for k in reversed(range(6)):
        a = 0.16 * 1.42**k
        c.distance = max(2.5, 12.0 - 2.0 * k)
        c.fill(
            quad(out(0.30, -0.62, a), out(1.7, -0.62, a), out(1.7, -0.56, a), out(0.30, -0.56, a)),
            steel,
        )
        if lit:
            lx, ly = out(0.62, -0.48, a)
            c.glow(lx, ly, 0.20 * a, 0.16 * a, (255, 236, 190), 0.8)
            c.fill(
                quad(
                    out(0.52, -0.50, a),
                    out(0.72, -0.50, a),
                    out(0.72, -0.47, a),
                    out(0.52, -0.47, a),
                ),
                (255, 248, 224),
            )
    for k in reversed(range(4)):
        a = (0.20, 0.32, 0.50, 0.80)[k]
        c.distance = max(2.5, 10.0 - 2.2 * k)
        c.fill(
            quad(out(0.99, -0.62, a), out(1.05, -0.62, a), out(1.05, 1.0, a), out(0.99, 1.0, a)),
            scaled(steel, 0.86),
        )
        brace = quad(
            out(0.80, -0.56, a), out(0.99, -0.30, a), out(0.99, -0.38, a), out(0.84, -0.57, a)
        )
        c.fill(brace, scaled(steel, 0.86))
    c.fill(
        quad(out(0.30, -0.62, 0.1), (0.30, -0.62), (0.30, -0.50), out(0.30, -0.50, 0.1)),
        scaled(steel, 0.75),
    )


def _across(s: Set, weather: Weather) -> None:
    """The train stands across the picture, behind the platform's edge."""
    c = s.canvas
    s.sky(weather, 0.30, clouds=1)
    body, stripe = (weather.tone(k) for k in s.pick(_LIVERIES))
    lit = weather.name in ("dusk", "night")
    glass = hexa("ffe3a0") if lit else mix(weather.tone(hexa("4f6478")), weather.sky[-1], 0.35)
    c.distance = 7.0
    c.rect(0, 0.16, 1, 0.64, body)
    c.gradient(0, 0.16, 1, 0.21, scaled(body, 0.7), scaled(body, 0.95))
    c.rect(0, 0.46, 1, 0.51, stripe)
    c.rect(0, 0.60, 1, 0.66, hexa("2a2b30"))
    shift = s.u(-0.2, 0.0)
    for k in range(6):
        x = shift + 0.24 * k
        if k % 2:
            c.rect(x, 0.225, x + 0.15, 0.605, scaled(stripe, 0.92))
            c.rect(x + 0.073, 0.225, x + 0.077, 0.605, hexa("33373d"))
            for dx in (0.012, 0.086):
                c.rect(x + dx, 0.255, x + dx + 0.052, 0.43, glass)
            continue
        corner = np.array([(x, 0.25), (x + 0.20, 0.25), (x + 0.20, 0.42), (x, 0.42)])
        c.fill(corner + np.array([0.0, 0.006]), scaled(body, 0.7))
        c.fill(corner, glass)
        c.fill(
            quad((x + 0.02, 0.42), (x + 0.09, 0.25), (x + 0.12, 0.25), (x + 0.05, 0.42)),
            (255, 255, 255),
            0.18,
        )
        c.rect(x, 0.285, x + 0.20, 0.292, scaled(body, 0.8))
        for j in range(2):
            sx = x + 0.035 + 0.09 * j
            seat = smooth(
                np.array(
                    [
                        (sx, 0.42),
                        (sx, 0.36),
                        (sx + 0.025, 0.345),
                        (sx + 0.05, 0.36),
                        (sx + 0.05, 0.42),
                    ]
                ),
                steps=3,
            )
            c.fill(seat, mix(stripe, (60, 50, 60), 0.35))
    stone = weather.tone(s.vary(hexa("b9b3aa"), 6))
    c.distance = 0.0
    c.gradient(0, 0.655, 1, 1.02, mix(stone, (255, 255, 255), 0.15), stone, scaled(stone, 0.78))
    c.rect(0, 0.655, 1, 0.668, (236, 232, 222))
    c.rect(0, 0.70, 1, 0.735, weather.tone(hexa("f2c230")))
    rows = np.array(
        [(x, y, 0.006, 0.004) for y in (0.709, 0.718, 0.727) for x in np.linspace(0.015, 0.985, 26)]
    )
    c.discs(rows, [weather.tone(hexa("d9a820"))] * len(rows))
    for k in range(5):
        c.fill(
            quad(
                (0.22 * k - 0.02, 0.735),
                (0.22 * k - 0.016, 0.735),
                (0.5 + (0.22 * k - 0.5) * 1.5, 1.02),
                (0.494 + (0.22 * k - 0.5) * 1.5, 1.02),
            ),
            scaled(stone, 0.8),
            0.7,
        )
    steel = weather.tone(s.pick((hexa("4f5d68"), hexa("5f6f5f"), hexa("6b5a52"))))
    c.distance = 4.0
    c.rect(0, 0.0, 1, 0.05, mix(steel, (255, 255, 255), 0.15))
    c.rect(0, 0.05, 1, 0.075, steel)
    for x in (s.u(0.05, 0.16), s.u(0.84, 0.95)):
        c.rect(x - 0.016, 0.05, x + 0.016, 0.78, scaled(steel, 0.85))
        c.rect(x - 0.024, 0.76, x + 0.024, 0.79, scaled(steel, 0.7))
        for d in (-1, 1):
            c.fill(
                ribbon(
                    arc(
                        x + 0.1 * d,
                        0.175,
                        0.1,
                        0.1,
                        270 if d < 0 else 180,
                        360 if d < 0 else 270,
                        count=10,
                    ),
                    0.012,
                ),
                scaled(steel, 0.85),
            )
    for x in (0.3, 0.7):
        if lit:
            c.glow(x, 0.09, 0.2, 0.16, (255, 236, 190), 0.6)
        c.rect(x - 0.06, 0.075, x + 0.06, 0.089, (255, 250, 232))
    Room(s, 0, 0, 1, 1).clock(0.5 + s.u(-0.08, 0.08), 0.135, 0.050)


def _bench(s: Set, weather: Weather, x: float, base: float) -> None:
    c = s.canvas
    wood, iron = weather.tone(hexa("a8764a")), weather.tone(hexa("3a3f46"))
    for dx in (-0.09, 0.08):
        c.rect(x + dx, base - 0.12, x + dx + 0.012, base, iron)
    for k in range(3):
        c.rect(x - 0.11, base - 0.15 + 0.028 * k, x + 0.11, base - 0.132 + 0.028 * k, wood)
    c.rect(x - 0.12, base - 0.055, x + 0.12, base - 0.035, scaled(wood, 0.85))
