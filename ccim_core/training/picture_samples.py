"""Batches of pictures, decoded a few batches ahead: what fine-tuning draws from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ccim_core.features import View
from ccim_core.models.base import Batch
from ccim_core.pictures import PictureReader
from ccim_core.preprocessing import Preprocessing

__all__ = ["PictureSamples"]


class PictureSamples:
    """Pictures decoded, cut and preprocessed by worker threads, a few batches ahead.

    Args:
        frame: manifest rows.
        reader: gives a row's picture.
        views: stream to (view, preprocessing).
        workers: decoding threads (Pillow and torch release the interpreter's lock).
        device: where batches go.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        reader: PictureReader,
        views: Mapping[str, tuple[View, Preprocessing]],
        *,
        workers: int = 2,
        device: torch.device | str = "cpu",
        ahead: int = 2,
    ) -> None:
        columns = [str(name) for name in frame.columns]
        self.rows = [
            dict(zip(columns, values, strict=True))
            for values in frame.itertuples(index=False, name=None)
        ]
        self.reader = reader
        self.views = {
            name: (view.resolve(preprocessing), preprocessing)
            for name, (view, preprocessing) in views.items()
        }
        self.workers = max(workers, 1)
        self.device = torch.device(device)
        self.ahead = ahead

    def __len__(self) -> int:
        return len(self.rows)

    def _cut(self, row: int) -> dict[str, np.ndarray]:
        record = self.rows[row]
        picture = self.reader.read(record["image"])
        return {
            name: preprocessing.resize(view.apply(picture, record))
            for name, (view, preprocessing) in self.views.items()
        }

    def _assemble(self, cuts: list[Future[dict[str, np.ndarray]]]) -> Batch:
        done = [cut.result() for cut in cuts]
        return {
            name: preprocessing([cut[name] for cut in done]).to(self.device, non_blocking=True)
            for name, (_, preprocessing) in self.views.items()
        }

    def batches(self, rows: Sequence[Tensor]) -> Iterator[Batch]:
        """Decode `ahead` batches in advance; rows (b,) int64 each."""
        with ThreadPoolExecutor(self.workers) as pool:
            waiting: list[list[Future[dict[str, np.ndarray]]]] = []
            for index in rows:
                waiting.append([pool.submit(self._cut, row) for row in index.tolist()])
                if len(waiting) > self.ahead:
                    yield self._assemble(waiting.pop(0))
            for cuts in waiting:
                yield self._assemble(cuts)
