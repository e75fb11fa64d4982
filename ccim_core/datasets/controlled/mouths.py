"""The mouth: lips, teeth, tongue, and the folds and dimples around it."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.curves import Points, moved
from ccim_core.datasets.controlled.palette import Colour, hexa, mix, scaled
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["paint_mouth", "paint_mouth_folds"]

_INSIDE = hexa("4a1820")
_TONGUE = hexa("b85460")
_TEETH = hexa("f7f3ea")


def paint_mouth_folds(sitter: Sitter) -> None:
    """Nasolabial folds (AU12, AU9, age), marionette lines (AU15), the chin's shadow."""
    e, old, mouth = sitter.face.expression, sitter.person.elderly, sitter.face.mouth
    line = mix(sitter.shadow, (60, 20, 20), 0.15)
    smile, wrinkle, frown = max(e[12], 0), max(e[9], 0), max(e[15], 0)
    corner_x, corner_y = mouth.upper_outer[-1, 0], mouth.upper_outer[-1, 1]
    tip = sitter.face.nose_tip
    alpha = min(0.8, 0.75 * smile + 0.75 * wrinkle + 0.22 * frown + 0.35 * old)
    for s in (-1, 1):
        fold = [
            (0.215 * s, tip - 0.03 - 0.05 * wrinkle),
            (s * (0.30 + 0.09 * smile + 0.05 * wrinkle), 0.5 * (tip + corner_y) - 0.05),
            (s * (corner_x + 0.11), corner_y + 0.01 + 0.03 * (1 - smile)),
        ]
        sitter.line(fold, (0.012, sitter.bold(0.042, 0.6), 0.010), line, alpha)
        bracket = [
            (s * (corner_x + 0.02), corner_y + 0.035),
            (s * (corner_x + 0.055), corner_y + 0.13),
            (s * (corner_x + 0.03), corner_y + 0.22),
        ]
        sitter.line(bracket, (0.01, 0.034, 0.006), line, 0.7 * min(frown, 1) + 0.25 * old)
        sitter.glow(0.56 * s, 0.42 - 0.05 * smile, 0.30, 0.24, sitter.blush, 0.30 + 0.25 * smile)
    bottom = float(mouth.lower_outer[:, 1].max())
    sitter.glow(0, bottom + 0.075, 0.26, 0.085, sitter.shadow, 0.55)


def _between(a: Points, b: Points) -> Points:
    return np.concatenate([a, b[::-1]])


def paint_mouth(sitter: Sitter) -> None:
    """Opening, teeth and tongue, then the lips over them."""
    canvas, pose, mouth = sitter.canvas, sitter.pose, sitter.face.mouth
    upper_outer, upper_inner, lower_inner, lower_outer = pose.project_all(
        mouth.upper_outer, mouth.upper_inner, mouth.lower_inner, mouth.lower_outer
    )
    if mouth.gap > 0.015:
        canvas.fill(_between(upper_inner, lower_inner), sitter.light.lit(_INSIDE))
        _paint_inside(sitter)
    lips = sitter.lips
    if sitter.person.made_up:
        lips = mix(lips, sitter.light.lit((176, 44, 62)), 0.42)
    canvas.fill(_between(upper_outer, upper_inner), scaled(lips, 0.88))
    canvas.fill(_between(lower_inner, lower_outer), lips)
    if sitter.fine:
        _paint_shine(sitter, lips, lower_inner, lower_outer)
    dark = mix(scaled(lips, 0.45), (50, 16, 22), 0.45)
    seam = (0.03, 0.026, 0.02, 0.026, 0.03)
    if mouth.gap <= 0.015:
        sitter.stroke(0.5 * (upper_inner + lower_inner), sitter.bold(0.034, 0.9), dark)
    else:
        sitter.stroke(upper_inner, seam, dark, 0.7)
        sitter.stroke(lower_inner, seam, dark, 0.4)
    for end in (0, -1):
        x, y = upper_outer[end]
        unit = pose.unit
        canvas.glow(x, y, 0.075 * unit, 0.065 * unit, dark, 0.75)


def _paint_shine(sitter: Sitter, lips: Colour, inner: Points, outer: Points) -> None:
    """The light on the lower lip."""
    shine = 0.5 * (inner + outer)
    third = len(shine) // 3
    tone = mix(lips, (255, 240, 230), 0.6)
    sitter.stroke(shine[third:-third], (0.004, 0.026, 0.004), tone, 0.5)


def _paint_inside(sitter: Sitter) -> None:
    """Teeth that follow the lips, and a tongue when the mouth is wide open."""
    canvas, pose, mouth, e = sitter.canvas, sitter.pose, sitter.face.mouth, sitter.face.expression
    top, bottom = mouth.upper_inner, mouth.lower_inner
    gap = bottom[:, 1] - top[:, 1]
    smile, stretch = max(e[12], 0), max(e[20], 0)
    jaw, bare, wrinkle = max(e[26], 0), max(e[16], 0), max(e[9], 0)
    if jaw > 0.35:
        share = 0.38 * min(1, jaw)
        high = bottom.copy()
        high[:, 1] -= np.minimum(gap * share, 0.16) * np.sin(np.linspace(0, np.pi, len(gap)))
        canvas.fill(pose.project(_between(high, bottom)), sitter.light.lit(_TONGUE))
    teeth = sitter.light.lit(_TEETH)
    upper = 0.19 * min(1.0, smile) + 0.13 * stretch + 0.10 * wrinkle + 0.10 * jaw
    low = top.copy()
    spread = np.abs(np.linspace(-1, 1, len(gap))) / (0.60 + 0.40 * min(1.0, smile + stretch + bare))
    low[:, 1] += np.minimum(gap * 0.92, min(upper, 0.17) * np.clip(1.05 - spread**4, 0, 1))
    inset = slice(1, -1)
    canvas.fill(pose.project(_between(top[inset], low[inset])), teeth)
    lower = 0.11 * bare + 0.07 * stretch
    if lower > 0.02:
        high = bottom.copy()
        high[:, 1] -= np.minimum(np.maximum(gap - 0.02, 0) * 0.46, lower)
        canvas.fill(pose.project(_between(high[2:-2], bottom[2:-2])), scaled(teeth, 0.95))
    if smile + stretch + bare > 0.5:
        canvas.fill(
            pose.project(_between(top, moved(top, 0, 0.028))), sitter.light.lit((120, 70, 70)), 0.35
        )
