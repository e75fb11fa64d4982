"""The light a scene throws on the people in it.

A light depends on the scene and its seed only, never on who stands there or what they feel.
"""

from __future__ import annotations

from dataclasses import dataclass

from ccim_core.datasets.controlled.palette import Colour, scaled

__all__ = ["DAYLIGHT", "Light"]

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
