"""What a picture tells of a subject without being asked for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ccim_core.detection import Face, Subject
from ccim_core.errors import InputError
from ccim_core.subject_reading import SubjectReading

PICTURE = np.zeros((40, 60, 3), np.uint8)
POINTS = tuple((10.0 + k, 12.0 + 2 * k) for k in range(5))
RUN: Any = SimpleNamespace(
    encoders={"landmarks": {"auxiliary": "face_points"}, "keypoints": {"auxiliary": "keypoints"}}
)


def reading(face: Face | None, **known: np.ndarray) -> SubjectReading:
    subject = Subject(box=(5.0, 5.0, 40.0, 40.0), face=face)

    def refuse(_: object) -> Any:
        raise AssertionError("no picture is encoded here")

    return SubjectReading(PICTURE, subject, open_encoder=refuse, known=known)


def points_of(found: SubjectReading) -> np.ndarray:
    return found._streams["face_points"].numpy()[0]


def test_the_five_points_of_a_face_come_with_it() -> None:
    face = Face(box=(8.0, 8.0, 20.0, 22.0), score=0.9, landmarks=POINTS)
    found = reading(face)
    assert found.missing(RUN) == ["keypoints"]
    np.testing.assert_allclose(points_of(found), POINTS)
    np.testing.assert_allclose(points_of(found.moved_to(PICTURE + 1)), POINTS)
    np.testing.assert_allclose(points_of(found.shrunk(0.5)), np.array(POINTS) / 2)
    given = np.ones((5, 2))
    np.testing.assert_allclose(points_of(reading(face, face_points=given)), given)


def test_without_a_face_they_are_missing() -> None:
    assert reading(None).missing(RUN) == ["face_points", "keypoints"]
    bare = Face(box=(8.0, 8.0, 20.0, 22.0), score=0.9, landmarks=())
    assert reading(bare).missing(RUN) == ["face_points", "keypoints"]
    with pytest.raises(InputError, match="face_points"):
        reading(None, face_points=np.ones((68, 2)))
