"""GroupWalk's one public pickle: split → {context21, context2, context3, context4, labels, id}.

What its keys hold is not documented. What is assumed, checked and noted: a context is usable as
pictures when it is (N, H, W, 3) or (N, 3, H, W), uint8, or floats in 0–1 or 0–255; labels are
numbers in the order Angry, Happy, Neutral, Sad, rows with a single 1 in that order, or names; `id`
tells persons apart where it repeats, and is a row's own number where it does not. There are no
boxes: the whole picture is taken, until `detect` finds the person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.datasets.restricted_pickle import load_restricted_pickle
from ccim_core.datasets.source import SourceTable
from ccim_core.datasets.unit_splits import deal_units
from ccim_core.errors import InputError
from ccim_core.files import resolve_inside
from ccim_core.images import Picture, encode_png
from ccim_core.labels import LabelSet
from ccim_core.progress import progress

__all__ = ["read_pickle"]

_SPLITS = ("train", "val", "test")
_PICTURE_KEYS = ("context21", "context2", "context3", "context4")


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One split: pictures (N, H, W, 3) uint8 or float, labels and ids, as text."""

    pictures: np.ndarray
    labels: list[str]
    ids: list[str]


def read_pickle(path: Path, labels: LabelSet, *, val_share: float, seed: int) -> SourceTable:
    """Read the pickle; validation is carved out of train, by person, where it has none.

    Raises InputError for a pickle that asks for other classes, of another structure, or without
    pictures in it.
    """
    content = load_restricted_pickle(path)
    names = [split for split in _SPLITS if isinstance(content, dict) and split in content]
    if "train" not in names or "test" not in names:
        got = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise InputError(f"Expected a dict with train and test in {path}, got {got}.")
    key = _picture_key(path, {split: content[split] for split in names})
    parts = {split: _read_part(path, split, content[split], key, labels) for split in names}
    frame = pd.concat([_rows(split, part) for split, part in parts.items()], ignore_index=True)
    notes = [f"Pictures are the arrays {key!r} of the pickle; it has no boxes: run `detect`."]
    if all(len(set(part.ids)) == len(part.ids) for part in parts.values()):
        frame = frame.drop(columns="source_id")
        notes.append(
            "No id repeats within a split, so ids are taken for rows' numbers: who is who is not "
            "known, and a person in two splits can't be found."
        )
    if "val" not in names:
        frame["split"] = _carve_val(frame, val_share, seed)
        notes.append(f"Validation is {val_share:.4g} of train, with seed {seed}.")
    pictures = {
        f"{split}/{row:06d}.png": (part.pictures, row)
        for split, part in parts.items()
        for row in range(len(part.pictures))
    }
    return SourceTable(
        kind="groupwalk",
        frame=frame,
        labels=labels,
        image_root=Path("pictures"),
        settings={"annotations": path.name, "pictures": key, "seed": seed},
        notes=tuple(notes),
        write_pictures=_writer(pictures),
        content_ids={
            image: hashlib.sha256(array[row].tobytes()).hexdigest()
            for image, (array, row) in pictures.items()
        },
    )


def _picture_key(path: Path, splits: Mapping[str, Any]) -> str:
    """The first key that holds pictures in every split."""
    shapes: dict[str, str] = {}
    for key in _PICTURE_KEYS:
        found = [part.get(key) if isinstance(part, dict) else None for part in splits.values()]
        if all(_as_pictures(array) is not None for array in found):
            return key
        shapes[key] = " and ".join(_describe(array) for array in found)
    raise InputError(
        f"Expected pictures (N, H, W, 3) or (N, 3, H, W) under one of {', '.join(_PICTURE_KEYS)} "
        f"in {path}, got {shapes}; use the table form instead."
    )


def _describe(array: Any) -> str:
    if isinstance(array, np.ndarray):
        return f"{array.dtype} {array.shape}"
    return "nothing" if array is None else type(array).__name__


