"""One safe decode for every picture in the project, and what is done to a decoded picture.

A picture is an (H, W, 3) uint8 RGB array, upright. A box is (x1, y1, x2, y2) in pixels, where
pixel column i covers the interval [i, i + 1).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from ccim_core.errors import InputError

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Box",
    "Picture",
    "clip_box",
    "crop_box",
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "mask_box",
    "pixel_bounds",
    "resize_picture",
    "shrink_picture",
]

Picture: TypeAlias = npt.NDArray[np.uint8]
Box: TypeAlias = tuple[float, float, float, float]

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
"""Formats that are decoded; whatever else Pillow knows (EPS runs Ghostscript) is refused."""

MAX_PIXELS = 60_000_000
_WHITE = (255, 255, 255)
_ORIENTATION = 0x0112
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def decode_image(
    source: Path | str | bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int | None = None,
    name: str | None = None,
) -> Picture:
    """Decode a file, or a file's bytes, to an (H, W, 3) uint8 RGB array.

    The EXIF orientation is applied; of an animation the first frame is taken; transparency is
    laid over white. 16-bit grey is scaled by its full range (v / 257); 32-bit integers and floats,
    whose range no file states, by the smallest of 1 (floats), 255 and 65,535 that holds them,
    otherwise between their extremes. A 1×1 picture is a picture here: callers that need more
    pixels must say so.

    `name` stands for the picture in messages (default: the path). The size is checked against
    `max_pixels` from the header, before any pixel is decoded, and Pillow's own limit, which is a
    global setting and warns through global state, takes no part: this is safe in threads.

    Raises InputError for what is missing, empty, over a limit, damaged, truncated, or no picture.
    """
    if isinstance(source, bytes):
        return _decode(io.BytesIO(source), len(source), name or "the upload", max_pixels, max_bytes)
    path = Path(source)
    name = name or str(path)
    if not path.is_file():
        state = "something that is no file" if path.exists() else "no such file"
        raise InputError(f"Expected a picture at {name}, got {state}; check the path.")
    try:
        with path.open("rb") as stream:
            return _decode(stream, path.stat().st_size, name, max_pixels, max_bytes)
    except PermissionError:
        raise InputError(f"Expected a readable file at {name}, got permission denied.") from None


def _decode(
    stream: BinaryIO, n_bytes: int, name: str, max_pixels: int, max_bytes: int | None
) -> Picture:
    if n_bytes == 0:
        raise InputError(f"Expected a picture in {name}, got an empty file; save it again.")
    if max_bytes is not None and n_bytes > max_bytes:
        raise InputError(
            f"Expected a picture of at most {max_bytes:,} bytes in {name}, got {n_bytes:,}; "
            "save it smaller."
        )
    kind = _identify(stream, name)
    # Decoders given damaged or hostile bytes raise nearly every kind of exception, SyntaxError,
    # struct.error and MemoryError among them; all of them say the same thing about the file.
    try:
        image = Image.OPEN[kind][0](stream, "")
        width, height = image.size
    except Exception as error:
        raise _damaged(kind, name, error) from None
    if width * height > max_pixels:
        raise InputError(
            f"Expected a picture of at most {max_pixels:,} pixels in {name}, got {width} × "
            f"{height} = {width * height:,}; save it smaller."
        )
    try:
        image.load()
        return _upright(_to_rgb(image), _read_orientation(image))
    except Exception as error:
        raise _damaged(kind, name, error) from None


def _damaged(kind: str, name: str, error: Exception) -> InputError:
    reason = str(error) or type(error).__name__
    return InputError(
        f"Expected a whole {kind} picture in {name}, got a damaged or truncated one ({reason}); "
        "copy or save it again."
    )


def _identify(stream: BinaryIO, name: str) -> str:
    """The format by the file's first bytes; its name is not trusted."""
    Image.init()
    head = stream.read(256)
    stream.seek(0)
    for kind in FORMATS:
        _, accepts = Image.OPEN.get(kind, (None, None))
        accepted = accepts(head[:16]) if accepts is not None else False
        # A string is Pillow's way to say that it was built without this format.
        if accepted and not isinstance(accepted, str):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        got = "a HEIC photograph; export it as JPEG"
    elif _is_text(head):
        got = "text; check that this is the right file"
    else:
        got = "something else; convert it to JPEG or PNG"
    raise InputError(f"Expected a picture ({', '.join(FORMATS)}) in {name}, got {got}.")


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", errors="ignore")
    # Up to three bytes may be lost: the head can end inside a character.
    whole = len(text.encode("utf-8")) >= len(head) - 3
    return whole and all(character.isprintable() or character.isspace() for character in text)


