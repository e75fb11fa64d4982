"""The renderer: a picture as a pure function of its specification, with its exact annotations.

A picture's address, `rendered:v=1&scene=…&emotion=…`, holds the whole specification, so that a
manifest row needs no file. Three seeds keep apart what may vary alone: the subject (who, where in
the picture, how strongly each action unit shows), the place (the scene's layout, weather and
light) and the bystanders (the cue).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccim_core.datasets.controlled.action_units import EMOTIONS
from ccim_core.datasets.controlled.annotations import (
    KEYPOINTS,
    LANDMARK_GROUPS,
    Box,
    face_box,
    keypoints,
    landmarks,
    mask_box,
)
from ccim_core.datasets.controlled.bystanders import draw_bystanders
from ccim_core.datasets.controlled.figures import Figure, paint_on, silhouette
from ccim_core.datasets.controlled.lighting import Light
from ccim_core.datasets.controlled.scenes import SCENES, paint_scene
from ccim_core.datasets.controlled.subjects import draw_subject
from ccim_core.errors import InputError

__all__ = [
    "EMOTIONS",
    "GENERATOR_VERSION",
    "KEYPOINTS",
    "LANDMARK_GROUPS",
    "PARTS",
    "SCENES",
    "Layout",
    "RenderSpec",
    "Rendering",
    "content_id",
    "layout",
    "render",
    "render_picture",
]

GENERATOR_VERSION = 4
"""Raised whenever any picture changes: it is part of every content id."""

PARTS = ("all", "people", "subject")
_SCHEME = "rendered:"
_ADDRESS_VERSION = "1"
_SMALLEST, _LARGEST = 32, 1024
_BACKDROP = (128, 128, 128)
_SKETCH = 8
_TINY = 13.0  # pixels to a head unit: a head of some 35 pixels
_COVERED = 128  # a pixel is the subject's if it covers at least half of it

# URI key → field
_KEYS = {
    "scene": "scene",
    "emotion": "emotion",
    "cue": "cue",
    "clarity": "clarity",
    "size": "size",
    "subject": "subject_seed",
    "place": "place_seed",
    "bystanders": "cue_seed",
    "parts": "parts",
}


@dataclass(frozen=True, kw_only=True)
class RenderSpec:
    """Everything a picture depends on.

    `cue` is the bystanders' emotion; `clarity` in (0, 1] scales the subject's action units;
    `size` is the side in pixels. `parts` leaves out the scene ("people": subject and bystanders
    on grey) or all but the subject ("subject"), in the same light: what oracles are shown.
    """

    scene: str
    emotion: str
    cue: str
    clarity: float = 1.0
    subject_seed: int
    place_seed: int
    cue_seed: int
    size: int = 224
    parts: str = "all"

    def __post_init__(self) -> None:
        if self.scene not in SCENES:
            raise InputError(f"Expected a scene of {', '.join(SCENES)}, got {self.scene!r}.")
        for name in ("emotion", "cue"):
            if getattr(self, name) not in EMOTIONS:
                raise InputError(
                    f"Expected {name} to be one of {', '.join(EMOTIONS)}, "
                    f"got {getattr(self, name)!r}."
                )
        if not 0 < self.clarity <= 1:
            raise InputError(
                f"Expected a clarity above 0 and at most 1, got {self.clarity}: at 0 no emotion "
                "shows."
            )
        for name in ("subject_seed", "place_seed", "cue_seed"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 <= value < 2**63:
                raise InputError(
                    f"Expected {name} to be a whole number from 0 to 2**63 − 1, got {value!r}."
                )
        if not isinstance(self.size, int) or not _SMALLEST <= self.size <= _LARGEST:
            raise InputError(
                f"Expected a size from {_SMALLEST} to {_LARGEST} pixels, got {self.size!r}."
            )
        if self.parts not in PARTS:
            raise InputError(f"Expected parts to be one of {', '.join(PARTS)}, got {self.parts!r}.")

    def to_uri(self) -> str:
        """The picture's address. `parts` is written only where something is left out."""
        fields = [("v", _ADDRESS_VERSION)]
        for key, name in _KEYS.items():
            if key != "parts" or self.parts != "all":
                fields.append((key, str(getattr(self, name))))
        return _SCHEME + urlencode(fields, safe="/")

    @classmethod
    def from_uri(cls, uri: str) -> RenderSpec:
        """Inverse of `to_uri`. Raises InputError on anything that is not such an address."""
        if not uri.startswith(_SCHEME):
            raise InputError(f"Expected an address that starts with {_SCHEME!r}, got {uri!r}.")
        try:
            pairs = parse_qsl(
                uri[len(_SCHEME) :], keep_blank_values=True, strict_parsing=True, max_num_fields=32
            )
        except ValueError:
            raise InputError(f"Expected key=value pairs joined by & in {uri!r}.") from None
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise InputError(f"Expected every key once in {uri!r}.")
        if fields.pop("v", None) != _ADDRESS_VERSION:
            raise InputError(
                f"Expected v={_ADDRESS_VERSION} in {uri!r}: another version's address."
            )
        fields.setdefault("parts", "all")
        if set(fields) != set(_KEYS):
            odd = sorted(set(fields) ^ set(_KEYS))
            raise InputError(f"Expected the keys {', '.join(_KEYS)} in {uri!r}; see {odd}.")
        return cls(
            scene=fields["scene"],
            emotion=fields["emotion"],
            cue=fields["cue"],
            clarity=_number(fields["clarity"], uri),
            size=_whole(fields["size"], uri),
            subject_seed=_whole(fields["subject"], uri),
            place_seed=_whole(fields["place"], uri),
            cue_seed=_whole(fields["bystanders"], uri),
            parts=fields["parts"],
        )


