"""One look at each picture file of a dataset: is it there, what size is it, does it decode.

Also, from the same bytes, what tells pictures apart: a SHA-256, and a perceptual hash on request.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from ccim_core.datasets.perceptual_hashes import hash_picture
from ccim_core.errors import InputError
from ccim_core.images import MAX_PIXELS, decode_image
from ccim_core.manifest import CheckPictures
from ccim_core.pictures import PictureReader
from ccim_core.progress import progress

__all__ = ["PictureFacts", "look_at_pictures"]

_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)  # orientations that exchange width and height

State = Literal["there", "missing", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class PictureFacts:
    """What a look at a file found; `detail` says why it is missing or unreadable.

    `width` and `height` in pixels, upright, 0 where unknown; `mode` is Pillow's ("RGB", "L", …),
    `sha256` of the file's bytes and `perceptual_hash` (64 bits), empty and None where not looked.
    """

    state: State
    detail: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    sha256: str = ""
    perceptual_hash: int | None = None


def look_at_pictures(
    images: Sequence[str],
    reader: PictureReader,
    *,
    check: CheckPictures,
    sizes: bool = False,
    perceptual: bool = False,
    quiet: bool = False,
) -> dict[str, PictureFacts]:
    """Image → facts, each looked at once.

    Args:
        check: "none" looks at nothing, "exists" whether the file is there, "decode" reads it whole.
        sizes: with "none" or "exists" too, read the size from the file's header.
        perceptual: with "decode", also a perceptual hash.
    """
    if check == "none" and not sizes:
        return {}

    def look(image: str) -> PictureFacts:
        try:
            path = reader.path(image)
            reader.require(image)
        except InputError as error:
            return PictureFacts(state="missing", detail=str(error))
        if check == "decode":
            return _decode(path, perceptual=perceptual)
        return _read_header(path) if sizes else PictureFacts(state="there")

    # Pillow and hashlib let go of the interpreter.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        looked = pool.map(look, images)
        bar = progress(looked, "Look at pictures", total=len(images), unit="picture", quiet=quiet)
        return dict(zip(images, bar, strict=True))


def _decode(path: Path, *, perceptual: bool) -> PictureFacts:
    try:
        content = path.read_bytes()
    except OSError as error:
        return PictureFacts(state="unreadable", detail=f"{path}: {error.strerror}")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        picture = decode_image(content, name=str(path))
    except InputError as error:
        return PictureFacts(state="unreadable", detail=str(error), sha256=sha256)
    height, width = picture.shape[:2]
    return PictureFacts(
        state="there",
        width=width,
        height=height,
        mode=Image.open(io.BytesIO(content)).mode,  # of a picture that is known to be sound
        sha256=sha256,
        perceptual_hash=hash_picture(picture) if perceptual else None,
    )


def _read_header(path: Path) -> PictureFacts:
    """Size and mode by the header alone: what lies behind it may still be damaged."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            # Elsewhere Pillow would read the whole file to look for the tag.
            turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) in _TURNED
            mode = image.mode
    except Exception as error:  # damaged headers raise nearly every kind
        reason = str(error) or type(error).__name__
        return PictureFacts(state="unreadable", detail=f"no picture in {path} ({reason})")
    if width * height > MAX_PIXELS:
        return PictureFacts(
            state="unreadable", detail=f"{path} has {width} × {height} pixels, over {MAX_PIXELS:,}"
        )
    if turned:
        width, height = height, width
    return PictureFacts(state="there", width=width, height=height, mode=mode)
