"""EMOTIC's Annotations.mat, its struct arrays and cells as MATLAB writes them, with pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from ccim_core.labels import get_label_set
from tests.ccim_core.datasets.builders.drawing import save_picture

__all__ = [
    "EMOTIONS",
    "PERSON_FIELDS",
    "build_emotic",
    "emotic_person",
    "emotic_record",
    "save_emotic_mat",
    "sound_records",
    "structs",
]

PERSON_FIELDS = {
    "train": ("body_bbox", "annotations_categories", "annotations_continuous", "gender", "age"),
    "val": (
        "body_bbox",
        "annotations_categories",
        "combined_categories",
        "annotations_continuous",
        "combined_continuous",
        "gender",
        "age",
    ),
}
RECORD_FIELDS = ("filename", "folder", "image_size", "original_database", "person")
VAD_FIELDS = ("valence", "arousal", "dominance")
EMOTIC_FOLDERS = ("ade20k", "emodb_small", "framesdb", "mscoco")


def structs(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> np.ndarray:
    """A 1×n struct array with the fields in this order, as MATLAB writes it."""
    array = np.empty((1, len(rows)), [(field, object) for field in fields])
    for k, row in enumerate(rows):
        for field in fields:
            array[field][0, k] = row[field]
    return array


def cell(texts: Sequence[str]) -> np.ndarray:
    """A 1×n cell of strings."""
    array = np.empty((1, len(texts)), object)
    array[0, :] = list(texts)
    return array


def emotic_person(
    split: str,
    votes: Sequence[Sequence[str]],
    *,
    box: Sequence[float] = (5, 5, 35, 38),
    vad: Sequence[Sequence[float]] | None = None,
    combined: Sequence[str] | None = None,
) -> dict[str, Any]:
    """One person. `votes` is a list of emotions an annotator; `train` has one annotator.

    `vad`: a triple an annotator (default 5, 5, 5); `combined`: in place of the votes' union.
    """
    vad = vad if vad is not None else [(5, 5, 5)] * len(votes)
    categories = [{"categories": cell(vote)} for vote in votes]
    continuous = [dict(zip(VAD_FIELDS, triple, strict=True)) for triple in vad]
    person: dict[str, Any] = {
        "body_bbox": np.array([list(box)], float),
        "annotations_categories": structs(categories, ["categories"]),
        "annotations_continuous": structs(continuous, VAD_FIELDS),
        "gender": "Female",
        "age": "Adult",
    }
    if split != "train":
        union = sorted(set().union(*votes)) if combined is None else combined
        person["combined_categories"] = cell(union)
        means = np.mean(vad, axis=0) if len(vad) else [np.nan] * 3
        person["combined_continuous"] = structs(
            [dict(zip(VAD_FIELDS, map(float, means), strict=True))], VAD_FIELDS
        )
    return person


def emotic_record(
    split: str,
    folder: str,
    filename: str,
    persons: Sequence[Mapping[str, Any]],
    *,
    size: tuple[int, int] = (40, 60),
    swap_fields: bool = False,
) -> dict[str, Any]:
    """One picture's record; `size` is (rows, columns); `swap_fields` is CVPR17's order."""
    fields = ("n_row", "n_col") if swap_fields else ("n_col", "n_row")
    numbers = {"n_row": size[0], "n_col": size[1]}
    database = structs([{"name": folder.split("/")[0], "info": ""}], ("name", "info"))
    of_split = PERSON_FIELDS["train" if split == "train" else "val"]
    return {
        "filename": filename,
        "folder": folder,
        "image_size": structs([numbers], fields),
        "original_database": database,
        "person": structs(persons, of_split),
    }


def save_emotic_mat(path: Path, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write `train`, `val` and `test` as the struct arrays of Annotations.mat."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {split: structs(rows, RECORD_FIELDS) for split, rows in records.items()}
    savemat(path, content, do_compression=True)


EMOTIONS = get_label_set("emotic").emotions


def sound_records(root: Path, split: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Records without a fault and their pictures: one or two persons, one to three emotions."""
    rng = np.random.default_rng(seed)
    records = []
    for k in range(count):
        folder = f"{EMOTIC_FOLDERS[k % 4]}/images"
        name = f"{split}_{k:03d}.jpg"
        save_picture(root / folder / name, seed * 1000 + k)
        annotators = 1 if split == "train" else 3
        persons = []
        for person in range(1 + k % 2):
            votes = [
                [str(name) for name in rng.choice(EMOTIONS, rng.integers(1, 4), replace=False)]
                for _ in range(annotators)
            ]
            persons.append(emotic_person(split, votes, box=(2 + 20 * person, 3, 30, 39)))
        records.append(emotic_record(split, folder, name, persons))
    return records


def build_emotic(root: Path, *, older: bool = False, n_train: int = 12) -> Path:
    """EMOTIC's tree without faults: `n_train` pictures to train, 6 to validate, 8 to test.

    `older`: CVPR17_Annotations.mat beside cvpr_emotic/, image sizes in the other order.
    """
    pictures = root / ("cvpr_emotic" if older else "emotic")
    sizes = {"train": n_train, "val": 6, "test": 8}
    records = {
        split: sound_records(pictures, split, count, seed)
        for seed, (split, count) in enumerate(sizes.items())
    }
    if older:
        for rows in records.values():
            for row in rows:
                row["image_size"] = structs([{"n_row": 40, "n_col": 60}], ("n_row", "n_col"))
    name = "CVPR17_Annotations.mat" if older else "Annotations/Annotations.mat"
    save_emotic_mat(root / name, records)
    return root
