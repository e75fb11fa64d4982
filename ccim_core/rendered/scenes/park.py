"""A city park: lawn, path, round trees, a bench, a lamp, perhaps a pond or flower beds."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import moved, ribbon, smooth
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, level, quad

_SEASONS: tuple[tuple[tuple[Colour, ...], Colour], ...] = (
    ((hexa("5f9e4a"), hexa("78b052"), hexa("4c8a49")), hexa("86bb5a")),
    ((hexa("e8a4b8"), hexa("f2bccb"), hexa("7fb05a")), hexa("94c468")),
    ((hexa("d98a35"), hexa("c9622f"), hexa("e2b23f")), hexa("a8a851")),
)


def paint_park(s: Set) -> Light:
    """Sky, far town, tree lines, lawn; then what stands on it."""
    weather = WEATHERS[s.pick(("noon", "noon", "morning", "golden", "overcast"))]
    leaves, grass = s.pick(_SEASONS)
    c, horizon = s.canvas, s.u(0.40, 0.47)
    c.ground_depth(horizon)
    s.sky(weather, horizon)
    if s.chance(0.6):
        _town(s, weather, horizon)
    for x in np.linspace(-0.05, 1.05, 9):
        c.distance = 30.0
        s.bush(
            x + s.u(-0.04, 0.04), horizon + 0.01, s.u(0.08, 0.13), weather.tone(s.pick(leaves), 0.4)
        )
    lawn = weather.tone(s.vary(grass, 5))
    c.distance = 0.0
    c.gradient(0, horizon, 1, 1.02, mix(lawn, weather.haze, 0.35), lawn, scaled(lawn, 0.74))
    _mowing(s, lawn, horizon)
    if s.chance(0.45):
        _pond(s, weather, horizon)
    _path(s, weather, horizon)
    c.distance = 12.0
    for x in (s.u(0.0, 0.22), s.u(0.78, 1.0), s.u(0.3, 0.7)):
        base = horizon + s.u(0.03, 0.10)
        c.disc(x + 0.03, base, 0.13, 0.016, scaled(lawn, 0.62), 0.7)
        s.tree(
            x,
            base,
            s.u(0.34, 0.5),
            weather.tone(s.pick(leaves)),
            weather.tone(hexa("6b4a36")),
            light_side=s.side,
        )
    _bench(s, weather, s.pick((s.u(0.10, 0.22), s.u(0.78, 0.88))), horizon + s.u(0.24, 0.32))
    if s.chance(0.7):
        _lamp(s, weather, s.pick((s.u(0.28, 0.4), s.u(0.6, 0.72))), horizon + s.u(0.15, 0.22))
    if s.chance(0.6):
        _flowers(s, weather)
    return weather.light(s.side)


def _town(s: Set, weather: Weather, horizon: float) -> None:
    x = -0.02
    s.canvas.distance = 55.0
    while x < 1.02:
        w, h = s.u(0.05, 0.11), s.u(0.08, 0.24)
        s.canvas.rect(x, horizon - h, x + w, horizon, weather.tone(s.vary((140, 152, 176), 8), 0.6))
        x += w + s.u(0.0, 0.05)


def _mowing(s: Set, lawn: Colour, horizon: float) -> None:
    bright = mix(lawn, (255, 255, 200), 0.25)
    vx = s.u(0.2, 0.8)
    for k in range(-5, 6, 2):
        band = level(
            horizon, vx + 0.05 * k, vx + 0.05 * (k + 1), 1.02, vx + 0.42 * (k + 1), vx + 0.42 * k
        )
        s.canvas.fill(band, bright, 0.16)


def _pond(s: Set, weather: Weather, horizon: float) -> None:
    c, x, y = s.canvas, s.u(0.3, 0.7), horizon + s.u(0.10, 0.15)
    w = s.u(0.24, 0.36)
    c.disc(x, y, w, 0.052, weather.tone(hexa("c8b98a")))
    c.disc(x, y + 0.004, 0.96 * w, 0.046, mix(weather.sky[0], weather.tone(hexa("4f9ab0")), 0.5))
    for _ in range(6):
        c.disc(x + s.u(-0.7, 0.7) * w, y + s.u(-0.02, 0.03), 0.04, 0.003, (255, 255, 255), 0.5)
    for _ in range(2):
        dx, dy = x + s.u(-0.6, 0.6) * w, y + s.u(-0.01, 0.02)
        c.discs(
            np.array([[dx, dy, 0.016, 0.008], [dx + 0.013, dy - 0.009, 0.007, 0.007]]),
            [(250, 248, 240)] * 2,
        )
        c.fill(
            quad((dx + 0.019, dy - 0.011), (dx + 0.028, dy - 0.008), (dx + 0.019, dy - 0.005)),
            (240, 150, 60),
        )


def _path(s: Set, weather: Weather, horizon: float) -> None:
    c = s.canvas
    start, end = s.u(0.25, 0.75), s.u(0.2, 0.8)
    ys = np.array([horizon + 0.005, horizon + 0.06, horizon + 0.18, horizon + 0.36, 1.25])
    xs = np.array(
        [
            start,
            start + s.u(-0.15, 0.15),
            0.5 * (start + end) + s.u(-0.25, 0.25),
            0.5 * (start + end),
            end,
        ]
    )
    line = smooth(np.stack([xs, ys], axis=1), closed=False, steps=6)
    gravel = weather.tone(s.vary(hexa("dcc7a0"), 6))
    c.fill(ribbon(line, [0.018, 0.036, 0.11, 0.24, 0.42]), scaled(gravel, 0.8))
    c.fill(ribbon(moved(line, 0, -0.003), [0.014, 0.030, 0.10, 0.225, 0.40]), gravel)


def _bench(s: Set, weather: Weather, x: float, base: float) -> None:
    c = s.canvas
    c.distance = 6.0
    wood, iron = weather.tone(hexa("a86b3e")), weather.tone(hexa("3c4148"))
    w, h = 0.30, 0.15
    c.disc(x, base + 0.004, 0.62 * w, 0.018, (40, 60, 30), 0.35)
    for dx in (-0.40, 0.40):
        c.rect(x + dx * w - 0.008, base - h, x + dx * w + 0.008, base, iron)
    for k in range(3):
        y = base - h + 0.030 * k
        c.rect(x - 0.5 * w, y, x + 0.5 * w, y + 0.021, wood if k % 2 else scaled(wood, 0.9))
    c.rect(x - 0.53 * w, base - 0.062, x + 0.53 * w, base - 0.038, mix(wood, (255, 240, 200), 0.2))
    c.rect(x - 0.53 * w, base - 0.038, x + 0.53 * w, base - 0.030, scaled(wood, 0.62))


def _lamp(s: Set, weather: Weather, x: float, base: float) -> None:
    c = s.canvas
    c.distance = 8.0
    iron, top = weather.tone(hexa("2f3a40")), base - 0.42
    c.rect(x - 0.006, top, x + 0.006, base, iron)
    c.rect(x - 0.013, base - 0.05, x + 0.013, base, iron)
    glass = (255, 240, 200) if weather.name in ("golden", "overcast") else (244, 246, 240)
    if weather.name in ("golden", "overcast"):
        c.glow(x, top - 0.03, 0.10, 0.10, (255, 226, 150), 0.7)
    c.fill(
        quad(
            (x - 0.014, top), (x - 0.024, top - 0.052), (x + 0.024, top - 0.052), (x + 0.014, top)
        ),
        glass,
    )
    c.fill(quad((x - 0.030, top - 0.050), (x, top - 0.078), (x + 0.030, top - 0.050)), iron)


def _flowers(s: Set, weather: Weather) -> None:
    c = s.canvas
    c.distance = 3.0
    left = s.chance(0.5)
    colours = [
        weather.tone(hexa(code)) for code in ("e4576a", "f2c14e", "f7f1e5", "b579c9", "f08a5d")
    ]
    for x in np.linspace(0.0, 0.24, 4) + (0.0 if left else 0.76):
        s.bush(x, 1.0, 0.085, weather.tone(hexa("4f8a47")))
    spots = [
        (s.u(0, 0.28) + (0 if left else 0.72), s.u(0.93, 1.0), 0.012, 0.012) for _ in range(22)
    ]
    c.discs(np.array(spots), [s.pick(colours) for _ in spots])
    inner = np.array(spots) * (1, 1, 0.4, 0.4)
    c.discs(inner, [(255, 236, 170)] * len(spots))