def _to_rgb(image: Image.Image) -> Picture:
    """Pixels of any Pillow mode as RGB, transparency over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey = _scale_to_8_bits(np.asarray(image), full_range=image.mode.startswith("I;16"))
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            grey[np.asarray(image) == transparent] = 255
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None  # None is for conversions in place
        return np.array(converted)
    if image.mode in ("La", "RGBa"):  # premultiplied: convertible to their plain form only
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        page = Image.new("RGB", picture.size, _WHITE)
        page.paste(picture, mask=picture.getchannel("A"))
        return np.array(page)
    return np.array(image.convert("RGB"))


def _scale_to_8_bits(values: np.ndarray, *, full_range: bool) -> Picture:
    """(H, W) integers or floats to uint8; `full_range`: 16 bits, whatever values occur."""
    if full_range:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    is_float = values.dtype.kind == "f"
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    limits = (1.0, 255.0, 65535.0) if is_float else (255.0, 65535.0)
    top = next((limit for limit in limits if low >= 0 and high <= limit), None)
    if top is None:
        values, top = values - low, (high - low) or 1.0
    return np.round(values * (255.0 / top)).astype(np.uint8)


def _read_orientation(image: Image.Image) -> int:
    """EXIF orientation 1–8. A damaged EXIF block leaves the picture as it lies, as viewers do."""
    try:
        # After `load`: some formats apply their own orientation there and then drop the tag.
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


def _upright(picture: Picture, orientation: int) -> Picture:
    turned = {
        2: lambda: picture[:, ::-1],
        3: lambda: picture[::-1, ::-1],
        4: lambda: picture[::-1],
        5: lambda: picture.transpose(1, 0, 2),
        6: lambda: np.rot90(picture, -1),
        7: lambda: picture.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda: np.rot90(picture, 1),
    }.get(orientation, lambda: picture)()
    return np.ascontiguousarray(turned)


def clip_box(box: Sequence[float], width: float, height: float) -> Box:
    """The part of `box` inside a picture of `width` × `height` pixels.

    Raises InputError for a box that is not four finite numbers, is inverted or empty, or lies
    wholly outside.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    if not all(math.isfinite(value) for value in (x1, y1, x2, y2)):
        raise InputError(f"Expected a box of four finite numbers, got {_show(box)}.")
    if x2 <= x1 or y2 <= y1:
        raise InputError(f"Expected a box with x1 < x2 and y1 < y2, got {_show(box)}.")
    clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        raise InputError(
            f"Expected a box inside the picture of {width:g} × {height:g} pixels, "
            f"got {_show(box)}, which lies outside it."
        )
    return clipped


def _show(box: Sequence[float]) -> str:
    return "(" + ", ".join(f"{float(value):g}" for value in box) + ")"


def pixel_bounds(box: Sequence[float], width: int, height: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom), right and bottom excluded: every pixel that `box` touches."""
    x1, y1, x2, y2 = clip_box(box, width, height)
    return math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)


def crop_box(picture: Picture, box: Sequence[float]) -> Picture:
    """A copy of the pixels that `box`, clipped to the picture, touches: (h, w, 3).

    Raises InputError like `clip_box`.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = pixel_bounds(box, width, height)
    return picture[top:bottom, left:right].copy()


def mask_box(picture: Picture, box: Sequence[float], fill: Sequence[int]) -> Picture:
    """A copy in which the pixels that `crop_box` would return are the colour `fill` (r, g, b).

    Raises InputError like `clip_box`.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = pixel_bounds(box, width, height)
    masked = picture.copy()
    masked[top:bottom, left:right] = np.asarray(fill, np.uint8)
    return masked


def resize_picture(
    picture: Picture,
    size: tuple[int, int],
    *,
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear",
) -> Picture:
    """`picture` resized to `size` = (height, width), antialiased when it shrinks."""
    height, width = size
    if picture.shape[:2] == (height, width):
        return picture.copy()
    resampling = Image.Resampling[interpolation.upper()]
    return np.array(Image.fromarray(picture).resize((width, height), resampling))


def shrink_picture(picture: Picture, longest: int) -> Picture:
    """`picture` with its longer side brought down to `longest` pixels; a smaller one is copied."""
    height, width = picture.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return resize_picture(picture, (max(1, round(height * scale)), max(1, round(width * scale))))


def encode_jpeg(picture: Picture, *, quality: int = 88) -> bytes:
    """`picture` as the bytes of a JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def encode_png(picture: Picture) -> bytes:
    """`picture` as the bytes of a PNG file, without loss."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
