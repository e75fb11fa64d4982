"""Uploaded pictures: checked again on the server, decoded in memory, never written to disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from app.layout import data_url
from ccim_core.errors import InputError
from ccim_core.images import decode_image

__all__ = [
    "ACCEPTED_TYPES",
    "MAX_PIXELS",
    "MAX_UPLOAD_BYTES",
    "MIN_SIDE",
    "LoadedPicture",
    "Upload",
    "decode_upload",
]

MAX_UPLOAD_BYTES = 10 * 2**20
"""Largest upload in bytes; `.streamlit/config.toml` asks the browser for the same."""

MAX_PIXELS = 50_000_000
"""Largest picture in pixels (150 MB once decoded): what current phones take."""

PREVIEW_PIXELS = 1000
"""Longer side in pixels of the copy that is sent to the browser."""

MIN_SIDE = 32
"""Shortest side in pixels of a picture in which a subject could be made out."""

ACCEPTED_TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"]
"""Endings the file dialog offers. What counts is the content, decoded on the server."""


class Upload(Protocol):
    """What `st.file_uploader` returns, as far as it is used here."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def getvalue(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class LoadedPicture:
    """A decoded picture with the name its prediction carries.

    `pixels` is (H, W, 3) uint8 RGB; `key` is the SHA-256 of the file's bytes (or of the drawing
    it came from); `box` (x1, y1, x2, y2) in pixels is given only where the subject is known
    beforehand; `rendered` pictures are drawings, which only a rendered study's models may judge,
    and `address` says how such a one was drawn.
    """

    name: str
    key: str
    pixels: np.ndarray = field(repr=False)
    box: tuple[float, float, float, float] | None = None
    rendered: bool = False
    address: str | None = None
    credit: str = ""

    @cached_property
    def preview(self) -> tuple[str, tuple[int, int]]:
        """A reduced copy as a data URL, with its (width, height); made once."""
        return data_url(self.pixels, PREVIEW_PIXELS)

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])


def decode_upload(upload: Upload) -> LoadedPicture:
    """Decode an upload. Raises InputError (one sentence) for anything that is no usable picture."""
    if upload.size > MAX_UPLOAD_BYTES:
        raise InputError(
            f"Expected a picture of at most {MAX_UPLOAD_BYTES // 2**20} MB, got {upload.name} "
            f"with {upload.size / 2**20:.1f} MB: save it smaller and upload it again."
        )
    content = upload.getvalue()
    pixels = decode_image(
        content, max_pixels=MAX_PIXELS, max_bytes=MAX_UPLOAD_BYTES, name=upload.name
    )
    picture = LoadedPicture(
        name=upload.name, key=hashlib.sha256(content).hexdigest(), pixels=pixels
    )
    if min(picture.width, picture.height) < MIN_SIDE:
        raise InputError(
            f"Expected a picture of at least {MIN_SIDE} × {MIN_SIDE} pixels, got {upload.name} "
            f"with {picture.width} × {picture.height}: upload a larger one."
        )
    return picture
