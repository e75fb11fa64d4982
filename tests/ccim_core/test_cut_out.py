"""The subject's mask, and the subject set into another scene."""

from __future__ import annotations

import numpy as np
import pytest

from ccim_core.cut_out import cover, cut_out_mask, set_into
from ccim_core.detection import Face, Subject
from ccim_core.errors import InputError

SHAPE = (300, 400)
FACE = Face(box=(150.0, 60.0, 200.0, 120.0), score=1.0, landmarks=())
PERSON = Subject(box=(75.0, 30.0, 275.0, 300.0), face=FACE)


def test_a_person_is_opaque_on_the_face_and_body_and_clear_outside_the_box() -> None:
    mask = cut_out_mask(SHAPE, PERSON)
    assert mask.shape == SHAPE
    assert mask.dtype == np.float32
    assert mask[60:120, 150:200].min() == pytest.approx(1)  # brow to chin, cheek to cheek
    assert mask[200:300, 120:230].min() == pytest.approx(1)  # down to the picture's edge
    outside = np.ones(SHAPE, bool)
    outside[30:300, 75:275] = False
    assert mask[outside].max() == 0
    # Beside the head, within the box, the place comes through; the edge between is soft.
    assert mask[70, 80] == 0
    assert ((mask > 0.05) & (mask < 0.95)).sum() > 500


def test_the_whole_box_is_taken_exactly_if_asked_for() -> None:
    mask = cut_out_mask(SHAPE, PERSON, "box")
    assert mask[30:300, 75:275].min() == 1
    assert mask.sum() == 270 * 200


def test_without_a_face_the_box_is_rounded_off() -> None:
    mask = cut_out_mask(SHAPE, Subject(box=(100.0, 50.0, 300.0, 250.0), face=None))
    assert mask[150, 200] == 1
    assert mask[51, 101] == 0
    assert mask[:50].max() == 0


@pytest.mark.parametrize("shift", [(-140.0, -50.0), (190.0, 170.0), (0.0, 0.0)])
def test_subjects_at_the_edge_of_the_picture_are_cut_too(shift: tuple[float, float]) -> None:
    dx, dy = shift
    x1, y1, x2, y2 = FACE.box
    face = Face(box=(x1 + dx, y1 + dy, x2 + dx, y2 + dy), score=1.0, landmarks=())
    box = (max(0.0, 75 + dx), max(0.0, 30 + dy), min(400.0, 275 + dx), 300.0)
    mask = cut_out_mask(SHAPE, Subject(box=box, face=face))
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    assert mask[int(y), int(x)] == 1
    assert 0 <= mask.min() <= mask.max() <= 1


def test_a_subject_off_the_picture_and_an_unknown_extent_are_one_sentence() -> None:
    with pytest.raises(InputError, match="outside"):
        cut_out_mask(SHAPE, Subject(box=(500.0, 0.0, 600.0, 50.0), face=None))
    with pytest.raises(InputError, match="Expected an extent"):
        cut_out_mask(SHAPE, PERSON, "halo")


def test_a_scene_covers_the_picture_with_its_middle() -> None:
    scene = np.zeros((100, 300, 3), np.uint8)
    scene[:, 100:200] = 200
    square = cover(scene, (50, 50))
    assert square.shape == (50, 50, 3)
    assert square.min() == 200
    assert cover(scene, (10, 30)).shape == (10, 30, 3)
    assert cover(scene[:, :1], (10, 30)).shape == (10, 30, 3)


def test_pixels_of_the_subject_stay_and_the_others_are_the_scenes() -> None:
    rng = np.random.default_rng(0)
    picture, scene = rng.integers(0, 256, (2, *SHAPE, 3), np.uint8)
    mask = cut_out_mask(SHAPE, PERSON)
    moved = set_into(picture, mask, scene)
    assert (moved[mask == 1] == picture[mask == 1]).all()
    assert (moved[mask == 0] == scene[mask == 0]).all()
    assert (set_into(picture, mask, picture) == picture).all()
    with pytest.raises(ValueError, match="Expected a scene"):
        set_into(picture, mask, scene[:10])
