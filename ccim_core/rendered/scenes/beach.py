"""A beach: sea, surf and sand, with palms, parasols and sails by chance."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Light, hexa, mix, scaled
from ccim_core.rendered.curves import moved, ribbon, smooth
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, Weather, level, placed, quad


def paint_beach(s: Set) -> Light:
    """Sky, sea, shore; the shoreline tilts with the viewpoint."""
    weather = WEATHERS[s.pick(("noon", "noon", "morning", "golden", "overcast", "dusk"))]
    c, horizon = s.canvas, s.u(0.36, 0.47)
    c.ground_depth(horizon)
    s.sky(weather, horizon)
    if s.chance(0.6):
        s.hills(horizon, s.u(0.04, 0.10), weather.tone(hexa("6f8f78"), 0.45), bumps=4)
        if s.chance(0.5):
            c.rect(0.45 + s.u(0, 0.2), horizon - 0.03, 1.1, horizon + 0.01, weather.sky[-1])
    _sea(s, weather, horizon)
    shore = horizon + s.u(0.13, 0.24)
    _sand(s, weather, shore)
    for _ in range(int(s.rng.integers(1, 4))):
        _sail(s, weather, s.u(0.05, 0.95), horizon, s.u(0.05, 0.11))
    if s.chance(0.85):
        _parasol(
            s,
            weather,
            s.pick((s.u(0.08, 0.22), s.u(0.78, 0.92))),
            shore + s.u(0.13, 0.2),
            s.u(0.19, 0.26),
        )
    if s.chance(0.7):
        _palm(s, weather, s.pick((0.02, 0.98)) + s.u(-0.04, 0.04), shore + 0.22, s.u(0.6, 0.8))
    return weather.light(s.side)


def _sea(s: Set, weather: Weather, horizon: float) -> None:
    c = s.canvas
    c.distance = 0.0
    deep = weather.tone(s.vary(s.pick((hexa("1f6f9e"), hexa("23809a"), hexa("2b6c8e"))), 6))
    shallow = weather.tone(s.vary(hexa("58bdb8"), 8))
    c.gradient(0, horizon, 1, horizon + 0.28, mix(deep, weather.haze, 0.25), deep, shallow)
    glitter = mix(weather.sky[-1], (255, 255, 255), 0.35)
    for _ in range(26):
        y = horizon + 0.008 + 0.16 * s.rng.random() ** 1.4
        x, w = s.u(-0.05, 1), (0.02 + 0.5 * (y - horizon)) * s.u(0.4, 1.2)
        c.disc(x, y, w, 0.0018 + 0.010 * (y - horizon), glitter, s.u(0.25, 0.6))


def _sand(s: Set, weather: Weather, shore: float) -> None:
    c = s.canvas
    c.distance = 0.0
    sand = weather.tone(s.vary(s.pick((hexa("ecd4a0"), hexa("e6c894"), hexa("f0dcb4"))), 5))
    xs = np.linspace(-0.05, 1.05, 9)
    tilt = s.u(-0.10, 0.10)
    edge = shore + tilt * (xs - 0.5) + 0.018 * np.sin(xs * s.u(6, 11) + s.u(0, 6))
    line = smooth(np.stack([xs, edge], axis=1), closed=False, steps=5)
    floor = quad((1.05, 1.05), (-0.05, 1.05))
    foam = mix(weather.cloud, (255, 255, 255), 0.5)
    for offset, alpha in ((-0.055, 0.5), (-0.028, 0.7)):
        c.fill(ribbon(moved(line, 0, offset), [0.004, 0.010, 0.005, 0.012, 0.004]), foam, alpha)
    c.fill(np.concatenate([moved(line, 0, -0.006), floor]), foam)
    c.fill(
        np.concatenate([moved(line, 0, 0.012), floor]),
        mix(scaled(sand, 0.80), weather.sky[-1], 0.12),
    )
    c.fill(np.concatenate([moved(line, 0, 0.055), floor]), sand)
    c.shade(
        np.concatenate([moved(line, 0, 0.055), floor]),
        "down",
        scaled(sand, (0.84, 0.78, 0.72)),
        0.8,
    )
    for _ in range(16):
        x, y = s.u(0, 1), s.u(shore + 0.12, 1)
        c.disc(x, y, s.u(0.02, 0.06), 0.006, scaled(sand, 0.90), 0.6)


def _sail(s: Set, weather: Weather, x: float, horizon: float, height: float) -> None:
    c = s.canvas
    c.distance = 45.0
    base = horizon + 0.012
    white = weather.tone(s.pick((hexa("ffffff"), hexa("f6d9c2"), hexa("e98b6d"))))
    c.fill(quad((x, base - height), (x, base - 0.012), (x + 0.42 * height, base - 0.012)), white)
    c.fill(
        quad(
            (x - 0.012, base - 0.85 * height),
            (x - 0.012, base - 0.012),
            (x - 0.26 * height, base - 0.012),
        ),
        scaled(white, 0.88),
    )
    c.fill(
        quad(
            (x - 0.3 * height, base - 0.006),
            (x + 0.45 * height, base - 0.006),
            (x + 0.33 * height, base + 0.012),
            (x - 0.2 * height, base + 0.012),
        ),
        weather.tone(hexa("5b4038")),
    )


def _parasol(s: Set, weather: Weather, x: float, base: float, size: float) -> None:
    c = s.canvas
    c.distance = 5.0
    a = weather.tone(s.pick((hexa("e4572e"), hexa("2a9d8f"), hexa("e9b44c"), hexa("3d6fb0"))))
    b = weather.tone(hexa("fbf3e4"))
    c.disc(x + 0.05, base + 0.012, 0.85 * size, 0.028, (96, 70, 60), 0.28)
    towel = weather.tone(s.pick((hexa("6fb1c7"), hexa("f0a6a0"), hexa("efe0a8"))))
    c.fill(
        level(base - 0.01, x - 0.02, x + 0.9 * size, base + 0.05, x + 1.15 * size, x + 0.08),
        towel,
    )
    c.fill(
        placed(x, base, (0.3, -0.01), (0.45, -0.01), (0.62, 0.05), (0.46, 0.05), size=(size, 1)),
        mix(towel, (255, 255, 255), 0.6),
    )
    c.rect(x - 0.006, base - 1.15 * size, x + 0.006, base, weather.tone(hexa("8a6a50")))
    top = np.array([x, base - 1.5 * size])
    rim_y = base - 0.95 * size
    rim = np.array(
        [(x + size * v, rim_y + 0.05 * size * (1 - v * v)) for v in np.linspace(-1, 1, 7)]
    )
    for k in range(6):
        left = 0.5 * (top + rim[k]) + (-0.10 * size * (3 - k) / 3, -0.10 * size)
        right = 0.5 * (top + rim[k + 1]) + (-0.10 * size * (2 - k) / 3, -0.10 * size)
        c.fill(
            np.stack(
                [
                    top,
                    left,
                    rim[k],
                    0.5 * (rim[k] + rim[k + 1]) + (0, 0.03 * size),
                    rim[k + 1],
                    right,
                ]
            ),
            a if k % 2 else b,
        )
    c.fill(np.concatenate([[top], rim[3:]]), (60, 30, 60), 0.12)


def _palm(s: Set, weather: Weather, x: float, base: float, height: float) -> None:
    c = s.canvas
    c.distance = 4.5
    bend = -0.16 if x > 0.5 else 0.16
    crown = np.array([x + bend * height * 1.2, base - height])
    trunk = smooth(
        np.stack([(x, base), (x + 0.25 * bend * height, base - 0.5 * height), crown]),
        closed=False,
        steps=8,
    )
    bark = weather.tone(hexa("8d6b4c"))
    c.fill(ribbon(trunk, [0.05 * height, 0.036 * height, 0.03 * height]), bark)
    for k in range(2, len(trunk) - 1, 2):
        ring = np.stack([trunk[k] + (-0.016 * height, 0.004), trunk[k] + (0.016 * height, -0.002)])
        c.fill(ribbon(ring, 0.006), scaled(bark, 0.75), 0.7)
    leaf = weather.tone(s.vary(hexa("3f8f55"), 8))
    for k, angle in enumerate((200, 240, 285, 325, 0, 160, 20)):
        way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        reach = 0.46 * height
        middle = crown + way * reach * 0.55 + (0, -0.06 * height)
        tip = crown + way * reach + (0, 0.12 * height)
        frond = ribbon(
            smooth(np.stack([crown, middle, tip]), closed=False, steps=5),
            [0.02 * height, 0.085 * height, 0.06 * height, 0.004],
        )
        c.fill(frond, leaf if k % 2 else scaled(leaf, 0.8))
    c.discs(
        np.array(
            [
                [crown[0] + d * height, crown[1] + 0.02 * height, 0.022 * height, 0.022 * height]
                for d in (-0.03, 0.02)
            ]
        ),
        [scaled(bark, 0.7)] * 2,
    )
