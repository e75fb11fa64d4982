"""Other places for the same subject: painted scenes, a study's pictures, a drawing redrawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ccim_core.cut_out import Extent, cover, cut_out_mask, set_into
from ccim_core.detection import Subject
from ccim_core.errors import InputError
from ccim_core.images import Picture
from ccim_core.study import Study

__all__ = ["Place", "composites", "painted_places", "redrawn_places", "study_places"]

PAINTED_SIDE = 768
"""Side in pixels at which scenes are painted: encoders see far fewer."""

_PLACE_SEED = 20  # of layout, weather and light; any would do, and one makes the figures repeatable


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place by name: `picture` (h, w, 3) uint8 is a scene of any size, or the whole composite."""

    name: str
    picture: Picture = field(repr=False)


def painted_places(names: Sequence[str]) -> Iterator[Place]:
    """The benchmark's painted scenes, empty of people. Raises InputError for an unknown name."""
    from ccim_core.rendered.scenes import SCENES, paint_scene

    for name in names:
        if name not in SCENES:
            raise InputError(f"Expected a scene of {', '.join(SCENES)}, got {name!r}.")
        picture, _ = paint_scene(name, _PLACE_SEED, PAINTED_SIDE)
        yield Place(name=name, picture=np.array(picture))


def redrawn_places(address: str, names: Sequence[str]) -> Iterator[Place]:
    """A rendered picture's subject and bystanders in other scenes: exact, nothing is pasted.

    Args:
        address: the picture's `rendered:` URI.

    Raises:
        InputError: no such address, or an unknown scene.
    """
    from ccim_core.rendered.rendering import RenderSpec, render_picture

    spec = RenderSpec.from_uri(address)
    for name in names:
        moved = replace(spec, scene=name)
        yield Place(name=name, picture=render_picture(moved.to_uri()))


def study_places(study: Study, n: int) -> Iterator[Place]:
    """Pictures of a study as places, one for each of its `n` most frequent scenes.

    Of a scene's pictures the one whose subject takes the least room is taken: it shows most of the
    place. A study without scenes gives its `n` such pictures, named by their file. Pictures that
    are not where the study says are passed over.
    """
    frame = study.manifest.frame
    room = (frame["x2"] - frame["x1"]) * (frame["y2"] - frame["y1"])
    frame = frame.assign(room=room).sort_values("room", kind="stable").drop_duplicates("image")
    found = 0
    for name, images in _candidates(frame):
        if found == n:
            return
        picture = _first_readable(study, images)
        if picture is not None:
            found += 1
            yield Place(name=name, picture=picture)


def _candidates(frame: pd.DataFrame) -> Iterator[tuple[str, Iterable[str]]]:
    """Names of places, each with the pictures that may show it, in the frame's order."""
    if "scene" not in frame or frame["scene"].isna().all():
        yield from ((str(image), [str(image)]) for image in frame["image"])
        return
    for name in frame["scene"].value_counts().index:
        yield str(name), frame.loc[frame["scene"] == name, "image"].astype(str)


def _first_readable(study: Study, images: Iterable[str], tries: int = 3) -> Picture | None:
    for image, _ in zip(images, range(tries), strict=False):
        try:
            return study.reader.read(image)
        except InputError:
            continue
    return None


def composites(
    picture: Picture, subject: Subject, places: Iterable[Place], extent: Extent = "person"
) -> Iterator[Place]:
    """The subject cut out of its photograph (`cut_out_mask`) and set into each place, unmoved."""
    shape = (picture.shape[0], picture.shape[1])
    mask = cut_out_mask(shape, subject, extent)
    for place in places:
        scene = cover(place.picture, shape)
        yield Place(name=place.name, picture=set_into(picture, mask, scene))
