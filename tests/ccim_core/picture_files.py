"""Pictures as files of every format, for the tests of what reads them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

__all__ = ["RED", "WHITE", "gradient", "save"]

RED, WHITE = (255, 0, 0), (255, 255, 255)


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def gradient(height: int = 24, width: int = 36) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, (x + y) * 3.0], axis=-1).astype(np.uint8)
