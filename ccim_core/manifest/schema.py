"""The manifest's columns, and the causes for which a row of it can be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = [
    "BOX_COLUMNS",
    "CAUSES",
    "FACE_COLUMNS",
    "REQUIRED_COLUMNS",
    "SHARING_SPLITS",
    "SIZE_COLUMNS",
    "TABLE_CAUSES",
    "TEXT_COLUMNS",
    "VAD_COLUMNS",
    "VAD_RANGE",
    "Fault",
    "Finding",
]

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
FACE_COLUMNS = ("face_x1", "face_y1", "face_x2", "face_y2")
VAD_COLUMNS = ("valence", "arousal", "dominance")
SIZE_COLUMNS = ("width", "height")
REQUIRED_COLUMNS = ("sample_id", "image", "split", *BOX_COLUMNS, "labels")
TEXT_COLUMNS = ("sample_id", "image", "split", "labels", "scene", "source_id", "context_group")

VAD_RANGE = (1.0, 10.0)

CAUSES: dict[str, str] = {
    "missing_column": "a required column is not there",
    "no_rows": "the table has no rows",
    "missing_sample_id": "no sample_id",
    "duplicate_sample_id": "the sample_id of an earlier row",
    "missing_image": "no image",
    "missing_split": "no split",
    "no_labels": "no emotion",
    "unknown_emotion": "an emotion that the label set does not have",
    "several_labels": "several emotions where the label set allows one",
    "box_not_finite": "a box coordinate that is missing or no finite number",
    "box_inverted": "a box with x2 < x1 or y2 < y1",
    "box_empty": "a box without area",
    "box_outside": "a box wholly outside the picture",
    "box_partly_outside": "a box partly outside the picture",
    "face_box_not_finite": "some face box coordinates missing or no finite number",
    "face_box_inverted": "a face box with x2 < x1 or y2 < y1",
    "face_box_empty": "a face box without area",
    "face_box_outside": "a face box wholly outside the picture",
    "face_box_partly_outside": "a face box partly outside the picture",
    "source_in_two_splits": "a source_id both in what is trained on and in what is tested on",
    "vad_not_a_number": "valence, arousal or dominance that is no number",
    "vad_out_of_range": "valence, arousal or dominance outside 1 to 10",
    "picture_missing": "a picture that is not there",
    "picture_unreadable": "a picture that cannot be decoded",
    "picture_size_differs": "a picture of another size than its width and height columns",
}
"""Causes of faults with what each means, in the order in which a row's faults are listed."""

TABLE_CAUSES = ("missing_column", "no_rows")
"""Faults of the table as a whole, which no dropping of rows repairs."""

SHARING_SPLITS: tuple[frozenset[str], ...] = (
    frozenset({"train", "oracle_train"}),
    frozenset({"test", "shift", "twins"}),
)
"""Splits that may share a source_id: never is one of a set trained on and another tested on."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong with one row: `row` counts from 0 as `iloc` does, -1 is the whole table."""

    row: int
    sample_id: str | None
    column: str
    cause: str
    detail: str

    def __str__(self) -> str:
        if self.row < 0:
            return f"{self.column}: {self.cause}: {self.detail}"
        return (
            f"row {self.row + 1} ({self.sample_id!r}): {self.column}: {self.cause}: {self.detail}"
        )


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause in one column: its rows (positions, ascending), and the detail of a row."""

    cause: str
    column: str
    rows: np.ndarray
    detail: Callable[[int], str]

    def fault(self, row: int, sample_id: str | None) -> Fault:
        """The fault of one row."""
        return Fault(
            row=row,
            sample_id=sample_id,
            column=self.column,
            cause=self.cause,
            detail=self.detail(row),
        )
