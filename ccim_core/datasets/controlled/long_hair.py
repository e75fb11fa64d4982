"""Hair that falls beside the face or down the back, braids, and the headscarf."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.curves import Points, smooth
from ccim_core.datasets.controlled.hair import (
    gloss,
    paint_afro,
    paint_afro_behind,
    paint_bald,
    paint_bun,
    paint_bun_behind,
    paint_buzz,
    paint_cap,
    paint_curly,
    paint_pixie,
    paint_quiff,
    paint_short,
    paint_side_part,
    symmetric,
)
from ccim_core.datasets.controlled.palette import mix
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["paint_hair", "paint_hair_behind"]

_CURTAIN_LINE = symmetric([(0.985, 0.1), (0.93, -0.28), (0.74, -0.66), (0.40, -0.92), (0.0, -1.12)])
_FRINGE_LINE = symmetric([(0.985, 0.1), (0.94, -0.20), (0.80, -0.50), (0.42, -0.55), (0.0, -0.55)])


def _fall(sitter: Sitter, length: float, spread: float, wave: float) -> None:
    """Hair behind the neck down to `length`, with `wave` in its edges."""
    w = sitter.person.face_width
    ys = np.array([-1.0, *np.linspace(-0.3, length, 7)])
    swing = wave * np.sin(np.arange(8) * 1.7 + 0.4) * (np.arange(8) > 1)
    widths = np.interp(
        ys, [-1.0, -0.3, 0.5, length], [0.7 * w, 1.06 * w, 1.16 * w, 1.16 * w * spread]
    )
    right = [(widths[k] + swing[k], ys[k], -0.15) for k in range(8)]
    left = [(-widths[k] - swing[k], ys[k], -0.15) for k in reversed(range(8))]
    bottom = [(0.45 * w * spread, length + 0.10, -0.15), (-0.45 * w * spread, length + 0.10, -0.15)]
    shape = smooth(sitter.space([*right, *bottom, *left]), steps=3)
    sitter.canvas.solid(shape, sitter.hair_dark)
    sitter.canvas.shade(shape, "up", sitter.hair, 0.5)


def _locks(sitter: Sitter, length: float, thick: float, wave: float) -> None:
    """A lock on each side of the face, from the temple to `length`."""
    w = sitter.person.face_width
    away = "right" if sitter.light.side < 0 else "left"
    for s in (-1, 1):
        ys = np.array([-1.0, -0.35, *np.linspace(0.25, length, 4)])
        swing = wave * np.sin(np.arange(6) * 2.0 + s) * (np.arange(6) > 1)
        outer_x = (
            np.interp(ys, [-1.0, -0.35, 0.4, length], [0.78, 1.09, 1.17, 1.17 + 0.03 * length]) * w
        )
        fall = np.interp(ys, [-1.0, 0.3, 1.0, length], [0.12, 0.20, thick, thick * 0.75])
        outer = [(s * (outer_x[k] + swing[k]), ys[k], 0.02) for k in range(6)]
        inner = [(s * (outer_x[k] + swing[k] - fall[k]), ys[k], 0.12) for k in reversed(range(6))]
        tip = [(s * (outer_x[5] + swing[5] - 0.5 * fall[5]), length + 0.12, 0.05)]
        shape = smooth(sitter.space([*outer, *tip, *inner]), steps=3)
        sitter.canvas.solid(shape, sitter.hair)
        if sitter.fine:
            sitter.canvas.shade(shape, "down", sitter.hair_dark, 0.45)
        if (s > 0) == (away == "right"):
            sitter.canvas.fill(shape, sitter.hair_dark, 0.25)
        for share in (0.35, 0.68):
            xs = s * (outer_x + swing - share * fall)
            centre = smooth(sitter.space(np.column_stack([xs, ys, np.full(6, 0.1)])), closed=False)
            sitter.stroke(
                centre, (0.01, 0.05, 0.04, 0.01),
                sitter.hair_light if share < 0.5 else sitter.hair_dark, 0.35,
            )  # fmt: skip


def _curtains(sitter: Sitter) -> None:
    paint_cap(sitter, _CURTAIN_LINE, 0.12, ear=0.12)
    gloss(
        sitter,
        [(-0.1, -1.4), (0.1, -1.4)],
        [(-1.0, -0.3), (-0.6, -1.05), (0.6, -1.05), (1.0, -0.3)],
        count=8,
    )


def _bob_behind(sitter: Sitter) -> None:
    _fall(sitter, 1.12, 1.04, 0.0)


def _bob(sitter: Sitter) -> None:
    _locks(sitter, 0.98, 0.26, 0.0)
    _curtains(sitter)


def _fringe_bob(sitter: Sitter) -> None:
    _locks(sitter, 0.98, 0.24, 0.0)
    paint_cap(sitter, _FRINGE_LINE, 0.13, ear=0.12)
    gloss(sitter, [(-0.6, -1.3), (0.6, -1.3)], [(-0.8, -0.52), (0.8, -0.52)], count=9)


def _long_behind(sitter: Sitter) -> None:
    _fall(sitter, 2.75, 1.12, 0.0)


def _long(sitter: Sitter) -> None:
    _locks(sitter, 2.3, 0.34, 0.015)
    _curtains(sitter)


def _wavy_behind(sitter: Sitter) -> None:
    _fall(sitter, 2.3, 1.24, 0.07)


def _wavy(sitter: Sitter) -> None:
    part = sitter.person.part
    _locks(sitter, 1.9, 0.42, 0.07)
    line = [
        (0.985, 0.1), (0.93, -0.30), (0.74, -0.74), (0.42, -1.10), (0.02, -0.80),
        (-0.50, -0.58), (-0.84, -0.28), (-0.985, 0.1),
    ]  # fmt: skip
    paint_cap(sitter, line if part > 0 else [(-x, y) for x, y in reversed(line)], 0.18, ear=0.12)
    gloss(
        sitter,
        [(0.42 * part, -1.12), (0.3 * part, -1.5)],
        [(-0.75 * part, -0.5), (-1.0 * part, -0.6)],
    )


def _tail_behind(sitter: Sitter) -> None:
    part = sitter.person.part
    tail = [
        (0.15, -1.25, -0.3), (0.85, -1.45, -0.4), (1.36, -0.9, -0.4), (1.42, 0.0, -0.4),
        (1.22, 0.95, -0.4), (1.02, 1.55, -0.4), (1.0, 0.8, -0.4), (0.98, -0.1, -0.4),
        (0.8, -0.8, -0.3),
    ]  # fmt: skip
    shape = smooth(sitter.space([(x * part, y, z) for x, y, z in tail]), steps=4)
    sitter.canvas.solid(shape, sitter.hair)
    sitter.canvas.shade(shape, "down", sitter.hair_dark, 0.8)
    line = [(0.95, -1.2, -0.4), (1.22, -0.6, -0.4), (1.22, 0.2, -0.4), (1.1, 0.9, -0.4)]
    centre = smooth(sitter.space([(x * part, y, z) for x, y, z in line]), closed=False)
    sitter.stroke(centre, (0.01, 0.07, 0.05, 0.01), sitter.hair_light, 0.4)


def _braids_behind(sitter: Sitter) -> None:
    _fall(sitter, 0.85, 0.95, 0.0)


def _braids(sitter: Sitter) -> None:
    unit, w = sitter.pose.unit, sitter.person.face_width
    for s in (-1, 1):
        for k in range(8):
            share = k / 7
            ((x, y),) = sitter.space([(s * (1.08 * w + 0.10 * share), 0.35 + 1.95 * share, 0.02)])
            size = (0.20 - 0.05 * share) * unit
            sitter.canvas.disc(x, y, size, 0.85 * size, sitter.hair, solid=True)
            left, up = x - 0.2 * size, y - 0.2 * size
            sitter.canvas.disc(left, up, 0.5 * size, 0.4 * size, sitter.hair_light, 0.3)
            sitter.canvas.disc(x, y + 0.75 * size, 0.7 * size, 0.25 * size, sitter.hair_dark, 0.6)
        ((x, y),) = sitter.space([(s * (1.19 * w), 2.42, 0.02)])
        sitter.canvas.disc(
            x, y, 0.13 * unit, 0.09 * unit, sitter.light.lit(sitter.person.trim), solid=True
        )
    _curtains(sitter)


def _scarf_colours(sitter: Sitter) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    cloth = sitter.light.lit(sitter.person.trim)
    return cloth, mix(sitter.light.shaded(cloth), (20, 10, 30), 0.1)


def _scarf_behind(sitter: Sitter) -> None:
    cloth, dark = _scarf_colours(sitter)
    shape = smooth(
        sitter.space(
            [
                (0.0, -1.55, 0), (0.82, -1.2, 0), (1.16, -0.4, 0), (1.16, 0.4, 0), (1.12, 1.1, 0),
                (1.5, 2.1, 0), (0.0, 2.5, 0), (-1.5, 2.1, 0), (-1.12, 1.1, 0), (-1.16, 0.4, 0),
                (-1.16, -0.4, 0), (-0.82, -1.2, 0),
            ]
        ),
        steps=4,
    )  # fmt: skip
    sitter.canvas.solid(shape, mix(cloth, dark, 0.6))


def _scarf_ring(sitter: Sitter) -> tuple[Points, Points]:
    """The cloth's outer and inner edge around the face, open at nothing: both closed curves."""
    drop = sitter.face.jaw_drop
    outer = [
        (0.0, -1.58, 0), (0.62, -1.40, 0), (1.04, -0.86, 0), (1.17, -0.2, 0), (1.14, 0.5, 0.0),
        (0.95, 1.1 + drop, 0.1), (0.55, 1.55 + drop, 0.2), (0.0, 1.72 + drop, 0.25),
    ]  # fmt: skip
    inner = [
        (0.0, -0.94, 0.75), (0.45, -0.86, 0.72), (0.78, -0.5, 0.55), (0.90, 0.0, 0.35),
        (0.86, 0.5, 0.32), (0.68, 0.88 + 0.6 * drop, 0.34), (0.36, 1.15 + drop, 0.36),
        (0.0, 1.24 + drop, 0.36),
    ]  # fmt: skip
    both = []
    for half in (outer, inner):
        whole = half + [(-x, y, z) for x, y, z in half[-2:0:-1]]
        both.append(smooth(sitter.space(whole), steps=4))
    return both[0], both[1]


