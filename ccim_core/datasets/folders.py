"""Pictures in sub-folders named by emotion, with or without `train/`, `val/` and `test/` above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import pandas as pd

from ccim_core.datasets.completing import SPLIT_SHARES, FoundBoxes, complete_boxes
from ccim_core.datasets.labelled_files import LabelledFiles, list_labelled_files, list_pictures
from ccim_core.datasets.source import SourceTable
from ccim_core.datasets.table import make_label_set
from ccim_core.datasets.unit_splits import deal_units
from ccim_core.datasets.vocabulary import (
    KNOWN_SPLITS,
    Answers,
    UnansweredError,
    settle_names,
    split_questions,
)
from ccim_core.errors import InputError
from ccim_core.pictures import file_content_id

__all__ = ["FoldersConfig", "read_folders"]

_VAL_SHARE = 0.125


@dataclass(frozen=True, kw_only=True)
class FoldersConfig:
    """How to read folders. boxes: where the subject of a picture is. seed: of the splits. answers:
    to the questions about the folders' names (`vocabulary`)."""

    boxes: FoundBoxes = "faces"
    seed: int = 0
    answers: Answers = field(default_factory=Answers)

    def __post_init__(self) -> None:
        if self.boxes not in get_args(FoundBoxes):
            raise InputError(f"Expected boxes of {list(get_args(FoundBoxes))}, got {self.boxes!r}.")


def read_folders(
    root: Path | str, config: FoldersConfig | None = None, *, quiet: bool = False
) -> SourceTable:
    """Read a folder of pictures by emotion; the folders' names are the emotions.

    Where `root` has `train/` and `test/`, these and others of `KNOWN_SPLITS` are the splits
    (without `val/`, an eighth of `train/` becomes it); otherwise pictures are dealt by emotion.
    Files of equal content are dealt to one split.

    Raises InputError when there is no such folder, fewer than two emotions, or too few pictures of
    one to be dealt; UnansweredError for names that are to be asked about.
    """
    config = config or FoldersConfig()
    root = Path(root)
    folders = _folders(root)
    given = _splits_of(root, folders, config.answers)
    if given:
        frame, skipped = _by_split(root, given)
        changed = [f"{name!r} to {split!r}" for name, split in given.items() if name != split]
        notes = [f"Renamed, of the splits: {', '.join(changed)}."] if changed else []
        beside = [name for name in folders if name not in given and list_pictures(root / name)]
        if beside:
            notes.append(f"Folders beside the splits were passed over: {', '.join(beside)}.")
    else:
        listed = list_labelled_files(root, what="emotion")
        skipped, notes = list(listed.skipped), []
        frame = _rows(listed, "")
    # The splits' folders are renamed by now: done twice, an exchange of two would be undone.
    answers = replace(config.answers, rename_splits={})
    frame, more = settle_names(frame, answers, kind="single", splits_named=folders)
    if not given:
        frame["split"] = _deal(root, frame, config.seed, SPLIT_SHARES)
    elif "val" not in given.values():
        train = frame["split"] == "train"
        shares = {"train": 1 - _VAL_SHARE, "val": _VAL_SHARE}
        frame.loc[train, "split"] = _deal(root, frame[train], config.seed, shares)
    emotions = sorted(frame["labels"].unique())
    notes += more
    if skipped:
        notes.append(f"Folders without pictures were passed over: {', '.join(skipped)}.")
    return SourceTable(
        kind="folders",
        frame=frame,
        labels=make_label_set(root.resolve().name or "folders", emotions, "single"),
        image_root=root,
        settings={
            "boxes": config.boxes,
            "seed": config.seed,
            "splits": list(given.values()) or "dealt",
            **config.answers.to_dict(),
        },
        notes=tuple(notes),
        complete=complete_boxes(root, config.boxes, quiet=quiet),
    )


def _folders(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    names = (path.name for path in root.iterdir() if path.is_dir())
    return sorted(name for name in names if not name.startswith("."))


def _splits_of(root: Path, folders: list[str], answers: Answers) -> dict[str, str]:
    """Folder → the split that it is; empty where the folders are emotions.

    Raises UnansweredError for a folder named nearly as a split is.
    """
    answers.require(emotions=answers.rename, splits={*folders, *answers.keep_apart})
    named = {name: answers.rename_splits.get(name, name) for name in folders}
    given = {
        name: split
        for name, split in named.items()
        if split in KNOWN_SPLITS or name in answers.rename_splits
    }
    rest = {name: len(list_pictures(root / name)) for name in folders if name not in given}
    alike = {name: count for name, count in rest.items() if count}
    questions = split_questions(alike, keep_apart=answers.keep_apart, only_alike=True)
    if questions:
        raise UnansweredError(questions)
    return given


def _by_split(root: Path, given: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    missing = [split for split in ("train", "test") if split not in given.values()]
    if missing:
        raise InputError(
            f"Expected both train/ and test/ in {root}, got no {missing[0]}/; "
            "or put the emotions' folders there themselves."
        )
    listed = {name: list_labelled_files(root / name, what="emotion") for name in given}
    skipped = [f"{folder}/{name}" for folder in given for name in listed[folder].skipped]
    frames = [_rows(listed[name], f"{name}/").assign(split=split) for name, split in given.items()]
    return pd.concat(frames, ignore_index=True), skipped


def _deal(root: Path, frame: pd.DataFrame, seed: int, shares: Mapping[str, float]) -> pd.Series:
    content = frame["image"].map(lambda image: file_content_id(root / image))
    return deal_units(content, frame["labels"], shares, what="picture", seed=seed)


def _rows(listed: LabelledFiles, prefix: str) -> pd.DataFrame:
    """A row a picture: sample_id, image, labels, record."""
    images = [f"{prefix}{name}" for names in listed.files.values() for name in names]
    labels = [label for label, names in listed.files.items() for _ in names]
    return pd.DataFrame({"sample_id": images, "image": images, "labels": labels, "record": images})
