"""Hair: caps and crops, hair that falls beside the face or down the back, braids, the scarf."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ccim_core.rendered.colours import mix
from ccim_core.rendered.curves import Points, ellipse, moved, scalloped, smooth
from ccim_core.rendered.sitter import Sitter

Line = Sequence[tuple[float, float]]


def crown(sitter: Sitter, volume: float, *, ear: float = 0.05) -> Points:
    """The outer edge of hair from the left ear over the crown to the right one: (n, 3)."""
    w = sitter.person.face_width
    right = [
        (0.34 * w, -1.46 - 0.98 * volume, 0.0),
        (0.74 * w + 0.3 * volume, -1.20 - 0.8 * volume, 0.0),
        (0.99 * w + 0.7 * volume, -0.68 - 0.4 * volume, 0.0),
        (1.055 * w + 0.75 * volume, -0.22, 0.0),
        (1.00 * w + 0.2 * volume, ear, 0.0),
    ]
    left = [(-x, y, z) for x, y, z in reversed(right)]
    return smooth([*left, (0.0, -1.52 - volume, 0.0), *right], closed=False, steps=4)


def _hairline(sitter: Sitter, line: Line) -> Points:
    """A line over the forehead, given from right to left in the picture."""
    return smooth(sitter.front(line), closed=False, steps=4)


def symmetric(half: Line) -> list[tuple[float, float]]:
    """A hairline from its right half, the last point being at the middle."""
    return [*half, *[(-x, y) for x, y in list(half)[-2::-1]]]


def sided(line: Line, part: int) -> list[tuple[float, float]]:
    """A hairline drawn for a parting on the right, turned for `part`; always right to left."""
    return list(line) if part > 0 else [(-x, y) for x, y in reversed(line)]


def paint_cap(
    sitter: Sitter, line: Line, volume: float, *, ear: float = 0.05, shade: float = 0.8
) -> Points:
    """Hair between the crown and a hairline, its shadow on the forehead, and its form."""
    canvas, unit = sitter.canvas, sitter.pose.unit
    outer = sitter.pose.project(crown(sitter, volume, ear=ear))
    inner = _hairline(sitter, line)
    lowered = moved(inner, -0.02 * sitter.light.side * unit, 0.085 * unit)
    canvas.fill(np.concatenate([inner, lowered[::-1]]), sitter.shadow, 0.55)
    shape = np.concatenate([outer, inner])
    canvas.solid(shape, sitter.hair)
    away = "right" if sitter.light.side < 0 else "left"
    canvas.shade(shape, f"ball_{away}", sitter.hair_dark, shade)
    return shape


def gloss(sitter: Sitter, roots: Line, tips: Line, *, count: int = 6, alpha: float = 0.4) -> None:
    """Strands between two lines of head space (z = 0.3): dark and light, alternating."""
    if not sitter.fine or not sitter.canvas.colours:
        return
    a, b = np.asarray(roots, np.float64), np.asarray(tips, np.float64)
    share = (np.arange(count) + 0.5) / count
    knots = np.linspace(0, 1, len(a))
    start = np.stack([np.interp(share, knots, a[:, k]) for k in (0, 1)], axis=1)
    knots = np.linspace(0, 1, len(b))
    end = np.stack([np.interp(share, knots, b[:, k]) for k in (0, 1)], axis=1)
    middle = 0.5 * (start + end)
    middle[:, 0] += 0.12 * np.sign(middle[:, 0]) * np.abs(end[:, 1] - start[:, 1])
    lines = np.empty((count, 3, 3))
    lines[:, :, :2] = np.stack([start, middle, end], axis=1)
    lines[:, :, 2] = (0.25, 0.3, 0.3)
    placed = sitter.pose.project(lines.reshape(-1, 3)).reshape(count, 3, 2)
    for k in range(count):
        light = k % 2 == 0
        colour = sitter.hair_light if light else sitter.hair_dark
        width = (0.008, 0.05 if light else 0.035, 0.008)
        sitter.stroke(smooth(placed[k], closed=False), width, colour, alpha)


SHORT_LINE = symmetric([(0.965, 0.02), (0.90, -0.40), (0.70, -0.74), (0.36, -0.84), (0.0, -0.83)])
PULLED_LINE = symmetric([(0.97, 0.0), (0.91, -0.46), (0.70, -0.86), (0.36, -1.0), (0.0, -1.02)])


def paint_short(sitter: Sitter) -> None:
    """A plain short cut with a slightly uneven edge."""
    rng = np.random.default_rng(sitter.person.texture)
    wobble = rng.uniform(-0.035, 0.035, len(SHORT_LINE))
    line = [(x, y + d * (abs(x) < 0.8)) for (x, y), d in zip(SHORT_LINE, wobble, strict=True)]
    paint_cap(sitter, line, 0.10)
    gloss(
        sitter,
        [(-0.5, -1.35), (0.0, -1.5), (0.5, -1.35)],
        [(-0.7, -0.85), (0, -0.95), (0.7, -0.85)],
    )


def paint_side_part(sitter: Sitter) -> None:
    """Hair combed over from a parting."""
    part = sitter.person.part
    line = [
        (0.965, 0.02), (0.90, -0.42), (0.70, -0.80), (0.46, -1.02), (0.20, -0.86),
        (-0.25, -0.68), (-0.66, -0.62), (-0.90, -0.40), (-0.965, 0.02),
    ]  # fmt: skip
    paint_cap(sitter, sided(line, part), 0.15)
    gloss(
        sitter,
        [(0.46 * part, -1.05), (0.40 * part, -1.4)],
        [(-0.55 * part, -0.74), (-0.92 * part, -0.9)],
    )


def paint_quiff(sitter: Sitter) -> None:
    """Short sides and a swept-up top."""
    part = sitter.person.part
    paint_cap(
        sitter,
        symmetric([(0.965, 0.02), (0.90, -0.42), (0.72, -0.82), (0.36, -0.96), (0.0, -0.97)]),
        0.02,
    )
    top = [
        (0.80 * part, -0.98, 0.2), (0.62 * part, -1.42, 0.15), (0.15 * part, -1.82, 0.15),
        (-0.45 * part, -1.86, 0.2), (-0.80 * part, -1.56, 0.2), (-0.80 * part, -1.08, 0.2),
        (-0.35 * part, -0.90, 0.72), (0.35 * part, -0.92, 0.72),
    ]  # fmt: skip
    shape = smooth(sitter.space(top), steps=5)
    sitter.canvas.solid(shape, sitter.hair)
    sitter.canvas.shade(shape, "down", sitter.hair_dark, 0.55)
    gloss(
        sitter,
        [(-0.5 * part, -0.98), (0.5 * part, -1.0)],
        [(-0.62 * part, -1.6), (0.2 * part, -1.66)],
    )


def paint_buzz(sitter: Sitter) -> None:
    """Hair cropped close: the scalp shines through."""
    close = mix(sitter.hair, sitter.skin, 0.24)
    shape = np.concatenate(
        [sitter.pose.project(crown(sitter, -0.055, ear=0.0)), _hairline(sitter, SHORT_LINE)]
    )
    sitter.canvas.solid(shape, close)
    away = "right" if sitter.light.side < 0 else "left"
    sitter.canvas.shade(shape, f"ball_{away}", sitter.hair_dark, 0.7)
    sitter.glow(0.3 * sitter.light.side, -1.1, 0.45, 0.25, sitter.hair_light, 0.45)


def paint_bald(sitter: Sitter) -> None:
    """A bare crown, hair at the sides."""
    for s in (-1, 1):
        side = sitter.space(
            [
                (0.97 * s, 0.06, 0.1), (1.05 * s, -0.1, 0.0), (1.06 * s, -0.42, 0.0),
                (0.985 * s, -0.62, 0.0), (0.93 * s, -0.50, 0.15), (0.94 * s, -0.2, 0.15),
            ]
        )  # fmt: skip
        shape = smooth(side, steps=4)
        sitter.canvas.solid(shape, mix(sitter.hair, sitter.hair_dark, 0.2))
    bright = mix(sitter.skin, sitter.light.lit((255, 250, 240)), 0.6)
    sitter.glow(0.32 * sitter.light.side, -1.02, 0.32, 0.18, bright, 0.7)


def paint_pixie(sitter: Sitter) -> None:
    """Short, with a fringe swept to one side."""
    part = sitter.person.part
    line = [
        (0.98, 0.25), (0.90, -0.22), (0.82, -0.52), (0.62, -0.74), (0.40, -0.80), (0.10, -0.58),
        (-0.12, -0.66), (-0.38, -0.46), (-0.52, -0.54), (-0.80, -0.22), (-0.98, 0.3),
    ]  # fmt: skip
    paint_cap(sitter, sided(line, part), 0.15, ear=0.2)
    gloss(
        sitter,
        [(0.45 * part, -1.0), (0.3 * part, -1.4)],
        [(-0.4 * part, -0.6), (-0.9 * part, -0.7)],
    )


def _curls(sitter: Sitter, centres: Points, radius: float) -> None:
    """Round curls about points of head space (n, 3), then their lights."""
    placed, unit = sitter.pose.project(centres), sitter.pose.unit
    r = radius * unit
    for x, y in placed:
        sitter.canvas.disc(x, y, r, r, sitter.hair, solid=True)
    if not sitter.canvas.colours:
        return
    lx, ly = 0.25 * r * sitter.light.side, -0.3 * r
    for k, (x, y) in enumerate(placed):
        tone = sitter.hair_light if k % 2 else sitter.hair_dark
        alpha = 0.22 if k % 2 else 0.10
        sitter.canvas.disc(x + lx, y + ly, 0.5 * r, 0.42 * r, tone, alpha)


def paint_curly(sitter: Sitter) -> None:
    """A crop of round curls."""
    paint_cap(sitter, SHORT_LINE, 0.12)
    outer = crown(sitter, 0.16, ear=-0.1)[1:-1:2]
    rng = np.random.default_rng(sitter.person.texture)
    fringe = np.array([(x, -0.86 - 0.20 * (1 - abs(x)), 0.55) for x in np.linspace(-0.72, 0.72, 6)])
    inner = outer * (0.72, 0.86, 1) + (0, 0.0, 0.3)
    centres = np.concatenate([outer, inner[1:-1:2], fringe])
    centres[:, :2] += rng.uniform(-0.03, 0.03, (len(centres), 2))
    _curls(sitter, centres, 0.24)


def paint_afro(sitter: Sitter) -> None:
    """The rounded front of an afro; its volume is painted behind the head."""
    paint_cap(sitter, SHORT_LINE, 0.30, ear=-0.05)
    xs = np.linspace(-0.75, 0.75, 6)
    front = np.array([(x, -0.92 - 0.2 * (1 - x * x), 0.55) for x in xs])
    _curls(sitter, front, 0.20)


def paint_afro_behind(sitter: Sitter) -> None:
    """The volume of an afro."""
    unit = sitter.pose.unit
    ((x, y),) = sitter.space([(0.0, -0.62, 0.0)])
    shape = scalloped(x, y, 1.52 * unit, 1.38 * unit, lobes=17, depth=0.055, phase=0.3)
    sitter.canvas.solid(shape, sitter.hair)
    away = "right" if sitter.light.side < 0 else "left"
    sitter.canvas.shade(shape, f"ball_{away}", sitter.hair_dark, 0.75)


def paint_bun(sitter: Sitter) -> None:
    """Hair pulled back from the face."""
    paint_cap(sitter, PULLED_LINE, 0.06)
    gloss(
        sitter,
        [(-0.12, -1.45), (0.12, -1.45)],
        [(-0.85, -0.72), (0.0, -1.06), (0.85, -0.72)],
        count=7,
    )


def paint_bun_behind(sitter: Sitter) -> None:
    """The bun itself, over the crown."""
    unit = sitter.pose.unit
    ((x, y),) = sitter.space([(0.0, -1.70, -0.2)])
    shape = ellipse(x, y, 0.48 * unit, 0.42 * unit, count=24)
    sitter.canvas.solid(shape, sitter.hair)
    away = "right" if sitter.light.side < 0 else "left"
    sitter.canvas.shade(shape, f"ball_{away}", sitter.hair_dark, 0.8)
    sitter.canvas.glow(
        x + 0.15 * unit * sitter.light.side, y - 0.12 * unit, 0.22 * unit, 0.14 * unit,
        sitter.hair_light, 0.6,
    )  # fmt: skip


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
