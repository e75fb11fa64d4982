"""The renderer: a picture as a pure function of its specification, with its exact annotations.

A picture's address, `rendered:v=1&scene=…&emotion=…`, holds the whole specification, so that a
manifest row needs no file. Three seeds keep apart what may vary alone: the subject (who, where in
the picture, how strongly each action unit shows), the place (the scene's layout, weather and
light) and the bystanders (the cue).

What is known exactly about the subject (boxes, landmarks, keypoints) is recorded to 1/64 pixel:
sines and roots differ in their last bit between processors, and a table's identity, its content
hash, must not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccim_core.errors import InputError
from ccim_core.rendered.colours import Light
from ccim_core.rendered.curves import Points, to_64ths
from ccim_core.rendered.faces import EMOTIONS
from ccim_core.rendered.figures import Figure, draw_bystanders, draw_subject, paint_on, silhouette
from ccim_core.rendered.scenes import SCENES, paint_scene

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
    "face_box",
    "keypoints",
    "landmarks",
    "layout",
    "mask_box",
    "render",
    "render_picture",
]

Box = tuple[float, float, float, float]

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

# The usual 68 points, in the usual order: from the picture's left to its right.
LANDMARK_GROUPS: dict[str, slice] = {
    "jaw": slice(0, 17),
    "right_brow": slice(17, 22),
    "left_brow": slice(22, 27),
    "nose_bridge": slice(27, 31),
    "nostrils": slice(31, 36),
    "right_eye": slice(36, 42),
    "left_eye": slice(42, 48),
    "outer_lips": slice(48, 60),
    "inner_lips": slice(60, 68),
}


def _along(curve: Points, shares: list[float]) -> Points:
    """Points of a curve at shares of its index range."""
    where = np.asarray(shares) * (len(curve) - 1)
    index = np.arange(len(curve))
    return np.stack([np.interp(where, index, column) for column in curve.T], axis=1)


def landmarks(figure: Figure, size: int) -> NDArray[np.float32]:
    """The 68 face landmarks in pixels, (68, 2), grouped as in `LANDMARK_GROUPS`."""
    face, mouth = figure.face, figure.face.mouth
    fifths = [0, 0.25, 0.5, 0.75, 1]
    right, left = face.eyes  # as the viewer sees them: the subject's right eye is on the left
    lids = [0.0, 0.33, 0.67, 1.0]
    tip, wide = face.nose_tip, 0.155 * figure.person.nose_width
    nose = np.array(
        [
            (0, -0.10, 1.0), (0, 0.5 * tip - 0.1, 1.03), (0, tip - 0.12, 1.06), (0, tip, 1.1),
            (-wide, tip + 0.06, 1.0), (-0.5 * wide, tip + 0.09, 1.02), (0, tip + 0.105, 1.04),
            (0.5 * wide, tip + 0.09, 1.02), (wide, tip + 0.06, 1.0),
        ]
    )  # fmt: skip
    parts = [
        _jaw(figure),
        _along(right.brow[::-1], fifths),
        _along(left.brow, fifths),
        nose,
        _along(right.upper[::-1], lids),
        _along(right.lower, lids)[1:3],
        _along(left.upper, lids),
        _along(left.lower[::-1], lids)[1:3],
        _along(mouth.upper_outer, [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1]),
        _along(mouth.lower_outer[::-1], [1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6]),
        _along(mouth.upper_inner, fifths),
        _along(mouth.lower_inner[::-1], [0.25, 0.5, 0.75]),
    ]
    return to_64ths(figure.pose.project(np.concatenate(parts)) * size).astype(np.float32)


def _jaw(figure: Figure) -> Points:
    """17 points from the left ear (as seen) round the chin to the right one."""
    outline = figure.face.outline
    lower = outline[outline[:, 1] > -0.1]
    order = np.argsort(-np.arctan2(lower[:, 1] + 0.1, lower[:, 0]))
    return _along(lower[order], list(np.linspace(0, 1, 17)))


def keypoints(figure: Figure, size: int) -> NDArray[np.float32]:
    """The 17 COCO keypoints, (17, 3): x and y in pixels, and visibility.

    Visibility is 2 for visible, 1 for in the picture but hidden (by hair, a sleeve's far side or
    the body), 0 for outside the picture; the position of a point outside is kept, not zeroed.
    """
    pose, body, face = figure.pose, figure.body, figure.face
    left_eye, right_eye = face.eyes[1].iris.mean(axis=0), face.eyes[0].iris.mean(axis=0)
    w = figure.person.face_width
    head = pose.project(
        np.array(
            [
                (0, face.nose_tip, 1.1), left_eye, right_eye, (1.0 * w, 0.12, 0.0),
                (-1.0 * w, 0.12, 0.0),
            ]
        )
    )  # fmt: skip
    arms = [body.arm(1), body.arm(-1)]
    legs = [body.leg(1), body.leg(-1)]
    joints = [arm[k] for k in range(3) for arm in arms] + [leg[k] for k in range(3) for leg in legs]
    points = to_64ths(np.concatenate([head, body.at(np.array(joints))]) * size)
    visible = np.full(17, 2.0)
    covered = figure.person.hair_style in ("scarf", "bob", "fringe_bob", "long", "wavy", "afro")
    for index, side in ((3, 1), (4, -1)):
        if covered or side * np.sin(pose.yaw) > 0.12:
            visible[index] = 1
    if body.arms in ("behind", "pocket"):
        visible[9:11] = 1
    if figure.person.lower in ("dress", "skirt"):
        visible[11:13] = 1
    inside = (points >= 0).all(axis=1) & (points < size).all(axis=1)
    return np.column_stack([points, np.where(inside, visible, 0)]).astype(np.float32)


def face_box(figure: Figure, size: int) -> Box:
    """Hairline to chin and cheek to cheek, in pixels, clipped to the picture."""
    outline = figure.face.outline
    face = to_64ths(figure.pose.project(outline[outline[:, 1] > -0.95]) * size)
    (x1, y1), (x2, y2) = face.min(axis=0), face.max(axis=0)
    return (
        float(max(0.0, x1)),
        float(max(0.0, y1)),
        float(min(size, x2)),
        float(min(size, y2)),
    )


def mask_box(mask: NDArray[np.bool_]) -> Box:
    """Bounds (x1, y1, x2, y2) of a mask's true pixels, in pixels: right and bottom exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


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
