"""`detect_subjects` on pictures in which stub networks find what a test says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ccim_core.detection import Face
from ccim_core.images import Picture
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import BOX_COLUMNS, FACE_COLUMNS, Manifest
from ccim_core.persons.coco import CocoBoxes
from ccim_core.persons.detect import DetectConfig, detect_subjects
from ccim_core.persons.summary import DetectSummary
from ccim_core.pictures import PictureReader
from ccim_core.weights import LocalWeights

__all__ = [
    "HEIGHT",
    "LEFT",
    "LEFT_FACE",
    "RIGHT",
    "RIGHT_FACE",
    "WHOLE",
    "WIDTH",
    "Faces",
    "Finding",
    "Persons",
    "box_of",
    "face",
    "face_of",
    "person",
]

WIDTH, HEIGHT = 100, 80
LEFT, RIGHT = (5.0, 10.0, 35.0, 70.0), (50.0, 5.0, 95.0, 78.0)
LEFT_FACE, RIGHT_FACE = (15.0, 14.0, 25.0, 26.0), (66.0, 10.0, 80.0, 26.0)
WHOLE = (0.0, 0.0, float(WIDTH), float(HEIGHT))
POINTS = tuple((float(k), k + 0.5) for k in range(5))


class _Finder:
    """Finds in a picture what the number in its first pixel stands for, and counts its calls."""

    def __init__(self, found: dict[int, list[Any]], *, stop_after: int = 999) -> None:
        self.found, self.stop_after = found, stop_after
        self.shown: list[int] = []
        self.name, self.source, self.longest = "stub", "tests", 1024
        self.weights = LocalWeights(path=Path("x"), sha256="0", source="tests")

    def identity(self) -> str:
        return type(self).__name__

    def look(self, pictures: Sequence[Picture]) -> list[list[Any]]:
        numbers = [int(picture[0, 0, 0]) for picture in pictures]
        for number in numbers:
            if len(self.shown) == self.stop_after:
                raise KeyboardInterrupt
            self.shown.append(number)
        return [self.found.get(number, []) for number in numbers]


class Persons(_Finder):
    def detect(self, pictures: Sequence[Picture]) -> list[np.ndarray]:
        return [np.array(found, float).reshape(-1, 5) for found in self.look(pictures)]


class Faces(_Finder):
    def detect_all(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        return self.look(pictures)


def face(box: tuple[float, float, float, float]) -> Face:
    return Face(box=box, score=0.95, landmarks=POINTS)


def person(box: tuple[float, float, float, float], score: float = 0.9) -> tuple[float, ...]:
    return (*box, score)


def make_manifest(root: Path, rows: list[dict[str, Any]]) -> tuple[Manifest, PictureReader]:
    """Rows of pictures by number; a row says of itself what is not usual."""
    root.mkdir(parents=True, exist_ok=True)
    frame = []
    for index, row in enumerate(rows):
        number = row.pop("picture", index)
        picture = np.full((HEIGHT, WIDTH, 3), 99, np.uint8)
        picture[0, 0] = number
        Image.fromarray(picture).save(root / f"{number}.png")
        box = dict(zip(BOX_COLUMNS, row.pop("box", WHOLE), strict=True))
        given = row.pop("face", (np.nan,) * 4)
        base = {"sample_id": f"s{index}", "image": f"{number}.png", "split": "train"}
        base |= {"labels": "Happy", "box_source": "picture"}
        frame.append({**base, **box, **dict(zip(FACE_COLUMNS, given, strict=True)), **row})
    manifest = Manifest(frame=pd.DataFrame(frame), labels=LABEL_SETS["controlled"])
    return manifest, PictureReader({"images": root})


class Finding:
    """`detect_subjects` on a folder with what is to be found in it."""

    def __init__(self, root: Path, rows: list[dict[str, Any]]) -> None:
        self.root = root
        self.manifest, self.reader = make_manifest(root / "images", rows)

    def __call__(
        self,
        persons: Persons | None,
        mtcnn: Faces | None = None,
        imported: CocoBoxes | None = None,
        manifest: Manifest | None = None,
        **config: Any,
    ) -> tuple[pd.DataFrame, DetectSummary]:
        found = detect_subjects(
            self.manifest if manifest is None else manifest,
            self.reader,
            DetectConfig(**config),
            root=self.root / "features",
            open_persons=None if persons is None else lambda: persons,
            open_faces=lambda: mtcnn or Faces({}),
            imported=imported,
            batch_size=2,
            quiet=True,
        )
        assert found is not None
        self.found = found[0]
        return found[0].frame, found[1]


def box_of(row: pd.Series) -> tuple[float, ...]:
    return tuple(row[list(BOX_COLUMNS)].astype(float).round(3))


def face_of(row: pd.Series) -> tuple[float, ...]:
    return tuple(row[list(FACE_COLUMNS)].astype(float).round(3))
