"""From a picture to its subjects: faces by MTCNN, bodies grown from faces, boxes by the user.

MTCNN: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", 2016; as in facenet-pytorch (MIT), whose wheel holds the weights, so it works offline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from ccim_core.errors import InputError
from ccim_core.images import Box, Picture, clip_box, crop_box, shrink_picture

__all__ = [
    "MIN_SIDE",
    "Face",
    "FaceDetector",
    "Subject",
    "face_crop_box",
    "face_in_box",
    "find_subjects",
    "grow_body_box",
]

MIN_SIDE = 16
"""Sides of fewer pixels than this hold no subject (`find_subjects`)."""

# A body in multiples of its face's box, which runs from brow to chin and cheek to cheek: shoulders
# with arms are about four faces wide; a standing figure is about seven faces high, with half a
# face of hair above the box.
_BODY_WIDTHS = 4.0
_BODY_HEIGHTS = 7.0
_HEADROOM = 0.5

_NO_FACE_IN_BOX = "No face was found in the box; what needs a face has to do without one."
_CLIPPED = "The box reached beyond the picture and was clipped to it."


@dataclass(frozen=True, kw_only=True)
class Face:
    """A detected face.

    `box` in pixels, inside the picture; `score` in [0, 1]; `landmarks`: (x, y) of left eye, right
    eye, nose, left and right corner of the mouth, left and right as seen in the picture.
    """

    box: Box
    score: float
    landmarks: tuple[tuple[float, float], ...]

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose emotion is asked for: the body's box, the face if one was found, and what to know."""

    box: Box
    face: Face | None
    warnings: tuple[str, ...] = ()


class FaceDetector:
    """MTCNN, deterministic on the CPU; the networks load with the first call.

    Args:
        longest: larger pictures are shrunk to this many pixels on their longer side, which keeps
            a call under a second; 1024 finds faces down to a fiftieth of the picture.
        min_face: side of the smallest face looked for, in pixels after shrinking.
        min_score: faces less certain than this are left out.
        device: where the networks run.
    """

    def __init__(
        self,
        *,
        longest: int = 1024,
        min_face: int = 20,
        min_score: float = 0.9,
        device: torch.device | str = "cpu",
    ) -> None:
        self.longest = longest
        self.min_face = min_face
        self.min_score = min_score
        self.device = torch.device(device)

    @cached_property
    def _network(self) -> Any:
        from facenet_pytorch import MTCNN  # takes seconds to import

        return MTCNN(keep_all=True, min_face_size=self.min_face, device=self.device).eval()

    @property
    def source(self) -> str:
        """The package that the weights come in, and its version."""
        return f"facenet-pytorch {version('facenet-pytorch')}"

    def identity(self) -> str:
        """Hex SHA-256 of what decides its answers."""
        settings = (self.source, self.longest, self.min_face, self.min_score)
        return hashlib.sha256(repr(settings).encode()).hexdigest()

    def detect(self, picture: Picture) -> list[Face]:
        """Faces of an (H, W, 3) uint8 picture, the largest first; none is an empty list."""
        return self.detect_all([picture])[0]

    def detect_all(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        """Faces of each picture; those of one size (once shrunk) go through together."""
        found: list[list[Face]] = [[] for _ in pictures]
        small = [shrink_picture(picture, self.longest) for picture in pictures]
        groups: dict[tuple[int, ...], list[int]] = {}
        for k, picture in enumerate(small):
            if min(picture.shape[:2]) >= self.min_face:  # else no scale would be left to look at
                groups.setdefault(picture.shape, []).append(k)
        for shape, members in groups.items():
            batch = np.stack([small[k] for k in members])
            answers = self._network.detect(batch, landmarks=True)
            for k, boxes, scores, points in zip(members, *answers, strict=True):
                if boxes is not None:
                    found[k] = self._faces(boxes, scores, points, pictures[k].shape, shape)
        return found

    def _faces(
        self, boxes: Any, scores: Any, points: Any, shape: Sequence[int], small: Sequence[int]
    ) -> list[Face]:
        """The network's answers (arrays of objects) in the picture's own pixels."""
        height, width = shape[:2]
        scale = np.array([width / small[1], height / small[0]])
        boxes = np.asarray(boxes, np.float64) * np.tile(scale, 2)
        boxes = np.clip(boxes, 0, (width, height, width, height))
        points = np.asarray(points, np.float64) * scale
        faces = [
            Face(
                box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
                score=float(score),
                landmarks=tuple((float(x), float(y)) for x, y in marks),
            )
            for box, score, marks in zip(boxes, scores, points, strict=True)
            if score >= self.min_score
        ]
        faces = [face for face in faces if face.area > 0]
        return sorted(faces, key=lambda face: -face.area)


def grow_body_box(
    face_box: Sequence[float],
    width: float,
    height: float,
    *,
    widths: float = _BODY_WIDTHS,
    heights: float = _BODY_HEIGHTS,
    headroom: float = _HEADROOM,
) -> Box:
    """The body's box, grown from the face's and clamped to the picture of `width` × `height`.

    Four faces wide about the face's centre; from half a face above it, seven faces high, or to
    the picture's lower edge where that comes first. Others than bodies (`SubjectBox`) give their
    own multiples.
    """
    x1, y1, x2, y2 = face_box
    centre, half = (x1 + x2) / 2, widths * (x2 - x1) / 2
    top = y1 - headroom * (y2 - y1)
    body = (centre - half, top, centre + half, top + heights * (y2 - y1))
    return clip_box(body, width, height)


def face_crop_box(face: Face | Sequence[float], grow: float = 1.3) -> Box:
    """The square about a face's centre with `grow` times its longer side.

    It may reach beyond the picture; `crop_box` clips.
    """
    x1, y1, x2, y2 = face.box if isinstance(face, Face) else face
    half = grow * max(x2 - x1, y2 - y1) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return (x - half, y - half, x + half, y + half)


def find_subjects(
    picture: Picture,
    *,
    detector: FaceDetector,
    box: Sequence[float] | None = None,
    grow: Callable[[Box, float, float], Box] = grow_body_box,
) -> list[Subject]:
    """The subjects of a picture, those with the largest face first.

    Without a `box`: one subject for each face, its box what `grow` makes of it; without a face
    nobody, for what is no person has no emotion to read. With a `box` (x1, y1, x2, y2 in
    pixels): one subject with that box, and the largest face whose centre lies in it.

    Raises InputError for a picture with a side under `MIN_SIDE` pixels and for a box that is
    inverted, empty or wholly outside the picture; a box partly outside is clipped, with a warning.
    """
    height, width = picture.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"Expected a picture of at least {MIN_SIDE} × {MIN_SIDE} pixels to find a person in, "
            f"got {width} × {height}; take a larger one."
        )
    if box is not None:
        return [_subject_in_box(picture, detector, box)]
    faces = detector.detect(picture)
    return [Subject(box=grow(face.box, width, height), face=face) for face in faces]


