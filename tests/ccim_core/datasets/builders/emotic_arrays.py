"""EMOTIC as the community hands it out: a CSV and four arrays a split."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from tests.ccim_core.datasets.builders.drawing import draw_picture
from tests.ccim_core.datasets.builders.emotic_mat import EMOTIONS

__all__ = ["build_emotic_arrays"]


def build_emotic_arrays(folder: Path, *, size: tuple[int, int] = (40, 60)) -> Path:
    """The community's pre-processed form: a CSV and four arrays a split, six subjects each."""
    folder.mkdir(parents=True, exist_ok=True)
    header = ["Index", "Folder", "Filename", "Image Size", "BBox", "Categorical_Labels"]
    header += ["Continuous_Labels", "Gender", "Age"]
    for seed, split in enumerate(("train", "val", "test")):
        rows, contexts, categories = [], [], []
        for k in range(6):
            picture = draw_picture(seed * 100 + k // 2, size)  # two subjects a picture
            squeezed = Image.fromarray(picture).resize((224, 224))
            contexts.append(np.array(squeezed))
            names = [EMOTIONS[(k + j) % 26] for j in range(1 + k % 3)]
            categories.append([float(emotion in names) for emotion in EMOTIONS])
            image = f"{split}_{k // 2}.jpg"
            box = [3 + 10 * (k % 2), 4, 30, 36]
            cells = [k, "mscoco/images", image, [size[1], size[0]], box, names]
            rows.append([*cells, [5.0, 6.0, 7.0], "Male", "Kid"])
        with (folder / f"{split}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([header, *rows])
        np.save(folder / f"{split}_context_arr.npy", np.stack(contexts))
        np.save(folder / f"{split}_body_arr.npy", np.zeros((6, 128, 128, 3), np.uint8))
        np.save(folder / f"{split}_cat_arr.npy", np.array(categories))
        np.save(folder / f"{split}_cont_arr.npy", np.full((6, 3), 5.0))
    return folder
