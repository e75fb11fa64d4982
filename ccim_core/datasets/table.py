"""Any dataset as a table: CSV, TSV or Parquet with a row a subject.

Columns: `image, split, x1, y1, x2, y2, labels` (labels separated by `|`); optional `sample_id,
scene, face_x1 … face_y2, source_id, group, valence, arousal, dominance`, and whatever else, which
is kept. `source_id` names what must not be in two splits (a person, a video); `group` is the
context group that metrics are split by (`context_group` in the manifest). A table may name its
columns otherwise, and come without splits or boxes: `TableConfig` says what is done then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from ccim_core.datasets.completing import SPLIT_SHARES, FoundBoxes, complete_boxes
from ccim_core.datasets.source import SourceTable
from ccim_core.datasets.unit_splits import deal_units
from ccim_core.datasets.vocabulary import Answers, label_names, settle_names
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SETS, LabelSet, get_label_set
from ccim_core.manifest import (
    BOX_COLUMNS,
    FACE_COLUMNS,
    TEXT_COLUMNS,
    VAD_COLUMNS,
    read_table,
)
from ccim_core.manifest.checks import is_blank

__all__ = ["KNOWN_COLUMNS", "TableConfig", "read_table_source"]

_COLUMNS = ("image", "split", *BOX_COLUMNS, "labels")
_OPTIONAL = ("sample_id", "scene", *FACE_COLUMNS, "source_id", "group", *VAD_COLUMNS)
KNOWN_COLUMNS = (*_COLUMNS, *_OPTIONAL)
"""The columns that mean something, the required ones first."""

_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """How to read a table.

    table: the file; None takes the only one in the root. label_set: a known label set by name, or
    None for one of `emotions`, or, without these, of the emotions that occur. kind: whether a
    subject has one label or several; "auto" goes by what occurs.

    columns: our name → the table's, for columns that it names otherwise. split: the column, or
    "deal": by `seed`, rows of one source_id (without these, of one picture) together; splits that
    the table has are discarded then. boxes: the "columns", or found in the pictures
    (`FoundBoxes`). answers: to the questions about its emotions and splits (`vocabulary`).
    """

    table: Path | None = None
    label_set: str | None = None
    emotions: tuple[str, ...] = ()
    kind: Literal["auto", "single", "multi"] = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    split: Literal["column", "deal"] = "column"
    boxes: Literal["columns"] | FoundBoxes = "columns"
    seed: int = 0
    answers: Answers = field(default_factory=Answers)

    def __post_init__(self) -> None:
        if self.kind not in ("auto", "single", "multi"):
            raise InputError(f"Expected kind to be auto, single or multi, got {self.kind!r}.")
        if self.split not in ("column", "deal"):
            raise InputError(f"Expected split to be column or deal, got {self.split!r}.")
        if self.boxes not in ("columns", *get_args(FoundBoxes)):
            raise InputError(f"Expected boxes of columns, faces or picture, got {self.boxes!r}.")
        unknown = [name for name in self.columns if name not in KNOWN_COLUMNS]
        if unknown:
            raise InputError(f"Expected columns of {list(KNOWN_COLUMNS)}, got {unknown}.")
        if self.label_set and (self.emotions or self.kind != "auto"):
            raise InputError("Expected a label set or emotions with their kind, got both.")


def read_table_source(
    root: Path | str, config: TableConfig | None = None, *, quiet: bool = False
) -> SourceTable:
    """Read a table whose `image` paths are relative to `root`.

    Raises InputError for no table or several, missing columns, and labels that make no label set;
    UnansweredError for emotions, splits and rows with several emotions that are to be asked about.
    """
    config = config or TableConfig()
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"Expected a folder of pictures at {root}, got none; check --root.")
    path = config.table or _only_table(root)
    table, notes = _read(path, config), []
    if config.split == "deal" and "split" in table:
        notes = [f"The table's own splits were discarded: {_counts(table['split'])}."]
        table = table.drop(columns="split")
    frame, more = settle_names(
        table,
        config.answers,
        ask_emotions=config.label_set is None and not config.emotions,
        kind=config.kind if config.label_set is None else get_label_set(config.label_set).kind,
    )
    labels = _label_set(frame, path, config)
    if "group" in frame and "context_group" not in frame:
        frame = frame.rename(columns={"group": "context_group"})
    places = [f"row {number}" for number in range(1, len(frame) + 1)]
    if "sample_id" not in frame:
        frame.insert(0, "sample_id", [f"{path.stem}-{k:07d}" for k in range(1, len(frame) + 1)])
    frame["record"] = [f"{path.name} {place}" for place in places]
    if config.split == "deal":
        frame["split"] = _deal(frame, labels, config.seed)
    found = None if config.boxes == "columns" else config.boxes
    return SourceTable(
        kind="table",
        frame=frame,
        labels=labels,
        image_root=root,
        # A user's own table is to be right: its faults are for its owner to settle.
        policy={"no_labels": "fail", "missing_image": "fail"},
        settings={
            "table": path.name,
            "label_set": labels.name,
            "columns": dict(config.columns),
            "split": config.split,
            "boxes": config.boxes,
            "seed": config.seed,
            "kind": labels.kind,
            **config.answers.to_dict(),
        },
        notes=(*notes, *more),
        complete=found and complete_boxes(root, found, quiet=quiet),
    )


def _read(path: Path, config: TableConfig) -> pd.DataFrame:
    """The table with our columns' names, those that are needed there."""
    texts = (*TEXT_COLUMNS, "group", "record")
    theirs = [name for ours, name in config.columns.items() if ours in texts]
    table = read_table(path, text_columns=(*texts, *theirs))
    absent = [name for name in config.columns.values() if name not in table]
    if absent:
        raise InputError(
            f"Expected the columns {', '.join(absent)} in {path}, got {list(table.columns)}."
        )
    named_otherwise = {ours: name for ours, name in config.columns.items() if ours != name}
    shadowed = [name for name in table if name in named_otherwise]
    mapped = {ours: table[name] for ours, name in named_otherwise.items()}
    spent = [name for name in named_otherwise.values() if name not in config.columns]
    table = table.drop(columns=list(dict.fromkeys([*shadowed, *spent]))).assign(**mapped)
    needed = set(_COLUMNS)
    needed -= {"split"} if config.split == "deal" else set()
    needed -= set(BOX_COLUMNS) if config.boxes != "columns" else set()
    absent = [name for name in _COLUMNS if name in needed and name not in table]
    if absent:
        wanted = ", ".join(name for name in _COLUMNS if name in needed)
        raise InputError(
            f"Expected the columns {wanted} in {path}, got none named {', '.join(absent)}; "
            "say which it is with --column, deal splits with --split deal, or find boxes with "
            "--boxes faces."
        )
    if table.empty:
        raise InputError(f"Expected rows in {path}, got none.")
    return table


