"""A manifest over small pictures, a reader that counts, and an encoder of three numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from ccim_core.backbones import Encoder
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader
from ccim_core.weights import Preprocessing, Provenance

__all__ = ["CountingReader", "make_encoder", "make_manifest"]


class CountingReader(PictureReader):
    """Remembers what was read."""

    def __init__(self, root: Path) -> None:
        super().__init__({"images": root})
        self.read_images: list[str] = []

    def read(self, image: str) -> np.ndarray:
        self.read_images.append(image)
        return super().read(image)


def make_manifest(root: Path, n_images: int, *, subjects: int = 1, seed: int = 0) -> Manifest:
    """`n_images` PNG files of different sizes with `subjects` rows each."""
    rng = np.random.default_rng(seed)
    rows = []
    root.mkdir(parents=True, exist_ok=True)
    for index in range(n_images):
        height, width = rng.integers(24, 60, 2)
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{index}.png")
        for subject in range(subjects):
            rows.append(
                {
                    "sample_id": f"{index}-{subject}",
                    "image": f"{index}.png",
                    "split": "train",
                    "x1": 2.0 + 3 * subject,
                    "y1": 4.0,
                    "x2": 16.0,
                    "y2": 20.5,
                    "labels": "Happy",
                    "face_x1": 5.0,
                    "face_y1": 5.0,
                    "face_x2": 11.0,
                    "face_y2": 12.0,
                }
            )
    return Manifest(frame=pd.DataFrame(rows), labels=LABEL_SETS["controlled"])


class CountingTrunk(nn.Sequential):
    """Counts the pictures that it was given, copies of it included."""

    seen: list[int]

    def __init__(self, width: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        super().__init__(nn.Conv2d(3, width, 8, stride=8, bias=False), nn.BatchNorm2d(width))
        self.seen = []
        for value in (*self.parameters(), self[1].running_mean):
            nn.init.normal_(value, std=0.3, generator=generator)

    def __deepcopy__(self, memo: dict) -> CountingTrunk:
        twin = CountingTrunk(self[0].out_channels, 0)
        twin.load_state_dict(self.state_dict())
        twin.seen = self.seen
        return twin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 1 or x.abs().sum() > 0:  # the probe of shapes and folding is all zeros
            self.seen.extend([1] * len(x))
        return super().forward(x)


def make_encoder(*, width: int = 3, size: int = 16, seed: int = 0) -> Encoder:
    """Maps (B, 3, size, size) to (B, width, size/8, size/8)."""
    preprocessing = Preprocessing(size=size, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    provenance = Provenance(
        name="toy", source="seed", sha256=str(seed), preprocessing=preprocessing
    )
    trunk = CountingTrunk(width, seed)
    return Encoder(trunk, name="toy", width=width, provenance=provenance).eval()
