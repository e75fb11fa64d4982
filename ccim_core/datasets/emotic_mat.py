"""EMOTIC's MATLAB annotations: `Annotations.mat`, and the older `CVPR17_Annotations.mat`.

Both hold the struct arrays `train`, `val` and `test`, one element a picture. Fields are read by
name, for their order differs between the two. A person of `train` has one annotator; one of `val`
and `test` has several, with their union in `combined_categories` and their means in
`combined_continuous`.

MATLAB's arrays come squeezed: one element is a scalar, none an empty array.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import loadmat, whosmat

from ccim_core.datasets.source import ReadFault
from ccim_core.datasets.votes import ANNOTATORS_COLUMN, SOFT_LABELS_COLUMN, write_soft_labels
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SEPARATOR, LabelSet
from ccim_core.manifest import BOX_COLUMNS, VAD_COLUMNS

__all__ = ["SPLITS", "MatAnnotations", "read_mat"]

SPLITS = ("train", "val", "test")
_RECORD_FIELDS = ("filename", "folder", "person")
_PERSON_FIELDS = ("body_bbox", "annotations_categories")
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class MatAnnotations:
    """A row a person: a manifest's columns, `record`, `gender`, `age`; and what was at fault."""

    frame: pd.DataFrame
    faults: tuple[ReadFault, ...]


def read_mat(path: Path, labels: LabelSet, *, soft_labels: bool = False) -> MatAnnotations:
    """Read the persons of all splits.

    `image` is folder/filename; `record` names the place as MATLAB counts, `train(17).person(2)`;
    with `soft_labels` the annotators' votes are kept too (`ccim_core.datasets.votes`).

    Raises InputError for a file that is no .mat file up to version 7, or another one.
    """
    _require_variables(path)
    rows: list[dict[str, Any]] = []
    faults: list[ReadFault] = []
    for split in SPLITS:  # one at a time: the whole is held but once
        for number, record in enumerate(_load_split(path, split), start=1):
            place = f"{split}({number})"
            _require_fields(record, _RECORD_FIELDS, place, path)
            persons = _elements(record.person)
            if not persons:
                image = _image(record)
                faults.append(
                    ReadFault(
                        cause="person_missing",
                        split=split,
                        record=place,
                        detail=f"{image or 'no picture'} has no person",
                    )
                )
            for k, person in enumerate(persons, start=1):
                where = f"{place}.person({k})"
                _require_fields(person, _PERSON_FIELDS, where, path)
                row, found = _read_person(person, labels, soft_labels=soft_labels)
                faults += [
                    ReadFault(cause=cause, detail=detail, row=len(rows)) for cause, detail in found
                ]
                rows.append(
                    {
                        "sample_id": f"{split}-{number:05d}-{k}",
                        "image": _image(record),
                        "split": split,
                        **row,
                        **_size(record),
                        "record": where,
                    }
                )
    return MatAnnotations(frame=pd.DataFrame(rows), faults=tuple(faults))


def _require_variables(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(1024)
    if head.startswith(b"MATLAB 7.3") or _HDF5_MAGIC in head:
        raise InputError(
            f"Expected a .mat file of version 5 to 7 at {path}, got version 7.3 (HDF5); "
            "save it again in MATLAB with save(…, '-v7')."
        )
    try:
        names = [name for name, *_ in whosmat(path)]
    except Exception as error:  # whatever its readers meet in bytes that are no .mat file
        raise _unreadable(path, error) from None
    absent = [split for split in SPLITS if split not in names]
    if absent:
        # A file that ends between two variables, or within the last one, reads as a shorter one.
        cut = len(absent) < len(SPLITS)
        remedy = "copy it again, it may be cut short" if cut else "name the file with --annotations"
        raise InputError(
            f"Expected EMOTIC's annotations with the variables {', '.join(SPLITS)} in {path}, "
            f"got {names or 'none'}; {remedy}."
        )


def _load_split(path: Path, split: str) -> Sequence[Any]:
    try:
        content = loadmat(path, variable_names=[split], squeeze_me=True, struct_as_record=False)
    except Exception as error:  # damaged bytes raise nearly every kind
        raise _unreadable(path, error) from None
    return _elements(content[split])


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        f"Expected a whole .mat file at {path}, got a damaged one or another kind of file "
        f"({reason}); copy it again."
    )


