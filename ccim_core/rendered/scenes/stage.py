"""A stage: curtains, beams of light, boards, and instruments or scenery behind."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, smooth
from ccim_core.rendered.scenes.stagecraft import Set, level, placed, quad

_MOODS: tuple[tuple[Colour, Colour, tuple[Colour, ...]], ...] = (
    (hexa("1c1638"), hexa("a8202f"), (hexa("ff9ad5"), hexa("8fa8ff"), hexa("ffd98a"))),
    (hexa("10223f"), hexa("8e1c3a"), (hexa("7ad7ff"), hexa("b39bff"), hexa("ffffff"))),
    (hexa("2c1430"), hexa("b3302a"), (hexa("ffcf70"), hexa("ff8f6b"), hexa("ffe9c0"))),
    (hexa("13302f"), hexa("5b2a7a"), (hexa("8dffc8"), hexa("ffe27a"), hexa("8fc9ff"))),
)


def paint_stage(s: Set) -> Light:
    """Backdrop, beams, floor, what stands on it, and the curtains in front."""
    dark, curtain, beams = s.pick(_MOODS)
    c, floor = s.canvas, s.u(0.58, 0.66)
    c.ground_depth(0.43)
    c.distance = 9.0
    c.gradient(0, 0, 1, floor, scaled(dark, 0.7), dark, mix(dark, beams[0], 0.30))
    if s.chance(0.45):
        _stars(s, beams, floor)
    boards = s.pick((hexa("8a5a38"), hexa("6d4630"), hexa("9a6a44")))
    c.distance = 0.0
    c.gradient(0, floor, 1, 1.02, mix(boards, dark, 0.45), boards)
    for k in range(-7, 8):
        c.fill(
            level(floor, 0.5 + 0.07 * k, 0.504 + 0.07 * k, 1.02, 0.51 + 0.19 * k, 0.5 + 0.19 * k),
            scaled(boards, 0.55),
            0.5,
        )
    set_piece = s.pick((_drums, _piano, _rows_of_lights))
    c.distance = 7.0
    set_piece(s, floor, beams)
    _beams(s, beams, floor)
    _curtains(s, curtain)
    _mic(s, s.pick((s.u(0.16, 0.28), s.u(0.72, 0.84))), floor + 0.22)
    tint = beams[0]
    key = tuple(0.80 + 0.22 * v / 255 for v in mix(tint, (255, 244, 226), 0.5))
    return Light(
        key=(key[0], key[1], key[2]),
        shade=(0.62, 0.54, 0.72),
        side=s.side,
        rim=s.pick(beams),
        glare=0.65,
    )


def _stars(s: Set, beams: tuple[Colour, ...], floor: float) -> None:
    n = 40
    spots = np.column_stack(
        [s.rng.uniform(0.1, 0.9, n), s.rng.uniform(0.1, floor, n), np.full((n, 2), 0.004)]
    )
    s.canvas.discs(spots, [mix(s.pick(beams), (255, 255, 255), 0.4) for _ in range(n)])


def _beams(s: Set, beams: tuple[Colour, ...], floor: float) -> None:
    c = s.canvas
    count = int(s.rng.integers(3, 6))
    for k in range(count):
        x = 0.12 + 0.76 * (k + 0.5) / count
        foot = 0.5 + (x - 0.5) * s.u(0.2, 1.3)
        colour = beams[k % len(beams)]
        half = s.u(0.09, 0.15)
        c.fill(
            level(0.03, x - 0.012, x + 0.012, floor + 0.16, foot + half, foot - half),
            colour,
            0.20,
        )
        c.fill(
            level(0.03, x - 0.006, x + 0.006, floor + 0.15, foot + 0.5 * half, foot - 0.5 * half),
            colour,
            0.16,
        )
        c.disc(foot, floor + 0.16, half, 0.035, mix(colour, (255, 255, 255), 0.3), 0.42)
        c.glow(x, 0.04, 0.07, 0.07, colour, 0.9)
    c.rect(0, 0.012, 1, 0.024, hexa("15151c"))
    for k in range(count):
        x = 0.12 + 0.76 * (k + 0.5) / count
        c.fill(
            quad((x - 0.018, 0.01), (x + 0.018, 0.01), (x + 0.026, 0.05), (x - 0.026, 0.05)),
            hexa("22232c"),
        )
        c.disc(x, 0.05, 0.024, 0.009, mix(beams[k % len(beams)], (255, 255, 255), 0.6))


def _curtains(s: Set, curtain: Colour) -> None:
    c = s.canvas
    c.distance = 4.0
    width = s.u(0.11, 0.17)
    for side in (-1, 1):
        for k in range(5):
            near = width * (1 - k / 5) * (1.0 if k else 1.12)
            tone = scaled(curtain, 0.62 + 0.13 * ((k * 2) % 3) + 0.04 * k)
            top, tie = near * 1.35, near * 0.80
            edge = smooth(
                np.array(
                    [
                        (top, -0.03),
                        (top * 0.96, 0.22),
                        (tie * 0.98, 0.52),
                        (tie, 0.62),
                        (tie * 1.1, 0.8),
                        (tie * 1.12, 1.03),
                    ]
                ),
                closed=False,
                steps=4,
            )
            shape = np.concatenate([edge, quad((-0.03, 1.03), (-0.03, -0.03))])
            if side > 0:
                shape = shape * (-1, 1) + (1, 0)
            c.fill(shape, tone)
    x = -0.02
    while x < 1.02:
        c.disc(x + 0.075, -0.01, 0.085, 0.115, scaled(curtain, 0.72))
        c.disc(x + 0.075, -0.02, 0.068, 0.098, curtain)
        c.disc(x + 0.060, -0.03, 0.030, 0.085, mix(curtain, (255, 200, 190), 0.22), 0.7)
        x += 0.148
    c.rect(0, 0, 1, 0.014, hexa("d8b25a"))


def _mic(s: Set, x: float, base: float) -> None:
    c = s.canvas
    c.distance = 3.5
    steel = hexa("c9ced6")
    c.disc(x, base, 0.055, 0.014, hexa("24252e"))
    c.rect(x - 0.005, base - 0.46, x + 0.005, base, steel)
    c.fill(ribbon(np.array([(x, base - 0.45), (x + 0.035, base - 0.505)]), 0.018), hexa("3a3c48"))
    c.disc(x + 0.044, base - 0.52, 0.024, 0.024, steel)
    c.disc(x + 0.038, base - 0.526, 0.010, 0.010, (255, 255, 255), 0.6)


def _drums(s: Set, floor: float, beams: tuple[Colour, ...]) -> None:
    c, x = s.canvas, s.u(0.35, 0.65)
    shell = s.pick((hexa("b8323a"), hexa("2f6f8f"), hexa("d9a441")))
    c.disc(x, floor + 0.06, 0.30, 0.04, (10, 8, 16), 0.5)
    for dx, dy, r in (
        (-0.20, -0.07, 0.085),
        (0.20, -0.07, 0.085),
        (-0.10, -0.21, 0.065),
        (0.10, -0.21, 0.065),
    ):
        c.rect(x + dx - r, floor + dy, x + dx + r, floor + dy + 0.11, shell)
        c.disc(x + dx, floor + dy, r, 0.35 * r, hexa("f3efe6"))
    c.discs(
        np.array([[x, floor - 0.04, 0.115, 0.115], [x, floor - 0.04, 0.098, 0.098]]),
        [shell, hexa("f3efe6")],
    )
    c.disc(x, floor - 0.04, 0.035, 0.035, mix(shell, (255, 255, 255), 0.4))
    for dx in (-0.27, 0.27):
        c.fill(
            ribbon(np.array([(x + dx, floor + 0.04), (x + dx, floor - 0.27)]), 0.007),
            hexa("b9bec8"),
        )
        c.disc(x + dx, floor - 0.275, 0.085, 0.016, hexa("e6c35c"))


def _piano(s: Set, floor: float, beams: tuple[Colour, ...]) -> None:
    c, x = s.canvas, s.u(0.34, 0.6)
    black = hexa("17171f")
    c.disc(x + 0.06, floor + 0.07, 0.32, 0.03, (6, 5, 10), 0.5)
    for dx in (-0.14, 0.24):
        c.rect(x + dx, floor - 0.06, x + dx + 0.02, floor + 0.07, black)
    lid = smooth(
        placed(x, floor, (-0.18, -0.16), (-0.02, -0.36), (0.24, -0.34), (0.31, -0.16)),
        steps=4,
    )
    c.fill(lid, hexa("262630"))
    c.shade(lid, "glow", beams[1], 0.45)
    c.fill(
        placed(x, floor, (-0.2, -0.16), (0.31, -0.16), (0.30, -0.06), (-0.19, -0.06)),
        black,
    )
    c.rect(x - 0.23, floor - 0.125, x - 0.08, floor - 0.105, hexa("f4f1ea"))
    for k in range(6):
        c.rect(x - 0.222 + 0.024 * k, floor - 0.125, x - 0.213 + 0.024 * k, floor - 0.112, black)


def _rows_of_lights(s: Set, floor: float, beams: tuple[Colour, ...]) -> None:
    """Arches of bulbs, as in a variety show."""
    c = s.canvas
    for k, r in enumerate((0.36, 0.29)):
        angle = np.linspace(np.pi, 2 * np.pi, 17 - 3 * k)
        x, y = 0.5 + r * np.cos(angle), floor + 1.25 * r * np.sin(angle)
        c.fill(ribbon(np.stack([x, y], axis=1), 0.03), hexa("2c2438"))
        bulbs = np.column_stack([x, y, np.full((len(x), 2), 0.0085)])
        c.discs(bulbs, [mix(beams[2], (255, 250, 230), 0.4)] * len(x))
