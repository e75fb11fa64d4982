"""A figure: a person with an expression, posed at a place in the picture, ready to paint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccim_core.datasets.controlled.action_units import Expression
from ccim_core.datasets.controlled.bodies import Body, paint_arms, paint_legs, paint_neck
from ccim_core.datasets.controlled.canvas import Canvas
from ccim_core.datasets.controlled.clothes import paint_garment, sleeve_of
from ccim_core.datasets.controlled.face_shapes import Face, build_face
from ccim_core.datasets.controlled.faces import paint_glasses, paint_head
from ccim_core.datasets.controlled.features import paint_brows
from ccim_core.datasets.controlled.heads import HeadPose
from ccim_core.datasets.controlled.lighting import DAYLIGHT, Light
from ccim_core.datasets.controlled.long_hair import paint_hair, paint_hair_behind
from ccim_core.datasets.controlled.persons import Person
from ccim_core.datasets.controlled.sitter import Sitter

__all__ = ["Figure", "paint_figure", "paint_on", "silhouette"]

# A head unit is about 8.7 cm (a head of 23 cm is 2.66 units), and the picture spans 53°.
_UNIT_METRES = 0.087


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Who, feeling what, where and how: everything but the light."""

    person: Person
    expression: Expression
    face: Face
    pose: HeadPose
    body: Body

    @classmethod
    def make(
        cls,
        *,
        person: Person,
        expression: Expression,
        pose: HeadPose,
        turn: float,
        arms: str,
        gaze: tuple[float, float],
    ) -> Figure:
        """Build the face's curves and hang the body under the head."""
        return cls(
            person=person,
            expression=expression,
            face=build_face(person, expression, gaze),
            pose=pose,
            body=Body(person=person, x=pose.x, y=pose.y, unit=pose.unit, turn=turn, arms=arms),
        )

    @property
    def distance(self) -> float:
        """How far the figure stands from the camera, in metres."""
        return _UNIT_METRES / self.pose.unit

    def region(self, size: int) -> tuple[int, int, int, int]:
        """Whole pixels that surely hold the figure, clipped to the picture."""
        unit = self.pose.unit
        half = max(2.75, self.body.half_span) * unit
        top = self.pose.y - 2.35 * unit
        bottom = self.pose.y + self.body.low(12.0) * unit
        x0, x1 = np.floor((self.pose.x - half) * size), np.ceil((self.pose.x + half) * size)
        y0, y1 = np.floor(top * size), np.ceil(bottom * size)
        return (
            int(max(0, x0)),
            int(max(0, y0)),
            int(min(size, x1)),
            int(min(size, y1)),
        )


def paint_figure(canvas: Canvas, figure: Figure, light: Light) -> None:
    """Paint from back to front: hair behind, legs, neck, garment, arms, head, hair, glasses."""
    person, body = figure.person, figure.body
    sitter = Sitter.make(canvas, person, figure.face, figure.pose, light)
    paint_hair_behind(sitter)
    cloth = light.lit(person.cloth)
    if body.y + body.low(4.6) * body.unit < 1.0:
        paint_legs(canvas, person, body, light, sitter.skin)
    if body.arms == "behind":
        paint_arms(sitter, body, sleeve_of(person.garment), cloth)
    paint_neck(sitter, body)
    paint_garment(sitter, body)
    if body.arms != "behind":
        paint_arms(sitter, body, sleeve_of(person.garment), cloth)
    paint_head(sitter)
    paint_hair(sitter)
    if canvas.colours:
        paint_brows(sitter)  # over the hair, as cartoonists do: a fringe must not hide them
    paint_glasses(sitter)


def silhouette(figure: Figure, size: int, *, scale: int) -> NDArray[np.uint8]:
    """The figure's coverage of each pixel, (size, size) uint8, without painting colours."""
    canvas = Canvas(None, size=size, scale=scale, region=figure.region(size), coverage=True)
    paint_figure(canvas, figure, DAYLIGHT)
    return canvas.coverage()


def paint_on(
    picture: Image.Image, figure: Figure, light: Light, *, size: int, scale: int, coverage: bool
) -> NDArray[np.uint8]:
    """Paint a figure onto `picture`; returns its coverage, (0, 0) if that isn't asked for."""
    canvas = Canvas(picture, size=size, scale=scale, region=figure.region(size), coverage=coverage)
    paint_figure(canvas, figure, light)
    canvas.fold()
    return canvas.coverage() if coverage else np.zeros((0, 0), np.uint8)
