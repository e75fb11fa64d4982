"""Boxes of persons and faces from COCO's JSON, as labelling tools write it, checked whole.

Of a file only the categories "person" and "face" are read. An annotation may name its subject
(`sample_id`, of itself or among its `attributes`); without one it is a person in the picture, to
be chosen among the others by the same rule as what a detector finds.
Format: cocodataset.org, "Data format", object detection; `bbox` is x, y, width, height in pixels.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.images import Box
from ccim_core.manifest import Manifest

__all__ = ["CATEGORIES", "CocoBoxes", "read_coco"]

CATEGORIES = ("person", "face")

_LISTS = ("images", "annotations", "categories")
_SLACK = 1.0  # pixels by which rounding takes a box over the edge


@dataclass(frozen=True, kw_only=True)
class CocoBoxes:
    """The boxes of a file that concern a manifest, by category ("person", "face").

    of_image: image → boxes with scores, those that name no subject. of_sample: sample_id → box
    with its score. sizes: image → width and height as the file has them. unmatched: pictures of
    the file that the manifest does not have. skipped: annotations of crowds, of other categories
    and of such pictures.
    """

    name: str
    of_image: Mapping[str, Mapping[str, list[tuple[Box, float]]]]
    of_sample: Mapping[str, Mapping[str, tuple[Box, float]]]
    sizes: Mapping[str, tuple[int, int]]
    unmatched: int = 0
    skipped: int = 0


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What annotations refer to: images and categories by id."""

    path: Path
    images: Mapping[Any, Mapping[str, Any]]
    categories: Mapping[Any, str]


def read_coco(path: Path, manifest: Manifest) -> CocoBoxes:
    """Read and check a file for a manifest.

    A picture is known by its `file_name`: the manifest's `image`, or the one image that ends in
    it, or that it ends in.

    Raises:
        InputError: no COCO file, no category person or face, an id used twice or one that names
            nothing, a box that is no box or outside its picture, a subject with two boxes or in
            another picture, or no picture of the manifest.
    """
    content = _content(path)
    reading = _Reading(
        path=path,
        images=_images(path, content["images"]),
        categories=_categories(path, content["categories"]),
    )
    matched = _match(path, reading.images, manifest)
    columns = (manifest.frame[name].astype(str) for name in ("sample_id", "image"))
    image_of = dict(zip(*columns, strict=True))
    of_image: dict[str, dict[str, list[tuple[Box, float]]]] = {c: {} for c in CATEGORIES}
    of_sample: dict[str, dict[str, tuple[Box, float]]] = {c: {} for c in CATEGORIES}
    ids: set[Any] = set()
    skipped = 0
    for place, entry in enumerate(content["annotations"], start=1):
        identity = _identity(path, entry, ids, f"annotation {place}")
        category, key, box, score = _annotation(reading, entry, identity)
        if category not in CATEGORIES or entry.get("iscrowd") or key not in matched:
            skipped += 1
            continue
        sample = _sample(entry)
        if sample is None:
            of_image[category].setdefault(matched[key], []).append((box, score))
            continue
        _check_sample(path, identity, sample, image_of, matched[key], of_sample[category])
        of_sample[category][sample] = (box, score)
    sizes = {image: reading.images[key] for key, image in matched.items()}
    return CocoBoxes(
        name=path.name,
        of_image=of_image,
        of_sample=of_sample,
        sizes={image: (entry["width"], entry["height"]) for image, entry in sizes.items()},
        unmatched=len(reading.images) - len(matched),
        skipped=skipped,
    )


def _content(path: Path) -> dict[str, list[Any]]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"Expected a COCO file in {path}, got a {type(content).__name__}.")
    absent = [name for name in _LISTS if not isinstance(content.get(name), list)]
    if absent:
        raise InputError(
            f"Expected a COCO file with the lists {', '.join(_LISTS)} in {path}, got no list "
            f"named {absent[0]}."
        )
    return content


def _identity(path: Path, entry: Any, known: set[Any], what: str) -> Any:
    """An entry's id, new among those `known`."""
    identity = entry.get("id") if isinstance(entry, dict) else None
    if isinstance(identity, bool) or not isinstance(identity, (int, str)):
        raise InputError(f"Expected an id of {what} in {path}, got {identity!r}.")
    if identity in known:
        kind = what.split()[0]
        raise InputError(f"Expected each {kind} id once in {path}, got {identity!r} again.")
    known.add(identity)
    return identity


def _categories(path: Path, entries: Sequence[Any]) -> dict[Any, str]:
    ids: set[Any] = set()
    names = {}
    for place, entry in enumerate(entries, start=1):
        identity = _identity(path, entry, ids, f"category {place}")
        names[identity] = str(entry.get("name", "")).strip().lower()
    if not set(names.values()) & set(CATEGORIES):
        found = ", ".join(sorted(names.values())) or "none"
        raise InputError(f"Expected a category named person or face in {path}, got {found}.")
    return names


