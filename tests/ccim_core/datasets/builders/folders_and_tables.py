"""CAER-S's tree, GroupWalk's table of persons in frames, and a table of a user's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ccim_core.labels import get_label_set
from tests.ccim_core.datasets.builders.drawing import save_picture

__all__ = ["build_caer_s", "build_groupwalk_table", "build_table"]


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


def table_rows(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of a user's own table, a picture and a box for each of `labels`; splits in turn."""
    return [
        {
            "image": f"{k}.png",
            "split": ("train", "val", "test")[k % 3],
            "x1": 1,
            "y1": 2,
            "x2": 30,
            "y2": 35,
            "labels": label,
        }
        for k, label in enumerate(labels)
    ]


def build_table(root: Path, rows: Sequence[Mapping[str, Any]] | None = None) -> Path:
    """A user's own table `data.csv` with its pictures, nine subjects by default."""
    if rows is None:
        rows = table_rows([("calm", "tense", "calm|tense")[k % 3 if k else 2] for k in range(9)])
    for k, row in enumerate(rows):
        if not (root / row["image"]).is_file():
            save_picture(root / row["image"], k)
    with (root / "data.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root
