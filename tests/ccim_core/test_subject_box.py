"""What boxes a run was trained on decides what is grown from a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from ccim_core.detection import FaceDetector, grow_body_box
from ccim_core.files import read_json, write_json
from ccim_core.images import Box
from ccim_core.manifest import Manifest
from ccim_core.predict import Predictor
from ccim_core.study import Study
from ccim_core.subject_box import SubjectBox

FACE = (100.0, 100.0, 140.0, 150.0)
HEAD = (92.0, 85.0, 148.0, 160.0)  # 1.4 faces wide, 1.5 high, 0.3 above


def measured(box: Box, face: tuple[float, ...] = FACE) -> SubjectBox:
    return SubjectBox.measured(np.array([box] * 3), np.array([face] * 3))


def test_boxes_of_heads_are_grown_from_the_face_as_they_were_drawn() -> None:
    found = measured(HEAD)
    assert found.kind == "head"
    assert found.grow(FACE, 1000, 1000) == pytest.approx(HEAD)
    assert SubjectBox.from_dict(found.to_dict()) == found


def test_other_boxes_are_bodies_pictures_or_unknown(demo_rows: Manifest) -> None:
    body = measured(grow_body_box(FACE, 1000, 1000))
    assert body.kind == "body"
    assert body.grow(FACE, 1000, 1000) == grow_body_box(FACE, 1000, 1000)
    assert SubjectBox.of(demo_rows).kind == "body"
    assert measured(HEAD, (np.nan,) * 4).kind == "unknown"
    whole = demo_rows.frame.assign(box_source="picture")
    picture = SubjectBox.of(Manifest(frame=whole, labels=demo_rows.labels))
    assert picture.grow(FACE, 300, 200) == (0, 0, 300, 200)


@pytest.fixture
def demo_rows(tiny_study: Study) -> Manifest:
    return tiny_study.manifest


def test_a_run_says_what_it_was_trained_on_and_is_asked_so(
    tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = read_json(tiny_study.run_path("none-seed0") / "environment.json")["subject_box"]
    assert SubjectBox.from_dict(stored) == SubjectBox.of(tiny_study.manifest.split("train"))
    predictor = Predictor.open(tiny_study.path)
    astronaut = np.asarray(skimage.data.astronaut())
    (body,) = predictor.find_subjects(astronaut)
    assert body.warnings == ()
    monkeypatch.setitem(predictor.__dict__, "subject_box", measured(HEAD))
    (head,) = predictor.find_subjects(astronaut)
    assert head.face == body.face
    assert head.face is not None
    ratio = (head.box[3] - head.box[1]) / (head.face.box[3] - head.face.box[1])
    assert ratio == pytest.approx(1.5)
    monkeypatch.setitem(predictor.__dict__, "subject_box", SubjectBox(kind="unknown"))
    (unknown,) = predictor.find_subjects(astronaut)
    assert unknown.box == body.box
    assert "a body was assumed" in unknown.warnings[0]


def test_an_earlier_run_is_measured_on_its_studys_pictures(
    tiny_study: Study, tmp_path: Path
) -> None:
    """A table of heads without faces: nothing is recorded, so the pictures are looked at."""
    astronaut = np.asarray(skimage.data.astronaut())
    (face,) = FaceDetector().detect(astronaut)
    head = SubjectBox.measured(np.array([HEAD]), np.array([FACE])).grow(face.box, 512, 512)
    frame = tiny_study.manifest.frame.drop(columns=["face_x1", "face_y1", "face_x2", "face_y2"])
    frame[["x1", "y1", "x2", "y2"]] = np.array(head)
    earlier = Predictor.open(tiny_study.path)
    earlier.study = Study.open(tiny_study.path)
    earlier.study.__dict__["manifest"] = Manifest(frame=frame, labels=tiny_study.labels)

    class Reader:
        def read(self, image: str) -> np.ndarray:
            return astronaut

    earlier.study.__dict__["reader"] = Reader()
    path = earlier._runs["none-seed0"].path
    for run in earlier._runs.values():
        copy = tmp_path / run.name
        copy.mkdir()
        record = read_json(run.path / "environment.json")
        del record["subject_box"]
        write_json(copy / "environment.json", record)
        run.path = copy
    assert path != tmp_path
    assert earlier.subject_box.kind == "head"
    assert earlier.subject_box.heights == pytest.approx(1.5, abs=0.01)
