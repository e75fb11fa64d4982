"""The head without its hair: skin, soft shading, ears, features, freckles and glasses."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.beards import paint_beard
from ccim_core.datasets.controlled.curves import ellipse, moved, ribbon, smooth
from ccim_core.datasets.controlled.features import (
    paint_eyes,
    paint_forehead,
    paint_nose,
)
from ccim_core.datasets.controlled.mouths import paint_mouth, paint_mouth_folds
from ccim_core.datasets.controlled.palette import mix, scaled
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["ear_centres", "paint_glasses", "paint_head"]


_EAR = np.array(
    [(-0.02, -0.26), (0.10, -0.24), (0.155, -0.06), (0.10, 0.12), (0.0, 0.24), (-0.06, 0.1)]
)
_STREAK = np.array([(-0.16, -0.02), (-0.03, -0.17), (0.03, -0.17), (-0.12, 0.05)])


def ear_centres(sitter: Sitter) -> np.ndarray:
    """Picture positions (2, 2) of the left and right ears as seen by the viewer."""
    lean = 0.10 * np.sin(sitter.pose.yaw)
    w = sitter.person.face_width
    return sitter.space([(-1.0 * w + lean, 0.12, 0.0), (1.0 * w + lean, 0.12, 0.0)])


def _paint_ears(sitter: Sitter) -> None:
    unit, size = sitter.pose.unit, sitter.person.ears
    for (x, y), s in zip(ear_centres(sitter), (-1, 1), strict=True):
        hidden = s * np.sin(sitter.pose.yaw) > 0.12
        if hidden:
            continue
        rim = smooth(_EAR * (s * size, size))
        cosine, sine = np.cos(sitter.pose.roll), np.sin(sitter.pose.roll)
        turn = np.array([[cosine, sine], [-sine, cosine]])
        place = np.array([x, y])
        sitter.canvas.solid(rim @ turn * unit + place, sitter.skin)
        sitter.canvas.fill((rim * 0.6 + (0.012 * s, 0.0)) @ turn * unit + place, sitter.shadow, 0.6)
        if sitter.person.earrings:
            ring = np.array([[0.01 * s, 0.30]]) @ turn * unit + place
            sitter.canvas.disc(
                ring[0, 0], ring[0, 1], 0.05 * unit, 0.06 * unit, sitter.light.lit((222, 178, 84))
            )


def paint_head(sitter: Sitter) -> None:
    """Ears, skin and everything on the face but hair, brows and glasses."""
    canvas, light = sitter.canvas, sitter.light
    if sitter.person.hair_style != "scarf":
        _paint_ears(sitter)
    head = sitter.pose.project(sitter.face.outline)
    canvas.solid(head, sitter.skin)
    if not canvas.colours:
        return
    away = "right" if light.side < 0 else "left"
    bright = mix(sitter.skin, light.lit((255, 240, 220)), 0.30)
    sitter.glow(0.35 * light.side, -0.45, 0.75, 0.6, bright, 0.65)
    canvas.shade(head, f"ball_{away}", sitter.shadow, 0.85)
    sitter.glow(0.50 * light.side, 0.30, 0.30, 0.22, bright, 0.45)
    if light.rim is not None:
        _paint_rim(sitter)
    paint_forehead(sitter)
    paint_mouth_folds(sitter)
    if sitter.person.freckles:
        _paint_freckles(sitter)
    paint_eyes(sitter)
    paint_nose(sitter)
    paint_beard(sitter)
    paint_mouth(sitter)


def _paint_rim(sitter: Sitter) -> None:
    """A thin light along the cheek away from the key light."""
    light = sitter.light
    assert light.rim is not None
    edge = sitter.face.outline
    x = edge[:, 0] * -light.side
    cheek = edge[(x > 0.5) & (edge[:, 1] > -0.6) & (edge[:, 1] < 1.1)]
    if len(cheek) > 3:
        order = np.argsort(cheek[:, 1])
        line = sitter.pose.project(cheek[order] * (0.955, 1, 1))
        sitter.stroke(line, (0.01, 0.07, 0.07, 0.01), light.rim, light.glare)


def _paint_freckles(sitter: Sitter) -> None:
    rng = np.random.default_rng(sitter.person.texture)
    colour = mix(sitter.shadow, (140, 70, 40), 0.4)
    spots = np.stack([rng.uniform(-0.55, 0.55, 16), rng.uniform(0.2, 0.46, 16)], axis=1)
    size = 0.018 * sitter.pose.unit
    for x, y in sitter.front(spots):
        sitter.canvas.disc(x, y, size, size, colour, 0.6)


def paint_glasses(sitter: Sitter) -> None:
    """Frames before the eyes, with a faint reflection; thin enough to leave the lids visible."""
    person, pose, canvas = sitter.person, sitter.pose, sitter.canvas
    if person.glasses == "none" or not canvas.colours:
        return
    frame = sitter.light.lit(person.frames)
    gap = 0.425 * person.eye_gap
    for s in (-1, 1):
        rim = _rim(person.glasses) * (s, 1) + (s * gap, 0.03)
        lens = sitter.front(rim, lift=0.16)
        canvas.fill(lens, (225, 238, 248), 0.10)
        closed = np.concatenate([lens, lens[:2]])
        canvas.fill(ribbon(closed, 0.045 * pose.unit), frame)
        streak = sitter.front(
            moved(_STREAK, s * gap, 0.03),
            lift=0.16,
        )
        canvas.fill(streak, (255, 255, 255), 0.20)
        arm = sitter.space([(s * 0.74, -0.06, 0.62), (s * 0.98 * person.face_width, -0.04, 0.02)])
        canvas.fill(ribbon(arm, 0.045 * pose.unit), scaled(frame, 0.8))
    bridge = smooth(
        sitter.front([(-0.14, 0.0), (0.0, -0.05), (0.14, 0.0)], lift=0.18), closed=False, steps=4
    )
    canvas.fill(ribbon(bridge, 0.045 * pose.unit), frame)


def _rim(kind: str) -> np.ndarray:
    """The outline of the right lens about its centre: (n, 2)."""
    if kind == "round":
        return ellipse(0, 0, 0.315, 0.30, count=28)
    if kind == "square":
        corners = [
            (-0.29, -0.20),
            (0.0, -0.245),
            (0.31, -0.20),
            (0.30, 0.15),
            (0.0, 0.235),
            (-0.26, 0.18),
        ]
        return smooth(corners, steps=5)
    corners = [
        (-0.28, -0.14),
        (0.05, -0.22),
        (0.40, -0.28),
        (0.30, 0.12),
        (0.0, 0.22),
        (-0.25, 0.13),
    ]
    return smooth(corners, steps=5)