def _require_fields(struct: Any, fields: Sequence[str], place: str, path: Path) -> None:
    present = getattr(struct, "_fieldnames", None)
    absent = [field for field in fields if present is None or field not in present]
    if absent:
        got = "no struct" if present is None else ", ".join(present)
        raise InputError(
            f"Expected EMOTIC's annotations in {path}, with the field {absent[0]} at {place}, "
            f"got {got}; name the file with --annotations."
        )


def _elements(value: Any) -> Sequence[Any]:
    """A squeezed array's elements: a scalar is one, an empty array none."""
    return list(np.atleast_1d(np.asarray(value, object)).ravel())


def _texts(value: Any) -> list[str]:
    """The strings of a char array or of a cell of them, blanks left out."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, np.ndarray):
        return [text for element in value.ravel() for text in _texts(element)]
    return []


def _text(value: Any) -> str:
    return next(iter(_texts(value)), "")


def _numbers(value: Any, count: int) -> list[float]:
    """`count` floats, NaN where there is no such number."""
    try:
        found = np.asarray(value, float).ravel()
    except (TypeError, ValueError):
        found = np.empty(0)
    return [float(number) for number in found] if len(found) == count else [np.nan] * count


def _image(record: Any) -> str | None:
    folder, name = _text(record.folder), _text(record.filename)
    return f"{folder.strip('/')}/{name}" if folder and name else name or None


def _size(record: Any) -> dict[str, float]:
    size = getattr(record, "image_size", None)
    width = _numbers(getattr(size, "n_col", None), 1)[0]
    return {"width": width, "height": _numbers(getattr(size, "n_row", None), 1)[0]}


def _read_person(
    person: Any, labels: LabelSet, *, soft_labels: bool
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The person's columns, and causes with details."""
    faults: list[tuple[str, str]] = []
    votes = list(_votes(person.annotations_categories))
    union = set().union(*votes)
    emotions = list(votes[0]) if len(votes) == 1 else sorted(union)
    if "combined_categories" in person._fieldnames:
        emotions = _texts(person.combined_categories)
        if set(emotions) != union and votes:
            difference = ", ".join(sorted(set(emotions) ^ union))
            faults.append(("votes_differ", f"{difference} on one side only"))
    vad = _vad(person)
    if np.isnan(vad).any():
        names = ", ".join(
            name for name, value in zip(VAD_COLUMNS, vad, strict=True) if np.isnan(value)
        )
        faults.append(("vad_missing", f"no {names}"))
    row: dict[str, Any] = dict(zip(BOX_COLUMNS, _numbers(person.body_bbox, 4), strict=True))
    row["labels"] = LABEL_SEPARATOR.join(dict.fromkeys(emotions))
    row |= dict(zip(VAD_COLUMNS, vad, strict=True))
    row["gender"] = _text(getattr(person, "gender", "")) or None
    row["age"] = _text(getattr(person, "age", "")) or None
    if soft_labels:
        row[SOFT_LABELS_COLUMN] = write_soft_labels(votes, labels)
        row[ANNOTATORS_COLUMN] = len(votes)
    return row, faults


def _votes(annotations: Any) -> Iterator[list[str]]:
    """Each annotator's emotions; one who gave none is no annotator."""
    for annotation in _elements(annotations):
        emotions = _texts(getattr(annotation, "categories", annotation))
        if emotions:
            yield emotions


def _vad(person: Any) -> list[float]:
    """Combined values, else one annotator's, else the mean of several's."""
    if "combined_continuous" in person._fieldnames:
        given = _elements(person.combined_continuous)
    else:
        given = _elements(getattr(person, "annotations_continuous", None))
    values = [[_numbers(getattr(one, name, None), 1)[0] for name in VAD_COLUMNS] for one in given]
    if len(values) <= 1:
        return values[0] if values else [np.nan] * len(VAD_COLUMNS)
    return [float(value) for value in np.mean(values, axis=0)]
