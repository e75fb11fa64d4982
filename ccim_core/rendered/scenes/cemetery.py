"""A cemetery: rows of headstones on grass, bare trees or cypresses, an iron fence, a chapel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import arc, ribbon
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, placed, quad

_STONES = tuple(hexa(k) for k in ("a7aaa6", "8f9598", "b9b4a8", "7f8789", "c4c2ba"))


# Grass at the foot of a stone, in heights of the stone.
_BLADES = [
    (-0.38, 0.02), (-0.33, -0.09), (-0.27, 0.0), (-0.16, -0.08), (-0.10, 0.0), (0.0, -0.09),
    (0.07, 0.0), (0.16, -0.07), (0.24, 0.0), (0.33, -0.09), (0.38, 0.02),
]  # fmt: skip


def paint_cemetery(s: Set) -> Light:
    """From the far hill to the nearest stones."""
    weather = WEATHERS[
        s.pick(("overcast", "overcast", "mist", "dusk", "morning", "golden", "night"))
    ]
    c, horizon = s.canvas, s.u(0.40, 0.46)
    c.ground_depth(horizon)
    s.sky(weather, horizon)
    hill = weather.tone(hexa("5f7352"), 0.55)
    s.hills(horizon + 0.01, s.u(0.05, 0.13), hill, bumps=4)
    if s.chance(0.45):
        _chapel(s, weather, s.u(0.2, 0.8), horizon)
    _trees(s, weather, horizon)
    grass = weather.tone(s.vary(s.pick((hexa("6f8a55"), hexa("7d8a58"), hexa("5f7d58"))), 5))
    c.distance = 0.0
    c.gradient(0, horizon, 1, 1.02, mix(grass, weather.haze, 0.45), grass, scaled(grass, 0.7))
    if s.chance(0.7):
        _fence(s, weather, horizon)
    _path(s, weather, horizon)
    for row, (y, height, far) in enumerate(
        ((0.05, 0.075, 0.45), (0.115, 0.12, 0.28), (0.22, 0.19, 0.10), (0.40, 0.29, 0.0))
    ):
        c.distance = (16.0, 9.0, 5.0, 3.2)[row]
        count = (9, 7, 5, 4)[row]
        shift = s.u(-0.06, 0.06)
        for k in range(count):
            x = (k + 0.5) / count + shift + s.u(-0.025, 0.025)
            if row == 3 and abs(x - 0.5) < 0.18:
                continue
            _stone(
                s,
                weather,
                x,
                horizon + y + s.u(-0.008, 0.012),
                height * s.u(0.85, 1.15),
                far,
                grass,
            )
    if weather.name in ("mist", "overcast") or s.chance(0.3):
        for _ in range(3):
            c.glow(s.u(0, 1), horizon + s.u(0.02, 0.14), s.u(0.3, 0.5), 0.055, weather.haze, 0.6)
    c.distance = 2.5
    s.tufts(18, horizon + 0.3, 1.0, scaled(grass, 0.75))
    return weather.light(s.side)


def _trees(s: Set, weather: Weather, horizon: float) -> None:
    c = s.canvas
    c.distance = 20.0
    dark = weather.tone(hexa("3b3a38"), 0.12)
    if s.chance(0.55):
        for x in (s.u(0.0, 0.2), s.u(0.8, 1.0)):
            s.bare_tree(x, horizon + 0.10, s.u(0.42, 0.52), dark)
        return
    green = weather.tone(hexa("2f4f3f"), 0.18)
    for x in (s.u(-0.02, 0.10), s.u(0.14, 0.24), s.u(0.76, 0.88), s.u(0.92, 1.02)):
        h, base = s.u(0.26, 0.42), horizon + s.u(0.03, 0.07)
        c.rect(x - 0.008, base - 0.06, x + 0.008, base, dark)
        c.disc(x, base - 0.03 - 0.5 * h, 0.13 * h, 0.5 * h, green)
        c.disc(x + 0.03 * h, base - 0.03 - 0.48 * h, 0.085 * h, 0.45 * h, scaled(green, 0.8))


def _chapel(s: Set, weather: Weather, x: float, horizon: float) -> None:
    c = s.canvas
    c.distance = 35.0
    wall, roof = weather.tone(hexa("b8ac9a"), 0.4), weather.tone(hexa("5b4a4a"), 0.35)
    c.rect(x - 0.02, horizon - 0.085, x + 0.12, horizon + 0.01, wall)
    c.fill(
        quad((x - 0.03, horizon - 0.08), (x + 0.05, horizon - 0.145), (x + 0.13, horizon - 0.08)),
        roof,
    )
    c.rect(x - 0.055, horizon - 0.15, x - 0.01, horizon + 0.01, scaled(wall, 0.94))
    c.fill(
        quad(
            (x - 0.062, horizon - 0.148), (x - 0.032, horizon - 0.245), (x - 0.003, horizon - 0.148)
        ),
        roof,
    )
    for dx in (0.02, 0.06):
        c.rect(x + dx, horizon - 0.055, x + dx + 0.014, horizon - 0.02, scaled(roof, 0.8))


def _fence(s: Set, weather: Weather, horizon: float) -> None:
    """Iron railings along the back."""
    c = s.canvas
    c.distance = 18.0
    iron, y = weather.tone(hexa("2f3236"), 0.22), horizon + 0.035
    for rail in (-0.070, -0.012):
        c.rect(0, y + rail, 1, y + rail + 0.006, iron)
    for x in np.linspace(0, 1, 41):
        c.rect(x - 0.0022, y - 0.095, x + 0.0022, y, iron)
        c.fill(quad((x - 0.006, y - 0.092), (x, y - 0.110), (x + 0.006, y - 0.092)), iron)


def _path(s: Set, weather: Weather, horizon: float) -> None:
    gravel = weather.tone(hexa("b8ad98"))
    vx = s.u(0.42, 0.58)
    path = quad(
        (vx - 0.02, horizon + 0.03), (vx + 0.02, horizon + 0.03), (0.72, 1.02), (0.28, 1.02)
    )
    s.canvas.distance = 0.0
    s.canvas.fill(path, gravel)
    s.canvas.shade(path, "up", mix(gravel, weather.haze, 0.6), 0.6)


def _stone(
    s: Set, weather: Weather, x: float, base: float, height: float, far: float, grass: Colour
) -> None:
    """A headstone of one of five kinds, with its shade and perhaps flowers."""
    c = s.canvas
    stone = weather.tone(s.vary(s.pick(_STONES), 6), far)
    c.disc(
        x + 0.15 * height,
        base,
        0.55 * height,
        0.05 * height,
        mix(scaled(grass, 0.55), weather.haze, far),
        0.8,
    )
    kinds: tuple[Callable[[Set, float, float, float, Colour], None], ...] = (
        _rounded,
        _rounded,
        _cross,
        _obelisk,
        _slab,
        _gothic,
    )
    s.pick(kinds)(s, x, base, height, stone)
    blades = np.array(_BLADES) * height + np.array([x, base])
    c.fill(blades, mix(scaled(grass, 0.85), weather.haze, far))
    if height > 0.10 and s.chance(0.4):
        colours = [
            weather.tone(k)
            for k in (hexa("d94f5c"), hexa("f2d16b"), hexa("f4eef0"), hexa("b57fc0"))
        ]
        spots = np.array(
            [
                (
                    x + (k - 1.5) * 0.10 * height,
                    base - s.u(0.02, 0.08) * height,
                    0.055 * height,
                    0.055 * height,
                )
                for k in range(4)
            ]
        )
        c.discs(spots, [s.pick(colours) for _ in range(4)])


def _faces(s: Set, shape: np.ndarray, height: float, stone: Colour) -> None:
    """A stone with its side in shade."""
    c = s.canvas
    c.fill(shape + np.array([0.045 * height, 0.0]), scaled(stone, 0.68))
    c.fill(shape, stone)


def _rounded(s: Set, x: float, base: float, h: float, stone: Colour) -> None:
    w = 0.30 * h
    top = arc(x, base - h + w, w, w, 180, 360, count=14)
    _faces(s, np.concatenate([top, quad((x + w, base), (x - w, base))]), h, stone)
    line = arc(x, base - h + w, 0.72 * w, 0.72 * w, 180, 360, count=12)
    s.canvas.fill(ribbon(line, 0.02 * h), scaled(stone, 0.82))
    for k in range(3):
        y = base - h * (0.55 - 0.11 * k)
        s.canvas.rect(x - 0.5 * w, y, x + 0.5 * w, y + 0.025 * h, scaled(stone, 0.80))


def _gothic(s: Set, x: float, base: float, h: float, stone: Colour) -> None:
    w = 0.28 * h
    _faces(
        s,
        quad(
            (x - w, base),
            (x - w, base - 0.68 * h),
            (x - 0.6 * w, base - 0.88 * h),
            (x, base - 1.02 * h),
            (x + 0.6 * w, base - 0.88 * h),
            (x + w, base - 0.68 * h),
            (x + w, base),
        ),
        h,
        stone,
    )
    s.canvas.rect(x - 0.04 * h, base - 0.80 * h, x + 0.04 * h, base - 0.42 * h, scaled(stone, 0.8))
    s.canvas.rect(x - 0.12 * h, base - 0.70 * h, x + 0.12 * h, base - 0.63 * h, scaled(stone, 0.8))


def _cross(s: Set, x: float, base: float, h: float, stone: Colour) -> None:
    a = 0.085 * h
    shape = quad(
        (x - a, base),
        (x - a, base - 0.62 * h),
        (x - 0.30 * h, base - 0.62 * h),
        (x - 0.30 * h, base - 0.80 * h),
        (x - a, base - 0.80 * h),
        (x - a, base - 1.08 * h),
        (x + a, base - 1.08 * h),
        (x + a, base - 0.80 * h),
        (x + 0.30 * h, base - 0.80 * h),
        (x + 0.30 * h, base - 0.62 * h),
        (x + a, base - 0.62 * h),
        (x + a, base),
    )
    _faces(s, shape, h, stone)
    _faces(
        s,
        placed(x, base, (-0.22, 0), (-0.17, -0.16), (0.17, -0.16), (0.22, 0), size=(h, h)),
        h,
        scaled(stone, 0.95),
    )


def _obelisk(s: Set, x: float, base: float, h: float, stone: Colour) -> None:
    _faces(
        s,
        quad(
            (x - 0.13 * h, base - 0.2 * h),
            (x - 0.075 * h, base - 1.12 * h),
            (x, base - 1.25 * h),
            (x + 0.075 * h, base - 1.12 * h),
            (x + 0.13 * h, base - 0.2 * h),
        ),
        h,
        stone,
    )
    _faces(
        s,
        placed(x, base, (-0.22, 0), (-0.22, -0.2), (0.22, -0.2), (0.22, 0), size=(h, h)),
        h,
        scaled(stone, 0.94),
    )


def _slab(s: Set, x: float, base: float, h: float, stone: Colour) -> None:
    w = 0.42 * h
    _faces(
        s,
        quad((x - w, base), (x - w, base - 0.56 * h), (x + w, base - 0.56 * h), (x + w, base)),
        h,
        stone,
    )
    s.canvas.rect(x - 0.8 * w, base - 0.48 * h, x + 0.8 * w, base - 0.14 * h, scaled(stone, 0.88))
