"""EMOTIC as the community pre-processes it: a CSV a split, and arrays of resized pictures.

`{train,val,test}.csv` have the columns Index, Folder, Filename, Image Size (width, height), BBox,
Categorical_Labels, Continuous_Labels, Gender, Age, with lists in Python's notation. Beside them
`*_context_arr.npy` (N, 224, 224, 3) and `*_body_arr.npy` (N, 128, 128, 3) are RGB uint8,
`*_cat_arr.npy` (N, 26) and `*_cont_arr.npy` (N, 3).

Where EMOTIC's own pictures lie beside, they are used; otherwise the contexts are written out as
pictures, with the boxes scaled as the pictures were.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.datasets.source import ReadFault, SourceTable
from ccim_core.errors import InputError
from ccim_core.files import resolve_inside
from ccim_core.images import encode_png
from ccim_core.labels import LABEL_SEPARATOR, LabelSet, get_label_set
from ccim_core.manifest import BOX_COLUMNS, VAD_COLUMNS
from ccim_core.progress import progress

__all__ = ["load_array", "read_arrays"]

_SPLITS = ("train", "val", "test")
_COLUMNS = (
    "Folder",
    "Filename",
    "Image Size",
    "BBox",
    "Categorical_Labels",
    "Continuous_Labels",
)
_WRAPPERS = re.compile(r"np\.\w+\(|numpy\.\w+\(")  # numpy 2 writes np.float64(5.0)
_NUMBER = re.compile(r"nan|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


@dataclass(frozen=True, kw_only=True)
class _Context:
    """Where a written picture comes from: row `index` of the memory-mapped contexts of a split."""

    contexts: np.ndarray
    index: int


def read_arrays(folder: Path, picture_root: Path | None) -> SourceTable:
    """Read the CSV and .npy files in `folder`.

    picture_root: EMOTIC's own pictures; None if they are not at hand, then the contexts are taken.

    Raises InputError for a missing split, a CSV with other columns, arrays of another shape or
    number, or labels that the CSV and `cat_arr` do not agree on.
    """
    labels = get_label_set("emotic")
    tables = [_read_csv(folder / f"{split}.csv", split) for split in _SPLITS]
    frame = pd.concat(tables, ignore_index=True)
    for split, table in zip(_SPLITS, tables, strict=True):
        _check_labels(folder, split, table, labels)
    settings = {"form": "arrays", "pictures": "originals" if picture_root else "contexts"}
    vad = frame[list(VAD_COLUMNS)].isna().any(axis=1)
    faults = tuple(
        ReadFault(cause="vad_missing", detail="no valence, arousal or dominance", row=int(row))
        for row in np.flatnonzero(vad)
    )
    if picture_root is not None:
        return SourceTable(
            kind="emotic",
            frame=frame,
            labels=labels,
            image_root=picture_root,
            faults=faults,
            settings=settings,
        )
    frame, contexts = _use_contexts(folder, frame, tables)
    return SourceTable(
        kind="emotic",
        frame=frame,
        labels=labels,
        image_root=Path("pictures"),
        faults=faults,
        settings=settings,
        notes=("Pictures are the arrays' contexts, 224 × 224 pixels and stretched to a square.",),
        write_pictures=_writer(contexts),
        content_ids={
            image: hashlib.sha256(context.contexts[context.index].tobytes()).hexdigest()
            for image, context in contexts.items()
        },
    )


def _read_csv(path: Path, split: str) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(
            f"Expected train.csv, val.csv and test.csv in {path.parent}, got no {path.name}."
        )
    rows: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            absent = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise InputError(
                    f"Expected the columns {', '.join(_COLUMNS)} in {path}, "
                    f"got none named {', '.join(absent)}."
                )
            for number, cells in enumerate(reader, start=1):
                rows.append(_read_row(cells, split, number, path.name))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"Expected a CSV table in {path}, got something else ({error}).") from None
    if not rows:
        raise InputError(f"Expected rows below the header of {path}, got none.")
    return pd.DataFrame(rows)


def _read_row(cells: dict[str, str], split: str, number: int, file: str) -> dict[str, Any]:
    width, height = _numbers(cells["Image Size"], 2)
    folder, name = (cells["Folder"] or "").strip("/ "), (cells["Filename"] or "").strip()
    return {
        "sample_id": f"{split}-{number:05d}",
        "image": f"{folder}/{name}" if folder and name else name or None,
        "split": split,
        **dict(zip(BOX_COLUMNS, _numbers(cells["BBox"], 4), strict=True)),
        "labels": LABEL_SEPARATOR.join(dict.fromkeys(_texts(cells["Categorical_Labels"]))),
        **dict(zip(VAD_COLUMNS, _numbers(cells["Continuous_Labels"], 3), strict=True)),
        "gender": cells.get("Gender") or None,
        "age": cells.get("Age") or None,
        "width": width,
        "height": height,
        "record": f"{file} row {number}",
    }


def _numbers(text: str | None, count: int) -> list[float]:
    """`"[640, 480]"` to floats; NaN where there are not `count` of them."""
    found = [float(number) for number in _NUMBER.findall(_WRAPPERS.sub("", text or ""))]
    return found if len(found) == count else [np.nan] * count


def _texts(text: str | None) -> list[str]:
    """`"['Peace', 'Doubt/Confusion']"` to its strings."""
    return [(one or two).strip() for one, two in _QUOTED.findall(text or "") if one or two]


def load_array(path: Path, shape: tuple[int | None, ...], *, what: str) -> np.ndarray:
    """A memory-mapped .npy file of numbers. Raises InputError for another shape or kind of file.

    `shape` has None where any length will do.
    """
    if not path.is_file():
        raise InputError(f"Expected {what} at {path}, got no such file.")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            f"Expected {what} as an array of numbers in {path}, got something else ({error})."
        ) from None
    fits = len(array.shape) == len(shape) and all(
        want in (None, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = " × ".join("N" if length is None else str(length) for length in shape)
        got = " × ".join(map(str, array.shape))
        raise InputError(f"Expected {what} of shape {wanted} in {path}, got {got}.")
    return array


def _check_labels(folder: Path, split: str, table: pd.DataFrame, labels: LabelSet) -> None:
    """`cat_arr`, where it is there, must say what the CSV says: else rows are not aligned."""
    path = folder / f"{split}_cat_arr.npy"
    if not path.is_file():
        return
    array = load_array(path, (len(table), labels.size), what=f"{split}'s labels")
    known = set(labels.emotions)
    for row, text in enumerate(table["labels"]):
        names = set(filter(None, text.split(LABEL_SEPARATOR)))
        coded = {labels.emotions[j] for j in np.flatnonzero(array[row])}
        if names & known != coded:
            raise InputError(
                f"Expected {path.name} to have the labels of {split}.csv, got {sorted(coded)} for "
                f"{sorted(names)} in row {row + 1}; the files are not of one run."
            )


def _use_contexts(
    folder: Path, frame: pd.DataFrame, tables: list[pd.DataFrame]
) -> tuple[pd.DataFrame, dict[str, _Context]]:
    """Rows that point to pictures still to be written, boxes scaled to them."""
    contexts: dict[str, _Context] = {}
    images: list[str | None] = []
    scales = []
    for split, table in zip(_SPLITS, tables, strict=True):
        array = load_array(
            folder / f"{split}_context_arr.npy",
            (len(table), None, None, 3),
            what=f"{split}'s context pictures (or EMOTIC's own beside them)",
        )
        if array.dtype != np.uint8:
            raise InputError(
                f"Expected uint8 pictures in {split}_context_arr.npy, got {array.dtype}."
            )
        for index, image in enumerate(table["image"]):
            if image is None:
                images.append(None)
                continue
            name = f"{split}/{image}.png"
            contexts.setdefault(name, _Context(contexts=array, index=index))
            images.append(name)
        scales.append(np.tile([array.shape[2], array.shape[1]], (len(table), 1)))
    size = np.concatenate(scales).astype(float)
    scaled = frame.copy()
    ratio = size / frame[["width", "height"]].to_numpy(float)
    scaled[list(BOX_COLUMNS)] = frame[list(BOX_COLUMNS)].to_numpy(float) * np.tile(ratio, 2)
    scaled["image"] = images
    scaled[["width", "height"]] = size
    return scaled, contexts


def _writer(contexts: dict[str, _Context]) -> Callable[[Path, bool], None]:
    def write(folder: Path, quiet: bool) -> None:
        bar = progress(contexts.items(), "Write pictures", unit="picture", quiet=quiet)
        for image, context in bar:
            path = resolve_inside(folder, image)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(np.array(context.contexts[context.index])))

    return write