def _images(path: Path, entries: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    ids: set[Any] = set()
    files: set[str] = set()
    images = {}
    for place, entry in enumerate(entries, start=1):
        identity = _identity(path, entry, ids, f"image {place}")
        name = entry.get("file_name")
        if not isinstance(name, str) or not name:
            raise InputError(f"Expected a file_name of image {identity!r} in {path}, got {name!r}.")
        if name in files:
            raise InputError(f"Expected each picture once in {path}, got {name} again.")
        files.add(name)
        size = [entry.get(key) for key in ("width", "height")]
        if not all(_is_number(value) and value > 0 for value in size):
            raise InputError(
                f"Expected width and height of {name} as pixels in {path}, got {size[0]!r} and "
                f"{size[1]!r}."
            )
        images[identity] = {"file_name": name, "width": size[0], "height": size[1]}
    return images


def _match(
    path: Path, images: Mapping[Any, Mapping[str, Any]], manifest: Manifest
) -> dict[Any, str]:
    """Id → the manifest's image, of those that it has."""
    wanted = [str(image) for image in manifest.frame["image"].unique()]
    exact = set(wanted)
    tails: dict[str, set[str]] = defaultdict(set)
    for image in wanted:
        for tail in _tails(image):
            tails[tail].add(image)
    matched: dict[Any, str] = {}
    for identity, entry in images.items():
        name = entry["file_name"].replace("\\", "/")
        found = {name} & exact or tails.get(name.lstrip("/"), set())
        # Of a longer path the longest end that is an image's own.
        found = found or next(({tail} for tail in _tails(name) if tail in exact), set())
        if len(found) > 1:
            raise InputError(
                f"Expected {name} in {path} to be one picture of the manifest, got "
                f"{len(found)} that end so (such as {min(found)}); give the path as the manifest "
                "has it."
            )
        if found:
            matched[identity] = min(found)
    if images and not matched:
        first = next(iter(images.values()))["file_name"]
        raise InputError(
            f"Expected pictures of the manifest (such as {wanted[0]}) in {path}, got none of them "
            f"(such as {first})."
        )
    image, times = Counter(matched.values()).most_common(1)[0] if matched else ("", 0)
    if times > 1:
        raise InputError(f"Expected each picture once in {path}, got {image} by {times} names.")
    return matched


def _tails(path: str) -> list[str]:
    """What a path ends in, longer ones first, itself left out."""
    parts = PurePosixPath(path).parts
    return ["/".join(parts[k:]) for k in range(1, len(parts))]


def _annotation(
    reading: _Reading, entry: Mapping[str, Any], identity: Any
) -> tuple[str, Any, Box, float]:
    """Category, image id, box (x1, y1, x2, y2) inside the picture, and score of an annotation."""
    path = reading.path
    for key, known in (("image_id", reading.images), ("category_id", reading.categories)):
        if not isinstance(entry.get(key), (int, str)) or entry[key] not in known:
            raise InputError(
                f"Expected the {key} of annotation {identity!r} to be one of {path}'s, got "
                f"{entry.get(key)!r}."
            )
    image = reading.images[entry["image_id"]]
    category = reading.categories[entry["category_id"]]
    box = _box(path, entry.get("bbox"), identity, image)
    score = entry.get("score", math.nan)
    if not _is_number(score) and not (isinstance(score, float) and math.isnan(score)):
        raise InputError(
            f"Expected the score of annotation {identity!r} in {path} to be a number, "
            f"got {score!r}."
        )
    return category, entry["image_id"], box, float(score)


def _box(path: Path, value: Any, identity: Any, image: Mapping[str, Any]) -> Box:
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise InputError(
            f"Expected the bbox of annotation {identity!r} in {path} to be four numbers x, y, "
            f"width, height, got {value!r}."
        )
    x, y, width, height = map(float, value)
    if width <= 0 or height <= 0:
        raise InputError(
            f"Expected the bbox of annotation {identity!r} in {path} to have an area, got "
            f"{width:g} × {height:g} pixels."
        )
    most_x, most_y = float(image["width"]), float(image["height"])
    inside = min(x, y) >= -_SLACK and x + width <= most_x + _SLACK and y + height <= most_y + _SLACK
    box = (max(x, 0.0), max(y, 0.0), min(x + width, most_x), min(y + height, most_y))
    if not inside or box[0] >= box[2] or box[1] >= box[3]:
        raise InputError(
            f"Expected the bbox of annotation {identity!r} in {path} to lie in "
            f"{image['file_name']}, which has {most_x:g} × {most_y:g} pixels, got {value}."
        )
    return box


def _sample(entry: Mapping[str, Any]) -> str | None:
    attributes = entry.get("attributes")
    found = entry.get("sample_id")
    if found is None and isinstance(attributes, dict):
        found = attributes.get("sample_id")
    return None if found is None or str(found) == "" else str(found)


def _check_sample(
    path: Path,
    identity: Any,
    sample: str,
    image_of: Mapping[str, str],
    image: str,
    known: Mapping[str, Any],
) -> None:
    if sample not in image_of:
        raise InputError(
            f"Expected the sample_id of annotation {identity!r} in {path} to be one of the "
            f"manifest's, got {sample!r}."
        )
    if image_of[sample] != image:
        raise InputError(
            f"Expected the subject {sample!r} of annotation {identity!r} in {path} in "
            f"{image_of[sample]}, where the manifest has it, got {image}."
        )
    if sample in known:
        raise InputError(f"Expected one box of each kind of {sample!r} in {path}, got two.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
