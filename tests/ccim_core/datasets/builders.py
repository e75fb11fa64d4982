"""Tiny instances of the public datasets in their real on-disk formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from ccim_core.labels import get_label_set

__all__ = [
    "FaultyEmotic",
    "build_caer_s",
    "build_emotic",
    "build_emotic_arrays",
    "build_faulty_emotic",
    "build_groupwalk_table",
    "build_table",
    "draw_picture",
    "emotic_person",
    "emotic_record",
    "save_emotic_mat",
    "save_picture",
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


def draw_picture(seed: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    """An (H, W, 3) uint8 picture of a few coloured patches, different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (5, 7, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.NEAREST))


def save_picture(
    path: Path, seed: int, size: tuple[int, int] = (40, 60), mode: str = "RGB"
) -> None:
    """Write a picture of `draw_picture` in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_picture(seed, size)).convert(mode).save(path)


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


@dataclass(frozen=True)
class FaultyEmotic:
    """A tree with planted faults: record → cause, and the records that one fault takes along."""

    root: Path
    planted: dict[str, str]
    twins: dict[str, str]


def build_faulty_emotic(root: Path) -> FaultyEmotic:
    """EMOTIC's tree with 24 planted faults of every class, one a picture."""
    pictures = root / "emotic"
    train = sound_records(pictures, "train", 32, 0)
    val = sound_records(pictures, "val", 24, 1)
    test = sound_records(pictures, "test", 24, 2)
    planted: dict[str, str] = {}

    def person(k: int, cause: str, **changes: Any) -> None:
        votes = changes.pop("votes", [["Peace"]])
        train[k - 1]["person"] = structs(
            [emotic_person("train", votes, **changes)], PERSON_FIELDS["train"]
        )
        planted[f"train({k}).person(1)"] = cause

    def file(k: int, cause: str) -> Path:
        person(k, cause)
        return pictures / train[k - 1]["folder"] / train[k - 1]["filename"]

    person(1, "box_partly_outside", box=(-8, 5, 30, 70))
    person(2, "box_outside", box=(100, 5, 130, 30))
    person(3, "box_empty", box=(10, 5, 10, 30))
    person(4, "box_inverted", box=(30, 5, 10, 30))
    person(5, "box_not_finite", box=(np.nan, 5, 30, 30))
    person(6, "box_not_finite", box=(5, 30, 30))
    file(7, "picture_missing").unlink()
    path = file(8, "picture_unreadable")
    path.write_bytes(path.read_bytes()[:400])
    file(9, "picture_unreadable").write_text("<html>404 Not Found</html>")
    file(10, "picture_unreadable").write_bytes(b"")
    save_picture(file(11, "picture_not_rgb"), 11, mode="L")
    four_channels = io.BytesIO()
    Image.fromarray(draw_picture(12)).convert("RGBA").save(four_channels, "PNG")
    file(12, "picture_not_rgb").write_bytes(four_channels.getvalue())
    person(13, "picture_size_differs")
    train[12]["image_size"] = structs([{"n_col": 40, "n_row": 60}], ("n_col", "n_row"))
    person(14, "no_labels", votes=[[]])
    person(15, "unknown_emotion", votes=[["Peace", "Boredom"]])
    person(16, "vad_missing", vad=[(5, np.nan, 5)])
    person(17, "vad_out_of_range", vad=[(5, 5, 11)])
    train[17]["person"] = structs([], PERSON_FIELDS["train"])
    planted["train(18)"] = "person_missing"
    twice = [emotic_person("train", [["Peace"]]), emotic_person("train", [["Pain"]])]
    train[18]["person"] = structs(twice, PERSON_FIELDS["train"])
    planted["train(19).person(2)"] = "duplicate_subject"

    def evaluated(records: list[dict[str, Any]], split: str, k: int, **changes: Any) -> None:
        votes = changes.pop("votes", [["Peace"], ["Peace", "Pain"]])
        records[k - 1]["person"] = structs(
            [emotic_person(split, votes, **changes)], PERSON_FIELDS["val"]
        )

    original = pictures / train[19]["folder"] / train[19]["filename"]
    copy = pictures / val[0]["folder"] / val[0]["filename"]
    copy.write_bytes(original.read_bytes())
    planted["val(1).person(1)"] = "file_in_two_splits"
    evaluated(val, "val", 2, combined=["Peace"])
    planted["val(2).person(1)"] = "votes_differ"
    evaluated(val, "val", 3)
    val[2]["folder"] = "../outside"
    planted["val(3).person(1)"] = "picture_missing"
    evaluated(test, "test", 1, votes=[[], []], combined=[])
    planted["test(1).person(1)"] = "no_labels"
    evaluated(test, "test", 2)
    test[1]["folder"] = test[1]["filename"] = ""
    planted["test(2).person(1)"] = "missing_image"
    save_emotic_mat(
        root / "Annotations/Annotations.mat", {"train": train, "val": val, "test": test}
    )
    twins = {f"train(20).person({k})": "file_in_two_splits" for k in (1, 2)}
    return FaultyEmotic(root=root, planted=planted, twins=twins)


