"""What the loop draws batches from, and its usual form: cached features in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from torch import Tensor

from ccim_core.models.base import Batch

__all__ = ["FeatureSamples", "Samples"]


class Samples(Protocol):
    """n subjects whose streams can be drawn by row."""

    def __len__(self) -> int:
        """Number of subjects n."""
        ...

    def batches(self, rows: Sequence[Tensor]) -> Iterator[Batch]:
        """The streams of each index tensor in turn."""
        ...


class FeatureSamples:
    """Frozen features held on the device.

    Args:
        streams: name to (n, …) tensor.
    """

    def __init__(self, streams: Mapping[str, Tensor]) -> None:
        lengths = {len(stream) for stream in streams.values()}
        if len(lengths) != 1:
            raise ValueError(f"Expected streams of one length, got {sorted(lengths)}.")
        self.streams = dict(streams)
        self._length = lengths.pop()

    def __len__(self) -> int:
        return self._length

    def batches(self, rows: Sequence[Tensor]) -> Iterator[Batch]:
        """Index every stream; rows (b,) int64."""
        for index in rows:
            yield {
                name: stream[index.to(stream.device)].float()
                for name, stream in self.streams.items()
            }
