"""Eyes, brows and nose, with the folds that their action units make."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.curves import Points, moved, ribbon
from ccim_core.datasets.controlled.face_shapes import Eye
from ccim_core.datasets.controlled.palette import Colour, luminance, mix, scaled
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["paint_brows", "paint_eyes", "paint_forehead", "paint_nose"]

_INK: Colour = (38, 24, 26)


def _ink(sitter: Sitter) -> Colour:
    """The colour of lash lines: dark, a little of the skin in it."""
    return mix(_INK, sitter.skin, 0.06)


def paint_eyes(sitter: Sitter) -> None:
    """Sockets, then each eye."""
    e = sitter.face.expression
    for eye in sitter.face.eyes:
        x = 0.42 * eye.side
        sitter.glow(x, -0.12, 0.42, 0.26, sitter.shadow, 0.30 + 0.12 * max(e[4], 0))
        if sitter.person.elderly > 0.2:
            sitter.glow(x, 0.20, 0.36, 0.16, sitter.shadow, 0.15 + 0.30 * sitter.person.elderly)
    for eye in sitter.face.eyes:
        _paint_eye(sitter, eye)


def _paint_eye(sitter: Sitter, eye: Eye) -> None:
    canvas, unit = sitter.canvas, sitter.pose.unit
    upper, lower, ring, pupil, crease = sitter.pose.project_all(
        eye.upper, eye.lower, eye.iris, eye.pupil, eye.crease
    )
    opening = np.concatenate([upper, lower[::-1]])
    white = sitter.light.lit((250, 247, 243))
    canvas.fill(opening, white)
    iris = sitter.light.lit(sitter.person.iris)
    canvas.fill(ring, scaled(iris, 0.72))
    if sitter.fine:
        centre = ring.mean(axis=0)
        canvas.fill(centre + (ring - centre) * 0.80, iris)
    canvas.fill(pupil, (22, 14, 16))
    if sitter.fine:  # the upper lid throws a shadow on the ball
        shade = ribbon(moved(upper, 0, 0.022 * unit), 0.05 * unit)
        canvas.fill(shade, mix(sitter.shadow, _INK, 0.35), 0.35)
    gx, gy = sitter.front([(eye.glint[0] - 0.035, eye.glint[1] - 0.04)])[0]
    canvas.disc(gx, gy, 0.032 * unit, 0.032 * unit, (255, 255, 255), 0.92)
    ink = _ink(sitter)
    sitter.stroke(lower, (0.012, 0.026, 0.03, 0.02), mix(ink, sitter.skin, 0.45), 0.75)
    heavy = sitter.bold(0.062 if sitter.person.made_up else 0.046)
    sitter.stroke(upper, (0.02, heavy * 0.8, heavy, heavy, 0.03), ink)
    if sitter.person.made_up:
        tip = upper[-1]
        step = (upper[-1] - upper[-4]) * 0.40
        flick = np.stack([upper[-3], tip + step * 0.3, tip + step + (0, -0.05 * unit)])
        sitter.stroke(flick, (0.05, 0.04, 0.005), ink)
    _paint_lid_folds(sitter, eye.side, crease)


def _paint_lid_folds(sitter: Sitter, s: int, crease: Points) -> None:
    """The crease above the lid, the bag below, crow's feet and the raised cheek's edge."""
    e = sitter.face.expression
    line = mix(sitter.shadow, _INK, 0.15)
    sitter.stroke(crease, (0.008, 0.026, 0.026, 0.01), line, 0.75)
    tight = min(1.0, max(e[6], 0) + 0.75 * max(e[7], 0) + 0.8 * max(e[9], 0))
    bag = [(0.20 * s, 0.15), (0.36 * s, 0.215 - 0.02 * tight), (0.58 * s, 0.175 - 0.02 * tight)]
    sitter.line(bag, (0.006, 0.03, 0.006), line, 0.65 * tight + 0.35 * sitter.person.elderly)
    crow = 0.75 * max(e[6], 0) + 0.35 * sitter.person.elderly
    for angle in (-0.075, 0.0, 0.075):
        ray = [(0.725 * s, 0.03 + 0.5 * angle), (0.83 * s, 0.035 + 1.3 * angle)]
        sitter.line(ray, (0.022, 0.006), line, 0.8 * crow)
    if e[6] > 0.15:
        cheek = [(0.26 * s, 0.33), (0.50 * s, 0.275), (0.74 * s, 0.22)]
        sitter.line(cheek, (0.01, 0.04, 0.01), sitter.blush, 0.5 * min(e[6], 1))


def paint_brows(sitter: Sitter) -> None:
    """Brows as tapered, slightly two-toned strokes."""
    weight = sitter.bold(0.105 * sitter.person.brow_weight, 1.1)
    brow = sitter.light.lit(sitter.person.brow)
    if abs(luminance(brow) - luminance(sitter.skin)) < 0.16:
        brow = mix(brow, _INK, 0.45)
    for centre in sitter.pose.project_all(*(eye.brow for eye in sitter.face.eyes)):
        sitter.stroke(centre, (0.75 * weight, 1.08 * weight, 0.95 * weight, 0.2 * weight), brow)
        if not sitter.fine:
            continue
        below = moved(centre, 0, 0.018 * sitter.pose.unit)
        sitter.stroke(
            below, (0.3 * weight, 0.5 * weight, 0.45 * weight, 0.1 * weight), scaled(brow, 0.8), 0.5
        )


def paint_forehead(sitter: Sitter) -> None:
    """Lines of raised (AU1, AU2) and of lowered (AU4) brows, and those of age."""
    e, old = sitter.face.expression, sitter.person.elderly
    line = mix(sitter.shadow, _INK, 0.12)
    middle, whole, knit = max(e[1], 0), max(e[2], 0), max(e[4], 0)
    for k, y in enumerate((-0.60, -0.72)):
        reach = 0.26 + 0.30 * min(whole, 1)
        dip = 0.035 * (1 - min(whole, 1))
        alpha = 0.55 * min(1.0, 0.6 * middle + 0.4 * whole) - 0.12 * k + 0.28 * old
        control = [(-reach, y + 0.02 + dip), (0.0, y - dip), (reach, y + 0.02 + dip)]
        sitter.line(control, (0.006, 0.03, 0.006), line, alpha)
    alpha = 0.85 * min(knit, 1) + 0.15 * old
    for s in (-1, 1):
        control = [(0.07 * s, -0.42), (0.085 * s, -0.30), (0.065 * s, -0.18)]
        sitter.line(control, (0.008, sitter.bold(0.036, 0.6), 0.01), line, alpha)
    sitter.glow(0, -0.25, 0.24, 0.18, sitter.shadow, 0.45 * min(knit + max(e[9], 0), 1))


def paint_nose(sitter: Sitter) -> None:
    """Bridge, tip and wings; AU9 lifts the wings and wrinkles the bridge."""
    e, person = sitter.face.expression, sitter.person
    wrinkle = min(max(e[9], 0), 1.2)
    tip, wide = sitter.face.nose_tip, 0.155 * person.nose_width * (1 + 0.16 * wrinkle)
    away = -sitter.light.side
    deep = mix(sitter.shadow, _INK, 0.18)
    side = np.array(
        [
            (0.05 * away, -0.16), (0.085 * away, 0.10), (wide * 0.8 * away, tip - 0.06),
            (wide * away, tip + 0.05), (0.02 * away, tip + 0.07), (0.03 * away, 0.1),
        ]
    )  # fmt: skip
    sitter.canvas.fill(sitter.front(side, lift=0.10), sitter.shadow, 0.42)
    sitter.glow(0, tip + 0.10, 0.26, 0.13, sitter.shadow, 0.5)
    base = [
        (-wide, tip - 0.02 - 0.05 * wrinkle), (-0.93 * wide, tip + 0.065 - 0.03 * wrinkle),
        (-0.4 * wide, tip + 0.075), (0, tip + 0.105),
        (0.4 * wide, tip + 0.075), (0.93 * wide, tip + 0.065 - 0.03 * wrinkle),
        (wide, tip - 0.02 - 0.05 * wrinkle),
    ]  # fmt: skip
    centre = sitter.front(base, lift=0.12)
    sitter.stroke(centre, (0.012, 0.034, 0.03, 0.03, 0.03, 0.034, 0.012), deep, 0.8)
    for s in (-1, 1):
        x, y = sitter.front([(0.5 * wide * s, tip + 0.062)], lift=0.12)[0]
        unit = sitter.pose.unit
        sitter.canvas.disc(x, y, 0.045 * unit, 0.022 * unit, mix(deep, _INK, 0.55), 0.8)
    light = mix(sitter.skin, (255, 246, 230), 0.55)
    sitter.glow(-0.03 * away, tip - 0.05, 0.11, 0.10, light, 0.5)
    sitter.glow(-0.02 * away, 0.08, 0.07, 0.22, light, 0.32)
    if wrinkle > 0.1:
        alpha = 0.85 * min(wrinkle, 1)
        for s in (-1, 1):
            for y, reach in ((-0.10, 0.12), (0.0, 0.155), (0.10, 0.17)):
                control = [(0.02 * s, y - 0.045), (0.08 * s, y - 0.01), (reach * s, y + 0.05)]
                sitter.line(control, (0.008, sitter.bold(0.032, 0.5), 0.008), deep, alpha)
