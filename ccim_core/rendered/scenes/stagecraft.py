"""What scenes are painted with: chance, weathers, and shapes of nature that several share.

A scene is painted in picture fractions with its horizon near 0.44, the height of people's eyes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from ccim_core.rendered.canvas import Canvas
from ccim_core.rendered.colours import Colour, Light, Tint, hexa, jitter, mix, scaled
from ccim_core.rendered.curves import Points, moved, ribbon, scalloped, smooth

_T = TypeVar("_T")


def quad(*corners: tuple[float, float]) -> Points:
    """A polygon from its corners."""
    return np.array(corners)


def level(y0: float, a: float, b: float, y1: float, c: float, d: float) -> Points:
    """Four corners: a level edge from `a` to `b` at height `y0`, then from `c` to `d` at `y1`."""
    return quad((a, y0), (b, y0), (c, y1), (d, y1))


def placed(
    x: float, y: float, *points: tuple[float, float], size: tuple[float, float] = (1, 1)
) -> Points:
    """Points of a thing's own space, `size` to its unit, with its origin at (x, y): (n, 2)."""
    return np.array(points) * size + (x, y)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Sky, haze and the colour of the light, for a time of day."""

    name: str
    sky: tuple[Colour, ...]
    haze: Colour
    tint: Tint
    cloud: Colour
    sun: Colour | None
    key: Tint
    shade: Tint
    rim: Colour | None = None
    glare: float = 0.45

    def tone(self, colour: Colour, far: float = 0.0) -> Colour:
        """`colour` under this sky, faded by `far` in [0, 1] into the haze."""
        return mix(scaled(colour, self.tint), self.haze, far)

    def light(self, side: int) -> Light:
        """The light on people, falling from `side`."""
        return Light(key=self.key, shade=self.shade, side=side, rim=self.rim, glare=self.glare)


@dataclass
class Set:
    """A canvas with the chance that varies what is painted on it."""

    canvas: Canvas
    rng: np.random.Generator
    side: int = field(init=False)

    def __post_init__(self) -> None:
        self.side = -1 if self.rng.random() < 0.5 else 1

    def u(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return low + (high - low) * self.rng.random()

    def chance(self, share: float) -> bool:
        """True with probability `share`."""
        return bool(self.rng.random() < share)

    def pick(self, options: Sequence[_T]) -> _T:
        """One of `options`."""
        return options[int(self.rng.integers(len(options)))]

    def vary(self, colour: Colour, spread: float = 8.0) -> Colour:
        """A neighbour of `colour`."""
        return jitter(self.rng, colour, spread)

    # -- nature ------------------------------------------------------------------------------

    def sky(self, weather: Weather, horizon: float, *, clouds: int | None = None) -> None:
        """Sky down to the horizon, with a sun or moon and clouds."""
        c = self.canvas
        c.distance = 60.0
        c.gradient(0, 0, 1, horizon + 0.01, *weather.sky)
        if weather.sun is not None:
            x, y = self.u(0.08, 0.92), self.u(0.07, 0.6) * horizon
            if weather.name in ("golden", "dusk"):
                y = horizon * self.u(0.62, 0.92)
            r = self.u(0.035, 0.055)
            c.glow(x, y, 5 * r, 5 * r, weather.sun, 0.6)
            c.glow(x, y, 2.6 * r, 2.6 * r, weather.sun, 0.6)
            c.discs(np.array([[x, y, r, r]]), [mix(weather.sun, (255, 255, 250), 0.5)])
        if weather.name == "night":
            n = 34
            stars = np.column_stack(
                [
                    self.rng.uniform(0, 1, n),
                    self.rng.uniform(0, horizon * 0.85, n),
                    np.full((n, 2), 0.0024),
                ]
            )
            c.discs(stars, [mix(weather.sky[0], (255, 255, 240), 0.75)] * n)
        count = int(self.rng.integers(2, 5)) if clouds is None else clouds
        for _ in range(count):
            self.cloud(self.u(0, 1), self.u(0.04, 0.75) * horizon, self.u(0.12, 0.24), weather)

    def cloud(self, x: float, y: float, width: float, weather: Weather) -> None:
        """A flat-bottomed heap of puffs."""
        tall = width * self.u(0.22, 0.34)
        shadow = mix(weather.cloud, weather.sky[-1], 0.45)
        puffs = [(-0.32, 0.12, 0.20), (-0.10, -0.15, 0.27), (0.14, -0.05, 0.25), (0.34, 0.14, 0.17)]
        for dx, dy, r in puffs:
            shape = scalloped(
                x + dx * width, y + dy * tall, r * width, r * 1.15 * width, lobes=5, depth=0.06
            )
            shape[:, 1] = np.minimum(shape[:, 1], y + 0.30 * tall)
            self.canvas.fill(moved(shape, 0, 0.1 * tall), shadow, 0.8)
            self.canvas.fill(shape, weather.cloud, 0.9)

    def hills(
        self, base: float, height: float, colour: Colour, *, bumps: int = 5, distance: float = 40.0
    ) -> None:
        """A rolling ridge that stands on `base`."""
        self.canvas.distance = distance
        xs = np.linspace(-0.1, 1.1, bumps + 2)
        ys = base - height * self.rng.uniform(0.25, 1.0, bumps + 2)
        ridge = smooth(np.stack([xs, ys], axis=1), closed=False, steps=6)
        self.canvas.fill(
            np.concatenate([ridge, quad((1.1, base + 0.02), (-0.1, base + 0.02))]), colour
        )

    def tree(
        self,
        x: float,
        base: float,
        height: float,
        leaves: Colour,
        trunk: Colour,
        *,
        light_side: int = -1,
        tall: bool = False,
    ) -> None:
        """A broad-leaved tree: trunk, a heap of foliage, its lit side."""
        c = self.canvas
        w = height * (0.30 if tall else 0.42)
        c.fill(
            quad((x - 0.04 * height, base), (x - 0.022 * height, base - 0.55 * height),
                 (x + 0.022 * height, base - 0.55 * height), (x + 0.04 * height, base)),
            trunk,
        )  # fmt: skip
        dark, bright = scaled(leaves, 0.78), mix(leaves, (255, 246, 170), 0.22)
        heap = [(0.0, 0.64, 1.0), (-0.52, 0.50, 0.62), (0.52, 0.52, 0.62), (0.05, 0.86, 0.62)]
        phase = self.u(0, 6)
        for dx, up, r in heap:
            shape = scalloped(
                x + dx * w * 0.8, base - up * height, r * w * 0.66, r * height * 0.25,
                lobes=8, depth=0.09, phase=phase + dx,
            )  # fmt: skip
            c.fill(moved(shape, 0, 0.022 * height), dark)
            c.fill(shape, leaves)
        for dx, up, r in ((0.16, 0.72, 0.5), (0.42, 0.56, 0.3), (0.05, 0.90, 0.34)):
            shape = scalloped(
                x + light_side * dx * w * 0.8, base - up * height, r * w * 0.6, r * height * 0.2,
                lobes=7, depth=0.12, phase=phase,
            )  # fmt: skip
            c.fill(shape, bright, 0.55)

    def pine(self, x: float, base: float, height: float, leaves: Colour, trunk: Colour) -> None:
        """A conifer of three tiers."""
        c = self.canvas
        c.rect(x - 0.025 * height, base - 0.2 * height, x + 0.025 * height, base, trunk)
        for low, high, half in ((0.12, 0.55, 0.21), (0.34, 0.78, 0.16), (0.58, 1.0, 0.11)):
            y0, y1, w = base - low * height, base - high * height, half * height
            c.fill(quad((x - w, y0), (x, y1), (x + w, y0), (x, y0 + 0.03 * height)), leaves)
            c.fill(quad((x, y1), (x + w, y0), (x, y0 + 0.03 * height)), scaled(leaves, 0.82))

    def bare_tree(self, x: float, base: float, height: float, colour: Colour) -> None:
        """A leafless tree."""
        c = self.canvas
        tip = x + self.u(-0.06, 0.06) * height
        trunk = smooth(
            np.array([(x, base), (x + 0.02 * height, base - 0.4 * height), (tip, base - height)]),
            closed=False,
        )
        c.fill(ribbon(trunk, [0.085 * height, 0.05 * height, 0.006 * height]), colour)
        for k in range(7):
            share = 0.32 + 0.09 * k
            root = trunk[min(len(trunk) - 1, int(share * len(trunk)))]
            s = -1 if k % 2 else 1
            reach = height * (0.36 - 0.28 * (share - 0.3)) * self.u(0.8, 1.2)
            end = moved(root, s * reach, -0.55 * reach)
            middle = moved(root, s * 0.5 * reach, -0.12 * reach)
            branch = smooth(np.stack([root, middle, end]), closed=False)
            c.fill(ribbon(branch, [0.026 * height, 0.016 * height, 0.003 * height]), colour)
            twig = smooth(
                np.stack([middle, moved(middle, s * 0.1 * reach, -0.35 * reach)]), closed=False
            )
            c.fill(ribbon(twig, [0.012 * height, 0.003 * height]), colour)

    def bush(self, x: float, base: float, width: float, colour: Colour) -> None:
        """A round shrub with a lit top."""
        shape = scalloped(x, base, width, width * 0.62, lobes=9, depth=0.10, phase=self.u(0, 6))
        shape[:, 1] = np.minimum(shape[:, 1], base + 0.04 * width)
        self.canvas.fill(shape, colour)
        top = scalloped(
            x - 0.15 * width, base - 0.18 * width, 0.6 * width, 0.32 * width, lobes=7, depth=0.12
        )
        self.canvas.fill(top, mix(colour, (250, 246, 170), 0.2), 0.5)

    def tufts(
        self, count: int, low: float, high: float, colour: Colour, size: float = 0.02
    ) -> None:
        """Blades of grass between two heights, larger when nearer."""
        for _ in range(count):
            x, y = self.u(0, 1), self.u(low, high)
            s = size * (0.5 + 1.2 * (y - low) / max(high - low, 1e-6))
            self.canvas.fill(
                quad(
                    (x - 0.5 * s, y), (x - 0.45 * s, y - s), (x - 0.1 * s, y - 0.25 * s),
                    (x + 0.05 * s, y - 1.3 * s), (x + 0.2 * s, y - 0.25 * s),
                    (x + 0.5 * s, y - 0.9 * s), (x + 0.5 * s, y),
                ),
                colour,
            )  # fmt: skip


WEATHERS: dict[str, Weather] = {
    weather.name: weather
    for weather in (
        Weather(
            name="noon",
            sky=(hexa("4fa3e0"), hexa("8fcaf0"), hexa("d4edf8")),
            haze=hexa("cfe6f2"),
            tint=(1.0, 1.0, 1.0),
            cloud=hexa("ffffff"),
            sun=hexa("fff3c4"),
            key=(1.03, 1.02, 0.99),
            shade=(0.74, 0.70, 0.78),
        ),
        Weather(
            name="morning",
            sky=(hexa("7fb4dc"), hexa("b9d8ea"), hexa("f7e6cf")),
            haze=hexa("e6e2d6"),
            tint=(1.0, 0.98, 0.94),
            cloud=hexa("fff6ea"),
            sun=hexa("ffeab8"),
            key=(1.04, 1.0, 0.95),
            shade=(0.75, 0.70, 0.76),
        ),
        Weather(
            name="golden",
            sky=(hexa("5f82b8"), hexa("e0a98c"), hexa("ffd28a")),
            haze=hexa("f2c795"),
            tint=(1.04, 0.90, 0.76),
            cloud=hexa("ffd9b0"),
            sun=hexa("ffdf94"),
            key=(1.07, 0.96, 0.83),
            shade=(0.73, 0.64, 0.72),
            rim=hexa("ffd89a"),
        ),
        Weather(
            name="overcast",
            sky=(hexa("93a3b0"), hexa("b4c0c8"), hexa("d4dadb")),
            haze=hexa("c6cfd2"),
            tint=(0.90, 0.93, 0.95),
            cloud=hexa("d9dfe2"),
            sun=None,
            key=(0.97, 0.98, 1.0),
            shade=(0.78, 0.75, 0.80),
        ),
        Weather(
            name="dusk",
            sky=(hexa("2f3a6b"), hexa("8a5f8f"), hexa("f0987a")),
            haze=hexa("b9839a"),
            tint=(0.74, 0.66, 0.80),
            cloud=hexa("c98aa0"),
            sun=hexa("ffb37a"),
            key=(0.97, 0.87, 0.88),
            shade=(0.68, 0.60, 0.76),
            rim=hexa("ffae8a"),
        ),
        Weather(
            name="night",
            sky=(hexa("10183a"), hexa("1f2c5c"), hexa("3d4f86")),
            haze=hexa("34457a"),
            tint=(0.40, 0.46, 0.66),
            cloud=hexa("33406e"),
            sun=hexa("e8ecff"),
            key=(0.86, 0.86, 0.98),
            shade=(0.62, 0.58, 0.78),
            rim=hexa("a9b8f0"),
        ),
        Weather(
            name="mist",
            sky=(hexa("b7c6c8"), hexa("ccd6d4"), hexa("e3e6df")),
            haze=hexa("d9dfda"),
            tint=(0.92, 0.95, 0.94),
            cloud=hexa("e6eae6"),
            sun=None,
            key=(0.99, 0.99, 0.98),
            shade=(0.79, 0.75, 0.79),
        ),
    )
}
