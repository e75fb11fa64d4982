"""A hospital room: bed with rails, monitor with its trace, drip stand, curtain on its rail."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, placed, quad

_STEEL = hexa("aab4bc")


def paint_hospital_room(s: Set) -> Light:
    """One bed with its equipment; window and curtain change sides and colours."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "dusk", "night"))]
    night = weather.name in ("dusk", "night")
    room = Room(s, s.u(0.06, 0.16), s.u(0.06, 0.11), s.u(0.84, 0.95), s.u(0.60, 0.65))
    wall = s.vary(s.pick((hexa("cfe5e2"), hexa("d6e6ee"), hexa("e0ebdf"), hexa("e8e6ee"))), 4)
    wall = scaled(wall, (0.80, 0.84, 0.90)) if night else wall
    accent = s.vary(s.pick((hexa("5fa8a0"), hexa("6c9cc4"), hexa("8fb996"), hexa("9a8fc0"))), 5)
    room.paint(
        wall,
        s.vary(s.pick((hexa("b9c6c8"), hexa("c9c3b8"), hexa("a9b9bd"))), 5),
        mix(wall, (255, 255, 255), 0.6),
    )
    room.tiles((255, 255, 255), count=7, alpha=0.25)
    c = s.canvas
    c.distance = 6.0
    c.rect(room.x0, 0.42, room.x1, 0.445, scaled(accent, 0.95))
    c.rect(room.x0, 0.445, room.x1, room.y1 - 0.012, mix(wall, accent, 0.22))
    c.fill(quad((0.34, 0.0), (0.66, 0.0), (0.62, 0.05), (0.38, 0.05)), (255, 255, 252))
    room.window(
        room.x0 + 0.05,
        room.y0 + 0.06,
        room.x0 + 0.27,
        0.40,
        weather,
        frame=hexa("f2f4f2"),
        panes=2,
        skyline=s.chance(0.4),
    )
    _headwall(s, room, accent)
    _bed(s, room.x1 - 0.46, 0.60, accent)
    _monitor(s, room.x1 - 0.13, 0.20)
    _drip(s, room.x1 - 0.50, 0.12)
    _curtain(s, room, accent)
    if s.chance(0.5):
        _chair(s, room.x0 + 0.10, 0.70, accent)
    key = (0.97, 1.0, 1.0) if not night else (0.90, 0.95, 1.0)
    return Light(key=key, shade=(0.76, 0.76, 0.80), side=s.side)


def _headwall(s: Set, room: Room, accent: Colour) -> None:
    """The panel behind the bed, with sockets, dials and a reading light."""
    c = s.canvas
    x0, x1, y = room.x1 - 0.40, room.x1 - 0.02, 0.315
    c.glow(0.5 * (x0 + x1), y - 0.02, 0.26, 0.10, (255, 255, 240), 0.7)
    c.rect(x0, y, x1, y + 0.055, hexa("f4f5f2"))
    c.rect(x0, y + 0.048, x1, y + 0.055, accent)
    for k in range(5):
        a = x0 + 0.03 + 0.066 * k
        c.rect(a, y + 0.013, a + 0.026, y + 0.038, hexa("c3cbd0"))
        c.discs(
            np.array([[a + 0.013, y + 0.025, 0.007, 0.007]]),
            [s.pick((hexa("5fb09a"), hexa("e0b04c"), hexa("7d8890")))],
        )


def _bed(s: Set, x: float, top: float, accent: Colour) -> None:
    """A bed with its head to the right, seen from the side."""
    c = s.canvas
    c.distance = 4.5
    w = 0.50
    right = x + w
    sheet, cover = hexa("fbfcfa"), mix(accent, (255, 255, 255), 0.45)
    c.disc(x + 0.5 * w, top + 0.245, 0.56 * w, 0.02, (60, 70, 80), 0.3)
    for a in (x + 0.03, right - 0.07):
        c.rect(a, top + 0.10, a + 0.02, top + 0.22, _STEEL)
        c.discs(np.array([[a + 0.01, top + 0.228, 0.016, 0.016]]), [hexa("4a525a")])
    c.rect(x - 0.005, top + 0.085, right, top + 0.125, scaled(_STEEL, 0.9))
    mattress = quad(
        (x, top + 0.02),
        (x + 0.62 * w, top + 0.02),
        (right - 0.02, top - 0.105),
        (right, top - 0.05),
        (x + 0.66 * w, top + 0.09),
        (x, top + 0.09),
    )
    c.fill(mattress, sheet)
    blanket = smooth(
        np.array(
            [
                (x - 0.008, top + 0.012),
                (x + 0.2 * w, top - 0.012),
                (x + 0.45 * w, top - 0.016),
                (x + 0.60 * w, top + 0.004),
                (x + 0.62 * w, top + 0.12),
                (x + 0.3 * w, top + 0.14),
                (x - 0.01, top + 0.12),
            ]
        ),
        steps=4,
    )
    c.fill(blanket, cover)
    c.shade(blanket, "down", scaled(cover, 0.72), 0.7)
    c.fill(
        placed(x, top, (0.50, -0.015), (0.62, 0.004), (0.64, 0.10), (0.53, 0.125), size=(w, 1)),
        sheet,
    )
    pillow = smooth(
        np.array(
            [
                (right - 0.15, top - 0.075),
                (right - 0.06, top - 0.165),
                (right - 0.005, top - 0.150),
                (right - 0.01, top - 0.085),
                (right - 0.09, top - 0.035),
            ]
        ),
        steps=4,
    )
    c.fill(pillow, (255, 255, 255))
    c.shade(pillow, "down", hexa("b9c6d2"), 0.6)
    c.rect(right, top - 0.20, right + 0.022, top + 0.13, mix(accent, (240, 240, 240), 0.25))
    c.rect(x - 0.024, top - 0.06, x - 0.006, top + 0.14, mix(accent, (240, 240, 240), 0.25))
    rail = hexa("d3dade")
    for k in range(5):
        a = x + 0.17 + 0.045 * k
        c.rect(a, top - 0.045, a + 0.007, top + 0.10, rail)
    c.rect(x + 0.16, top - 0.055, x + 0.37, top - 0.040, rail)


