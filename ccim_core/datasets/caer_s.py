"""CAER-S: frames of TV clips by emotion, `{train,test}/<Emotion>/NNNN.png`.

Source: Lee et al., "Context-Aware Emotion Recognition Networks", ICCV 2019. No boxes come with it:
a subject's box is grown from the face where a face list is given, else it is the whole picture,
until `detect` finds the person. The column `box_source` says which ("face" or "picture").

Differs from the paper: it speaks of 70/10/20 %, the archive holds 70 % in train and 30 % in test.
Validation is carved out of train alone, an eighth of it, which keeps the paper's 7 : 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.datasets.face_lists import FaceList, read_face_lists
from ccim_core.datasets.labelled_files import deal_files
from ccim_core.datasets.source import ReadFault, SourceTable
from ccim_core.datasets.vocabulary import spelled_as
from ccim_core.errors import InputError
from ccim_core.images import clip_box
from ccim_core.labels import get_label_set
from ccim_core.manifest import BOX_COLUMNS, FACE_COLUMNS

__all__ = ["CaerSConfig", "read_caer_s"]

_SPLITS = ("train", "val", "test")
_SUFFIXES = {".png", ".jpg", ".jpeg"}


@dataclass(frozen=True, kw_only=True)
class CaerSConfig:
    """How to read CAER-S.

    val_share: share of each emotion's training pictures that become validation, dealt by `seed`;
    no share is taken where the tree has a folder val/. faces: face lists.
    """

    val_share: float = 0.125
    seed: int = 0
    faces: tuple[Path, ...] = field(default=())

    def __post_init__(self) -> None:
        if not 0 < self.val_share < 1:
            raise InputError(f"Expected val_share between 0 and 1, got {self.val_share}.")


def read_caer_s(root: Path | str, config: CaerSConfig | None = None) -> SourceTable:
    """Read the tree under `root`.

    Raises InputError when it is none: no train/ or test/, a folder that is no emotion, an emotion
    without pictures.
    """
    config = config or CaerSConfig()
    root = Path(root)
    labels = get_label_set("caer-s")
    pictures = _list_tree(root)
    notes = []
    if "val" not in pictures["split"].unique():
        pictures = _carve_val(pictures, config)
        notes.append(
            f"Validation is {config.val_share:.4g} of train/, by emotion, with seed {config.seed}; "
            "neighbouring frames of a clip can lie in both."
        )
    faces = None
    if config.faces:
        images = set(pictures["image"])
        spelled = {_canonical(image.split("/")): image for image in pictures["image"]}

        def locate(parts: Sequence[str]) -> str | None:
            path = "/".join(parts)
            return path if path in images else spelled.get(_canonical(parts))

        faces = read_face_lists(config.faces, locate, n_labels=labels.size)
    settings: dict[str, Any] = {"val_share": config.val_share, "seed": config.seed}
    settings["faces"] = [path.name for path in config.faces]
    return SourceTable(
        kind="caer-s",
        frame=pictures,
        labels=labels,
        image_root=root,
        faults=faces.faults if faces else (),
        settings=settings,
        notes=tuple(notes),
        complete=lambda frame: _place_boxes(frame, faces, labels.emotions),
    )


def _canonical(parts: Sequence[str]) -> str:
    """split/Emotion/name with one spelling of the emotion, in lower case."""
    split, emotion, *rest = [*parts, "", ""][: max(len(parts), 2)]
    return "/".join([split, _spell(emotion) or emotion, *rest]).lower()


def _spell(folder: str) -> str | None:
    """The label set's emotion that a folder's name means."""
    return spelled_as(folder, get_label_set("caer-s").emotions)


def _list_tree(root: Path) -> pd.DataFrame:
    """A row a picture, in order of path: sample_id, image, split, labels."""
    missing = [split for split in ("train", "test") if not (root / split).is_dir()]
    if missing:
        raise InputError(
            f"Expected CAER-S's folders train/ and test/ in {root}, got no {missing[0]}/; "
            "name the folder that holds both with --root."
        )
    rows: list[dict[str, str]] = []
    emotions = get_label_set("caer-s").emotions
    for split in _SPLITS:
        found: set[str] = set()
        for folder in sorted(path for path in (root / split).glob("*") if path.is_dir()):
            if folder.name.startswith("."):
                continue
            emotion = _spell(folder.name)
            if emotion is None:
                raise InputError(
                    f"Expected folders named by emotion ({', '.join(emotions)}) in "
                    f"{root / split}, got {folder.name!r}."
                )
            names = sorted(
                path.name
                for path in folder.iterdir()
                if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
            )
            found |= {emotion} if names else set()
            rows += [_picture(split, folder.name, name, emotion) for name in names]
        absent = [emotion for emotion in emotions if emotion not in found]
        if absent and (root / split).is_dir():
            raise InputError(
                f"Expected pictures of each emotion in {root / split}, got none of "
                f"{', '.join(absent)}; check that the archive was unpacked whole."
            )
    return pd.DataFrame(rows)


def _picture(split: str, folder: str, name: str, emotion: str) -> dict[str, str]:
    image = f"{split}/{folder}/{name}"
    return {
        "sample_id": image,
        "image": image,
        "split": split,
        "labels": emotion,
        "record": image,
    }


def _carve_val(pictures: pd.DataFrame, config: CaerSConfig) -> pd.DataFrame:
    train = pictures[pictures["split"] == "train"]
    files = {str(emotion): list(rows["image"]) for emotion, rows in train.groupby("labels")}
    shares = {"train": 1 - config.val_share, "val": config.val_share}
    pool = deal_files(files, shares, rng=np.random.default_rng(config.seed))
    split = pictures["image"].map(pool)
    return pictures.assign(split=split.where(split.notna(), pictures["split"]))


def _place_boxes(
    pictures: pd.DataFrame, faces: FaceList | None, emotions: Sequence[str]
) -> tuple[pd.DataFrame, list[ReadFault], list[str]]:
    """Bodies grown from faces, else whole pictures, once the sizes are known."""
    width = pictures["width"].fillna(1.0)  # unknown: such a picture has a fault of its own
    height = pictures["height"].fillna(1.0)
    pictures = pictures.assign(x1=0.0, y1=0.0, x2=width, y2=height, box_source="picture")
    faults: list[ReadFault] = []
    if faces is not None:
        pictures, faults = _with_faces(pictures, faces, emotions)
    whole = int((pictures["box_source"] == "picture").sum())
    note = (
        f"{whole:,} subjects have the whole picture as their box: run `detect` before "
        "`features`, for masking such a box would leave no context."
    )
    return pictures, faults, [note] if whole else []


def _with_faces(
    pictures: pd.DataFrame, faces: FaceList, emotions: Sequence[str]
) -> tuple[pd.DataFrame, list[ReadFault]]:
    """Face boxes, and bodies grown from those that lie in their picture."""
    from ccim_core.detection import grow_body_box  # brings torch

    faults: list[ReadFault] = []
    boxes = pictures[list(BOX_COLUMNS)].to_numpy(float)
    face_boxes = np.full_like(boxes, np.nan)
    sources = ["picture"] * len(pictures)
    columns = (pictures[name] for name in ("image", "labels", "x2", "y2"))
    for row, (image, label, width, height) in enumerate(zip(*columns, strict=True)):
        face = faces.boxes.get(image)
        if face is None:
            detail = f"{image} is in no face list"
            faults.append(ReadFault(cause="face_missing", detail=detail, row=row))
            continue
        listed = emotions[faces.labels[image]]
        if listed != label:
            detail = f"{listed} in the list, {label} by its folder"
            faults.append(ReadFault(cause="face_label_differs", detail=detail, row=row))
        face_boxes[row] = face
        try:
            boxes[row] = grow_body_box(clip_box(face, width, height), width, height)
            sources[row] = "face"
        except InputError:  # a face outside or without area: the manifest's check names it
            continue
    values = np.hstack([boxes, face_boxes])
    placed = dict(zip((*BOX_COLUMNS, *FACE_COLUMNS), values.T, strict=True))
    return pictures.assign(**placed, box_source=sources), faults
