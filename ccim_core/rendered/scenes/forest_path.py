"""A path into a forest: layers of trunks fading into haze, a canopy, ferns, beams of light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccim_core.rendered.colours import Colour, Light, Tint, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, scalloped, smooth
from ccim_core.rendered.scenes.stagecraft import Set, level, quad


@dataclass(frozen=True)
class _Season:
    haze: Colour
    glow: Colour
    leaves: tuple[Colour, ...]
    trunk: Colour
    ground: Colour
    path: Colour
    key: Tint
    shade: Tint
    pines: bool = False


_SEASONS = (
    _Season(hexa("cfe6b8"), hexa("f6f7c8"), (hexa("3f7d3c"), hexa("5b9a45"), hexa("2f6a3e")),
            hexa("4c3a30"), hexa("5f8a3f"), hexa("b99a6b"), (0.98, 1.02, 0.93), (0.72, 0.72, 0.74)),
    _Season(hexa("f3d9a6"), hexa("fff0c0"), (hexa("c8682e"), hexa("dd9a36"), hexa("a84a2b")),
            hexa("51382f"), hexa("a9793c"), hexa("caa06a"), (1.05, 0.97, 0.88), (0.74, 0.66, 0.70)),
    _Season(hexa("c3d6d8"), hexa("e9f1ee"), (hexa("2f5d5a"), hexa("3f746a"), hexa("27504f")),
            hexa("39393d"), hexa("4f7465"), hexa("9c9684"), (0.96, 1.0, 1.0), (0.75, 0.74, 0.80),
            True),
    _Season(hexa("f7c98e"), hexa("ffe2a0"), (hexa("4f6b35"), hexa("6d8138"), hexa("3d5731")),
            hexa("3f2d2a"), hexa("6f7a3a"), hexa("b58a5c"), (1.06, 0.96, 0.84), (0.72, 0.64, 0.70)),
)  # fmt: skip


def paint_forest_path(s: Set) -> Light:
    """Rows of trees from far to near, with the path winding between them."""
    c, season = s.canvas, s.pick(_SEASONS)
    horizon = s.u(0.42, 0.50)
    c.ground_depth(horizon)
    c.distance = 50.0
    c.gradient(
        0, 0, 1, horizon + 0.05, mix(season.haze, season.leaves[0], 0.25), season.haze, season.glow
    )
    gap = s.u(0.38, 0.62)
    c.glow(gap, horizon - 0.06, 0.34, 0.30, season.glow, 0.9)
    for row in range(3):
        _row(s, season, row, horizon, gap)
        if row == 0:
            _ground(s, season, horizon, gap)
    _beams(s, season, gap)
    _canopy(s, season)
    _ferns(s, season)
    return Light(key=season.key, shade=season.shade, side=s.side, rim=season.glow, glare=0.35)


def _row(s: Set, season: _Season, row: int, horizon: float, gap: float) -> None:
    c = s.canvas
    far = (0.70, 0.40, 0.08)[row]
    c.distance = (30.0, 14.0, 6.0)[row]
    width = (0.022, 0.042, 0.085)[row]
    base = horizon + (0.02, 0.10, 0.30)[row]
    clear = (0.05, 0.15, 0.34)[row]
    leaf = mix(s.pick(season.leaves), season.haze, far)
    if row < 2:
        for x in np.linspace(-0.05, 1.05, 9 - row):
            shape = scalloped(
                x, (0.16, 0.06)[row], 0.13, 0.19, lobes=9, depth=0.12, phase=s.u(0, 6)
            )
            c.fill(shape, mix(leaf, season.haze, 0.15))
    trunk = mix(season.trunk, season.haze, far)
    for _ in range((9, 6, 4)[row]):
        x = s.u(-0.05, 1.05)
        if abs(x - gap) < clear:
            x = gap + clear * (1 if x > gap else -1) * s.u(1.0, 1.35)
        if season.pines and row < 2:
            s.pine(x, base + 0.02, s.u(0.35, 0.6) * (1 + 0.4 * row), leaf, trunk)
            continue
        w, lean = width * s.u(0.7, 1.2), s.u(-0.03, 0.03)
        foot = base + s.u(-0.02, 0.03)
        top = x + lean
        body = quad(
            (x - 0.85 * w, foot), (x - 0.42 * w, foot - 0.08), (top - 0.30 * w, -0.02),
            (top + 0.30 * w, -0.02), (x + 0.42 * w, foot - 0.08), (x + 0.85 * w, foot),
        )  # fmt: skip
        c.fill(body, trunk)
        lit = quad(
            (x - 0.4 * w, foot - 0.06),
            (x - 0.30 * w + lean, 0),
            (x - 0.10 * w + lean, 0),
            (x - 0.12 * w, foot - 0.06),
        )
        c.fill(lit, mix(trunk, season.glow, 0.45), 0.45)
        if row == 2:
            for _ in range(5):
                y = s.u(0.05, foot - 0.12)
                c.rect(x - 0.05 * w, y, x + 0.18 * w, y + 0.006, scaled(trunk, 0.7), 0.6)


def _ground(s: Set, season: _Season, horizon: float, gap: float) -> None:
    c = s.canvas
    c.distance = 0.0
    floor = season.ground
    c.gradient(0, horizon + 0.01, 1, 1.02, mix(floor, season.haze, 0.6), floor, scaled(floor, 0.72))
    sway = s.u(-0.22, 0.22)
    ys = np.linspace(0, 1, 7)
    middle = gap + sway * np.sin(ys * 2.6) * ys + (0.5 - gap) * ys
    half = 0.02 + 0.30 * ys**1.5
    height = horizon + 0.02 + (1.02 - horizon) * ys**1.25
    left = smooth(np.stack([middle - half, height], axis=1), closed=False, steps=4)
    right = smooth(np.stack([middle + half, height], axis=1), closed=False, steps=4)
    path = np.concatenate([left, right[::-1]])
    c.fill(path, season.path)
    c.shade(path, "up", mix(season.path, season.haze, 0.7), 0.8)
    c.fill(ribbon(left, [0.004, 0.03]), scaled(floor, 0.62), 0.5)
    c.fill(ribbon(right, [0.004, 0.03]), scaled(floor, 0.62), 0.5)
    spots = []
    for _ in range(26):
        t = s.u(0.25, 1)
        spots.append((s.u(0, 1), horizon + 0.05 + t * (0.95 - horizon), 0.010 * t, 0.005 * t))
    c.discs(
        np.array(spots), [mix(s.pick(season.leaves), season.glow, s.u(0.1, 0.5)) for _ in spots]
    )


def _beams(s: Set, season: _Season, gap: float) -> None:
    if s.chance(0.35):
        return
    lean = s.side * s.u(0.12, 0.3)
    for k in range(3):
        x = gap + lean + 0.13 * (k - 1)
        c = s.canvas
        c.fill(
            level(-0.02, x, x + 0.05, 1.05, x - 1.9 * lean + 0.10, x - 1.9 * lean - 0.04),
            season.glow,
            0.13,
        )


def _canopy(s: Set, season: _Season) -> None:
    c = s.canvas
    c.distance = 4.0
    for k, x in enumerate(np.linspace(-0.06, 1.06, 8)):
        drop = 0.13 * abs(x - 0.5) + s.u(0.0, 0.05)
        leaf = s.pick(season.leaves)
        shape = scalloped(x, drop - 0.02, 0.13, 0.09, lobes=9, depth=0.14, phase=s.u(0, 6))
        c.fill(shape, scaled(leaf, 0.62 if k % 2 else 0.74))


def _ferns(s: Set, season: _Season) -> None:
    c = s.canvas
    c.distance = 3.0
    for _ in range(5):
        x, base = s.pick((s.u(-0.03, 0.24), s.u(0.76, 1.03))), s.u(0.80, 1.02)
        leaf, size = scaled(s.pick(season.leaves), 0.85), s.u(0.13, 0.2)
        for angle in (-150, -120, -90, -60, -30):
            way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            tip = (x, base) + way * size + (0, 0.25 * size * abs(way[0]))
            bend = (x, base) + way * 0.6 * size
            line = smooth(np.stack([(x, base), bend, tip]), closed=False, steps=4)
            c.fill(
                ribbon(line, [0.01, 0.032, 0.022, 0.002]),
                leaf if angle % 60 else mix(leaf, season.glow, 0.25),
            )