def _subject_in_box(picture: Picture, detector: FaceDetector, box: Sequence[float]) -> Subject:
    height, width = picture.shape[:2]
    clipped = clip_box(box, width, height)
    face = face_in_box(detector.detect(picture), clipped)
    if face is None and max(height, width) > detector.longest:
        face = face_in_box(_detect_near(picture, detector, clipped), clipped)
    warnings = (
        *([_CLIPPED] if clipped != tuple(float(value) for value in box) else []),
        *([_NO_FACE_IN_BOX] if face is None else []),
    )
    return Subject(box=clipped, face=face, warnings=warnings)


def face_in_box(faces: Sequence[Face], box: Box) -> Face | None:
    """The first face whose centre lies in `box`, or None."""
    for face in faces:
        x1, y1, x2, y2 = face.box
        if box[0] <= (x1 + x2) / 2 <= box[2] and box[1] <= (y1 + y2) / 2 <= box[3]:
            return face
    return None


def _detect_near(picture: Picture, detector: FaceDetector, box: Box) -> list[Face]:
    """Faces in `box` and half its size round it, for faces too small in the picture as a whole."""
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box
    wide, high = (x2 - x1) / 2, (y2 - y1) / 2
    near = clip_box((x1 - wide, y1 - high, x2 + wide, y2 + high), width, height)
    left, top = float(int(near[0])), float(int(near[1]))
    return [
        Face(
            box=(face.box[0] + left, face.box[1] + top, face.box[2] + left, face.box[3] + top),
            score=face.score,
            landmarks=tuple((x + left, y + top) for x, y in face.landmarks),
        )
        for face in detector.detect(crop_box(picture, near))
    ]
