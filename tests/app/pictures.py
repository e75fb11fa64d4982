"""Files that visitors upload: the bad ones, and the good ones that look odd to a decoder."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from tests.app.fakes import jpeg

_SIZE = (96, 64)


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _large_png(side: int = 30_000) -> bytes:
    """A black side × side PNG, built by hand: it is small on disk and 2.7 GB once decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    deflate = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    data = b"".join(deflate.compress(row) for _ in range(64)) + deflate.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def _grey16() -> bytes:
    values = np.linspace(0, 65535, _SIZE[0] * _SIZE[1]).reshape(_SIZE[1], _SIZE[0])
    return _save(Image.fromarray(values.astype(np.uint16)), "PNG")


def _gif() -> bytes:
    frames = [Image.new("P", _SIZE, colour) for colour in (30, 200)]
    return _save(frames[0], "GIF", save_all=True, append_images=frames[1:])


BAD_PICTURES: dict[str, Callable[[], bytes]] = {
    "text.jpg": lambda: b"This is a letter, not a picture.\n" * 20,
    "truncated.jpg": lambda: jpeg(400, 300)[:2000],
    "tiny.png": lambda: _save(Image.new("RGB", (1, 1)), "PNG"),
    "huge.png": _large_png,
    "empty.jpg": lambda: b"",
}

GOOD_PICTURES: dict[str, Callable[[], bytes]] = {
    "cmyk.jpg": lambda: _save(Image.new("CMYK", _SIZE, (10, 120, 40, 5)), "JPEG"),
    "grey16.png": _grey16,
    "moving.gif": _gif,
}
