"""A process that extracts features slowly, and writes down each picture that it encodes.

python -m tests.ccim_core.features.worker FOLDER RANK WORLD_SIZE
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

from ccim_core.features import View, extract_features
from ccim_core.pictures import PictureReader
from tests.ccim_core.features.toys import make_encoder, make_manifest

N_IMAGES = 60


class SlowReader(PictureReader):
    """Writes a line `PID IMAGE` to `log` for every picture."""

    log: Path

    def read(self, image: str) -> np.ndarray:
        with open(self.log, "a", encoding="utf-8") as stream:
            stream.write(f"{os.getpid()} {image}\n")
        time.sleep(0.02)
        return super().read(image)


def extract(folder: Path, rank: int, world_size: int) -> None:
    """One process's part of the work."""
    manifest = make_manifest(folder / f"images-{rank}", N_IMAGES)
    reader = SlowReader({"images": folder / f"images-{rank}"})
    reader.log = folder / "log.txt"
    store = extract_features(
        manifest,
        reader,
        make_encoder(),
        View(kind="whole"),
        root=folder / "features",
        batch_size=2,
        rank=rank,
        world_size=world_size,
        quiet=True,
    )
    np.save(folder / f"gathered-{rank}.npy", store.gather(manifest, reader))


def main(folder: Path, world_size: int) -> None:
    """Start one process a rank, print its number, and wait for them."""
    torch.set_num_threads(1)
    children = []
    for rank in range(world_size):
        child = os.fork()
        if child == 0:
            extract(folder, rank, world_size)
            os._exit(0)
        children.append(child)
    print(*children, flush=True)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