def _scarf(sitter: Sitter) -> None:
    cloth, dark = _scarf_colours(sitter)
    outer, inner = _scarf_ring(sitter)
    brow = np.concatenate([inner[-14:], inner[:15]])
    sitter.stroke(brow, (0.02, 0.16, 0.18, 0.16, 0.02), sitter.shadow, 0.55)
    shape = np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])
    sitter.canvas.solid(shape, cloth)
    away = "right" if sitter.light.side < 0 else "left"
    sitter.canvas.shade(shape, f"ball_{away}", dark, 0.8)
    for share in (0.3, 0.65):
        fold = outer * (1 - share) + inner * share
        half = len(fold) // 2
        sitter.stroke(fold[2 : half - 1], (0.01, 0.04, 0.01), dark, 0.5)
        sitter.stroke(fold[half + 1 : -2], (0.01, 0.04, 0.01), dark, 0.5)


def _ponytail(sitter: Sitter) -> None:
    paint_bun(sitter)


_FRONT = {
    "short": paint_short,
    "side_part": paint_side_part,
    "quiff": paint_quiff,
    "buzz": paint_buzz,
    "curly": paint_curly,
    "afro": paint_afro,
    "bald": paint_bald,
    "pixie": paint_pixie,
    "bob": _bob,
    "fringe_bob": _fringe_bob,
    "long": _long,
    "wavy": _wavy,
    "ponytail": _ponytail,
    "bun": paint_bun,
    "braids": _braids,
    "scarf": _scarf,
}

_BEHIND = {
    "afro": paint_afro_behind,
    "bob": _bob_behind,
    "fringe_bob": _bob_behind,
    "long": _long_behind,
    "wavy": _wavy_behind,
    "ponytail": _tail_behind,
    "bun": paint_bun_behind,
    "braids": _braids_behind,
    "scarf": _scarf_behind,
}


def paint_hair_behind(sitter: Sitter) -> None:
    """What lies behind the head and the shoulders."""
    if behind := _BEHIND.get(sitter.person.hair_style):
        behind(sitter)


def paint_hair(sitter: Sitter) -> None:
    """What lies over the head."""
    _FRONT[sitter.person.hair_style](sitter)
