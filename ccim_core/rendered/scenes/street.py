"""A city street: houses and shop fronts along a road, by day, at dusk, at night or in the rain.

Lamps and parked cars stand along it.
"""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import Points, ribbon, smooth
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, placed, quad


def lamps_are_lit(weather: Weather) -> bool:
    """Whether it is dark enough for street lamps."""
    return weather.name in ("dusk", "night")


def paint_street_lamp(s: Set, weather: Weather, x: float, base: float, bend: int) -> None:
    """A lamp on a post, its arm to the side of `bend`."""
    c = s.canvas
    c.distance = 6.0
    iron, top = weather.tone(hexa("2c333b")), base - 0.56
    c.rect(x - 0.006, top, x + 0.006, base, iron)
    arm = smooth(
        np.array([(x, top + 0.01), (x + 0.03 * bend, top - 0.025), (x + 0.085 * bend, top - 0.02)]),
        closed=False,
    )
    c.fill(ribbon(arm, 0.009), iron)
    hx, hy = x + 0.085 * bend, top - 0.012
    if lamps_are_lit(weather):
        c.glow(hx, hy + 0.01, 0.13, 0.13, (255, 222, 150), 0.8)
    c.disc(hx, hy, 0.030, 0.011, (255, 240, 196) if lamps_are_lit(weather) else (225, 228, 226))


def paint_car(s: Set, weather: Weather, x: float, base: float, length: float) -> None:
    """A parked car from the side; `x` is its middle."""
    c = s.canvas
    c.distance = 7.0
    paint = weather.tone(
        s.pick((hexa("c9463d"), hexa("3f6fa0"), hexa("e3b448"), hexa("e6e6e2"), hexa("4c6f5c")))
    )
    h = 0.20 * length
    c.disc(x, base + 0.004, 0.54 * length, 0.10 * h, (20, 20, 26), 0.45)
    cabin = placed(
        x, base, (-0.30, -1.05), (-0.19, -1.85), (0.14, -1.85), (0.28, -1.05), size=(length, h)
    )
    c.fill(cabin, scaled(paint, 0.92))
    glass = mix(weather.tone(hexa("7e9bb0")), weather.sky[-1], 0.4)
    c.fill(
        quad(
            (x - 0.255 * length, base - 1.08 * h),
            (x - 0.17 * length, base - 1.72 * h),
            (x - 0.03 * length, base - 1.72 * h),
            (x - 0.03 * length, base - 1.08 * h),
        ),
        glass,
    )
    c.fill(
        placed(x, base, (0, -1.08), (0, -1.72), (0.12, -1.72), (0.225, -1.08), size=(length, h)),
        glass,
    )
    body: Points = smooth(
        np.array(
            [
                (x - 0.5 * length, base - 0.30 * h),
                (x - 0.48 * length, base - 0.95 * h),
                (x - 0.2 * length, base - 1.12 * h),
                (x + 0.28 * length, base - 1.10 * h),
                (x + 0.47 * length, base - 0.85 * h),
                (x + 0.5 * length, base - 0.28 * h),
            ]
        ),
        steps=4,
    )
    c.fill(body, paint)
    for dx in (-0.28, 0.29):
        wheel = np.array(
            [
                [x + dx * length, base - 0.22 * h, 0.085 * length, 0.085 * length],
                [x + dx * length, base - 0.22 * h, 0.045 * length, 0.045 * length],
            ]
        )
        c.discs(wheel, [(36, 36, 42), (178, 180, 184)])
    lamp = (255, 236, 170) if lamps_are_lit(weather) else (244, 240, 226)
    c.disc(x + 0.465 * length, base - 0.66 * h, 0.022 * length, 0.11 * h, lamp)
    c.disc(x - 0.475 * length, base - 0.66 * h, 0.016 * length, 0.10 * h, (200, 60, 50))


_FACADES = tuple(
    hexa(code)
    for code in ("b8644f", "d9a66b", "8f9fb0", "c9b79c", "7d6b78", "a8a08c", "c98f7a", "6f8794")
)


