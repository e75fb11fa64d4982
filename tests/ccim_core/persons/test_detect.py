"""Boxes and faces of a manifest: what replaces what, and that nothing is looked at twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ccim_core.detection import FaceDetector, grow_body_box
from ccim_core.errors import InputError
from ccim_core.manifest import BOX_COLUMNS, Manifest
from ccim_core.persons import cache
from ccim_core.persons.detect import DetectConfig, detect_subjects
from tests.ccim_core.persons.finding import (
    HEIGHT,
    LEFT,
    LEFT_FACE,
    RIGHT,
    RIGHT_FACE,
    WHOLE,
    WIDTH,
    Faces,
    Finding,
    Persons,
    box_of,
    face,
    face_of,
    person,
)


def test_each_row_gets_the_best_that_was_found_and_says_which(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}, {"face": LEFT_FACE}, {"face": LEFT_FACE}, {}, {}])
    both = [person(LEFT), person(RIGHT)]
    persons = Persons({0: [person(LEFT)], 1: both, 2: both, 3: [person(RIGHT)]})
    faces = Faces({1: [face(RIGHT_FACE), face(LEFT_FACE)], 4: [face(LEFT_FACE)]})
    frame, summary = find(persons, faces)
    grown = tuple(np.round(grow_body_box(LEFT_FACE, WIDTH, HEIGHT), 3))
    expected: list[tuple[Any, ...]] = [
        (LEFT, "detector", "only", 1),
        (RIGHT, "detector", "largest", 2),
        (LEFT, "detector", "holds_face", 2),
        (grown, "face", None, 0),  # nobody holds the given face
        (grown, "face", None, 0),  # nobody, but a face
        (WHOLE, "picture", None, 0),
    ]
    for (_, row), (box, source, choice, n) in zip(frame.iterrows(), expected, strict=True):
        assert box_of(row) == box
        assert row["box_source"] == source
        assert (row["box_choice"] == choice) or (choice is None and pd.isna(row["box_choice"]))
        assert row["n_persons"] == n or source == "face"
    assert frame["box_score"].round(3).tolist()[:3] == [0.9] * 3
    assert face_of(frame.iloc[1]) == RIGHT_FACE  # the one in the box that was chosen
    assert frame["face_source"].fillna("-").tolist() == [
        "-",
        "detector",
        "given",
        "given",
        "detector",
        "-",
    ]
    assert summary.boxes == {"detector": 3, "face": 2, "picture": 1}
    assert summary.choices == {"holds_face": 1, "largest": 1, "only": 1}
    assert summary.faces == {"none": 2, "detector": 2, "given": 2}
    assert summary.changed == 5
    assert "whole picture" in str(summary)


def test_the_face_that_is_found_is_the_subjects_own(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "box_source": "annotated"}])
    frame, _ = find(Persons({}), Faces({0: [face(RIGHT_FACE), face(LEFT_FACE)]}))
    assert face_of(frame.iloc[0]) == LEFT_FACE
    assert box_of(frame.iloc[0]) == LEFT


@pytest.mark.parametrize("source", ["annotated", "imported", "drawn by hand", None])
def test_what_somebody_made_stays_unless_the_user_says_otherwise(
    tmp_path: Path, source: str | None
) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "box_source": source}, {}])
    persons = Persons({0: [person(RIGHT)], 1: [person(RIGHT)]})
    frame, _ = find(persons)
    assert box_of(frame.iloc[0]) == LEFT
    assert frame["box_source"].iloc[0] == (source or "annotated")
    assert persons.shown == [1]  # nor is the network run for it


def test_a_replaced_annotation_is_kept_beside_it(tmp_path: Path) -> None:
    find = Finding(
        tmp_path, [{"box": LEFT, "box_source": "annotated"}, {"box_source": "annotated"}]
    )
    persons, faces = Persons({0: [person(RIGHT)]}), Faces({1: [face(LEFT_FACE)]})
    frame, _ = find(persons, faces, replace=("annotated",))
    assert box_of(frame.iloc[0]) == RIGHT
    assert frame["box_source"].tolist() == ["detector", "annotated"]
    assert frame.loc[0, [f"annotated_{name}" for name in BOX_COLUMNS]].tolist() == list(LEFT)
    # Where no person was found, the annotation is not given up for a guess from a face.
    assert box_of(frame.iloc[1]) == WHOLE
    again, _ = find(Persons({0: [person(LEFT)]}), faces, manifest=find.found)
    assert box_of(again.iloc[0]) == RIGHT  # what was found is on disk
    assert again.loc[0, "annotated_x1"] == LEFT[0]


def test_a_person_is_not_given_up_when_nobody_looks_for_persons(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}])
    persons, faces = (
        Persons({0: [person(LEFT)]}),
        Faces({0: [face(LEFT_FACE)], 1: [face(LEFT_FACE)]}),
    )
    frame, _ = find(None, faces)
    assert frame["box_source"].tolist() == ["face", "face"]
    assert "n_persons" not in frame
    frame, _ = find(persons, faces, manifest=find.found)
    assert frame["box_source"].tolist() == ["detector", "face"]
    before = frame
    frame, summary = find(None, faces, manifest=find.found)
    pd.testing.assert_frame_equal(frame, before)
    assert summary.changed == 0
    # A higher bar is an answer of the network: then the body is grown after all.
    frame, _ = find(persons, faces, manifest=find.found, min_score=0.95)
    assert frame["box_source"].tolist() == ["face", "face"]
    frame, _ = find(persons, Faces({}), manifest=find.manifest, min_score=0.95)
    assert box_of(frame.iloc[0]) != WHOLE  # what the first faces found is on disk too


def test_unsure_persons_are_not_considered(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}])
    persons = Persons({0: [person(LEFT, 0.8), person(RIGHT, 0.4)]})
    frame, _ = find(persons)
    assert (box_of(frame.iloc[0]), frame["box_choice"].iloc[0]) == (LEFT, "only")
    frame, _ = find(persons, min_score=0.3)
    assert (box_of(frame.iloc[0]), frame["box_choice"].iloc[0]) == (RIGHT, "largest")
    assert persons.shown == [0]


def test_an_interrupted_call_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CHUNK_ROWS", 2)
    find = Finding(tmp_path, [{} for _ in range(7)])
    found = {number: [person(LEFT)] for number in range(7)}
    with pytest.raises(KeyboardInterrupt):
        find(Persons(found, stop_after=5))
    persons = Persons(found)
    frame, _ = find(persons)
    assert persons.shown == [4, 5, 6]
    assert (frame["box_source"] == "detector").all()
    persons = Persons(found)
    again, summary = find(persons, manifest=find.found)
    assert persons.shown == []
    assert summary.changed == 0
    pd.testing.assert_frame_equal(again, frame)


def test_a_picture_is_looked_at_once_and_rows_that_share_a_box_are_counted(tmp_path: Path) -> None:
    rows = [{"picture": 1}, {"picture": 1}, {"picture": 2, "face": LEFT_FACE}]
    rows.append({"picture": 2, "face": RIGHT_FACE})
    find = Finding(tmp_path, rows)
    both = [person(LEFT), person(RIGHT)]
    persons = Persons({1: both, 2: both})
    frame, summary = find(persons)
    assert sorted(persons.shown) == [1, 2]
    assert [box_of(row) for _, row in frame.iterrows()] == [RIGHT, RIGHT, LEFT, RIGHT]
    assert summary.shared == 2
    assert "share" not in str(summary)
    assert "2 rows have the picture and box of another row" in str(summary)


def test_where_all_is_known_nothing_is_looked_at_or_changed(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "face": LEFT_FACE}])
    frame = find.manifest.frame.drop(columns="box_source")
    plain = Manifest(frame=frame, labels=find.manifest.labels)

    def refuse() -> Any:
        raise AssertionError("a network was built")

    found = detect_subjects(
        plain,
        find.reader,
        DetectConfig(),
        root=tmp_path / "features",
        open_persons=refuse,
        open_faces=refuse,
    )
    assert found is not None
    assert found[0] is plain
    assert found[1].boxes == {"annotated": 1}


def test_rows_are_left_out_only_when_asked(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}, {}])
    persons, faces = (
        Persons({0: [person(LEFT)]}),
        Faces({0: [face(RIGHT_FACE)], 1: [face(LEFT_FACE)]}),
    )
    frame, _ = find(persons, faces)
    assert len(frame) == 3
    frame, summary = find(persons, faces, drop_boxless=True)
    assert frame["sample_id"].tolist() == ["s0", "s1"]
    assert summary.dropped == {"boxless": 1, "faceless": 0}
    frame, summary = find(persons, faces, drop_faceless=True)
    assert frame["sample_id"].tolist() == ["s1"]
    assert summary.dropped == {"boxless": 0, "faceless": 2}
    assert "Left out 2 faceless rows" in str(summary)
    with pytest.raises(InputError, match="Expected subjects to be left"):
        Finding(tmp_path / "none", [{}])(Persons({}), drop_boxless=True)


def test_without_faces_none_are_looked_for(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}])
    faces = Faces({0: [face(LEFT_FACE)]})
    frame, _ = find(Persons({0: [person(LEFT)]}), faces, faces=False)
    assert faces.shown == []
    assert frame["face_x1"].isna().all()


def test_a_picture_that_cannot_be_read_names_the_row(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}])
    (tmp_path / "images" / "1.png").write_text("no")
    with pytest.raises(InputError, match="Sample s1: Expected a picture"):
        find(Persons({}))


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="boxes to replace"):
        DetectConfig(replace=("drawn",))
    with pytest.raises(InputError, match="min_score"):
        DetectConfig(min_score=1.5)


def test_faces_of_real_photographs_are_found_and_bodies_grown(tmp_path: Path) -> None:
    from skimage import data

    find = Finding(tmp_path, [{"box": (0.0, 0.0, 512.0, 512.0)}])
    Image.fromarray(data.astronaut()).save(tmp_path / "images" / "0.png")
    found = detect_subjects(
        find.manifest,
        find.reader,
        DetectConfig(),
        root=tmp_path / "features",
        open_persons=None,
        open_faces=FaceDetector,
        quiet=True,
    )
    assert found is not None
    row = found[0].frame.iloc[0]
    assert row["box_source"] == "face"
    assert row["face_score"] > 0.99
    assert 170 < row["face_x1"] < row["face_x2"] < 280
    assert row["x1"] < row["face_x1"]
    assert row["y2"] == 512
    assert found[1].networks["faces"]["source"].startswith("facenet-pytorch")
