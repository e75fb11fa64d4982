"""EMOTIC's tree with a planted fault of every class."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.ccim_core.datasets.builders.drawing import draw_picture, save_picture
from tests.ccim_core.datasets.builders.emotic_mat import (
    PERSON_FIELDS,
    emotic_person,
    save_emotic_mat,
    sound_records,
    structs,
)

__all__ = ["FaultyEmotic", "build_faulty_emotic"]


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