def _as_pictures(value: Any) -> np.ndarray | None:
    """(N, H, W, 3), or None for what is no set of pictures."""
    if not isinstance(value, np.ndarray) or value.ndim != 4 or value.dtype.kind not in "uif":
        return None
    if value.shape[3] != 3:
        if value.shape[1] != 3:
            return None
        value = value.transpose(0, 2, 3, 1)
    if value.dtype != np.uint8 and not _in_range(value):
        return None
    return value


def _in_range(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and values.min() >= 0 and values.max() <= 255)


def _read_part(
    path: Path, split: str, part: Mapping[str, Any], key: str, labels: LabelSet
) -> _Part:
    pictures = _as_pictures(part[key])
    assert pictures is not None  # `_picture_key` chose it so
    place = f"{path}[{split!r}]"
    missing = [name for name in ("labels", "id") if name not in part]
    if missing:
        raise InputError(
            f"Expected the keys labels and id in {place}, got none named {missing[0]}."
        )
    names = _emotions(part["labels"], labels, place)
    ids = [str(value) for value in np.asarray(part["id"], object).ravel()]
    if not len(pictures) == len(names) == len(ids):
        raise InputError(
            f"Expected as many labels and ids as pictures in {place}, got {len(pictures)} "
            f"pictures, {len(names)} labels and {len(ids)} ids."
        )
    return _Part(pictures=pictures, labels=names, ids=ids)


def _emotions(value: Any, labels: LabelSet, place: str) -> list[str]:
    array = np.asarray(value)
    if array.dtype.kind in "US" or array.dtype == object:
        return [str(name) for name in array.ravel()]
    if array.ndim == 2 and array.shape[1] == labels.size:
        if not ((array != 0).sum(axis=1) == 1).all():
            raise InputError(f"Expected one emotion in each row of labels in {place}, got others.")
        array = array.argmax(axis=1)
    codes = array.ravel()
    if not np.isin(codes, np.arange(labels.size)).all():
        raise InputError(
            f"Expected labels of 0 to {labels.size - 1} in {place}, got {np.unique(codes)[:8]}."
        )
    return [labels.emotions[int(code)] for code in codes]


def _rows(split: str, part: _Part) -> pd.DataFrame:
    n, height, width = part.pictures.shape[:3]
    return pd.DataFrame(
        {
            "sample_id": [f"{split}-{row:06d}" for row in range(n)],
            "image": [f"{split}/{row:06d}.png" for row in range(n)],
            "split": split,
            "x1": 0.0,
            "y1": 0.0,
            "x2": float(width),
            "y2": float(height),
            "labels": part.labels,
            "source_id": part.ids,
            "width": float(width),
            "height": float(height),
            "box_source": "picture",
            "record": [f"{split}[{row}]" for row in range(n)],
        }
    )


def _carve_val(frame: pd.DataFrame, val_share: float, seed: int) -> pd.Series:
    train = frame[frame["split"] == "train"]
    units = train["source_id"] if "source_id" in train else train["sample_id"]
    shares = {"train": 1 - val_share, "val": val_share}
    dealt = deal_units(units, train["labels"], shares, what="person", seed=seed)
    return dealt.reindex(frame.index).fillna(frame["split"])


def _writer(pictures: Mapping[str, tuple[np.ndarray, int]]) -> Callable[[Path, bool], None]:
    # Per array, not per picture: a dark picture is dark.
    unit = {
        id(array): array.dtype.kind == "f" and array.max() <= 1 for array, _ in pictures.values()
    }

    def write(folder: Path, quiet: bool) -> None:
        bar: Sequence[Any] | Any = progress(
            pictures.items(), "Write pictures", unit="picture", quiet=quiet
        )
        for image, (array, row) in bar:
            path = resolve_inside(folder, image)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(_to_uint8(array[row], scale=255 if unit[id(array)] else 1)))

    return write


def _to_uint8(picture: np.ndarray, *, scale: int) -> Picture:
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    return np.round(picture.astype(np.float64) * scale).astype(np.uint8)
