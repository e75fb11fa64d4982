"""Any dataset as a table: CSV, TSV or Parquet with a row a subject.

Columns: `image, split, x1, y1, x2, y2, labels` (labels separated by `|`); optional `sample_id,
scene, face_x1 … face_y2, source_id, group, valence, arousal, dominance`, and whatever else, which
is kept. `source_id` names what must not be in two splits (a person, a video); `group` is the
context group that metrics are split by (`context_group` in the manifest).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ccim_core.datasets.source import SourceTable
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SEPARATOR, LABEL_SETS, LabelSet, get_label_set
from ccim_core.manifest import BOX_COLUMNS, TEXT_COLUMNS, read_table

__all__ = ["TableConfig", "read_table_source"]

_COLUMNS = ("image", "split", *BOX_COLUMNS, "labels")
_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """How to read a table.

    table: the file; None takes the only one in the root. label_set: a known label set by name, or
    None for one of `emotions`, or, without these, of the emotions that occur. kind: whether a
    subject has one label or several; "auto" goes by what occurs.
    """

    table: Path | None = None
    label_set: str | None = None
    emotions: tuple[str, ...] = ()
    kind: Literal["auto", "single", "multi"] = "auto"

    def __post_init__(self) -> None:
        if self.kind not in ("auto", "single", "multi"):
            raise InputError(f"Expected kind to be auto, single or multi, got {self.kind!r}.")
        if self.label_set and (self.emotions or self.kind != "auto"):
            raise InputError("Expected a label set or emotions with their kind, got both.")


def read_table_source(root: Path | str, config: TableConfig | None = None) -> SourceTable:
    """Read a table whose `image` paths are relative to `root`.

    Raises InputError for no table or several, missing columns, and labels that make no label set.
    """
    config = config or TableConfig()
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"Expected a folder of pictures at {root}, got none; check --root.")
    path = config.table or _only_table(root)
    texts = (*TEXT_COLUMNS, "group", "record")
    table = read_table(path, text_columns=texts)
    absent = [column for column in _COLUMNS if column not in table]
    if absent:
        raise InputError(
            f"Expected the columns {', '.join(_COLUMNS)} in {path}, "
            f"got none named {', '.join(absent)}."
        )
    if table.empty:
        raise InputError(f"Expected rows in {path}, got none.")
    labels = _label_set(table, path, config)
    frame = table.copy()
    if "group" in frame and "context_group" not in frame:
        frame = frame.rename(columns={"group": "context_group"})
    places = [f"row {number}" for number in range(1, len(frame) + 1)]
    if "sample_id" not in frame:
        frame.insert(0, "sample_id", [f"{path.stem}-{k:07d}" for k in range(1, len(frame) + 1)])
    frame["record"] = [f"{path.name} {place}" for place in places]
    return SourceTable(
        kind="table",
        frame=frame,
        labels=labels,
        image_root=root,
        # A user's own table is to be right: its faults are for its owner to settle.
        policy={"no_labels": "fail", "missing_image": "fail"},
        settings={"table": path.name, "label_set": labels.name},
    )


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
    names_of = [_names(text) for text in table["labels"].dropna().unique()]
    several = any(len(names) > 1 for names in names_of)
    kind = config.kind if config.kind != "auto" else "multi" if several else "single"
    emotions = config.emotions or sorted({name for names in names_of for name in names})
    if len(emotions) < 2:
        raise InputError(
            f"Expected two or more emotions in the column labels of {path}, got {list(emotions)}."
        )
    return make_label_set(path.stem, emotions, kind)


def _names(text: Any) -> list[str]:
    return [part.strip() for part in str(text).split(LABEL_SEPARATOR) if part.strip()]


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
