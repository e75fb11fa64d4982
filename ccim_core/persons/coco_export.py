"""A manifest's boxes as COCO's JSON, for labelling tools; `coco.py` reads it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ccim_core.files import write_json
from ccim_core.manifest import Manifest
from ccim_core.manifest.schema import SIZE_COLUMNS
from ccim_core.persons.coco import CATEGORIES
from ccim_core.persons.rows import SubjectRows
from ccim_core.pictures import PictureReader
from ccim_core.progress import progress

__all__ = ["export_coco", "picture_sizes"]


def export_coco(
    manifest: Manifest, reader: PictureReader, path: Path, *, quiet: bool = False
) -> tuple[int, int]:
    """Write the subjects' boxes and faces, whole or not at all. Returns how many of each.

    Every picture is listed; a box that is the whole picture for want of one is left out. Beside
    COCO's own keys annotations have `sample_id`, `source` and, where a detector gave one, `score`.
    """
    rows = SubjectRows.of(manifest)
    images = manifest.frame["image"].astype(str)
    ids = {image: number for number, image in enumerate(images.unique(), start=1)}
    sizes = picture_sizes(manifest, reader, quiet=quiet)
    annotations: list[dict[str, Any]] = []
    for row, (image, sample) in enumerate(zip(images, manifest.frame["sample_id"], strict=True)):
        parts = (
            (rows.boxes, rows.box_source, rows.box_score),
            (rows.faces, rows.face_source, rows.face_score),
        )
        for category, (boxes, sources, scores) in enumerate(parts, start=1):
            if sources[row] is None or sources[row] == "picture":
                continue
            record = _annotation(boxes[row], float(scores[row]))
            record |= {"id": len(annotations) + 1, "image_id": ids[image], "category_id": category}
            record |= {"sample_id": str(sample), "source": str(sources[row])}
            annotations.append(record)
    write_json(
        path,
        {
            "images": [
                {
                    "id": number,
                    "file_name": image,
                    "width": sizes[image][0],
                    "height": sizes[image][1],
                }
                for image, number in ids.items()
            ],
            "annotations": annotations,
            "categories": [
                {"id": number, "name": name, "supercategory": "person"}
                for number, name in enumerate(CATEGORIES, start=1)
            ],
        },
    )
    counts = [sum(each["category_id"] == k for each in annotations) for k in (1, 2)]
    return counts[0], counts[1]


def picture_sizes(
    manifest: Manifest, reader: PictureReader, *, quiet: bool = False
) -> dict[str, tuple[int, int]]:
    """Image → width and height in pixels: the manifest's columns, else the picture's own."""
    frame = manifest.frame.drop_duplicates("image")
    known: dict[str, tuple[int, int]] = {}
    if set(SIZE_COLUMNS) <= set(frame.columns):
        values = frame[list(SIZE_COLUMNS)].to_numpy(float)
        for image, size in zip(frame["image"].astype(str), values, strict=True):
            if np.isfinite(size).all():
                known[image] = (int(size[0]), int(size[1]))
    rest = [image for image in frame["image"].astype(str) if image not in known]
    for image in progress(rest, "Read sizes", unit="pictures", quiet=quiet or not rest):
        height, width = reader.read(image).shape[:2]
        known[image] = (width, height)
    return known


def _annotation(box: np.ndarray, score: float) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(value) for value in box)
    width, height = x2 - x1, y2 - y1
    record: dict[str, Any] = {
        "bbox": [x1, y1, width, height],
        "area": width * height,
        "iscrowd": 0,
    }
    return record | ({} if np.isnan(score) else {"score": score})
