"""What is at fault in a dataset's table beside what a manifest's own check finds, by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccim_core.datasets.picture_files import PictureFacts
from ccim_core.datasets.source import ReadFault
from ccim_core.labels import LabelSet
from ccim_core.manifest import BOX_COLUMNS, find_faults
from ccim_core.manifest.schema import SHARING_SPLITS

__all__ = [
    "RowFault",
    "duplicate_subjects",
    "leaking_files",
    "manifest_faults",
    "picture_faults",
    "placed_faults",
]


@dataclass(frozen=True, kw_only=True)
class RowFault:
    """One thing wrong with one subject; `row` counts from 0, None where there is no subject.

    `record` is its place in the dataset's own files.
    """

    row: int | None
    split: str
    record: str
    sample_id: str | None
    cause: str
    detail: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.record}: {self.cause}: {self.detail}"


def placed_faults(frame: pd.DataFrame, found: Iterable[ReadFault]) -> list[RowFault]:
    """What an adapter found, with where it is."""
    places = _Places(frame)
    faults = []
    for fault in found:
        if fault.row is not None:
            faults.append(places.fault(fault.row, fault.cause, fault.detail))
            continue
        faults.append(
            RowFault(
                row=None,
                split=fault.split,
                record=fault.record,
                sample_id=None,
                cause=fault.cause,
                detail=fault.detail,
            )
        )
    return faults


def manifest_faults(frame: pd.DataFrame, labels: LabelSet) -> list[RowFault]:
    """What a manifest's own check finds; faults of the whole table have row None."""
    places = _Places(frame)
    return [
        places.fault(
            fault.row if fault.row >= 0 else None, fault.cause, fault.detail, column=fault.column
        )
        for fault in find_faults(frame, labels)
    ]


def duplicate_subjects(frame: pd.DataFrame) -> list[RowFault]:
    """Rows with the split, picture and box of an earlier one."""
    columns = ["split", "image", *BOX_COLUMNS]
    if not all(column in frame for column in columns):
        return []
    whole = frame[columns].notna().all(axis=1)
    repeated = frame.duplicated(columns) & whole
    places, images = _Places(frame), frame["image"].to_numpy(object)
    return [
        places.fault(int(row), "duplicate_subject", f"{images[row]} with one box twice")
        for row in np.flatnonzero(repeated)
    ]


def picture_faults(frame: pd.DataFrame, facts: Mapping[str, PictureFacts]) -> list[RowFault]:
    """Pictures that are missing, unreadable, not RGB, or not of the size that is recorded."""
    if not facts:
        return []
    sizes = np.full((len(frame), 2), np.nan)
    if "width" in frame and "height" in frame:
        sizes = frame[["width", "height"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    places = _Places(frame)
    faults = []
    for row, (image, size) in enumerate(zip(frame["image"], sizes, strict=True)):
        fact = facts.get(str(image))
        if fact is None:  # no image: the manifest's own check names it
            continue
        if fact.state != "there":
            faults.append(places.fault(row, f"picture_{fact.state}", fact.detail))
            continue
        if fact.mode not in ("", "RGB"):
            faults.append(places.fault(row, "picture_not_rgb", f"{image} has mode {fact.mode}"))
        if fact.width and not np.isnan(size).any() and tuple(size) != (fact.width, fact.height):
            detail = (
                f"{image} has {fact.width} × {fact.height} pixels, "
                f"where {size[0]:g} × {size[1]:g} are recorded"
            )
            faults.append(places.fault(row, "picture_size_differs", detail))
    return faults


def leaking_files(frame: pd.DataFrame, facts: Mapping[str, PictureFacts]) -> list[RowFault]:
    """Rows whose picture is also in a split that must not share it: the same path, or, where the
    files were read, the same bytes under another."""
    pictures = frame[["image", "split"]].dropna().drop_duplicates()
    unseen = PictureFacts(state="missing")
    contents = [facts.get(str(image), unseen).sha256 or str(image) for image in pictures["image"]]
    camps = [
        next((min(camp) for camp in SHARING_SPLITS if split in camp), split)
        for split in pictures["split"].astype(str).str.strip()
    ]
    pictures = pictures.assign(content=contents, camp=camps)
    leaking = pictures[pictures.groupby("content")["camp"].transform("nunique") > 1]
    details: dict[str, str] = {}
    for _, group in leaking.groupby("content", sort=False):
        where = ", ".join(
            f"{image} in {split}"
            for image, split in zip(group["image"], group["split"], strict=True)
        )
        details.update({str(image): f"the same file is {where}" for image in group["image"]})
    places, images = _Places(frame), frame["image"].to_numpy(object)
    return [
        places.fault(int(row), "file_in_two_splits", details[str(images[row])])
        for row in np.flatnonzero(frame["image"].isin(list(details)))
    ]


class _Places:
    """Where each row is. Columns are taken out once: a cell of a frame costs too much by the
    hundred thousand."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._splits = _texts(frame, "split")
        self._records = _texts(frame, "record")
        self._sample_ids = _texts(frame, "sample_id")

    def fault(self, row: int | None, cause: str, detail: str, *, column: str = "") -> RowFault:
        """The fault of one row; None is the table as a whole."""
        return RowFault(
            row=row,
            split="" if row is None else self._splits[row].strip(),
            record="table" if row is None else self._records[row],
            sample_id=None if row is None else self._sample_ids[row],
            cause=cause,
            detail=detail,
            column=column,
        )


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    return [
        "" if missing else str(cell)
        for cell, missing in zip(frame[column].astype(object), frame[column].isna(), strict=True)
    ]
