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
    faults = []
    for fault in found:
        if fault.row is not None:
            faults.append(_fault(frame, fault.row, fault.cause, fault.detail))
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
    return [
        RowFault(
            row=fault.row if fault.row >= 0 else None,
            split=_split(frame, fault.row),
            record=_record(frame, fault.row),
            sample_id=fault.sample_id,
            cause=fault.cause,
            detail=fault.detail,
            column=fault.column,
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
    return [
        _fault(
            frame, int(row), "duplicate_subject", f"{frame['image'].iloc[row]} with one box twice"
        )
        for row in np.flatnonzero(repeated)
    ]


def picture_faults(frame: pd.DataFrame, facts: Mapping[str, PictureFacts]) -> list[RowFault]:
    """Pictures that are missing, unreadable, not RGB, or not of the size that is recorded."""
    if not facts:
        return []
    sizes = np.full((len(frame), 2), np.nan)
    if "width" in frame and "height" in frame:
        sizes = frame[["width", "height"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    faults = []
    for row, (image, size) in enumerate(zip(frame["image"], sizes, strict=True)):
        fact = facts.get(str(image))
        if fact is None:  # no image: the manifest's own check names it
            continue
        if fact.state != "there":
            faults.append(_fault(frame, row, f"picture_{fact.state}", fact.detail))
            continue
        if fact.mode not in ("", "RGB"):
            faults.append(_fault(frame, row, "picture_not_rgb", f"{image} has mode {fact.mode}"))
        if fact.width and not np.isnan(size).any() and tuple(size) != (fact.width, fact.height):
            detail = (
                f"{image} has {fact.width} × {fact.height} pixels, "
                f"where {size[0]:g} × {size[1]:g} are recorded"
            )
            faults.append(_fault(frame, row, "picture_size_differs", detail))
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
    rows = np.flatnonzero(frame["image"].isin(list(details)))
    return [
        _fault(frame, int(row), "file_in_two_splits", details[str(frame["image"].iloc[row])])
        for row in rows
    ]


def _fault(frame: pd.DataFrame, row: int, cause: str, detail: str) -> RowFault:
    return RowFault(
        row=row,
        split=_split(frame, row),
        record=_record(frame, row),
        sample_id=str(frame["sample_id"].iloc[row]),
        cause=cause,
        detail=detail,
    )


def _split(frame: pd.DataFrame, row: int) -> str:
    if row < 0 or "split" not in frame:
        return ""
    value = frame["split"].iloc[row]
    return "" if pd.isna(value) else str(value).strip()


def _record(frame: pd.DataFrame, row: int) -> str:
    return str(frame["record"].iloc[row]) if row >= 0 and "record" in frame else "table"
