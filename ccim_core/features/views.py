"""Which part of a picture an encoder sees: the context, the context masked, the body, the face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from ccim_core.errors import InputError
from ccim_core.images import crop_box, mask_box
from ccim_core.manifest import BOX_COLUMNS, FACE_COLUMNS, Manifest
from ccim_core.preprocessing import Preprocessing

__all__ = ["View", "require_boxes"]

Kind = Literal["whole", "masked", "face_masked", "subject", "face"]
_MASKED = ("masked", "face_masked")
Fill = Literal["mean"] | tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class View:
    """How a manifest row's picture is prepared.

    Args:
        kind: `whole` image; image with the subject's box `masked`, or the face's box alone
            (`face_masked`), while other people stay; crop of the `subject` box; of the `face` box.
        fill: colour of the mask: an RGB byte triple, or the encoder's mean colour.
        grow: factor by which the box grows about its centre before it is clipped to the picture.
    """

    kind: Kind
    fill: Fill = "mean"
    grow: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"Expected a view of {list(get_args(Kind))}, got {self.kind!r}.")
        if self.fill != "mean":
            fill = tuple(self.fill)
            object.__setattr__(self, "fill", fill)
            if len(fill) != 3 or not all(
                isinstance(part, int) and 0 <= part <= 255 for part in fill
            ):
                raise InputError(f"Expected a fill of three bytes or 'mean', got {fill!r}.")
        if not (np.isfinite(self.grow) and self.grow > 0):
            raise InputError(f"Expected a box to grow by a positive factor, got {self.grow!r}.")

    @property
    def box_columns(self) -> tuple[str, ...]:
        """The manifest's columns of the box that is used; none for the whole image."""
        face = FACE_COLUMNS
        return {"whole": (), "face": face, "face_masked": face}.get(self.kind, BOX_COLUMNS)

    def resolve(self, preprocessing: Preprocessing) -> View:
        """The same view with every setting a number, and settings without effect at their
        default: two views prepare equal pictures exactly if their resolved forms are equal."""
        if self.kind == "whole":
            return View(kind="whole")
        if self.kind not in _MASKED:
            return replace(self, fill="mean")
        return replace(self, fill=preprocessing.mean_colour if self.fill == "mean" else self.fill)

    def boxes(self, manifest: Manifest) -> np.ndarray:
        """The rows' boxes as the view uses them, (n, 4) in pixels, not clipped; (n, 0) for `whole`.

        Raises InputError for rows that have no such box, which for `masked` is also one that is
        the whole picture for want of a person: nothing would be left to see.
        """
        if self.kind == "whole":
            return np.empty((len(manifest), 0))
        if self.kind == "masked":
            require_boxes(manifest, "to mask it")
        whose = "face" if self.box_columns == FACE_COLUMNS else "subject"
        boxes = manifest.face_boxes() if whose == "face" else manifest.boxes()
        absent = np.flatnonzero(~np.isfinite(boxes).all(1))
        if len(absent):
            first = ", ".join(str(name) for name in manifest.frame["sample_id"].iloc[absent[:3]])
            raise InputError(
                f"Expected a {whose} box in every row, got none in {len(absent)} of "
                f"{len(manifest)} (first: {first}); run `detect`, leave rows in which it finds "
                f"none out (`detect --drop-{'faceless' if whose == 'face' else 'boxless'}`), or "
                "take another view."
            )
        return self._grown(boxes)

    def prepare(self, picture: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Apply the view with a box of `boxes`. Raises InputError for a box off the picture."""
        if self.kind == "whole":
            return picture
        if self.kind not in _MASKED:
            return crop_box(picture, box.tolist())
        if self.fill == "mean":
            raise ValueError("Expected a resolved view: the mean colour is the encoder's.")
        return mask_box(picture, box.tolist(), self.fill)

    def apply(
        self,
        picture: np.ndarray,
        row: Mapping[str, Any],
        preprocessing: Preprocessing | None = None,
    ) -> np.ndarray:
        """Prepare one row's picture, (H, W, 3) to (h, w, 3), uint8.

        Args:
            row: a mapping with the view's box columns, such as a record of the manifest.
            preprocessing: the encoder's, needed where the fill is its mean colour.

        Raises:
            InputError: the row has no such box, or it lies off the picture.
        """
        box = np.array([[row.get(column, np.nan) for column in self.box_columns]], np.float64)
        if not np.isfinite(box).all():
            raise InputError(f"Expected a box for the view {self.kind!r}, got none; give one.")
        view = self if preprocessing is None else self.resolve(preprocessing)
        return view.prepare(picture, self._grown(box)[0])

    def _grown(self, boxes: np.ndarray) -> np.ndarray:
        if self.grow == 1 or self.kind == "whole":
            return boxes
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        half = (boxes[:, 2:] - boxes[:, :2]) * (self.grow / 2)
        return np.hstack((centre - half, centre + half))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        fill = self.fill if self.fill == "mean" else list(self.fill)
        return {"kind": self.kind, "fill": fill, "grow": self.grow}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> View:
        """Inverse of `to_dict`. Unknown or missing keys raise InputError."""
        known = {field.name for field in fields(cls)}
        if not isinstance(value, Mapping) or set(value) - known or "kind" not in value:
            raise InputError(f"Expected a view with keys {sorted(known)}, got {value!r}.")
        return cls(**value)


def require_boxes(manifest: Manifest, purpose: str) -> None:
    """Raise InputError if some rows have the whole picture as their box only for want of one.

    purpose: what the box is needed for, such as "to mask it".
    """
    if "box_source" not in manifest.frame:
        return
    absent = np.flatnonzero((manifest.frame["box_source"] == "picture").to_numpy(bool))
    if len(absent):
        first = ", ".join(str(name) for name in manifest.frame["sample_id"].iloc[absent[:3]])
        raise InputError(
            f"Expected a subject box in every row {purpose}, got the whole picture for want of "
            f"one in {len(absent)} of {len(manifest)} (first: {first}); run "
            "`python -m ccim_core detect`, leave these rows out (its --drop-boxless), or show the "
            "whole picture (view `whole`; for `train` --model.context_view whole "
            "--dictionary.masked false)."
        )