def _deal(frame: pd.DataFrame, labels: LabelSet, seed: int) -> pd.Series:
    """Splits by person or picture, evenly over labels where a subject has one."""
    known = "source_id" in frame and not is_blank(frame["source_id"]).any()
    units, texts = frame["source_id" if known else "image"], frame["labels"]
    # Rows without a picture, or with labels at fault, have a fault of their own: any split will do.
    names = texts.fillna("").map(label_names)
    most = 1 if labels.kind == "single" else labels.size
    sound = names.map(lambda row: 0 < len(row) <= most and set(row) <= set(labels.emotions))
    dealt = sound.to_numpy(bool) & ~is_blank(units)
    strata = names.map(lambda row: row[0] if labels.kind == "single" and row else "any")
    splits = pd.Series("train", index=frame.index)
    splits[dealt] = deal_units(
        units[dealt].astype(str),
        strata[dealt],
        SPLIT_SHARES,
        what="subject" if known else "picture",
        seed=seed,
    )
    return splits


def _only_table(root: Path) -> Path:
    found = sorted(path for path in root.iterdir() if path.suffix.lower() in _SUFFIXES)
    if len(found) != 1:
        names = [path.name for path in found] or "none"
        raise InputError(
            f"Expected one table (.csv, .tsv or .parquet) in {root}, got {names}; "
            "name it with --table."
        )
    return found[0]


def _label_set(table: pd.DataFrame, path: Path, config: TableConfig) -> LabelSet:
    if config.label_set is not None:
        return get_label_set(config.label_set)
    names_of = [label_names(text) for text in table["labels"].dropna().unique()]
    several = any(len(names) > 1 for names in names_of)
    kind = config.kind if config.kind != "auto" else "multi" if several else "single"
    emotions = config.emotions or sorted({name for names in names_of for name in names})
    if len(emotions) < 2:
        raise InputError(
            f"Expected two or more emotions in the column labels of {path}, got {list(emotions)}."
        )
    return make_label_set(path.stem, emotions, kind)


def _counts(column: pd.Series) -> str:
    """Such as "train 70, test 30", with the rows without a value at the end."""
    counts = column.fillna("").astype(str).str.strip().value_counts(sort=False)
    blank = int(counts.get("", 0))
    texts = [f"{name} {count:,}" for name, count in counts.items() if name]
    return ", ".join([*texts, *([f"none {blank:,}"] if blank else [])])


def make_label_set(name: str, emotions: Sequence[str], kind: str) -> LabelSet:
    """A label set with the usual loss of its kind. A known set's name is not taken by another."""
    name = f"{name}-table" if name in LABEL_SETS else name
    if kind == "single":
        return LabelSet(
            name=name,
            emotions=tuple(emotions),
            kind="single",
            loss="cross_entropy",
            link="softmax",
            headline="balanced_accuracy",
        )
    return LabelSet(
        name=name,
        emotions=tuple(emotions),
        kind="multi",
        loss="binary_cross_entropy",
        link="sigmoid",
        headline="map",
    )
