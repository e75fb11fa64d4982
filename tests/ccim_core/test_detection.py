"""Faces and subjects on real photographs, and what happens where there are none."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from skimage import data

from ccim_core.detection import (
    Face,
    FaceDetector,
    Subject,
    face_crop_box,
    find_subjects,
    grow_body_box,
)
from ccim_core.errors import InputError
from ccim_core.images import Picture, resize_picture

ASTRONAUT: Picture = data.astronaut()
CAMERA: Picture = np.repeat(data.camera()[:, :, None], 3, axis=2)
# Read off the photograph by eye: brow to chin, ear to ear; the mouth.
HER_FACE = (180, 60, 270, 180)
HER_MOUTH = (223, 150)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    torch.set_num_threads(1)
    return FaceDetector()


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (a, b)]
    return width * height / (sum(areas) - width * height)


def test_the_astronaut_has_one_face_where_it_is(detector: FaceDetector) -> None:
    (face,) = detector.detect(ASTRONAUT)
    assert overlap(face.box, HER_FACE) > 0.7
    assert face.score > 0.99
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert np.hypot(*(np.add(left_mouth, right_mouth) / 2 - HER_MOUTH)) < 15
    values = [face.score, *face.box, *np.ravel(face.landmarks).tolist()]
    assert all(type(value) is float for value in values)  # JSON takes no NumPy numbers


def test_the_cameraman_has_one_face_too(detector: FaceDetector) -> None:
    (face,) = detector.detect(CAMERA)
    assert overlap(face.box, (199, 118, 255, 193)) > 0.7


@pytest.mark.parametrize(
    "picture",
    [data.coffee(), np.zeros((64, 64, 3), np.uint8), np.zeros((19, 400, 3), np.uint8)],
    ids=["coffee", "black", "narrower than a face"],
)
def test_where_there_is_no_face_none_is_found(picture: Picture, detector: FaceDetector) -> None:
    assert detector.detect(picture) == []


def test_detection_is_deterministic(detector: FaceDetector) -> None:
    assert detector.detect(ASTRONAUT) == detector.detect(ASTRONAUT)
    assert FaceDetector().detect(ASTRONAUT) == detector.detect(ASTRONAUT)


def test_several_faces_come_largest_first(detector: FaceDetector) -> None:
    small = resize_picture(ASTRONAUT, (256, 256))
    page = np.full((512, 768, 3), 128, np.uint8)
    page[:256, :256], page[:, 256:] = small, ASTRONAUT
    faces = detector.detect(page)
    assert len(faces) == 2
    assert faces[0].area > 3 * faces[1].area
    assert faces[0].box[0] > 256 > faces[1].box[2]


def test_a_large_picture_is_shrunk_and_its_boxes_are_not(detector: FaceDetector) -> None:
    large = np.kron(ASTRONAUT, np.ones((8, 8, 1), np.uint8))  # 4096 × 4096
    detector.detect(ASTRONAUT)  # loads the networks
    start = time.process_time()
    (face,) = detector.detect(large)
    assert time.process_time() - start < 1.5  # measured: 0.4 s
    assert overlap(face.box, tuple(8 * value for value in HER_FACE)) > 0.7
    assert overlap(face.box, tuple(8 * value for value in detector.detect(ASTRONAUT)[0].box)) > 0.9


def test_uncertain_faces_can_be_left_out() -> None:
    assert FaceDetector(min_score=1.01).detect(ASTRONAUT) == []
    assert FaceDetector(min_face=400).detect(ASTRONAUT) == []


def test_a_face_at_the_border_stays_inside_the_picture(detector: FaceDetector) -> None:
    cut = np.ascontiguousarray(ASTRONAUT[70:300, 190:400])
    for face in detector.detect(cut):
        x1, y1, x2, y2 = face.box
        assert 0 <= x1 < x2 <= 210
        assert 0 <= y1 < y2 <= 230


def test_a_body_grows_by_its_documented_proportions() -> None:
    assert grow_body_box((100, 100, 120, 130), 1000, 1000) == (70, 85, 150, 295)
    assert grow_body_box((100, 100, 120, 130), 130, 200) == (70, 85, 130, 200)
    assert grow_body_box((0, 5, 20, 35), 1000, 1000) == (0, 0, 50, 200)


def test_a_face_crop_is_a_square_about_the_centre() -> None:
    assert face_crop_box((10, 10, 20, 30), 2.0) == (-5, 0, 35, 40)
    face = Face(box=(10, 10, 20, 30), score=1.0, landmarks=())
    assert face_crop_box(face, 2.0) == (-5, 0, 35, 40)
    x1, _, x2, _ = face_crop_box((0, 0, 10, 10))
    assert x2 - x1 == pytest.approx(13)


def test_the_astronauts_box_is_round_the_person(detector: FaceDetector) -> None:
    (subject,) = find_subjects(ASTRONAUT, detector=detector)
    x1, y1, x2, y2 = subject.box
    assert 0 < x1 < 60  # the arm to the left; not all of the flag
    assert 360 < x2 < 450  # the other arm; not the shuttle
    assert y1 < 30  # the hair
    assert y2 == 512  # the suit runs to the lower edge
    assert subject.face is not None
    assert subject.warnings == ()


def test_without_a_face_there_is_no_subject(detector: FaceDetector) -> None:
    assert find_subjects(data.coffee(), detector=detector) == []
    (boxed,) = find_subjects(data.coffee(), detector=detector, box=(10, 10, 300, 300))
    assert boxed.face is None
    assert "No face" in boxed.warnings[0]


def test_every_face_is_a_subject(detector: FaceDetector) -> None:
    page = np.concatenate([ASTRONAUT, CAMERA], axis=1)
    subjects = find_subjects(page, detector=detector)
    assert [subject.box[0] > 512 for subject in subjects] == [False, True]


def test_a_users_box_is_kept_and_its_own_face_found(detector: FaceDetector) -> None:
    page = np.concatenate([ASTRONAUT, CAMERA], axis=1)
    (subject,) = find_subjects(page, detector=detector, box=(640, 60, 860, 500))
    assert subject.box == (640, 60, 860, 500)
    assert subject.face is not None
    assert subject.face.box[0] > 640
    assert subject.warnings == ()


def test_a_users_box_without_a_face_is_kept_with_a_warning(detector: FaceDetector) -> None:
    (subject,) = find_subjects(ASTRONAUT, detector=detector, box=(350, 250, 512, 512))
    assert subject == Subject(box=(350, 250, 512, 512), face=None, warnings=subject.warnings)
    assert "No face" in subject.warnings[0]


def test_a_users_box_beyond_the_picture_is_clipped_with_a_warning(detector: FaceDetector) -> None:
    (subject,) = find_subjects(ASTRONAUT, detector=detector, box=(-50, 0, 900, 512))
    assert subject.box == (0, 0, 512, 512)
    assert subject.face is not None
    assert "clipped" in subject.warnings[0]


@pytest.mark.parametrize(
    "box", [(600, 0, 700, 100), (10, 10, 10, 50), (50, 10, 20, 50), (0, 0, float("nan"), 9)]
)
def test_a_users_box_that_holds_nothing_is_refused(
    box: tuple[float, ...], detector: FaceDetector
) -> None:
    with pytest.raises(InputError, match="Expected a box"):
        find_subjects(ASTRONAUT, detector=detector, box=box)


def test_a_face_too_small_in_a_large_picture_is_found_in_the_users_box() -> None:
    torch.set_num_threads(1)
    page = np.full((1200, 1600, 3), 90, np.uint8)
    page[300:812, 700:1212] = ASTRONAUT
    detector = FaceDetector(longest=200)  # her face is 11 pixels wide then
    box = (780.0, 310.0, 1100.0, 800.0)
    assert detector.detect(page) == []
    (subject,) = find_subjects(page, detector=detector, box=box)
    assert subject.face is not None
    expected = tuple(np.add(HER_FACE, (700, 300, 700, 300)))
    assert overlap(subject.face.box, expected) > 0.6
    mouth = np.mean(subject.face.landmarks[3:], axis=0)
    assert np.hypot(*(mouth - np.add(HER_MOUTH, (700, 300)))) < 20


@pytest.mark.parametrize("shape", [(1, 1, 3), (15, 400, 3)])
def test_a_picture_too_small_for_a_person_is_refused(
    shape: tuple[int, ...], detector: FaceDetector
) -> None:
    with pytest.raises(InputError, match="at least 16 × 16"):
        find_subjects(np.zeros(shape, np.uint8), detector=detector)