def build_emotic_arrays(folder: Path, *, size: tuple[int, int] = (40, 60)) -> Path:
    """The community's pre-processed form: a CSV and four arrays a split, six subjects each."""
    folder.mkdir(parents=True, exist_ok=True)
    header = ["Index", "Folder", "Filename", "Image Size", "BBox", "Categorical_Labels"]
    header += ["Continuous_Labels", "Gender", "Age"]
    for seed, split in enumerate(("train", "val", "test")):
        rows, contexts, categories = [], [], []
        for k in range(6):
            picture = draw_picture(seed * 100 + k // 2, size)  # two subjects a picture
            squeezed = Image.fromarray(picture).resize((224, 224))
            contexts.append(np.array(squeezed))
            names = [EMOTIONS[(k + j) % 26] for j in range(1 + k % 3)]
            categories.append([float(emotion in names) for emotion in EMOTIONS])
            image = f"{split}_{k // 2}.jpg"
            box = [3 + 10 * (k % 2), 4, 30, 36]
            cells = [k, "mscoco/images", image, [size[1], size[0]], box, names]
            rows.append([*cells, [5.0, 6.0, 7.0], "Male", "Kid"])
        with (folder / f"{split}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([header, *rows])
        np.save(folder / f"{split}_context_arr.npy", np.stack(contexts))
        np.save(folder / f"{split}_body_arr.npy", np.zeros((6, 128, 128, 3), np.uint8))
        np.save(folder / f"{split}_cat_arr.npy", np.array(categories))
        np.save(folder / f"{split}_cont_arr.npy", np.full((6, 3), 5.0))
    return folder


def build_caer_s(
    root: Path,
    *,
    n_train: int = 6,
    n_test: int = 3,
    spelling: Mapping[str, str] | None = None,
    size: tuple[int, int] = (40, 60),
) -> Path:
    """CAER-S's tree; `spelling`: emotion → the folder's name, such as Anger → Angry."""
    for split, count in (("train", n_train), ("test", n_test)):
        for e, emotion in enumerate(get_label_set("caer-s").emotions):
            folder = (spelling or {}).get(emotion, emotion)
            for k in range(1, count + 1):
                seed = (split == "test") * 10_000 + e * 100 + k
                save_picture(root / split / folder / f"{k:04d}.png", seed, size)
    return root


def build_groupwalk_table(
    root: Path, *, persons: int = 32, frames: int = 2, per_frame: int = 2
) -> Path:
    """GroupWalk as a table: `per_frame` persons in each frame of a video, emotions in turn."""
    emotions = get_label_set("groupwalk").emotions
    rows = []
    for person in range(persons):
        video = f"video_{person // per_frame:02d}"
        for frame in range(1, frames + 1):
            path = root / video / f"frame_{frame:05d}.jpg"
            if not path.is_file():
                save_picture(path, person * 10 + frame)
            left = 4 + 25 * (person % per_frame)
            row = [video, frame, f"p{person % per_frame}", left, 5, left + 20, 35]
            rows.append([*row, emotions[person // per_frame % 4]])
    with (root / "groupwalk.csv").open("w", newline="") as stream:
        header = ["video", "frame", "person", "x1", "y1", "x2", "y2", "label"]
        csv.writer(stream).writerows([header, *rows])
    return root


def build_table(root: Path, rows: Sequence[Mapping[str, Any]] | None = None) -> Path:
    """A user's own table `data.csv` with its pictures, nine subjects by default."""
    if rows is None:
        rows = [
            {
                "image": f"{k}.png",
                "split": ("train", "val", "test")[k % 3],
                "x1": 1,
                "y1": 2,
                "x2": 30,
                "y2": 35,
                "labels": ("calm", "tense", "calm|tense")[k % 3 if k else 2],
            }
            for k in range(9)
        ]
    for k, row in enumerate(rows):
        if not (root / row["image"]).is_file():
            save_picture(root / row["image"], k)
    with (root / "data.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root
