"""Small folders of pictures for the compositor's tests."""

from pathlib import Path

import numpy as np
from PIL import Image

EMOTIONS = ("Anger", "Disgust", "Happy", "Neutral", "Sad", "Surprise")
SCENES = ("desert", "kitchen", "sky")


def save_picture(path: Path, seed: int, size: tuple[int, int], colour=None) -> None:
    """A noisy picture of (width, height), about one colour."""
    rng = np.random.default_rng(seed)
    base = rng.integers(60, 200, 3) if colour is None else np.array(colour)
    pixels = base + rng.normal(0, 12, (size[1], size[0], 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def make_folders(root: Path, *, n_subjects: int = 5, n_scenes: int = 4) -> dict[str, Path]:
    """Roots "subjects" and "scenes" with so many pictures a class."""
    for k, emotion in enumerate(EMOTIONS):
        for i in range(n_subjects):
            save_picture(root / "subjects" / emotion / f"{i}.png", 100 * k + i, (48, 60))
    for k, scene in enumerate(SCENES):
        for i in range(n_scenes):
            save_picture(root / "scenes" / scene / f"{i}.png", 1000 + 100 * k + i, (90, 70))
    return {"subjects": root / "subjects", "scenes": root / "scenes"}
