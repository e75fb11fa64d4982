"""What a user's own pictures come without, and how it is found: the subjects' boxes, splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ccim_core.datasets.source import Completion, ReadFault, SourceTable
from ccim_core.errors import InputError
from ccim_core.manifest.schema import BOX_COLUMNS, FACE_COLUMNS, SIZE_COLUMNS
from ccim_core.pictures import PictureReader
from ccim_core.progress import progress

__all__ = ["SPLIT_SHARES", "FoundBoxes", "assume_boxes", "complete_boxes"]

FoundBoxes = Literal["faces", "picture"]
"""`faces`: the largest face of a picture, grown to the body. `picture`: the picture as a whole."""

SPLIT_SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
"""Shares of the pictures (or persons) of each emotion."""

_LONGEST = 640  # pixels: finds faces down to a thirtieth of the picture, several pictures a second


def assume_boxes(source: SourceTable) -> SourceTable:
    """A source whose boxes are still to be found, with boxes that no check objects to: for a look
    at everything else that opens no picture."""
    if source.complete is None:
        return source
    boxes = dict(zip(BOX_COLUMNS, (0.0, 0.0, 1.0, 1.0), strict=True))
    return replace(source, frame=source.frame.assign(**boxes), complete=None)


def complete_boxes(root: Path, boxes: FoundBoxes, *, quiet: bool = False) -> Completion:
    """The completion of a source whose pictures under `root` come without boxes.

    A picture in which no face is found is at fault ("person_missing").
    """

    def complete(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[ReadFault], list[str]]:
        # An unknown size belongs to a picture that has a fault of its own.
        frame = frame.assign(**{name: np.nan for name in SIZE_COLUMNS if name not in frame})
        size = {"x2": frame["width"].fillna(1.0), "y2": frame["height"].fillna(1.0)}
        frame = frame.assign(x1=0.0, y1=0.0, **size, box_source="picture")
        if boxes == "faces":
            return _with_faces(frame, root, quiet)
        note = (
            "The whole picture is each subject's box: masking it leaves no context, so build the "
            "dictionary from unmasked pictures (`--dictionary.masked false`)."
        )
        return frame, [], [note]

    return complete


def _with_faces(
    frame: pd.DataFrame, root: Path, quiet: bool
) -> tuple[pd.DataFrame, list[ReadFault], list[str]]:
    from ccim_core.detection import FaceDetector, grow_body_box  # brings torch

    detector, reader = FaceDetector(longest=_LONGEST), PictureReader({"images": root})
    bodies = frame[list(BOX_COLUMNS)].to_numpy(float)
    faces = np.full_like(bodies, np.nan)
    sources = frame["box_source"].to_numpy(object, copy=True)
    readable = np.flatnonzero((frame["width"].notna() & frame["image"].notna()).to_numpy())
    groups = frame.iloc[readable].groupby("image", sort=False).indices
    bar = progress(groups.items(), "Find people", total=len(groups), unit="pictures", quiet=quiet)
    faults = []
    for image, members in bar:
        rows = readable[members]
        try:
            found = detector.detect(reader.read(str(image)))
        except InputError:  # gone since it was looked at; its own check names it
            continue
        if not found:
            faults += [
                ReadFault(cause="person_missing", detail=f"no face found in {image}", row=int(row))
                for row in rows
            ]
            continue
        width, height = frame["width"].iloc[rows[0]], frame["height"].iloc[rows[0]]
        faces[rows] = found[0].box
        bodies[rows] = grow_body_box(found[0].box, width, height)
        sources[rows] = "face"
    values = np.hstack([bodies, faces])
    placed = dict(zip((*BOX_COLUMNS, *FACE_COLUMNS), values.T, strict=True))
    return frame.assign(**placed, box_source=sources), faults, []
