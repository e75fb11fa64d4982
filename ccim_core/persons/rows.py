"""The subjects of a manifest as arrays, with where each box and face came from.

Columns of a manifest, beside the boxes themselves:

    box_source   annotated (came with the data, which is also what no entry means), imported (a
                 COCO file), detector (a person that was found), face (grown from a face), picture
                 (the whole picture, for want of all these)
    box_choice   why this person of those in the picture: only, largest, holds_face (the given
                 face), sample_id (the file says so); none where nothing was chosen
    box_score    the detector's, in [0, 1]
    n_persons    how many persons were to choose from
    face_source  given (came with the data), imported, detector; none without a face
    face_score   the detector's, in [0, 1]
    annotated_x1 … annotated_y2   the annotated box, where the user asked for it to be replaced
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from ccim_core.manifest import BOX_COLUMNS, FACE_COLUMNS, Manifest
from ccim_core.manifest.checks import is_blank

__all__ = ["AUTOMATIC", "BOX_SOURCES", "SubjectRows"]

BOX_SOURCES = ("annotated", "imported", "detector", "face", "picture")

AUTOMATIC = ("detector", "face", "picture")
"""Sources of boxes that nobody has looked at, which a better one may replace unasked."""

# Features are filed by the box's exact numbers: rounding on the way through a file is no change.
_SAME = 1e-6
_ANNOTATED_COLUMNS = tuple(f"annotated_{column}" for column in BOX_COLUMNS)


@dataclass(kw_only=True, eq=False)
class SubjectRows:
    """Boxes and faces (n, 4) in pixels, faces NaN where there are none, and the columns above."""

    boxes: np.ndarray
    box_source: np.ndarray
    box_choice: np.ndarray
    box_score: np.ndarray
    n_persons: np.ndarray
    faces: np.ndarray
    face_source: np.ndarray
    face_score: np.ndarray
    annotated: np.ndarray

    @classmethod
    def of(cls, manifest: Manifest) -> SubjectRows:
        """A manifest's rows as they are."""
        frame = manifest.frame
        faces = manifest.face_boxes()
        has_face = np.isfinite(faces).all(1)
        face_source = _texts(frame, "face_source", absent="given")
        face_source[~has_face] = None
        return cls(
            boxes=manifest.boxes(),
            box_source=_texts(frame, "box_source", absent="annotated"),
            box_choice=_texts(frame, "box_choice", absent=None),
            box_score=_numbers(frame, "box_score"),
            n_persons=_numbers(frame, "n_persons"),
            faces=np.where(has_face[:, None], faces, np.nan),
            face_source=face_source,
            face_score=_numbers(frame, "face_score"),
            annotated=np.column_stack([_numbers(frame, name) for name in _ANNOTATED_COLUMNS]),
        )

    def set_box(
        self,
        row: int,
        box: Sequence[float],
        source: str,
        *,
        choice: str | None = None,
        score: float = np.nan,
        n_persons: float = np.nan,
    ) -> None:
        """Give a row its box. An annotated one is kept beside it, once."""
        if self.box_source[row] == "annotated" and source != "annotated":
            self.annotated[row] = self.boxes[row]
        if not np.allclose(self.boxes[row], box, rtol=0, atol=_SAME):
            self.boxes[row] = box
        self.box_source[row], self.box_choice[row] = source, choice
        self.box_score[row], self.n_persons[row] = score, n_persons

    def set_face(
        self, row: int, face: Sequence[float] | None, source: str, score: float = np.nan
    ) -> None:
        """Give a row its face, or none."""
        if face is None or not np.allclose(self.faces[row], face, rtol=0, atol=_SAME):
            self.faces[row] = np.nan if face is None else face
        self.face_source[row] = None if face is None else source
        self.face_score[row] = np.nan if face is None else score

    def given_face(self, row: int) -> np.ndarray | None:
        """A row's face (4,), unless there is none or a detector found it."""
        source = self.face_source[row]
        return self.faces[row] if source is not None and source != "detector" else None

    def same_as(self, other: SubjectRows) -> bool:
        """Whether all is equal, absent values too."""
        return all(
            bool(((mine == theirs) | (pd.isna(mine) & pd.isna(theirs))).all())
            for mine, theirs in (
                (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
            )
        )

    def to_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`frame` with these boxes and columns; columns that would hold nothing are left out."""
        columns: dict[str, np.ndarray] = dict(zip(BOX_COLUMNS, self.boxes.T, strict=True))
        columns |= {"box_source": self.box_source, "box_choice": self.box_choice}
        columns |= {"box_score": self.box_score, "n_persons": self.n_persons}
        columns |= dict(zip(FACE_COLUMNS, self.faces.T, strict=True))
        columns |= {"face_source": self.face_source, "face_score": self.face_score}
        columns |= dict(zip(_ANNOTATED_COLUMNS, self.annotated.T, strict=True))
        kept = {
            name: pd.Series(values, index=frame.index)
            for name, values in columns.items()
            if name in frame or name in BOX_COLUMNS or not pd.isna(values).all()
        }
        return frame.assign(**kept)


def _texts(frame: pd.DataFrame, column: str, *, absent: str | None) -> np.ndarray:
    if column not in frame:
        return np.full(len(frame), absent, object)
    cells = frame[column].astype(object)
    blank = is_blank(cells)
    texts = np.array([str(cell).strip() for cell in cells], object)
    texts[blank] = absent
    return texts


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    if column not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(float, copy=True)
