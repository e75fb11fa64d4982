"""Rooms in one-point perspective, and the things that hang on or stand in several of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccim_core.rendered.colours import Colour, mix, scaled
from ccim_core.rendered.curves import Points, moved, ribbon, smooth
from ccim_core.rendered.scenes.stagecraft import Set, Weather, placed, quad

_NEAR, _FAR = 1.2, 6.0


@dataclass
class Room:
    """A box seen from inside: a back wall (x0, y0, x1, y1) and walls that run to the viewer."""

    set: Set
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def vanishing(self) -> tuple[float, float]:
        """Where lines into the depth meet: at eye height, between the side walls."""
        return 0.5 * (self.x0 + self.x1), 0.43

    def _outwards(self, x: float, y: float, share: float) -> tuple[float, float]:
        """From a point on the back wall along its line to the viewer; 1 leaves the picture."""
        vx, vy = self.vanishing
        return x + (x - vx) * share * 3.2, y + (y - vy) * share * 3.2

    def side_wall(self, side: int, near: float, far: float, top: float, bottom: float) -> Points:
        """A rectangle on a side wall: depth from 1 (near) to 0 (back), height 0 (top) to 1."""
        x = self.x1 if side > 0 else self.x0
        high, low = self.y0 + (self.y1 - self.y0) * top, self.y0 + (self.y1 - self.y0) * bottom
        return quad(
            self._outwards(x, high, near), self._outwards(x, high, far),
            self._outwards(x, low, far), self._outwards(x, low, near),
        )  # fmt: skip

    def floor_quad(self, left: float, right: float, near: float, far: float) -> Points:
        """A rectangle on the floor: across in back-wall shares, depth from 1 (near) to 0."""
        a = self.x0 + (self.x1 - self.x0) * left
        b = self.x0 + (self.x1 - self.x0) * right
        return quad(
            self._outwards(a, self.y1, near), self._outwards(a, self.y1, far),
            self._outwards(b, self.y1, far), self._outwards(b, self.y1, near),
        )  # fmt: skip

    def paint(self, wall: Colour, floor: Colour, ceiling: Colour, *, bright: float = 1.0) -> None:
        """Walls, floor and ceiling with soft falls of light, and a skirting board."""
        c, side = self.set.canvas, self.set.side
        c.ground_depth(self.vanishing[1], far=_FAR)
        c.distance = 0.0
        c.gradient(0, -0.02, 1, self.y0 + 0.01, scaled(ceiling, 0.88), ceiling)
        far, near = mix(floor, (255, 255, 255), 0.12), scaled(floor, 0.80)
        c.gradient(0, self.y1 - 0.01, 1, 1.02, far, floor, near)
        c.distance = 0.5 * (_NEAR + _FAR)
        for s in (-1, 1):
            plane = self.side_wall(s, 1, 0, 0, 1)
            c.fill(plane, scaled(wall, 0.93 if s == side else 0.84))
            if s != side:
                c.shade(plane, "left" if s < 0 else "right", scaled(wall, 0.7), 0.5)
        c.distance = _FAR
        bright_wall = mix(wall, (255, 255, 255), 0.10)
        c.gradient(self.x0, self.y0, self.x1, self.y1, bright_wall, wall)
        board = scaled(mix(wall, (255, 255, 255), 0.35), bright)
        c.rect(self.x0, self.y1 - 0.012, self.x1, self.y1, board)
        for s in (-1, 1):
            c.fill(self.side_wall(s, 1, 0, 0.965, 1.0), scaled(board, 0.88))
        edge = scaled(wall, 0.78)
        for x in (self.x0, self.x1):
            c.rect(x - 0.002, self.y0, x + 0.002, self.y1, edge, 0.6)

    def boards(self, colour: Colour, *, count: int = 9, alpha: float = 0.35) -> None:
        """Floor boards that run into the depth."""
        for k in range(1, count):
            share = k / count
            line = self.floor_quad(share - 0.002, share + 0.002, 1, 0)
            self.set.canvas.fill(line, colour, alpha)

    def tiles(self, colour: Colour, *, count: int = 8, alpha: float = 0.3) -> None:
        """Square floor tiles: boards crossed by lines that close up with distance."""
        self.boards(colour, count=count, alpha=alpha)
        for k in range(1, 6):
            share = (k / 6) ** 1.6
            self.set.canvas.fill(
                self.floor_quad(0, 1, share + 0.004 + 0.006 * share, share), colour, alpha
            )

    # -- furnishings --------------------------------------------------------------------------

    def window(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        weather: Weather,
        *,
        frame: Colour,
        panes: int = 2,
        skyline: bool = False,
        curtains: Colour | None = None,
    ) -> None:
        """A window with the sky, hills or roofs behind it."""
        c, s = self.set.canvas, self.set
        c.distance = _FAR
        c.rect(x0 - 0.014, y0 - 0.014, x1 + 0.014, y1 + 0.016, frame)
        c.distance = 40.0
        c.gradient(x0, y0, x1, y1, *weather.sky)
        if weather.sun is not None and s.chance(0.6):
            c.glow(s.u(x0, x1), s.u(y0, 0.5 * (y0 + y1)), 0.06, 0.06, weather.sun, 0.8)
        low = y1 - (y1 - y0) * 0.26
        if skyline:
            self._skyline(x0, x1, y0, y1, weather)
        else:
            xs = np.linspace(x0, x1, 9)
            ridge = low + 0.12 * (y1 - y0) * np.sin(np.arange(9) * 1.3 + s.u(0, 6))
            c.fill(
                np.concatenate([np.stack([xs, ridge], axis=1), quad((x1, y1), (x0, y1))]),
                weather.tone((112, 160, 92), 0.25),
            )
        c.distance = _FAR
        for k in range(1, panes):
            x = x0 + (x1 - x0) * k / panes
            c.rect(x - 0.005, y0, x + 0.005, y1, frame)
        y = y0 + (y1 - y0) * 0.42
        c.rect(x0, y - 0.004, x1, y + 0.004, frame)
        c.fill(
            quad(
                (x0 + 0.1 * (x1 - x0), y1),
                (x0 + 0.45 * (x1 - x0), y0),
                (x0 + 0.6 * (x1 - x0), y0),
                (x0 + 0.25 * (x1 - x0), y1),
            ),
            (255, 255, 255),
            0.12,
        )
        c.rect(x0 - 0.022, y1 + 0.008, x1 + 0.022, y1 + 0.024, mix(frame, (120, 110, 110), 0.2))
        if curtains is not None:
            self.curtain(x0 - 0.06, y0 - 0.04, x0 + 0.25 * (x1 - x0), y1 + 0.06, curtains)
            self.curtain(x1 - 0.25 * (x1 - x0), y0 - 0.04, x1 + 0.06, y1 + 0.06, curtains)
            c.rect(x0 - 0.08, y0 - 0.052, x1 + 0.08, y0 - 0.038, (96, 78, 66))

    def _skyline(self, x0: float, x1: float, y0: float, y1: float, weather: Weather) -> None:
        s, x = self.set, x0
        dark = weather.name in ("dusk", "night")
        while x < x1:
            w = min(s.u(0.03, 0.06), x1 - x)
            top = y1 - (y1 - y0) * s.u(0.25, 0.75)
            s.canvas.rect(x, top, x + w, y1, weather.tone(s.vary((122, 138, 158), 10), 0.35))
            if dark and w > 0.02:
                rows = np.arange(top + 0.012, y1 - 0.01, 0.022)
                for row in rows:
                    if s.chance(0.6):
                        a = x + s.u(0.2, 0.6) * w
                        s.canvas.rect(a, row, a + 0.008, row + 0.009, (255, 222, 150))
            x += w + 0.002

    def curtain(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A hanging cloth with folds."""
        c = self.set.canvas
        c.gradient(x0, y0, x1, y1, mix(colour, (255, 255, 255), 0.08), scaled(colour, 0.9))
        folds = max(2, round((x1 - x0) / 0.028))
        for k in range(folds):
            a = x0 + (x1 - x0) * k / folds
            w = (x1 - x0) / folds
            c.rect(a + 0.62 * w, y0, a + w, y1, scaled(colour, 0.74), 0.55)
            c.rect(a + 0.12 * w, y0, a + 0.34 * w, y1, mix(colour, (255, 255, 255), 0.3), 0.35)

    def frame(self, x: float, y: float, w: float, h: float, edge: Colour) -> None:
        """A picture on the back wall: a small abstract landscape."""
        c, s = self.set.canvas, self.set
        c.rect(x + 0.006, y + 0.008, x + w + 0.008, y + h + 0.010, (40, 34, 40), 0.25)
        c.rect(x, y, x + w, y + h, edge)
        a, b = x + 0.09 * w, x + 0.91 * w
        t, u = y + 0.09 * h, y + 0.91 * h
        hue = s.pick(((230, 172, 120), (132, 176, 190), (218, 196, 150), (196, 150, 160)))
        c.gradient(a, t, b, u, mix(hue, (255, 255, 255), 0.55), hue)
        r = 0.14 * min(w, h)
        c.discs(
            np.array([[s.u(a + r, b - r), t + 0.32 * (u - t), r, r]]),
            [mix(hue, (255, 250, 235), 0.8)],
        )
        c.fill(
            quad((a, u), (a, t + 0.7 * h), (a + 0.35 * w, t + 0.48 * h), (b, t + 0.74 * h), (b, u)),
            scaled(hue, 0.7),
        )

    def clock(self, x: float, y: float, r: float) -> None:
        """A wall clock with ticks and hands but no numerals."""
        c, s = self.set.canvas, self.set
        c.discs(np.array([[x + 0.005, y + 0.007, r, r]]), [(120, 116, 118)])
        c.discs(
            np.array([[x, y, r, r], [x, y, 0.86 * r, 0.86 * r]]), [(58, 60, 70), (250, 248, 242)]
        )
        for k in range(12):
            angle = k * np.pi / 6
            a = np.array([np.cos(angle), np.sin(angle)])
            c.fill(
                ribbon(moved(np.stack([a * 0.66 * r, a * 0.8 * r]), x, y), 0.08 * r), (70, 72, 80)
            )
        for length, angle in ((0.42, s.u(0, 6.28)), (0.62, s.u(0, 6.28))):
            tip = np.array([np.cos(angle), np.sin(angle)]) * length * r
            c.fill(ribbon(np.stack([(x, y), (x + tip[0], y + tip[1])]), 0.11 * r), (40, 42, 52))

    def pendant(
        self,
        x: float,
        drop: float,
        size: float,
        shade: Colour,
        glow: Colour,
        *,
        strength: float = 0.6,
    ) -> None:
        """A lamp that hangs from above."""
        c = self.set.canvas
        c.rect(x - 0.0025, 0, x + 0.0025, drop, (50, 46, 50))
        c.glow(x, drop + 0.9 * size, 2.9 * size, 2.4 * size, glow, strength)
        bell = smooth(
            placed(x, drop, (-0.16, 0), (0.16, 0), (0.72, 0.62), (-0.72, 0.62), size=(size, size)),
            steps=4,
        )
        c.fill(bell, shade)
        c.disc(x, drop + 0.60 * size, 0.62 * size, 0.12 * size, mix(glow, (255, 255, 255), 0.55))

    def plant(self, x: float, base: float, height: float, pot: Colour, leaves: Colour) -> None:
        """A pot plant with broad leaves."""
        c, s = self.set.canvas, self.set
        w = 0.17 * height
        for k in range(9):
            angle = np.radians(-90 + (k - 4) * 17 + s.u(-6, 6))
            reach = height * s.u(0.55, 0.78)
            root = np.array([x, base - 0.28 * height])
            tip = root + reach * np.array([np.cos(angle), np.sin(angle)])
            bend = 0.5 * (root + tip) + (0, -0.05 * height)
            leaf = ribbon(
                smooth(np.stack([root, bend, tip]), closed=False, steps=4),
                [0.012 * height, 0.12 * height, 0.10 * height, 0.004 * height],
            )
            c.fill(leaf, leaves if k % 2 else scaled(leaves, 0.78))
        c.fill(
            placed(x, base, (-1, -0.32), (1, -0.32), (0.75, 0), (-0.75, 0), size=(w, height)),
            pot,
        )
        c.rect(
            x - 1.1 * w,
            base - 0.35 * height,
            x + 1.1 * w,
            base - 0.29 * height,
            mix(pot, (255, 255, 255), 0.15),
        )
