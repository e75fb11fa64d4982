"""Lists of faces for CAER-S as the community shares them: `path,label,x1,y1,x2,y2`, no header.

Paths are relative to the dataset's root (`test/Happy/0001.png`) or to the split
(`Happy/0001.png`, the file then being named `test.txt`); labels are 0 to 6, alphabetical.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ccim_core.datasets.source import ReadFault
from ccim_core.errors import InputError

__all__ = ["FaceList", "read_face_lists"]

_CELLS = 6
_SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class FaceList:
    """Image (as in the tree) → face box x1, y1, x2, y2 in pixels, and the label's number.

    `faults`: lines that name no picture of the tree.
    """

    boxes: Mapping[str, tuple[float, float, float, float]]
    labels: Mapping[str, int]
    faults: tuple[ReadFault, ...]


def read_face_lists(
    paths: Sequence[Path], locate: Callable[[Sequence[str]], str | None], *, n_labels: int
) -> FaceList:
    """Read lists of faces for a tree.

    locate: the parts of a path from the root, such as test, Happy, 0001.png, to the tree's image;
        None where it has none.

    Raises InputError for a line of another form, a label that is no number of the label set, or a
    picture with two faces.
    """
    boxes: dict[str, tuple[float, float, float, float]] = {}
    labels: dict[str, int] = {}
    faults: list[ReadFault] = []
    for path in paths:
        for number, cells in _lines(path):
            place = f"{path.name} line {number}"
            label, box = _parse(cells, place, n_labels)
            image = _locate(cells[0], path, locate)
            if image is None:
                faults.append(
                    ReadFault(
                        cause="face_without_picture",
                        detail=f"{cells[0]} is not in the tree",
                        split=_splits_named(path, cells[0])[0],
                        record=place,
                    )
                )
                continue
            if image in boxes:
                raise InputError(
                    f"Expected one face for each picture, got a second one for {image} in {place}."
                )
            boxes[image], labels[image] = box, label
    return FaceList(boxes=boxes, labels=labels, faults=tuple(faults))


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [
                (number, [cell.strip() for cell in cells])
                for number, cells in enumerate(csv.reader(stream), start=1)
            ]
    except FileNotFoundError:
        raise InputError(f"Expected a face list at {path}, got no such file.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"Expected a face list in {path}, got something else ({error}).") from None
    return [(number, cells) for number, cells in rows if any(cells)]


def _parse(
    cells: Sequence[str], place: str, n_labels: int
) -> tuple[int, tuple[float, float, float, float]]:
    try:
        if len(cells) != _CELLS:
            raise ValueError
        label = int(cells[1])
        x1, y1, x2, y2 = (float(cell) for cell in cells[2:])
    except ValueError:
        raise InputError(
            f"Expected path,label,x1,y1,x2,y2 in {place}, got {','.join(cells)!r}."
        ) from None
    if not 0 <= label < n_labels:
        raise InputError(f"Expected a label of 0 to {n_labels - 1} in {place}, got {label}.")
    if not np.isfinite([x1, y1, x2, y2]).all():
        raise InputError(f"Expected a box of finite numbers in {place}, got {cells[2:]}.")
    return label, (x1, y1, x2, y2)


def _locate(text: str, path: Path, locate: Callable[[Sequence[str]], str | None]) -> str | None:
    """A path from the root as it stands, else one from the split that the file is named after."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    starts = [[], *([split] for split in _splits_named(path) if split)]
    found = (locate([*start, *parts]) for start in starts)
    return next((image for image in found if image is not None), None)


def _splits_named(path: Path, text: str = "") -> list[str]:
    """Splits that a line's own path, the file's name or its folder's name names; "" at the end."""
    words = re.split(r"[^a-z]+", f"{text} {path.stem} {path.parent.name}".lower())
    return [*dict.fromkeys(word for word in words if word in _SPLITS), ""]
