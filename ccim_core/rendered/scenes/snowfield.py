"""A snowfield: peaks, snowy conifers, drifts, ski tracks, a cabin, snow in the air."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, smooth
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, placed, quad


def paint_snowfield(s: Set) -> Light:
    """From the peaks to the nearest drift."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "golden", "dusk"))]
    c, horizon = s.canvas, s.u(0.40, 0.47)
    c.ground_depth(horizon)
    s.sky(weather, horizon)
    c.distance = 55.0
    for k in range(int(s.rng.integers(3, 6))):
        _peak(s, weather, s.u(-0.05, 1.05), horizon + 0.01, s.u(0.16, 0.32), 0.55 - 0.07 * k)
    snow = weather.tone(hexa("f4f8fb"))
    shadow = weather.tone(hexa("b9cfe6"))
    _forest(s, weather, horizon)
    c.distance = 0.0
    c.gradient(0, horizon, 1, 1.02, mix(snow, weather.haze, 0.5), snow, mix(snow, shadow, 0.35))
    for k in range(4):
        y = horizon + 0.06 + 0.13 * k + s.u(-0.02, 0.02)
        xs = np.linspace(-0.05, 1.05, 7)
        crest = smooth(
            np.stack([xs, y + 0.03 * np.sin(xs * s.u(4, 8) + s.u(0, 6))], axis=1), closed=False
        )
        c.fill(np.concatenate([crest, quad((1.05, y + 0.11), (-0.05, y + 0.11))]), shadow, 0.30)
        c.fill(
            np.concatenate([crest + np.array([0.0, 0.014]), quad((1.05, 1.05), (-0.05, 1.05))]),
            snow,
            0.75,
        )
    if s.chance(0.5):
        _cabin(s, weather, s.pick((s.u(0.06, 0.18), s.u(0.74, 0.84))), horizon + 0.10)
    _tracks(s, shadow, horizon)
    c.distance = 8.0
    for x in (s.u(-0.02, 0.12), s.u(0.88, 1.02)):
        _snowy_pine(s, weather, x, horizon + s.u(0.22, 0.34), s.u(0.46, 0.62))
    if s.chance(0.4):
        _snowman(s, weather, s.pick((0.12, 0.88)), 0.86)
    c.distance = 2.5
    if weather.name in ("overcast", "morning", "dusk") or s.chance(0.3):
        n = 60
        flakes = np.column_stack(
            [s.rng.uniform(0, 1, (n, 2)), np.repeat(s.rng.uniform(0.003, 0.007, (n, 1)), 2, axis=1)]
        )
        c.discs(flakes, [(255, 255, 255)] * n)
    base = weather.light(s.side)
    return Light(
        key=base.key,
        shade=(0.76, 0.76, 0.88),
        side=s.side,
        rim=mix(shadow, (255, 255, 255), 0.5),
        glare=0.35,
    )


def _peak(s: Set, weather: Weather, x: float, base: float, height: float, far: float) -> None:
    c = s.canvas
    rock = weather.tone(hexa("6f86a5"), far)
    half = height * s.u(0.9, 1.3)
    top = (x, base - height)
    c.fill(quad((x - half, base), top, (x + half, base)), rock)
    c.fill(quad(top, (x + half, base), (x + 0.15 * half, base)), scaled(rock, 0.85))
    cap = quad(
        top,
        (x + 0.34 * half, base - 0.66 * height),
        (x + 0.18 * half, base - 0.70 * height),
        (x + 0.06 * half, base - 0.58 * height),
        (x - 0.08 * half, base - 0.70 * height),
        (x - 0.22 * half, base - 0.60 * height),
        (x - 0.34 * half, base - 0.66 * height),
    )
    c.fill(cap, mix(weather.tone(hexa("ffffff")), weather.haze, 0.4 * far))


def _forest(s: Set, weather: Weather, horizon: float) -> None:
    c = s.canvas
    c.distance = 30.0
    for x in np.linspace(-0.02, 1.02, 15):
        if s.chance(0.75):
            s.pine(
                float(x) + s.u(-0.02, 0.02),
                horizon + 0.02,
                s.u(0.07, 0.14),
                weather.tone(hexa("3f6468"), 0.35),
                weather.tone(hexa("4a4040"), 0.35),
            )


