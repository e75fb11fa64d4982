"""Pictures that differ for every seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["draw_picture", "save_picture"]


def draw_picture(seed: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    """An (H, W, 3) uint8 picture of a few coloured patches, different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (5, 7, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.NEAREST))


def save_picture(
    path: Path, seed: int, size: tuple[int, int] = (40, 60), mode: str = "RGB"
) -> None:
    """Write a picture of `draw_picture` in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_picture(seed, size)).convert(mode).save(path)