def _number(text: str, uri: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"Expected a number, got {text!r} in {uri!r}.") from None


def _whole(text: str, uri: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise InputError(f"Expected a whole number, got {text!r} in {uri!r}.")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the subject is, in pixels (x1, y1, x2, y2), right and bottom exclusive."""

    box: Box
    face_box: Box


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A picture and what is known about it.

    `picture` (H, W, 3) uint8 RGB; `mask` (H, W) bool, the subject's pixels; `box` the mask's
    bounds; `face_box` hairline to chin; `landmarks` (68, 2) in pixels (`LANDMARK_GROUPS`);
    `keypoints` (17, 3) in COCO's order (`KEYPOINTS`): x, y, visibility 0–2; `depth` (H, W)
    float32, metres; `bystanders` the face boxes of the people behind, farthest first.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    box: Box
    face_box: Box
    landmarks: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    depth: NDArray[np.float32]
    bystanders: tuple[Box, ...]


def _scale(figure: Figure, size: int) -> int:
    """How much finer than the picture a figure is painted: twice, or thrice where it is tiny."""
    return 3 if figure.pose.unit * size < _TINY else 2


def render(spec: RenderSpec) -> Rendering:
    """Paint the picture and work out its annotations."""
    size = spec.size
    subject = draw_subject(spec.subject_seed, spec.emotion, spec.clarity)
    bystanders = _bystanders(spec, subject)
    distances = Image.new("F", (size, size), 60.0)
    picture, light = _backdrop(spec, distances)
    depth = np.array(distances, np.float32)
    for figure in bystanders:
        coverage = _paint(picture, figure, light.receding(), size, coverage=True)
        depth[coverage >= _COVERED] = figure.distance
    mask = _paint(picture, subject, light, size, coverage=True) >= _COVERED
    depth[mask] = subject.distance
    return Rendering(
        picture=np.array(picture),
        mask=mask,
        box=mask_box(mask),
        face_box=face_box(subject, size),
        landmarks=landmarks(subject, size),
        keypoints=keypoints(subject, size),
        depth=depth,
        bystanders=tuple(face_box(figure, size) for figure in bystanders),
    )


def _bystanders(spec: RenderSpec, subject: Figure) -> list[Figure]:
    return [] if spec.parts == "subject" else draw_bystanders(spec.cue_seed, spec.cue, subject)


def _backdrop(spec: RenderSpec, depth: Image.Image | None) -> tuple[Image.Image, Light]:
    if spec.parts == "all":
        return paint_scene(spec.scene, spec.place_seed, spec.size, depth=depth)
    # Only the place's light is wanted, and a sketch of the place has the same.
    _, light = paint_scene(spec.scene, spec.place_seed, _SKETCH)
    return Image.new("RGB", (spec.size, spec.size), _BACKDROP), light


def _paint(
    picture: Image.Image, figure: Figure, light: Light, size: int, *, coverage: bool
) -> NDArray[np.uint8]:
    return paint_on(
        picture, figure, light, size=size, scale=_scale(figure, size), coverage=coverage
    )


def render_picture(uri: str) -> NDArray[np.uint8]:
    """The picture at an address, (H, W, 3) uint8 RGB, without annotations (faster)."""
    spec = RenderSpec.from_uri(uri)
    subject = draw_subject(spec.subject_seed, spec.emotion, spec.clarity)
    picture, light = _backdrop(spec, None)
    for figure in _bystanders(spec, subject):
        _paint(picture, figure, light.receding(), spec.size, coverage=False)
    _paint(picture, subject, light, spec.size, coverage=False)
    return np.array(picture)


def layout(spec: RenderSpec) -> Layout:
    """The subject's boxes without painting: from the outlines that the mask is made of."""
    subject = draw_subject(spec.subject_seed, spec.emotion, spec.clarity)
    coverage = silhouette(subject, spec.size, scale=_scale(subject, spec.size))
    return Layout(box=mask_box(coverage >= _COVERED), face_box=face_box(subject, spec.size))


def content_id(uri: str) -> str:
    """Hex SHA-256 that changes with the address and with the generator's version."""
    spec = RenderSpec.from_uri(uri)
    return hashlib.sha256(f"{GENERATOR_VERSION} {spec.to_uri()}".encode()).hexdigest()
