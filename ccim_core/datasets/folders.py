"""Pictures in sub-folders named by emotion, with or without `train/`, `val/` and `test/` above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pandas as pd

from ccim_core.datasets.completing import SPLIT_SHARES, FoundBoxes, complete_boxes
from ccim_core.datasets.labelled_files import LabelledFiles, list_labelled_files
from ccim_core.datasets.source import SourceTable
from ccim_core.datasets.table import make_label_set
from ccim_core.datasets.unit_splits import deal_units
from ccim_core.errors import InputError
from ccim_core.pictures import file_content_id

__all__ = ["FoldersConfig", "read_folders"]

_SPLITS = ("train", "val", "test")
_VAL_SHARE = 0.125


@dataclass(frozen=True, kw_only=True)
class FoldersConfig:
    """How to read folders. boxes: where the subject of a picture is. seed: of the splits."""

    boxes: FoundBoxes = "faces"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.boxes not in get_args(FoundBoxes):
            raise InputError(f"Expected boxes of {list(get_args(FoundBoxes))}, got {self.boxes!r}.")


def read_folders(
    root: Path | str, config: FoldersConfig | None = None, *, quiet: bool = False
) -> SourceTable:
    """Read a folder of pictures by emotion; the folders' names are the emotions.

    Where `root` has `train/` and `test/`, these are the splits (without `val/`, an eighth of
    `train/` becomes it); otherwise pictures are dealt by emotion. Files of equal content are dealt
    to one split.

    Raises InputError when there is no such folder, fewer than two emotions, or too few pictures of
    one to be dealt.
    """
    config = config or FoldersConfig()
    root = Path(root)
    given = [split for split in _SPLITS if (root / split).is_dir()]
    if given:
        frame, skipped = _by_split(root, given)
        if "val" not in given:
            train = frame["split"] == "train"
            shares = {"train": 1 - _VAL_SHARE, "val": _VAL_SHARE}
            frame.loc[train, "split"] = _deal(root, frame[train], config.seed, shares)
    else:
        listed = list_labelled_files(root, what="emotion")
        skipped = list(listed.skipped)
        frame = _rows(listed, "")
        frame["split"] = _deal(root, frame, config.seed, SPLIT_SHARES)
    emotions = sorted(frame["labels"].unique())
    notes = [f"Folders without pictures were passed over: {', '.join(skipped)}."] if skipped else []
    return SourceTable(
        kind="folders",
        frame=frame,
        labels=make_label_set(root.resolve().name or "folders", emotions, "single"),
        image_root=root,
        settings={"boxes": config.boxes, "seed": config.seed, "splits": given or "dealt"},
        notes=tuple(notes),
        complete=complete_boxes(root, config.boxes, quiet=quiet),
    )


def _by_split(root: Path, given: list[str]) -> tuple[pd.DataFrame, list[str]]:
    missing = [split for split in ("train", "test") if split not in given]
    if missing:
        raise InputError(
            f"Expected both train/ and test/ in {root}, got no {missing[0]}/; "
            "or put the emotions' folders there themselves."
        )
    listed = {split: list_labelled_files(root / split, what="emotion") for split in given}
    skipped = [f"{split}/{name}" for split in given for name in listed[split].skipped]
    frames = [_rows(listed[split], f"{split}/").assign(split=split) for split in given]
    return pd.concat(frames, ignore_index=True), skipped


def _deal(root: Path, frame: pd.DataFrame, seed: int, shares: Mapping[str, float]) -> pd.Series:
    content = frame["image"].map(lambda image: file_content_id(root / image))
    return deal_units(content, frame["labels"], shares, what="picture", seed=seed)


def _rows(listed: LabelledFiles, prefix: str) -> pd.DataFrame:
    """A row a picture: sample_id, image, labels, record."""
    images = [f"{prefix}{name}" for names in listed.files.values() for name in names]
    labels = [label for label, names in listed.files.items() for _ in names]
    return pd.DataFrame({"sample_id": images, "image": images, "labels": labels, "record": images})
