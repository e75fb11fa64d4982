"""Beards and moustaches; they follow the jaw and leave the lips free."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.curves import Points, mirrored, smooth
from ccim_core.datasets.controlled.palette import mix
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["paint_beard"]


def paint_beard(sitter: Sitter) -> None:
    """Paint the person's beard, if any, between the nose and the mouth's own paint."""
    kind = sitter.person.beard
    if kind == "none":
        return
    hair = mix(sitter.hair, sitter.hair_dark, 0.35)
    if kind == "stubble":
        sitter.canvas.fill(_full(sitter, 0.0), mix(sitter.hair, sitter.skin, 0.35), 0.30)
        sitter.canvas.fill(_moustache(sitter), mix(sitter.hair, sitter.skin, 0.35), 0.26)
        return
    if kind == "full":
        shape = _full(sitter, 0.07)
        sitter.canvas.solid(shape, hair)
        away = "right" if sitter.light.side < 0 else "left"
        sitter.canvas.shade(shape, f"ball_{away}", sitter.hair_dark, 0.8)
        _strands(sitter)
    if kind == "goatee":
        sitter.canvas.fill(_goatee(sitter), hair)
    sitter.canvas.fill(_moustache(sitter), hair)


def _edge(sitter: Sitter, grow: float) -> Points:
    """The jaw's lower edge from the left ear to the right one, grown outwards: (n, 3)."""
    outline = sitter.face.outline
    lower = outline[outline[:, 1] > 0.10]
    order = np.argsort(-np.arctan2(lower[:, 1] - 0.1, lower[:, 0]))
    lower = lower[order].copy()
    lower[:, :2] *= 1 + grow * np.clip(lower[:, 1:2], 0, 1.4)
    return lower


def _full(sitter: Sitter, grow: float) -> Points:
    """Cheeks, jaw and chin around the mouth."""
    mouth = sitter.face.mouth
    top = float(mouth.upper_outer[:, 1].min())
    corner_x = float(mouth.upper_outer[-1, 0])
    edge = sitter.pose.project(_edge(sitter, grow))
    inner = [
        (0.90, 0.16), (0.80, 0.38), (max(0.58, corner_x + 0.17), top - 0.07),
        (max(0.34, corner_x - 0.02), top - 0.085), (0.0, top - 0.06),
    ]  # fmt: skip
    whole = inner + [(-x, y) for x, y in inner[-2::-1]]
    return np.concatenate([edge, smooth(sitter.front(whole), closed=False, steps=4)])


def _moustache(sitter: Sitter) -> Points:
    mouth, tip = sitter.face.mouth, sitter.face.nose_tip
    corner_x, corner_y = mouth.upper_outer[-1, 0], mouth.upper_outer[-1, 1]
    top = float(mouth.upper_outer[:, 1].min())
    half = [
        (0.0, tip + 0.15), (0.17, tip + 0.12), (corner_x * 0.85, 0.5 * (tip + 0.12 + corner_y)),
        (corner_x + 0.05, corner_y + 0.03), (corner_x * 0.72, 0.5 * (corner_y + top) - 0.01),
        (0.12, top + 0.0), (0.0, top + 0.015),
    ]  # fmt: skip
    right = np.array(half)
    whole = np.concatenate([right, mirrored(right)[-2:0:-1]])
    return smooth(sitter.front(whole, lift=0.03), steps=3)


def _goatee(sitter: Sitter) -> Points:
    mouth = sitter.face.mouth
    bottom = float(mouth.lower_outer[:, 1].max())
    chin = float(sitter.face.outline[:, 1].max())
    right = np.array(
        [
            (0.0, bottom + 0.05),
            (0.16, bottom + 0.07),
            (0.24, chin - 0.1),
            (0.12, chin + 0.05),
            (0.0, chin + 0.07),
        ]
    )
    whole = np.concatenate([right, mirrored(right)[-2:0:-1]])
    return smooth(sitter.front(whole), steps=3)


def _strands(sitter: Sitter) -> None:
    for s in (-1, 1):
        for k in range(3):
            x = 0.2 + 0.22 * k
            sitter.line(
                [(s * x, 1.0 - 0.1 * k), (s * (x - 0.02), 1.16 - 0.14 * k)],
                (0.02, 0.006), sitter.hair_light, 0.35,
            )  # fmt: skip
