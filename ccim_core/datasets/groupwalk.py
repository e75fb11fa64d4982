"""GroupWalk: people walking in 45 videos, by four emotions, 85 % for training and 15 % for testing.

Source: Mittal et al., "EmotiCon: Context-Aware Multimodal Emotion Recognition using Frege's
Principle", CVPR 2020. Its annotation format is not documented publicly, so there are two forms:
- a table (CSV or Parquet) with `video, frame, person, x1, y1, x2, y2, label`, optionally `split`
  and `image`; without `image`, frames are the files `<video>/<frame>.jpg` (or .png, with or
  without leading zeros) under the root;
- the one public pickle, `GroupWalk_data.pkl` (`ccim_core.datasets.groupwalk_pickle`).

Splits are by person (`<video>/<person>`), never by frame. Two persons of one frame can thus lie on
two sides, with their context in common: `split_by="video"` rules that out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccim_core.datasets.groupwalk_pickle import read_pickle
from ccim_core.datasets.source import SourceTable, find_file
from ccim_core.datasets.unit_splits import deal_units
from ccim_core.datasets.vocabulary import spelled_as
from ccim_core.errors import InputError
from ccim_core.files import resolve_inside
from ccim_core.labels import get_label_set
from ccim_core.manifest import BOX_COLUMNS, read_table

__all__ = ["GroupWalkConfig", "read_groupwalk"]

_COLUMNS = ("video", "frame", "person", *BOX_COLUMNS, "label")
_TABLES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "annotations/")
    for name in ("groupwalk", "annotations", "labels")
    for suffix in ("csv", "tsv", "parquet")
)
_PICKLES = ("GroupWalk_data.pkl", "groupwalk_data.pkl", "GroupWalk_data.pickle")
_PICTURES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, kw_only=True)
class GroupWalkConfig:
    """How to read GroupWalk.

    annotations: the table or pickle; None looks in the usual places. test_share, val_share: shares
    of the persons (of all, and of those not in test), dealt by `seed` where the table has no
    `split`. split_by: whom a split keeps together.
    """

    annotations: Path | None = None
    test_share: float = 0.15
    val_share: float = 0.1
    split_by: Literal["person", "video"] = "person"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("test_share", "val_share"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"Expected {name} between 0 and 1, got {getattr(self, name)}.")
        if self.split_by not in ("person", "video"):
            raise InputError(f"Expected split_by to be person or video, got {self.split_by!r}.")


def read_groupwalk(root: Path | str, config: GroupWalkConfig | None = None) -> SourceTable:
    """Read GroupWalk under `root`.

    Raises InputError when neither form is found, a column or a frame's picture is missing, or
    there are too few persons to split.
    """
    config = config or GroupWalkConfig()
    root = Path(root)
    path = config.annotations or find_file(
        root,
        _TABLES + _PICKLES,
        what="GroupWalk's annotations",
        hint="name the table or the pickle with --annotations.",
        names="groupwalk, annotations or labels as .csv, .tsv or .parquet, there or in "
        "annotations/; or GroupWalk_data.pkl",
    )
    labels = get_label_set("groupwalk")
    settings: dict[str, Any] = {"annotations": path.name}
    if path.suffix.lower() in (".pkl", ".pickle"):
        return read_pickle(path, labels, val_share=config.val_share, seed=config.seed)
    table = _read(path)
    notes: list[str] = []
    if "split" in table:
        split = table["split"]
        settings["split"] = "of the table"
    else:
        split, note = _deal(table, config)
        notes.append(note)
        settings |= {"split": f"by {config.split_by}", "seed": config.seed}
        settings |= {"test_share": config.test_share, "val_share": config.val_share}
    person = table["video"] + "/" + table["person"]
    frame = pd.DataFrame(
        {
            "sample_id": person + "/" + table["frame"],
            "image": table["image"] if "image" in table else _find_frames(root, table),
            "split": split,
            **{column: table[column] for column in BOX_COLUMNS},
            "labels": table["label"].map(_spell),
            "source_id": person if config.split_by == "person" else table["video"],
            "video": table["video"],
            "person": person,
            "record": [f"{path.name} row {number}" for number in range(1, len(table) + 1)],
        }
    )
    shared = _shared_frames(frame)
    if shared:
        notes.append(
            f"{shared:,} frames lie in several splits, with different persons: their context is "
            "common to what is trained on and tested on; --split-by video keeps them apart."
        )
    return SourceTable(
        kind="groupwalk",
        frame=frame,
        labels=labels,
        image_root=root,
        # One frame in two splits is what splitting by person means; the note counts them.
        pictures_shared=config.split_by == "person",
        settings=settings,
        notes=tuple(notes),
    )


def _read(path: Path) -> pd.DataFrame:
    texts = ("video", "frame", "person", "label", "split", "image")
    table = read_table(path, text_columns=texts)
    absent = [column for column in _COLUMNS if column not in table]
    if absent:
        raise InputError(
            f"Expected the columns {', '.join(_COLUMNS)} in {path}, "
            f"got none named {', '.join(absent)}."
        )
    if table.empty:
        raise InputError(f"Expected rows in {path}, got none.")
    for column in ("video", "frame", "person", "label"):
        blank = table[column].isna() | (table[column].astype(str).str.strip() == "")
        if blank.any():
            raise InputError(
                f"Expected {column} in each row of {path}, got none in row "
                f"{int(np.flatnonzero(blank)[0]) + 1}."
            )
        table[column] = table[column].astype(str).str.strip()
    return table


def _spell(label: str) -> str:
    return spelled_as(label, get_label_set("groupwalk").emotions) or label


def _deal(table: pd.DataFrame, config: GroupWalkConfig) -> tuple[pd.Series, str]:
    """Each row's split, and how it came about."""
    unit = table["video"]
    if config.split_by == "person":
        unit = unit + "/" + table["person"]
    rest = 1 - config.test_share
    shares = {
        "train": rest * (1 - config.val_share),
        "val": rest * config.val_share,
        "test": config.test_share,
    }
    what = config.split_by
    split = deal_units(unit, table["label"], shares, what=what, seed=config.seed)
    dealt = unit.groupby(split).nunique()
    sizes = ", ".join(f"{name} {dealt[name]:,}" for name in shares)
    return split, f"Split by {what} with seed {config.seed}: {sizes} {what}s."