def paint_street(s: Set) -> Light:
    """Either down the street, between two rows, or across it, to one row."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "dusk", "dusk", "night", "golden"))]
    c, horizon = s.canvas, 0.44
    c.ground_depth(horizon)
    s.sky(weather, horizon + 0.06, clouds=2)
    if s.chance(0.6):
        _down(s, weather, horizon)
    else:
        _across(s, weather)
    if weather.name == "overcast" and s.chance(0.6):
        _rain(s)
    return weather.light(s.side)


def _window(s: Set, weather: Weather) -> Colour:
    if lamps_are_lit(weather) and s.chance(0.6):
        return s.pick((hexa("ffd98a"), hexa("ffc46b"), hexa("ffe9b8")))
    return mix(weather.tone(hexa("5f7d94")), weather.sky[-1], 0.30)


def _down(s: Set, weather: Weather, horizon: float) -> None:
    """One-point perspective: rows left and right shrink towards the vanishing point."""
    c, vx = s.canvas, s.u(0.40, 0.60)
    road = weather.tone(hexa("63656e"))
    walk = weather.tone(hexa("b5ada3"))
    c.distance = 0.0
    far = quad((vx - 0.10, horizon + 0.02), (vx + 0.10, horizon + 0.02))
    c.gradient(0, horizon, 1, 1.02, mix(walk, weather.haze, 0.3), walk)
    tarmac = np.concatenate(
        [far * (1, 1), quad((1.02, 0.98), (1.02, 1.02), (-0.02, 1.02), (-0.02, 0.98))]
    )
    c.fill(tarmac, road)
    c.shade(tarmac, "up", mix(road, weather.haze, 0.6), 0.7)
    for k in range(4):
        y0, y1 = horizon + 0.05 * 2**k * 0.8, horizon + 0.05 * 2**k * 1.2
        w0, w1 = 0.05 * (y0 - horizon), 0.05 * (y1 - horizon)
        c.fill(
            quad((vx - w0, y0), (vx + w0, y0), (vx + w1, y1), (vx - w1, y1)), (240, 232, 205), 0.85
        )
    if s.chance(0.6):
        _crossing(s, horizon, vx)
    edges = [0.0, 0.30, 0.52, 0.68, 0.80]
    for left, right in ((-0.13, -0.04), (-0.045, 0.05), (0.045, 0.13)):
        top = horizon - s.u(0.07, 0.22)
        c.rect(vx + left, top, vx + right, horizon + 0.02, weather.tone(s.pick(_FACADES), 0.62))
        for y in np.arange(top + 0.015, horizon - 0.02, 0.03):
            for x in (0.25, 0.6):
                a = vx + left + (right - left) * x
                c.rect(a, y, a + 0.013, y + 0.014, mix(_window(s, weather), weather.haze, 0.35))
    for side in (-1, 1):
        tall = [s.u(0.40, 0.62) for _ in range(4)]
        for k in reversed(range(4)):
            c.distance = (4.0, 8.0, 14.0, 22.0)[k]
            _house_in_depth(
                s, weather, (vx, horizon), side, edges[k], edges[k + 1], tall[k], 0.12 * k
            )
    for side in (-1, 1):
        paint_street_lamp(s, weather, vx + side * s.u(0.27, 0.33), 0.72, -side)
    if s.chance(0.7):
        paint_car(s, weather, vx + s.pick((-0.17, 0.17)), 0.60, 0.17)


def _house_in_depth(
    s: Set,
    weather: Weather,
    vanish: tuple[float, float],
    side: int,
    near: float,
    far: float,
    height: float,
    haze: float,
) -> None:
    """A house whose front lies along the road, from depth `near` to `far` (1 = vanishing)."""
    c, (vx, vy) = s.canvas, vanish
    edge = -0.22 if side < 0 else 1.22

    def at(depth: float, up: float) -> tuple[float, float]:
        x = edge + (vx - edge) * depth
        return x, vy + (0.36 - up * 2.1) * (1 - depth)

    wall = weather.tone(s.vary(s.pick(_FACADES), 8), haze)
    if side == s.side:
        wall = scaled(wall, 0.84)
    c.fill(quad(at(near, height), at(far, height), at(far, 0), at(near, 0)), wall)
    c.fill(
        quad(
            at(near, height + 0.02),
            at(far, height + 0.02),
            at(far, height - 0.01),
            at(near, height - 0.01),
        ),
        scaled(wall, 0.8),
    )
    shop = 0.17
    awning = weather.tone(
        s.pick((hexa("c8453b"), hexa("2f7f7a"), hexa("e0a63e"), hexa("3d5a94"))), haze
    )
    span = far - near
    c.fill(
        quad(
            at(near + 0.08 * span, shop - 0.02),
            at(far - 0.08 * span, shop - 0.02),
            at(far - 0.08 * span, 0.02),
            at(near + 0.08 * span, 0.02),
        ),
        _window(s, weather),
    )
    floors = int((height - shop) / 0.105)
    for floor in range(floors):
        low = shop + 0.035 + 0.105 * floor
        for k in range(3):
            a, b = near + span * (0.10 + 0.30 * k), near + span * (0.28 + 0.30 * k)
            c.fill(
                quad(at(a, low + 0.065), at(b, low + 0.065), at(b, low), at(a, low)),
                _window(s, weather),
            )
    out = -side * 0.03
    lip = [at(near + 0.05 * span, shop - 0.035), at(far - 0.05 * span, shop - 0.035)]
    c.fill(
        quad(at(near + 0.05 * span, shop + 0.012), at(far - 0.05 * span, shop + 0.012),
             (lip[1][0] + out * (1 - far), lip[1][1]), (lip[0][0] + out * (1 - near), lip[0][1])),
        awning,
    )  # fmt: skip


def _across(s: Set, weather: Weather) -> None:
    """The far side of the street, seen from the front."""
    c, base = s.canvas, 0.60
    x = -s.u(0, 0.15)
    c.distance = 12.0
    while x < 1.0:
        w, h = s.u(0.24, 0.36), s.u(0.42, 0.58)
        _front(s, weather, x, base, w, h)
        x += w
    walk, road = weather.tone(hexa("b8b0a6")), weather.tone(hexa("62646d"))
    c.distance = 0.0
    c.gradient(0, base, 1, base + 0.09, walk, scaled(walk, 0.92))
    c.rect(0, base + 0.085, 1, base + 0.10, scaled(walk, 0.7))
    c.gradient(0, base + 0.10, 1, 1.02, road, scaled(road, 0.8))
    for k in range(4):
        a = 0.30 * k - s.u(0, 0.05)
        c.fill(
            quad((a, 0.80), (a + 0.15, 0.80), (a + 0.14, 0.825), (a - 0.01, 0.825)),
            (240, 232, 205),
            0.85,
        )
    for x in (s.u(0.03, 0.15), s.u(0.85, 0.97)):
        paint_street_lamp(s, weather, x, base + 0.09, 1)
    if s.chance(0.8):
        paint_car(s, weather, s.pick((0.16, 0.82)), base + 0.19, 0.30)


def _front(s: Set, weather: Weather, x: float, base: float, w: float, h: float) -> None:
    c = s.canvas
    wall = weather.tone(s.vary(s.pick(_FACADES), 8))
    trim = mix(wall, (255, 248, 236), 0.45)
    top = base - h
    c.gradient(x, top, x + w, base, wall, scaled(wall, 0.9))
    c.rect(x - 0.004, top - 0.012, x + w + 0.004, top + 0.012, trim)
    columns = max(2, round(w / 0.11))
    rows = int((h - 0.24) / 0.13)
    for row in range(rows):
        for k in range(columns):
            a = x + w * (k + 0.24) / columns
            b, y = a + 0.52 * w / columns, top + 0.045 + 0.13 * row
            c.rect(a - 0.006, y - 0.006, b + 0.006, y + 0.088, trim)
            c.rect(a, y, b, y + 0.082, _window(s, weather))
            c.rect(0.5 * (a + b) - 0.002, y, 0.5 * (a + b) + 0.002, y + 0.082, trim)
    c.rect(x + 0.02, base - 0.155, x + w - 0.02, base, scaled(wall, 0.62))
    door = x + w * s.pick((0.14, 0.66))
    c.rect(x + 0.035, base - 0.115, x + w - 0.035, base - 0.02, _window(s, weather))
    c.rect(
        door,
        base - 0.125,
        door + 0.065,
        base,
        weather.tone(s.pick((hexa("3f5d52"), hexa("6b3a32"), hexa("2f4360")))),
    )
    awning = weather.tone(s.pick((hexa("c8453b"), hexa("2f7f7a"), hexa("e0a63e"), hexa("3d5a94"))))
    n = 8
    for k in range(n):
        a, b = x + 0.02 + (w - 0.04) * k / n, x + 0.02 + (w - 0.04) * (k + 1) / n
        tone = awning if k % 2 else weather.tone(hexa("f5ece0"))
        c.fill(
            quad(
                (a + 0.006, base - 0.185),
                (b + 0.006 - 0.012 * (k == n - 1), base - 0.185),
                (b, base - 0.135),
                (0.5 * (a + b), base - 0.122),
                (a, base - 0.135),
            ),
            tone,
        )


def _crossing(s: Set, horizon: float, vx: float) -> None:
    y0, y1 = 0.80, 0.90
    for k in range(-4, 5):
        a, b = vx + 0.10 * k, vx + 0.10 * k + 0.055
        stretch = (y1 - horizon) / (y0 - horizon)
        s.canvas.fill(
            quad((a, y0), (b, y0), (vx + (b - vx) * stretch, y1), (vx + (a - vx) * stretch, y1)),
            (240, 236, 226),
            0.8,
        )


def _rain(s: Set) -> None:
    for _ in range(40):
        x, y, n = s.u(0, 1), s.u(0, 1), s.u(0.03, 0.06)
        s.canvas.fill(
            quad((x, y), (x + 0.0025, y), (x - 0.2 * n + 0.0025, y + n), (x - 0.2 * n, y + n)),
            (226, 236, 244),
            0.45,
        )
