"""Policies: fail, drop, clip; their account; and the manifest that comes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import CAUSES, CLEANING_POLICY, build_manifest, find_faults
from tests.ccim_core.manifest.frames import sound_frame

CAER = get_label_set("caer-s")
NAN = float("nan")


def test_a_sound_table_becomes_a_manifest_and_is_not_changed() -> None:
    frame = sound_frame()
    frame.index = [9, 9, 9, 1, 1, 1]  # an index says nothing
    frame["note"] = range(6)
    before = frame.copy()
    manifest, summary = build_manifest(frame, CAER)
    assert frame.equals(before)
    assert manifest.frame.index.tolist() == list(range(6))
    assert manifest.frame["note"].tolist() == list(range(6))
    assert summary.to_dict() == {
        "rows": 6,
        "kept": 6,
        "dropped": 0,
        "clipped": 0,
        "splits": {"train": 2, "val": 2, "test": 2},
        "faults": {},
        "actions": {},
    }


def test_every_fault_fails_by_default_and_all_causes_are_told_at_once() -> None:
    frame = sound_frame(60)
    frame.loc[5:, "labels"] = "Joyful"
    frame.loc[2, "x2"] = NAN
    with pytest.raises(InputError) as error:
        build_manifest(frame, CAER)
    lines = str(error.value).splitlines()
    assert "got 56 (unknown_emotion 55, box_not_finite 1)" in lines[0]
    assert lines[1].startswith("  row 3 ('s002'): x1: box_not_finite")
    assert len(lines) == 1 + 20 + 1
    assert lines[-1].endswith("36 more")


def test_missing_columns_fail_whatever_the_policy() -> None:
    frame = sound_frame().drop(columns=["labels", "x2"])
    with pytest.raises(InputError, match="missing_column 2") as error:
        build_manifest(frame, CAER, policy=CLEANING_POLICY)
    assert "labels: missing_column" in str(error.value)


def test_dropping_is_by_cause_and_counted_by_split() -> None:
    frame = sound_frame(9)
    frame.loc[[0, 3, 4], "labels"] = "Joyful"
    frame.loc[4, "x2"] = NAN
    policy = {"unknown_emotion": "drop"}
    with pytest.raises(InputError, match=r"got 1 \(box_not_finite 1\)"):
        build_manifest(frame, CAER, policy=policy)
    manifest, summary = build_manifest(frame, CAER, policy={**policy, "box_not_finite": "drop"})
    assert manifest.frame["sample_id"].tolist() == ["s001", "s002", "s005", "s006", "s007", "s008"]
    assert summary.faults == {
        "unknown_emotion": {"train": 2, "val": 1},
        "box_not_finite": {"val": 1},
    }
    assert (summary.rows, summary.kept, summary.dropped) == (9, 6, 3)
    assert summary.splits == {"val": 2, "test": 3, "train": 1}
    assert "dropped 3" in str(summary)


def test_of_duplicates_the_first_is_kept() -> None:
    frame = sound_frame(4)
    frame["sample_id"] = pd.Series(["7", 7, "b", "7"], dtype=object)  # text once it is stored
    manifest, _ = build_manifest(frame, CAER, policy={"duplicate_sample_id": "drop"})
    assert manifest.frame["image"].tolist() == ["0.png", "2.png"]


def test_clipping_brings_boxes_inside_and_no_further() -> None:
    frame = sound_frame(4)
    frame["width"], frame["height"] = [10.0, 40.0, NAN, 40.0], [20.0, 40.0, NAN, 40.0]
    frame.loc[2, ["x1", "y1"]] = [-4.0, -0.5]
    for column, value in {"face_x1": -1, "face_y1": 3, "face_x2": 5, "face_y2": 90}.items():
        frame[column] = [NAN, float(value), NAN, NAN]
    manifest, summary = build_manifest(frame, CAER, policy=CLEANING_POLICY)
    np.testing.assert_array_equal(
        manifest.boxes(), [[1, 2, 10, 20], [1, 2, 12, 22], [0, 0, 13, 22], [1, 2, 14, 22]]
    )
    np.testing.assert_array_equal(manifest.face_boxes()[1], [0, 3, 5, 40])
    assert np.isnan(manifest.face_boxes()[[0, 2, 3]]).all()
    assert (summary.kept, summary.clipped) == (4, 3)
    assert find_faults(manifest.frame, CAER) == []


def test_the_cleaning_policy_leaves_no_fault_behind() -> None:
    frame = sound_frame(30)
    frame["source_id"] = [f"v{i // 2 if i < 4 else i}" for i in range(30)]
    frame.loc[5, "labels"], frame.loc[6, "split"] = None, ""
    frame.loc[7, "x1"], frame.loc[8, "x1"] = -5.0, NAN
    frame["valence"] = [5.0] * 29 + [99.0]
    manifest, summary = build_manifest(frame, CAER, policy=CLEANING_POLICY)
    assert find_faults(manifest.frame, CAER) == []
    assert summary.dropped == 4 + 4
    assert summary.faults["missing_split"] == {"(none)": 1}


def test_a_policy_that_leaves_nothing_is_refused() -> None:
    frame = sound_frame(3)
    frame["labels"] = "Joyful"
    with pytest.raises(InputError, match=r"all 3 are at fault \(unknown_emotion 3\)"):
        build_manifest(frame, CAER, policy=CLEANING_POLICY)


@pytest.mark.parametrize(
    "policy, words",
    [
        ({"no_such_cause": "drop"}, "no_such_cause"),
        ({"no_labels": "clip"}, r"\['fail', 'drop'\]"),
        ({"missing_column": "drop"}, r"\['fail'\]"),
        ({"no_labels": "ignore"}, "ignore"),
    ],
)
def test_a_policy_is_checked(policy: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build_manifest(sound_frame(), CAER, policy=policy)


def test_text_is_text_and_numbers_are_floats_afterwards() -> None:
    frame = sound_frame(3)
    frame["sample_id"] = [7, 8, 9]
    frame["split"] = [" train", "train", "val "]
    frame["image"] = [" 0.png", "1.png", "2.png"]  # a file may be named so
    frame["scene"] = ["beach", None, " "]
    frame[["x1", "y2"]] = frame[["x1", "y2"]].astype(int)
    frame["x2"] = frame["x2"].astype(str)
    manifest, _ = build_manifest(frame, CAER)
    assert manifest.frame["sample_id"].tolist() == ["7", "8", "9"]
    assert manifest.splits == ["train", "val"]
    assert manifest.frame["image"].tolist() == [" 0.png", "1.png", "2.png"]
    assert manifest.frame["scene"].isna().tolist() == [False, True, True]
    assert {str(manifest.frame[column].dtype) for column in ("x1", "x2", "y2")} == {"float64"}


def test_every_cause_has_a_place_in_the_cleaning_policy_or_fails() -> None:
    assert set(CAUSES) - set(CLEANING_POLICY) == {"missing_column", "no_rows"}
