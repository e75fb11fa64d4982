"""The key that a manifest row's features are filed under: its picture's content and its box."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from ccim_core.features.views import View
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader

__all__ = ["KEY_TYPE", "row_keys"]

KEY_TYPE = np.dtype("S32")
"""A SHA-256. NumPy drops trailing zero bytes, which changes no comparison of equal lengths."""


def row_keys(
    manifest: Manifest, reader: PictureReader, view: View, *, threads: int = 0
) -> np.ndarray:
    """One key a row, (n,) of type `KEY_TYPE`: SHA-256 of the picture's content id and the box.

    Rows whose prepared pictures are equal by construction have equal keys, wherever the file
    lies and whatever else the row says.

    Args:
        threads: how many files are hashed at a time; 0: in this thread.
    """
    codes, images = pd.factorize(manifest.frame["image"])
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            ids = list(pool.map(reader.content_id, images, chunksize=16))
    else:
        ids = [reader.content_id(image) for image in images]
    contents = [identity.encode() for identity in ids]
    boxes = np.ascontiguousarray(view.boxes(manifest), np.float64)
    width = 8 * boxes.shape[1]
    data = boxes.tobytes()
    return np.array(
        [
            hashlib.sha256(contents[code] + data[width * row : width * (row + 1)]).digest()
            for row, code in enumerate(codes)
        ],
        KEY_TYPE,
    )
