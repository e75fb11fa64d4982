"""What the subject's box means to a model: a head, a body, or the whole picture.

It is measured on the boxes that a run was trained on, stored with the run (`subject_box` of its
`environment.json`), and decides what is grown from a face when the run is asked about a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ccim_core.images import Box
from ccim_core.manifest import Manifest

__all__ = ["NO_SUBJECT", "SubjectBox", "no_subject"]

NO_SUBJECT = (
    "No face was found, so nobody's emotion is estimated: draw a box round the person, or give it "
    "with --box x1,y1,x2,y2."
)
UNKNOWN = (
    "It is not known whether this model was trained on boxes of heads or of bodies: a body was "
    "assumed."
)

# A head with hair and chin is about 1.5 times as high as its face (brow to chin) and no body
# down to the waist is less than 2.4 times: the rendered benchmark's smallest.
_HEAD_HEIGHTS = 2.0


@dataclass(frozen=True, kw_only=True)
class SubjectBox:
    """The boxes that a run was trained on.

    kind: "head", "body", "picture" (the whole of it), or "unknown" where no faces are known.
    widths, heights, headroom: medians of the box's width, height and room above the face, in the
        face's widths and heights; None where no face is known. n: boxes that were measured.
    """

    kind: str
    widths: float | None = None
    heights: float | None = None
    headroom: float | None = None
    n: int = 0

    @classmethod
    def of(cls, manifest: Manifest) -> SubjectBox:
        """That of a manifest's rows, by their boxes and the faces in them."""
        frame = manifest.frame
        if "box_source" in frame and (frame["box_source"] == "picture").mean() > 0.5:
            return cls(kind="picture", n=len(frame))
        return cls.measured(manifest.boxes(), manifest.face_boxes())

    @classmethod
    def measured(cls, boxes: np.ndarray, faces: np.ndarray) -> SubjectBox:
        """That of boxes (n, 4) and their faces (n, 4), NaN where there is none, in pixels."""
        x1, y1, x2, y2 = boxes.T
        left, top, right, bottom = faces.T
        known = np.isfinite(faces).all(1) & (right > left) & (bottom > top)
        if not known.any():
            return cls(kind="unknown")
        wide, high = (right - left)[known], (bottom - top)[known]
        widths, heights, headroom = (
            round(float(np.median(values)), 3)
            for values in (
                (x2 - x1)[known] / wide,
                (y2 - y1)[known] / high,
                (top - y1)[known] / high,
            )
        )
        return cls(
            kind="head" if heights < _HEAD_HEIGHTS else "body",
            widths=widths,
            heights=heights,
            headroom=headroom,
            n=int(known.sum()),
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SubjectBox:
        """Inverse of `to_dict`."""
        return cls(**value)

    def to_dict(self) -> dict[str, Any]:
        """As it is stored with a run."""
        return asdict(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of a box that was grown from a face."""
        return (UNKNOWN,) if self.kind == "unknown" else ()

    def grow(self, face_box: Sequence[float], width: float, height: float) -> Box:
        """The box to ask about, grown from a face's, in a picture of `width` × `height`."""
        from ccim_core.detection import grow_body_box  # brings torch

        if self.kind == "picture":
            return 0.0, 0.0, float(width), float(height)
        if self.kind != "head":
            return grow_body_box(face_box, width, height)
        assert self.widths is not None
        assert self.heights is not None
        assert self.headroom is not None
        return grow_body_box(
            face_box,
            width,
            height,
            widths=self.widths,
            heights=self.heights,
            headroom=self.headroom,
        )

    def __str__(self) -> str:
        return {
            "head": f"boxes of heads (median {self.heights} faces high)",
            "body": f"boxes of bodies (median {self.heights} faces high)"
            if self.heights
            else "boxes of bodies",
            "picture": "whole pictures",
        }.get(self.kind, "boxes of a kind that is not recorded")


def no_subject(image: str, estimators: Sequence[str]) -> dict[str, Any]:
    """The prediction object of a picture in which nobody was found: no box and no estimate."""
    return {
        "image": image,
        "box": None,
        "face": None,
        "estimates": {},
        "absent": dict.fromkeys(estimators, "no subject was found"),
        "warnings": [NO_SUBJECT],
        "prototypes": [],
    }
