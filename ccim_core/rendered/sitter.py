"""What every part of a figure is painted with: canvas, head pose, light and lit colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ccim_core.rendered.canvas import Canvas
from ccim_core.rendered.colours import Colour, Light, hexa, mix, scaled
from ccim_core.rendered.curves import Points, ribbon, smooth
from ccim_core.rendered.faces import Face, HeadPose
from ccim_core.rendered.persons import Person

_FINE = 17.0
_FAINTEST = 0.27  # widest part × opacity, in pixels, that is still worth painting


@dataclass(frozen=True)
class Sitter:
    """A person posed before a canvas."""

    canvas: Canvas
    person: Person
    face: Face
    pose: HeadPose
    light: Light
    skin: Colour
    shadow: Colour
    blush: Colour
    lips: Colour
    hair: Colour
    hair_dark: Colour
    hair_light: Colour

    @classmethod
    def make(
        cls, canvas: Canvas, person: Person, face: Face, pose: HeadPose, light: Light
    ) -> Sitter:
        """Work out the lit colours once."""
        skin = light.lit(person.skin)
        hair = light.lit(person.hair)
        return cls(
            canvas=canvas,
            person=person,
            face=face,
            pose=pose,
            light=light,
            skin=skin,
            shadow=mix(light.shaded(skin), light.lit((150, 60, 40)), 0.10),
            blush=light.lit(_blush_of(person.skin)),
            lips=light.lit(_lips_of(person.skin)),
            hair=hair,
            hair_dark=mix(light.shaded(hair), (18, 10, 18), 0.22),
            hair_light=mix(hair, light.lit((255, 240, 218)), 0.24),
        )

    @cached_property
    def pixels(self) -> float:
        """Picture pixels to a head unit: what decides how much detail can be seen."""
        return self.pose.unit * self.canvas.size

    @property
    def fine(self) -> bool:
        """Whether the figure is large enough for folds, strands and other small things."""
        return self.pixels > _FINE

    def bold(self, width: float, least: float = 0.85) -> float:
        """A width of at least `least` pixels, for lines that a tiny face can't be read without."""
        return max(width, least / self.pixels)

    def _visible(self, width: float | tuple[float, ...], alpha: float) -> bool:
        widest = width if isinstance(width, float) else max(width)
        return self.canvas.colours and widest * alpha * self.pixels > _FAINTEST

    def front(self, control: ArrayLike, *, lift: float = 0.0) -> Points:
        """Points (n, 2) on the face's front, in the picture."""
        return self.pose.project_front(np.asarray(control, np.float64), lift)

    def space(self, control: ArrayLike) -> Points:
        """Points (n, 3) of head space, in the picture."""
        return self.pose.project(np.asarray(control, np.float64))

    def line(
        self,
        control: ArrayLike,
        width: float | tuple[float, ...],
        colour: Colour,
        alpha: float = 1.0,
        *,
        steps: int = 3,
    ) -> None:
        """A smooth stroke on the face's front; widths in head units, tapering if several."""
        if not self._visible(width, alpha):
            return
        centre = smooth(self.front(control), closed=False, steps=steps)
        self.stroke(centre, width, colour, alpha)

    def stroke(
        self,
        centre: Points,
        width: float | tuple[float, ...],
        colour: Colour,
        alpha: float = 1.0,
    ) -> None:
        """A stroke along picture points; widths in head units."""
        if not self._visible(width, alpha):
            return
        unit = self.pose.unit
        thick = width * unit if isinstance(width, float) else [w * unit for w in width]
        self.canvas.fill(ribbon(centre, thick), colour, alpha)

    def glow(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float) -> None:
        """A soft patch on the face's front; radii in head units."""
        if not self._visible(0.2 * min(rx, ry), alpha):
            return
        (px, py) = self.front([(x, y)])[0]
        unit = self.pose.unit
        self.canvas.glow(px, py, rx * unit, ry * unit, colour, alpha)


def _lips_of(skin: Colour) -> Colour:
    """A lip colour that goes with a skin: redder, and less bright on light skin."""
    return mix(scaled(skin, (0.93, 0.66, 0.64)), hexa("a8434a"), 0.28)


def _blush_of(skin: Colour) -> Colour:
    """The colour of flushed cheeks on a skin."""
    return mix(scaled(skin, (1.0, 0.74, 0.70)), hexa("e0604f"), 0.25)
