"""Real portraits pasted on real scenes: the picture that a `composite:` address stands for.

The address names the files under the roots "subjects" and "scenes" and a place seed; it fixes
every pixel as long as the files stay as they are (`content_id` covers their bytes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import numpy as np

from ccim_core.errors import InputError
from ccim_core.files import resolve_inside
from ccim_core.images import Box, Picture, decode_image, resize_picture
from ccim_core.pictures import COMPOSITE_SCHEME, file_content_id

__all__ = [
    "CompositeSpec",
    "Placement",
    "composite_picture",
    "content_id",
    "place_portraits",
    "soft_edge",
]

_VERSION = 1  # raise whenever the same address would give other pixels

# Sides of a pasted portrait in shares of the canvas: the subject is nearer than the bystander.
_SUBJECT_HEIGHT = (0.15, 0.24)
_BYSTANDER_HEIGHT = (0.12, 0.17)
_FEATHER = 0.14  # of the radius: the width of its soft edge
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601


@dataclass(frozen=True, kw_only=True)
class CompositeSpec:
    """What is pasted where.

    subject, cue: portrait files relative to the root "subjects"; cue, the bystander, may be None.
    scene: photograph relative to the root "scenes".
    place: seed of position, scale, and of the scene photograph's crop.
    size: side of the square canvas, pixels.
    grey: portraits lose their colour (most public portraits have none, so colour would tell the
        collection, and through it the emotion).
    """

    subject: str
    scene: str
    cue: str | None = None
    place: int = 0
    size: int = 512
    grey: bool = True

    def __post_init__(self) -> None:
        if not 64 <= self.size <= 2048:
            raise InputError(f"Expected a composite of 64 to 2048 pixels, got {self.size}.")
        if self.place < 0:
            raise InputError(f"Expected a place seed of 0 or more, got {self.place}.")

    def to_uri(self) -> str:
        """The `composite:` address."""
        fields = {
            "v": _VERSION,
            "size": self.size,
            "grey": int(self.grey),
            "place": self.place,
            "scene": self.scene,
            "subject": self.subject,
        }
        if self.cue is not None:
            fields["cue"] = self.cue
        return COMPOSITE_SCHEME + urlencode(fields)

    @classmethod
    def from_uri(cls, uri: str) -> CompositeSpec:
        """Inverse of `to_uri`. Raises InputError for another version, or unknown or lost fields."""
        pairs = parse_qsl(uri.removeprefix(COMPOSITE_SCHEME), keep_blank_values=True)
        fields = dict(pairs)
        if fields.pop("v", None) != str(_VERSION):
            raise InputError(
                f"Expected a composite address of version {_VERSION}, got {uri!r}; "
                "build the manifest again."
            )
        try:
            spec = cls(
                subject=fields.pop("subject"),
                scene=fields.pop("scene"),
                cue=fields.pop("cue", None),
                place=int(fields.pop("place")),
                size=int(fields.pop("size")),
                grey=bool(int(fields.pop("grey"))),
            )
        except (KeyError, ValueError) as error:
            raise InputError(f"Expected a composite address, got {uri!r} ({error}).") from None
        if fields or len(pairs) != len(dict(pairs)):
            raise InputError(f"Expected a composite address, got {uri!r} with extra fields.")
        return spec


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where portraits lie on the canvas, pixels: (x1, y1, x2, y2) of each, whole numbers."""

    subject: tuple[int, int, int, int]
    cue: tuple[int, int, int, int] | None

    def on_canvas(self, box: Box, portrait_size: tuple[int, int]) -> Box:
        """A box of the subject's portrait (its width, height given) in canvas pixels."""
        x1, y1, x2, y2 = self.subject
        across, down = (x2 - x1) / portrait_size[0], (y2 - y1) / portrait_size[1]
        return (
            x1 + box[0] * across,
            y1 + box[1] * down,
            x1 + box[2] * across,
            y1 + box[3] * down,
        )


