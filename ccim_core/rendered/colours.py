"""Colours and light: arithmetic on RGB triples, and chance in named streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

Colour = tuple[int, int, int]


def hexa(text: str) -> Colour:
    """`"f0c8a0"` to (240, 200, 160)."""
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with `share` of `b` mixed in."""
    rest = 1 - share
    return (
        int(a[0] * rest + b[0] * share + 0.5),
        int(a[1] * rest + b[1] * share + 0.5),
        int(a[2] * rest + b[2] * share + 0.5),
    )


def scaled(colour: Colour, factor: float | Sequence[float]) -> Colour:
    """Each channel times `factor` (one number or three), clipped to 0–255."""
    r, g, b = (factor, factor, factor) if isinstance(factor, float | int) else factor
    return (
        min(255, int(colour[0] * r + 0.5)),
        min(255, int(colour[1] * g + 0.5)),
        min(255, int(colour[2] * b + 0.5)),
    )


def jitter(rng: np.random.Generator, colour: Colour, spread: float = 10.0) -> Colour:
    """A neighbour of `colour`: brightness and hue move by about `spread` of 255."""
    common, r, g, b = rng.standard_normal(4).tolist()
    return (
        min(255, max(0, round(colour[0] + spread * (common + 0.5 * r)))),
        min(255, max(0, round(colour[1] + spread * (common + 0.5 * g)))),
        min(255, max(0, round(colour[2] + spread * (common + 0.5 * b)))),
    )


def pick(rng: np.random.Generator, colours: Sequence[Colour]) -> Colour:
    """One of `colours`, each as likely."""
    return colours[int(rng.integers(len(colours)))]


def luminance(colour: Colour) -> float:
    """Relative brightness in [0, 1]."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


Tint = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Light:
    """`key` multiplies every colour; `shade` multiplies it again where the light doesn't reach.

    `side` is where the key light stands: −1 left, +1 right. `rim` is the colour of the thin
    light along the edge away from it (None for none), and `glare` its opacity.
    """

    key: Tint = (1.0, 1.0, 1.0)
    shade: Tint = (0.74, 0.68, 0.74)
    side: int = -1
    rim: Colour | None = None
    glare: float = 0.5

    def receding(self) -> Light:
        """The same light a few steps further back: a little dimmer and flatter."""
        red, green, blue = self.key
        soft = tuple(0.6 * value + 0.4 * 0.9 for value in self.shade)
        return Light(
            key=(0.93 * red, 0.94 * green, 0.96 * blue),
            shade=(soft[0], soft[1], soft[2]),
            side=self.side,
        )

    def lit(self, colour: Colour) -> Colour:
        """`colour` as it looks in the light."""
        return scaled(colour, self.key)

    def shaded(self, colour: Colour) -> Colour:
        """An already lit colour as it looks in this light's shadow."""
        return scaled(colour, self.shade)


DAYLIGHT = Light()


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of `name` under `seed`; the same on every platform."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))
