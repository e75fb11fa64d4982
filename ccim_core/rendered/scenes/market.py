"""An outdoor market: stalls under striped awnings, heaps of fruit and flowers, bunting."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, placed, quad

_CANVAS = tuple(hexa(k) for k in ("d9473f", "2f8f83", "e6a637", "3f74b0", "7a5aa0", "5f9a4a"))
_FRUIT = tuple(
    hexa(k)
    for k in ("e2473a", "f0922f", "f4c83d", "8bb83f", "6a3f7a", "d9683a", "4f8f3a", "c43a4f")
)
_HOUSES = tuple(hexa(k) for k in ("d9b08a", "c98f78", "b9b0a0", "a7b4b8", "e0c9a0"))


def paint_market(s: Set) -> Light:
    """Houses behind, a row of stalls, bunting above, a stall close by at one side."""
    weather = WEATHERS[s.pick(("noon", "noon", "morning", "golden", "overcast", "dusk"))]
    c, horizon = s.canvas, 0.44
    c.ground_depth(horizon)
    s.sky(weather, horizon, clouds=2)
    _houses(s, weather)
    c.distance = 0.0
    stone = weather.tone(s.vary(s.pick((hexa("b9a78e"), hexa("a8a29a"), hexa("c2b49a"))), 5))
    c.gradient(0, 0.50, 1, 1.02, mix(stone, weather.haze, 0.3), stone, scaled(stone, 0.8))
    _cobbles(s, stone)
    count = int(s.rng.integers(3, 5))
    c.distance = 7.0
    for k in range(count):
        _stall(s, weather, (k + 0.02) / count, (k + 0.98) / count, 0.27, 0.62, s.pick(_CANVAS))
    _bunting(s, weather, dusk=weather.name == "dusk")
    c.distance = 3.5
    left = s.chance(0.5)
    _crates(s, weather, -0.04 if left else 0.70, 0.34, 0.80)
    if s.chance(0.6):
        _flowers(s, weather, 0.86 if left else 0.06, 0.88)
    return weather.light(s.side)


def _houses(s: Set, weather: Weather) -> None:
    c, x = s.canvas, -s.u(0, 0.1)
    c.distance = 25.0
    lit = weather.name == "dusk"
    while x < 1:
        w, top = s.u(0.16, 0.26), s.u(0.06, 0.19)
        wall = weather.tone(s.vary(s.pick(_HOUSES), 6), 0.25)
        roof = weather.tone(s.pick((hexa("a3523f"), hexa("8a5a4a"), hexa("6b6670"))), 0.25)
        c.rect(x, top, x + w, 0.55, wall)
        if s.chance(0.6):
            c.fill(
                quad(
                    (x - 0.008, top + 0.004),
                    (x + 0.5 * w, top - 0.085),
                    (x + w + 0.008, top + 0.004),
                ),
                roof,
            )
        else:
            c.rect(x - 0.006, top - 0.02, x + w + 0.006, top + 0.006, roof)
        for k in range(2):
            a = x + w * (0.18 + 0.40 * k)
            pane = (
                hexa("ffd98a")
                if lit and s.chance(0.6)
                else mix(weather.tone(hexa("5f7688")), weather.sky[-1], 0.3)
            )
            c.rect(a - 0.006, top + 0.034, a + 0.056, top + 0.126, mix(wall, (255, 255, 255), 0.4))
            c.rect(a, top + 0.04, a + 0.05, top + 0.12, pane)
            c.rect(a - 0.018, top + 0.036, a - 0.006, top + 0.124, scaled(roof, 0.9))
            c.rect(a + 0.056, top + 0.036, a + 0.068, top + 0.124, scaled(roof, 0.9))
        x += w


def _cobbles(s: Set, stone: Colour) -> None:
    rows = []
    for k in range(6):
        y = 0.64 + 0.36 * (k / 6) ** 1.4
        for _ in range(7):
            w = 0.02 + 0.05 * (y - 0.5)
            rows.append((s.u(0, 1), y + s.u(0, 0.03), w, 0.28 * w))
    s.canvas.discs(np.array(rows), [scaled(stone, s.u(0.84, 0.94)) for _ in rows])


def _stall(
    s: Set, weather: Weather, x0: float, x1: float, top: float, counter: float, colour: Colour
) -> None:
    c, w = s.canvas, x1 - x0
    dark, white = weather.tone(hexa("4a3830")), weather.tone(hexa("fbf4e6"))
    cloth = weather.tone(colour)
    c.rect(x0 + 0.02, top + 0.08, x1 - 0.02, counter, scaled(dark, 0.9))
    for x in (x0 + 0.015, x1 - 0.03):
        c.rect(x, top + 0.06, x + 0.014, counter + 0.12, weather.tone(hexa("8a6a4c")))
    if s.chance(0.6):
        for k in range(4):
            x = x0 + w * (k + 0.7) / 4.6
            c.rect(x - 0.0015, top + 0.1, x + 0.0015, top + 0.16, hexa("2c2622"))
            tone = weather.tone(
                s.pick((hexa("c98a4e"), hexa("a34a3a"), hexa("d9c08a"), hexa("6f9a5a")))
            )
            c.disc(x, top + 0.19, 0.017, 0.036, tone)
    _heap(s, weather, x0 + 0.03, x1 - 0.03, counter - 0.01)
    wood = weather.tone(hexa("a87c50"))
    c.rect(x0 + 0.005, counter - 0.02, x1 - 0.005, counter + 0.015, mix(wood, (255, 240, 210), 0.2))
    c.rect(x0 + 0.012, counter + 0.015, x1 - 0.012, counter + 0.14, scaled(wood, 0.8))
    for k in range(1, 4):
        x = x0 + w * k / 4
        c.rect(x - 0.002, counter + 0.015, x + 0.002, counter + 0.14, scaled(wood, 0.62))
    stripes = 8
    for k in range(stripes):
        a, b = k / stripes, (k + 1) / stripes
        tone = cloth if k % 2 else white
        ta, tb = x0 + w * (0.08 + 0.84 * a), x0 + w * (0.08 + 0.84 * b)
        ba, bb = x0 - 0.012 + (w + 0.024) * a, x0 - 0.012 + (w + 0.024) * b
        c.fill(quad((ta, top), (tb, top), (bb, top + 0.095), (ba, top + 0.095)), tone)
        c.disc(0.5 * (ba + bb), top + 0.095, 0.5 * (bb - ba), 0.026, scaled(tone, 0.9))


def _heap(s: Set, weather: Weather, x0: float, x1: float, base: float) -> None:
    """Boxes of fruit, each kind in its own mound."""
    c = s.canvas
    n = 3
    for k in range(n):
        a, b = x0 + (x1 - x0) * k / n, x0 + (x1 - x0) * (k + 1) / n - 0.006
        fruit = weather.tone(s.pick(_FRUIT))
        r = 0.0165
        spots, tones = [], []
        for row, count in ((2, 2), (1, 3), (0, 4)):
            for j in range(count):
                x = a + (b - a) * (j + 0.5 + 0.5 * (4 - count)) / 4
                spots.append((x, base - 0.012 - 0.022 * row, r, r))
                tones.append(s.vary(fruit, 7))
                spots.append((x - 0.3 * r, base - 0.017 - 0.022 * row, 0.35 * r, 0.35 * r))
                tones.append(mix(fruit, (255, 255, 255), 0.45))
        c.discs(np.array(spots), tones)


def _bunting(s: Set, weather: Weather, *, dusk: bool) -> None:
    c = s.canvas
    c.distance = 5.0
    xs = np.linspace(0, 1, 15)
    sag = s.u(0.05, 0.10)
    ys = s.u(0.03, 0.08) + sag * np.sin(xs * np.pi)
    c.fill(ribbon(np.stack([xs, ys], axis=1), 0.004), weather.tone(hexa("5b4a40")))
    for k in range(14):
        if dusk:
            c.glow(xs[k], ys[k] + 0.015, 0.05, 0.05, (255, 214, 130), 0.8)
            c.discs(np.array([[xs[k], ys[k] + 0.015, 0.010, 0.012]]), [(255, 242, 200)])
        else:
            c.fill(
                quad(
                    (xs[k], ys[k]),
                    (xs[k] + 0.052, ys[k + 1] * 0.7 + ys[k] * 0.3),
                    (xs[k] + 0.026, ys[k] + 0.065),
                ),
                weather.tone(_CANVAS[k % 6]),
            )


def _crates(s: Set, weather: Weather, x: float, w: float, y: float) -> None:
    """Crates in the foreground, stacked, the upper one full."""
    c = s.canvas
    wood = weather.tone(hexa("b98a58"))
    for level in (1, 0):
        top = y + 0.12 * level
        c.rect(x, top, x + w, top + 0.115, scaled(wood, 0.55))
        for k in range(3):
            a = top + 0.006 + 0.037 * k
            c.rect(x, a, x + w, a + 0.028, scaled(wood, 0.9 + 0.06 * (k % 2)))
        for dx in (0.03, w - 0.055):
            c.rect(x + dx, top, x + dx + 0.025, top + 0.115, scaled(wood, 0.75))
    fruit = weather.tone(s.pick(_FRUIT))
    leaf = weather.tone(hexa("5f9a4a"))
    spots, tones = [], []
    for row, count in ((1, 6), (0, 7)):
        for j in range(count):
            cx = x + w * (j + 0.5 + 0.5 * row) / 7
            cy = y - 0.008 - 0.040 * row
            spots += [(cx, cy, 0.028, 0.028), (cx - 0.009, cy - 0.010, 0.009, 0.008)]
            tones += [s.vary(fruit, 8), mix(fruit, (255, 255, 255), 0.5)]
            if j % 2:
                spots.append((cx + 0.006, cy - 0.026, 0.010, 0.006))
                tones.append(leaf)
    c.discs(np.array(spots), tones)
    c.rect(x, y, x + w, y + 0.03, scaled(wood, 0.95))


def _flowers(s: Set, weather: Weather, x: float, base: float) -> None:
    """Buckets of cut flowers."""
    c = s.canvas
    for k in range(2):
        bx = x + 0.09 * k - 0.04
        tone = weather.tone(
            s.pick((hexa("f06f8a"), hexa("f4c83d"), hexa("b57fd0"), hexa("f7efe6"), hexa("f0803f")))
        )
        stems = [(bx + s.u(-0.045, 0.045), base - s.u(0.10, 0.17)) for _ in range(9)]
        for px, py in stems:
            c.fill(ribbon(np.array([(bx, base), (px, py)]), 0.005), weather.tone(hexa("4f8a47")))
        c.discs(
            np.array([(px, py, 0.020, 0.020) for px, py in stems]), [s.vary(tone, 8) for _ in stems]
        )
        c.discs(
            np.array([(px, py, 0.007, 0.007) for px, py in stems]),
            [weather.tone(hexa("f6e08a"))] * len(stems),
        )
        pail = weather.tone(hexa("8fa3ad"))
        c.fill(
            placed(bx, base, (-0.042, -0.05), (0.042, -0.05), (0.032, 0.07), (-0.032, 0.07)),
            pail,
        )
        c.rect(bx - 0.045, base - 0.055, bx + 0.045, base - 0.042, mix(pail, (255, 255, 255), 0.3))