def place_portraits(
    spec: CompositeSpec,
    subject_size: tuple[int, int],
    cue_size: tuple[int, int] | None = None,
) -> Placement:
    """Seeded places. Sizes are (width, height) of the portraits, pixels.

    The subject stands in the left or right half, high enough to leave room for a body; the
    bystander stands on the other side of it, so that hiding the subject's body leaves the
    bystander to see. Places do not depend on which files are used, save for their aspect.
    """
    rng = np.random.default_rng([_VERSION, spec.place])
    left, scale, across, down, cue_scale, cue_across, cue_down = rng.random(7)
    low, high = _SUBJECT_HEIGHT
    width, height = _fit(subject_size, low + (high - low) * scale, spec.size)
    # Its centre lies between 20% and 36% of the canvas from its side.
    centre = spec.size * (0.20 + 0.16 * across)
    centre = centre if left < 0.5 else spec.size - centre
    x1 = int(np.clip(round(centre - width / 2), 0, spec.size - width))
    y1 = round((0.04 + 0.26 * down) * spec.size)
    subject = (x1, y1, x1 + width, y1 + height)
    if cue_size is None:
        return Placement(subject=subject, cue=None)
    low, high = _BYSTANDER_HEIGHT
    width, height = _fit(cue_size, low + (high - low) * cue_scale, spec.size)
    # At the far edge: the two portraits never meet, whatever the draws.
    inset = round(0.08 * spec.size * cue_across)
    x1 = spec.size - width - inset if left < 0.5 else inset
    y1 = round((0.10 + 0.36 * cue_down) * spec.size)
    return Placement(subject=subject, cue=(x1, y1, x1 + width, y1 + height))


def _fit(size: tuple[int, int], share: float, canvas: int) -> tuple[int, int]:
    """Width and height of a portrait whose longer side takes `share` of the canvas."""
    scale = share * canvas / max(size)
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))


def composite_picture(uri: str, roots: Mapping[str, Path]) -> Picture:
    """Draw an address: (size, size, 3) uint8 RGB.

    Raises InputError for an address that is none, a missing root or file, and unreadable files.
    """
    spec = CompositeSpec.from_uri(uri)
    subject = decode_image(_locate(roots, "subjects", spec.subject))
    cue = None if spec.cue is None else decode_image(_locate(roots, "subjects", spec.cue))
    canvas = _crop_scene(decode_image(_locate(roots, "scenes", spec.scene)), spec)
    placement = place_portraits(spec, _size(subject), None if cue is None else _size(cue))
    if cue is not None and placement.cue is not None:
        _paste(canvas, cue, placement.cue, grey=spec.grey)
    _paste(canvas, subject, placement.subject, grey=spec.grey)
    return np.round(canvas).astype(np.uint8)


def content_id(uri: str, roots: Mapping[str, Path]) -> str:
    """Hex SHA-256 of the address, which holds the version, and of its files' bytes."""
    spec = CompositeSpec.from_uri(uri)
    parts = [uri, file_content_id(_locate(roots, "subjects", spec.subject))]
    parts.append(file_content_id(_locate(roots, "scenes", spec.scene)))
    if spec.cue is not None:
        parts.append(file_content_id(_locate(roots, "subjects", spec.cue)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _locate(roots: Mapping[str, Path], root: str, relative: str) -> Path:
    if root not in roots:
        raise InputError(
            f"Expected the folder of {root} that {relative!r} lies in, got none; name it with "
            f"--{root}."
        )
    return resolve_inside(roots[root], relative)


def _size(picture: Picture) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def _crop_scene(photograph: Picture, spec: CompositeSpec) -> np.ndarray:
    """A seeded square of the photograph (its whole shorter side, half of them mirrored), float."""
    rng = np.random.default_rng([_VERSION, spec.place, 1])
    height, width = photograph.shape[:2]
    side = min(height, width)
    top = round(rng.random() * (height - side))
    left = round(rng.random() * (width - side))
    square = photograph[top : top + side, left : left + side]
    if rng.random() < 0.5:
        square = square[:, ::-1]
    square = np.ascontiguousarray(square)
    return resize_picture(square, (spec.size, spec.size)).astype(np.float32)


def _paste(
    canvas: np.ndarray, portrait: Picture, place: tuple[int, int, int, int], *, grey: bool
) -> None:
    """Blend the portrait with a soft rounded edge into the float canvas, in place."""
    x1, y1, x2, y2 = place
    pixels = resize_picture(portrait, (y2 - y1, x2 - x1)).astype(np.float32)
    if grey:
        pixels = np.repeat((pixels @ _LUMA)[:, :, None], 3, axis=2)
    window = canvas[y1:y2, x1:x2]
    window += soft_edge(y2 - y1, x2 - x1)[:, :, None] * (pixels - window)


def soft_edge(height: int, width: int) -> np.ndarray:
    """(height, width) in 0–1: 1 inside the inscribed superellipse, falling smoothly to 0 at its
    edge. Its exponent of 3 cuts less of chin and forehead than an ellipse's 2 does."""
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    radius = np.cbrt(np.abs(x[None, :]) ** 3 + np.abs(y[:, None]) ** 3)
    t = np.clip((1 - radius) / _FEATHER, 0, 1)
    return t * t * (3 - 2 * t)