def _shared_frames(frame: pd.DataFrame) -> int:
    return int((frame.groupby("image")["split"].nunique() > 1).sum())


def _find_frames(root: Path, table: pd.DataFrame) -> list[str]:
    """The picture of each (video, frame), by the frame's number. One listing a video."""
    folders: dict[str, Mapping[str, str]] = {}
    for video in table["video"].unique():
        folders[video] = _list_frames(root, video)
    images = []
    for video, number in zip(table["video"], table["frame"], strict=True):
        key = _frame_key(Path(number).stem)
        # A frame without its picture keeps the name that it would have: its own fault then.
        images.append(folders[video].get(key, f"{video}/{number}.jpg"))
    return images


def _list_frames(root: Path, video: str) -> dict[str, str]:
    for base in (".", "frames", "images"):
        folder = resolve_inside(root, f"{base}/{video}")
        if not folder.is_dir():
            continue
        prefix = video if base == "." else f"{base}/{video}"
        return {
            _frame_key(path.stem): f"{prefix}/{path.name}"
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in _PICTURES
        }
    raise InputError(
        f"Expected the frames of video {video!r} as pictures in {root / video}, got no such "
        "folder; extract them from the video, or give the table a column image."
    )


def _frame_key(stem: str) -> str:
    """A frame's number without leading zeros or letters before it: frame_00012 is 12."""
    digits = stem[len(stem.rstrip("0123456789")) :]
    return str(int(digits)) if digits else stem
