"""The scenes that a subject can stand in, named as in Places365."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from ccim_core.rendered.canvas import Canvas
from ccim_core.rendered.colours import Light, stream
from ccim_core.rendered.scenes.bar import paint_bar
from ccim_core.rendered.scenes.beach import paint_beach
from ccim_core.rendered.scenes.bedroom import paint_bedroom
from ccim_core.rendered.scenes.cemetery import paint_cemetery
from ccim_core.rendered.scenes.classroom import paint_classroom
from ccim_core.rendered.scenes.forest_path import paint_forest_path
from ccim_core.rendered.scenes.hospital_room import paint_hospital_room
from ccim_core.rendered.scenes.kitchen import paint_kitchen
from ccim_core.rendered.scenes.library import paint_library
from ccim_core.rendered.scenes.market import paint_market
from ccim_core.rendered.scenes.office import paint_office
from ccim_core.rendered.scenes.park import paint_park
from ccim_core.rendered.scenes.snowfield import paint_snowfield
from ccim_core.rendered.scenes.stage import paint_stage
from ccim_core.rendered.scenes.stagecraft import Set
from ccim_core.rendered.scenes.street import paint_street
from ccim_core.rendered.scenes.train_station import paint_train_station

__all__ = ["SCENES", "paint_scene"]

Painter = Callable[[Set], Light]

SCENES: dict[str, Painter] = {
    "beach": paint_beach,
    "forest_path": paint_forest_path,
    "park": paint_park,
    "street": paint_street,
    "office": paint_office,
    "hospital_room": paint_hospital_room,
    "bar": paint_bar,
    "stage/indoor": paint_stage,
    "classroom": paint_classroom,
    "bedroom": paint_bedroom,
    "cemetery": paint_cemetery,
    "market/outdoor": paint_market,
    "kitchen": paint_kitchen,
    "train_station/platform": paint_train_station,
    "library/indoor": paint_library,
    "snowfield": paint_snowfield,
}

_SCALE = 2


def paint_scene(
    name: str, seed: int, size: int, *, depth: Image.Image | None = None
) -> tuple[Image.Image, Light]:
    """Paint the scene `name` of `seed`; returns the picture and the light on people.

    Half of all scenes are mirrored. `depth`, a mode "F" picture of the same size, is filled with
    distances in metres if given.
    """
    rng = stream(seed, f"scene {name}")
    mirrored = rng.random() < 0.5
    picture = Image.new("RGB", (size, size))
    canvas = Canvas(picture, size=size, scale=_SCALE, depth=depth, blank=True)
    light = SCENES[name](Set(canvas, rng))
    canvas.fold()
    if mirrored:
        flip = Image.Transpose.FLIP_LEFT_RIGHT
        picture = picture.transpose(flip)
        if depth is not None:
            depth.paste(depth.transpose(flip))
        light = replace(light, side=-light.side)
    return picture, light
