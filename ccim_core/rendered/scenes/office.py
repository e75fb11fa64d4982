"""An open-plan office: desks with screens, a window wall or a whiteboard, shelves, plants."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import ribbon, smooth
from ccim_core.rendered.scenes.rooms import Room
from ccim_core.rendered.scenes.stagecraft import WEATHERS, Set, level, quad

_WALLS = (hexa("dfe4e8"), hexa("e6e1d8"), hexa("cfdadd"), hexa("d9d5e0"))
_FLOORS = (hexa("8d949e"), hexa("a39a8e"), hexa("72808c"), hexa("b09a7e"))


def paint_office(s: Set) -> Light:
    """Ceiling panels, back wall, then two rows of desks."""
    weather = WEATHERS[s.pick(("noon", "morning", "overcast", "dusk", "night"))]
    late = weather.name in ("dusk", "night")
    room = Room(s, s.u(0.10, 0.2), s.u(0.10, 0.15), s.u(0.80, 0.90), s.u(0.60, 0.65))
    wall = s.vary(s.pick(_WALLS), 4)
    wall = scaled(wall, (0.90, 0.88, 0.88)) if late else wall
    room.paint(wall, s.vary(s.pick(_FLOORS), 5), mix(wall, (255, 255, 255), 0.5))
    _panels(s, room, late)
    layout = s.pick(("windows", "windows", "whiteboard", "shelves"))
    if layout == "windows":
        x, step = room.x0 + 0.02, (room.x1 - room.x0 - 0.04) / 3
        for k in range(3):
            room.window(
                x + k * step + 0.012,
                room.y0 + 0.05,
                x + (k + 1) * step - 0.012,
                0.45,
                weather,
                frame=hexa("5b636d"),
                panes=1,
                skyline=True,
            )
    else:
        (_whiteboard if layout == "whiteboard" else _shelves)(s, room.x0 + 0.06, room.y0 + 0.05)
        room.window(
            room.x1 - 0.25,
            room.y0 + 0.05,
            room.x1 - 0.05,
            0.44,
            weather,
            frame=hexa("5b636d"),
            skyline=True,
        )
    desk = s.vary(s.pick((hexa("c9a376"), hexa("e8e4dc"), hexa("a97c52"))), 5)
    s.canvas.distance = 5.0
    for x in np.linspace(room.x0 + 0.10, room.x1 - 0.10, 3):
        _desk(s, float(x), 0.60, 0.22, desk)
    s.canvas.distance = 3.0
    for x in (-0.02, 1.02):
        _desk(s, x + s.u(-0.03, 0.03), 0.80, 0.44, desk)
    if s.chance(0.75):
        room.plant(
            s.pick((0.07, 0.93)), 0.70, s.u(0.3, 0.4), hexa("e6e0d6"), s.vary(hexa("4f8f5f"), 8)
        )
    key = (0.99, 0.99, 1.0) if not late else (1.0, 0.96, 0.90)
    return Light(key=key, shade=(0.77, 0.73, 0.78), side=s.side)


def _panels(s: Set, room: Room, late: bool) -> None:
    c = s.canvas
    glow = (255, 250, 236) if late else (255, 255, 255)
    for row in (0.07, 0.30, 0.75):
        for k in range(3):
            a, b = 0.12 + 0.29 * k, 0.30 + 0.29 * k
            x0, x1 = room.x0 + (room.x1 - room.x0) * a, room.x0 + (room.x1 - room.x0) * b
            far, near = row * 0.3, row * 0.3 + 0.06 + 0.1 * row
            panel = quad(
                room._outwards(x0, room.y0, far),
                room._outwards(x1, room.y0, far),
                room._outwards(x1, room.y0, near),
                room._outwards(x0, room.y0, near),
            )
            c.fill(panel, glow)


def _whiteboard(s: Set, x: float, y: float) -> None:
    """A whiteboard with a chart: bars and a line, no writing."""
    c, w, h = s.canvas, 0.36, 0.25
    c.rect(x - 0.010, y - 0.010, x + w + 0.010, y + h + 0.010, hexa("9aa1a8"))
    c.gradient(x, y, x + w, y + h, (252, 252, 250), (238, 241, 242))
    colours = [hexa(k) for k in ("3f7cac", "e07a5f", "6a994e", "e9b44c")]
    for k in range(4):
        tall = s.u(0.05, 0.16)
        c.rect(
            x + 0.03 + 0.038 * k,
            y + h - 0.03 - tall,
            x + 0.055 + 0.038 * k,
            y + h - 0.03,
            colours[k],
        )
    c.rect(x + 0.02, y + h - 0.03, x + 0.19, y + h - 0.026, (90, 96, 104))
    line = np.array([(x + 0.21 + 0.035 * k, y + h - 0.05 - s.u(0.0, 0.13)) for k in range(5)])
    c.fill(ribbon(smooth(line, closed=False, steps=4), 0.007), hexa("c8453b"))
    for k, colour in enumerate((hexa("f4d35e"), hexa("f28482"), hexa("84c5c4"))):
        c.rect(x + 0.22 + 0.045 * k, y + 0.03, x + 0.255 + 0.045 * k, y + 0.065, colour)


def _shelves(s: Set, x: float, y: float) -> None:
    """Shelves of binders."""
    c, w, h = s.canvas, 0.36, 0.36
    c.rect(x - 0.01, y - 0.01, x + w + 0.01, y + h + 0.012, hexa("8a6a4c"))
    c.rect(x, y, x + w, y + h, hexa("6d5440"))
    for row in range(3):
        top = y + 0.012 + 0.12 * row
        a = x + 0.008
        while a < x + w - 0.03:
            b = a + s.u(0.018, 0.030)
            colour = s.vary(
                s.pick(
                    (
                        hexa("3f6fa0"),
                        hexa("c8453b"),
                        hexa("e6e1d6"),
                        hexa("57886c"),
                        hexa("e0a63e"),
                        hexa("54576a"),
                    )
                ),
                5,
            )
            t = top + s.u(0.0, 0.025)
            c.rect(a, t, b, top + 0.100, colour)
            c.rect(a + 0.004, t + 0.02, b - 0.004, t + 0.045, mix(colour, (255, 255, 255), 0.6))
            a = b + (0.03 if s.chance(0.12) else 0.002)
        c.rect(x, top + 0.100, x + w, top + 0.110, hexa("a07e5c"))


def _desk(s: Set, x: float, top: float, w: float, wood: Colour) -> None:
    """A desk with a screen, a keyboard and things on it; `x` is its middle."""
    c = s.canvas
    left, right = x - 0.5 * w, x + 0.5 * w
    c.rect(left + 0.04 * w, top, left + 0.09 * w, top + 0.55 * w, scaled(wood, 0.55))
    c.rect(right - 0.09 * w, top, right - 0.04 * w, top + 0.55 * w, scaled(wood, 0.55))
    c.rect(left + 0.06 * w, top + 0.06 * w, right - 0.06 * w, top + 0.36 * w, scaled(wood, 0.72))
    c.fill(
        level(top - 0.07 * w, left + 0.05 * w, right - 0.05 * w, top, right, left),
        mix(wood, (255, 255, 255), 0.14),
    )
    c.rect(left, top, right, top + 0.035 * w, scaled(wood, 0.86))
    shift = s.u(-0.08, 0.08) * w
    mx, my = x + shift, top - 0.03 * w
    dark = hexa("2b2f38")
    c.rect(mx - 0.025 * w, my - 0.16 * w, mx + 0.025 * w, my, hexa("7a808a"))
    c.fill(
        level(my + 0.005, mx - 0.1 * w, mx + 0.1 * w, my - 0.02 * w, mx + 0.08 * w, mx - 0.08 * w),
        hexa("8a909a"),
    )
    x0, x1, y0, y1 = mx - 0.27 * w, mx + 0.27 * w, my - 0.48 * w, my - 0.12 * w
    c.rect(x0, y0, x1, y1, dark)
    screen = s.pick((hexa("dce9f2"), hexa("2f4a6b"), hexa("eef0ea")))
    g = 0.02 * w
    c.gradient(x0 + g, y0 + g, x1 - g, y1 - g, mix(screen, (255, 255, 255), 0.15), screen)
    for k in range(4):
        a = x0 + 2.5 * g
        c.rect(
            a,
            y0 + (2.5 + 3 * k) * g,
            a + s.u(0.15, 0.42) * w,
            y0 + (3.5 + 3 * k) * g,
            mix(screen, (60, 110, 160), 0.5),
        )
    mug = s.pick((hexa("e07a5f"), hexa("3d8b85"), hexa("f2cc8f")))
    a = left + 0.12 * w if shift > 0 else right - 0.2 * w
    c.rect(a, top - 0.12 * w, a + 0.07 * w, top - 0.02 * w, mug)
    c.rect(left + 0.72 * w, top - 0.055 * w, left + 0.90 * w, top - 0.035 * w, (250, 250, 246))