def _snowy_pine(s: Set, weather: Weather, x: float, base: float, height: float) -> None:
    c = s.canvas
    green, white = weather.tone(hexa("2f5a52")), weather.tone(hexa("f6fafc"))
    c.disc(x + 0.04, base, 0.2 * height, 0.02, weather.tone(hexa("a9c3de")), 0.8)
    c.rect(
        x - 0.025 * height,
        base - 0.14 * height,
        x + 0.025 * height,
        base,
        weather.tone(hexa("5b4438")),
    )
    for low, high, half in (
        (0.10, 0.46, 0.24),
        (0.30, 0.66, 0.19),
        (0.50, 0.84, 0.145),
        (0.68, 1.0, 0.10),
    ):
        y0, y1, w = base - low * height, base - high * height, half * height
        c.fill(
            quad(
                (x - w, y0),
                (x, y1),
                (x + w, y0),
                (x + 0.5 * w, y0 + 0.025 * height),
                (x, y0 + 0.005 * height),
                (x - 0.5 * w, y0 + 0.025 * height),
            ),
            green,
        )
        c.fill(
            quad((x, y1), (x + w, y0), (x + 0.5 * w, y0 + 0.025 * height), (x + 0.1 * w, y0)),
            scaled(green, 0.8),
        )
        c.fill(
            quad(
                (x, y1),
                (x - w, y0),
                (x - 0.72 * w, y0 - 0.02 * height),
                (x - 0.45 * w, y0 - 0.09 * height),
                (x - 0.2 * w, y0 - 0.10 * height),
                (x + 0.1 * w, y1 + 0.12 * height),
            ),
            white,
        )
        c.fill(
            quad(
                (x, y1),
                (x + 0.5 * w, y0 - 0.12 * height),
                (x + 0.25 * w, y0 - 0.14 * height),
                (x, y1 + 0.14 * height),
            ),
            mix(white, green, 0.15),
        )


def _cabin(s: Set, weather: Weather, x: float, base: float) -> None:
    c = s.canvas
    c.distance = 12.0
    log, white = weather.tone(hexa("7a5238")), weather.tone(hexa("f6fafc"))
    w, h = 0.22, 0.12
    c.rect(x, base - h, x + w, base, log)
    for k in range(5):
        c.rect(x, base - h + 0.024 * k, x + w, base - h + 0.024 * k + 0.004, scaled(log, 0.7))
    c.rect(x + 0.155, base - h - 0.13, x + 0.185, base - h - 0.02, weather.tone(hexa("8a6a5a")))
    c.fill(
        quad(
            (x - 0.03, base - h + 0.01),
            (x + 0.5 * w, base - h - 0.11),
            (x + w + 0.03, base - h + 0.01),
        ),
        white,
    )
    c.fill(
        quad(
            (x + 0.5 * w, base - h - 0.11),
            (x + w + 0.03, base - h + 0.01),
            (x + 0.6 * w, base - h + 0.01),
        ),
        mix(white, weather.tone(hexa("b9cfe6")), 0.6),
    )
    c.rect(x + 0.03, base - 0.085, x + 0.085, base - 0.035, (255, 222, 140))
    c.rect(x + 0.056, base - 0.085, x + 0.059, base - 0.035, scaled(log, 0.6))
    c.rect(x + 0.125, base - 0.09, x + 0.175, base, scaled(log, 0.6))
    smoke = smooth(
        placed(x, base - h, (0.17, -0.14), (0.19, -0.19), (0.16, -0.24), (0.20, -0.30)),
        closed=False,
    )
    c.fill(ribbon(smoke, [0.012, 0.03, 0.045, 0.02]), (255, 255, 255), 0.4)


def _tracks(s: Set, shadow: Colour, horizon: float) -> None:
    """Two ski tracks that wind towards the viewer."""
    c = s.canvas
    start, bend = s.u(0.3, 0.7), s.u(-0.25, 0.25)
    ys = np.linspace(horizon + 0.05, 1.1, 6)
    t = np.linspace(0, 1, 6)
    middle = start + bend * np.sin(3 * t) + (0.5 - start) * t
    for d in (-1, 1):
        line = smooth(np.stack([middle + d * (0.006 + 0.035 * t), ys], axis=1), closed=False)
        c.fill(ribbon(line, [0.002, 0.016]), scaled(shadow, 0.92), 0.8)


def _snowman(s: Set, weather: Weather, x: float, base: float) -> None:
    """A snowman without a face: it must not show an emotion."""
    c = s.canvas
    c.distance = 4.0
    white, blue = weather.tone(hexa("fbfdff")), weather.tone(hexa("c3d6ea"))
    for y, r in ((base - 0.06, 0.085), (base - 0.185, 0.062), (base - 0.28, 0.044)):
        c.discs(np.array([[x, y, r, r]]), [blue])
        c.discs(np.array([[x - 0.10 * r, y - 0.10 * r, 0.9 * r, 0.9 * r]]), [white])
    scarf = weather.tone(s.pick((hexa("c8453b"), hexa("3f7f6a"), hexa("e6a637"))))
    c.fill(
        ribbon(
            np.array([(x - 0.045, base - 0.236), (x, base - 0.226), (x + 0.045, base - 0.236)]),
            0.022,
        ),
        scarf,
    )
    c.fill(
        ribbon(np.array([(x + 0.03, base - 0.23), (x + 0.04, base - 0.15)]), 0.020),
        scaled(scarf, 0.85),
    )
    c.rect(x - 0.034, base - 0.375, x + 0.034, base - 0.310, hexa("2b2e36"))
    c.rect(x - 0.056, base - 0.318, x + 0.056, base - 0.304, hexa("2b2e36"))