def _monitor(s: Set, x: float, y: float) -> None:
    """Vital signs as traces, without figures."""
    c = s.canvas
    c.distance = 5.0
    c.rect(x + 0.055, y - 0.13, x + 0.065, y + 0.02, scaled(_STEEL, 0.8))
    c.rect(x - 0.03, y - 0.035, x + 0.14, y + 0.105, hexa("dfe4e6"))
    c.rect(x - 0.02, y - 0.025, x + 0.13, y + 0.090, hexa("16242c"))
    for row, colour in enumerate((hexa("5fe08a"), hexa("f2d15c"), hexa("6fc3f0"))):
        base = y + 0.002 + 0.033 * row
        xs = np.linspace(x - 0.012, x + 0.122, 27)
        ys = np.full(27, base)
        if row == 0:
            ys[3::9] -= 0.024
            ys[4::9] += 0.012
        else:
            ys = base - 0.009 * np.sin(np.arange(27) * (0.9 if row == 1 else 0.6))
        c.fill(ribbon(np.stack([xs, ys], axis=1), 0.0042), colour)


def _drip(s: Set, x: float, y: float) -> None:
    c = s.canvas
    c.distance = 4.0
    c.rect(x - 0.004, y, x + 0.004, 0.82, _STEEL)
    c.rect(x - 0.035, y - 0.004, x + 0.035, y + 0.004, _STEEL)
    for bag, dx in ((hexa("dff0f6"), -0.03), (hexa("f6ead0"), 0.03)):
        c.rect(x + dx - 0.002, y, x + dx + 0.002, y + 0.02, _STEEL)
        shape = smooth(
            np.array(
                [
                    (x + dx - 0.021, y + 0.02),
                    (x + dx + 0.021, y + 0.02),
                    (x + dx + 0.021, y + 0.095),
                    (x + dx, y + 0.115),
                    (x + dx - 0.021, y + 0.095),
                ]
            ),
            steps=3,
        )
        c.fill(shape, bag)
        c.rect(x + dx - 0.016, y + 0.055, x + dx + 0.016, y + 0.098, scaled(bag, 0.82))
    tube = smooth(
        np.array(
            [(x - 0.03, y + 0.11), (x - 0.035, y + 0.3), (x + 0.06, y + 0.42), (x + 0.14, y + 0.43)]
        ),
        closed=False,
    )
    c.fill(ribbon(tube, 0.005), hexa("e6f2f6"))
    for dx in (-0.045, 0.045):
        c.fill(quad((x, 0.80), (x + dx, 0.835), (x + dx, 0.845), (x, 0.815)), _STEEL)


def _curtain(s: Set, room: Room, accent: Colour) -> None:
    c = s.canvas
    c.distance = 3.2
    y = s.u(0.025, 0.05)
    c.rect(0, y - 0.006, 1, y + 0.006, hexa("c9d1d5"))
    width = s.u(0.10, 0.17)
    cloth = mix(accent, (255, 255, 255), 0.30)
    room.curtain(-0.02, y + 0.006, width, s.u(0.74, 0.86), cloth)


def _chair(s: Set, x: float, base: float, accent: Colour) -> None:
    c = s.canvas
    c.distance = 4.0
    c.rect(x, base - 0.26, x + 0.15, base - 0.06, scaled(accent, 0.8))
    c.rect(x - 0.015, base - 0.10, x + 0.17, base - 0.03, scaled(accent, 0.92))
    for a in (x, x + 0.145):
        c.rect(a, base - 0.03, a + 0.012, base + 0.07, scaled(_STEEL, 0.8))
