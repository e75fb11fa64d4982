"""Encoding a manifest: pictures decoded once for all encoders that want them, and never twice."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, get_args

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ccim_core.backbones import Encoder
from ccim_core.errors import InputError
from ccim_core.features.keys import row_keys
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import View
from ccim_core.features.work import Chunk, Item, Work
from ccim_core.inference import frozen_copy
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader
from ccim_core.preprocessing import Preprocessing
from ccim_core.progress import progress_bar

__all__ = ["Precision", "Stage", "StoredType", "extract_features", "extract_views"]

Stage = Literal["pooled", "map", "pixels"]
Precision = Literal["fp32", "bf16"]
StoredType = Literal["float16", "float32"]

_POLL_SECONDS = 0.2
# Pictures a thread that a CPU encodes at once: with more, a layer's output outgrows its cache
# (EfficientNet-Lite0 at 112 pixels: 4.5 ms a picture with 8, 7.4 with 64).
_SLICE = 8


class _Options(TypedDict, total=False):
    batch_size: int
    device: torch.device | str
    precision: Precision
    dtype: StoredType
    workers: int
    rank: int
    world_size: int
    quiet: bool


def extract_features(
    manifest: Manifest,
    reader: PictureReader,
    encoder: Encoder,
    view: View,
    *,
    root: Path,
    stage: Stage = "pooled",
    **options: Unpack[_Options],
) -> FeatureStore:
    """`extract_views` of one encoder and view; takes the same options."""
    streams = [(encoder, view)]
    return extract_views(manifest, reader, streams, root=root, stages=[stage], **options)[0]


def extract_views(
    manifest: Manifest,
    reader: PictureReader,
    streams: Sequence[tuple[Encoder, View]],
    *,
    root: Path,
    stages: Sequence[Stage] | None = None,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
    dtype: StoredType = "float16",
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    quiet: bool = False,
) -> list[FeatureStore]:
    """Encode every row that the streams' stores lack; return the stores, whole for `manifest`.

    Each picture is decoded (or rendered) once for all streams. Processes that work on a store at
    the same time, told of each other or not, divide the work and never encode a picture twice;
    each returns once all of its rows are there. What was finished before a process was killed is
    kept.

    Args:
        streams: encoders, each with the view of the picture that it gets.
        root: folder of stores; each combination of encoder, view and settings has its own.
        stages: of each stream (default: pooled): `pooled` (d,); `map` (d, h, w); or `pixels`,
            what the encoder would see, (S, S, 3) uint8, with no encoder run.
        precision: `bf16` computes in bfloat16 autocast: faster, and about 5% off (of a feature's
            norm; lite0 on photographs, whose features lie 90% apart).
        dtype: on disk. float16 rounds each value by at most 0.05%.
        workers: processes that decode, cut and resize; 0: this one does.
        rank, world_size: this process among those that were started together.

    Raises:
        InputError: a picture or box that cannot be used, a view whose box rows lack, or features
            that are not finite.
    """
    stages = ["pooled"] * len(streams) if stages is None else stages
    choices: list[tuple[str, Any]] = [(precision, Precision), (dtype, StoredType)]
    for value, options in (*choices, *((stage, Stage) for stage in stages)):
        if value not in get_args(options):
            raise InputError(f"Expected one of {list(get_args(options))}, got {value!r}.")
    stores: dict[Path, FeatureStore] = {}
    wanted: dict[Path, tuple[Encoder, View, Stage]] = {}
    paths = []
    for (encoder, view), stage in zip(streams, stages, strict=True):
        view = view.resolve(encoder.preprocessing)
        as_seen = stage == "pixels"
        store = FeatureStore.create(
            root,
            provenance=encoder.provenance,
            fingerprint=encoder.fingerprint(),
            view=view,
            stage=stage,
            precision="fp32" if as_seen else precision,
            dtype="uint8" if as_seen else dtype,
            shape=_feature_shape(encoder, stage),
        )
        paths.append(store.path)
        stores[store.path], wanted[store.path] = store, (encoder, view, stage)
    keys = [row_keys(manifest, reader, view, threads=workers) for _, view, _ in wanted.values()]
    work = Work(
        list(stores.values()), keys, batch_size=batch_size, rank=rank, world_size=world_size
    )
    if work.n_open:
        cuts = [(view, encoder.preprocessing) for encoder, view, _ in wanted.values()]
        pictures = _Pictures(manifest, reader, cuts)
        frozen = [(frozen_copy(e, device=device), stage) for e, _, stage in wanted.values()]
        loader = _Loader(
            work, pictures, batch_size, workers, pin=torch.device(device).type == "cuda"
        )
        encode = _Encode(frozen, torch.device(device), precision, getattr(torch, dtype))
        with _threads_beside(workers):
            _run(work, loader, encode, quiet=quiet or rank > 0)
    return [stores[path] for path in paths]


@contextmanager
def _threads_beside(workers: int) -> Iterator[None]:
    """Leave each worker process a core of its own.

    Where threads outnumber the cores, every convolution's barrier waits for one that is not
    running: on two cores, two threads beside two workers encode a fifth of what one does.
    """
    threads = torch.get_num_threads()
    if workers:
        torch.set_num_threads(max(1, min(threads, (os.cpu_count() or 1) - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run(work: Work, loader: _Loader, encode: _Encode, *, quiet: bool) -> None:
    """Encode until every feature is there, by whomever."""
    with progress_bar("encode", total=work.n_open, unit="features", quiet=quiet) as bar:
        try:
            while work.n_open:
                parts: list[list[Tensor]] = [[] for _ in encode.encoders]
                for batch, chunk, is_last in loader:
                    for part, features in zip(parts, encode(batch), strict=True):
                        part.append(features)
                        bar.update(len(features))
                    if is_last:
                        work.finish(chunk, [torch.cat(part).cpu().numpy() for part in parts])
                        parts = [[] for _ in encode.encoders]
                        bar.update(work.advance() - chunk.size)
                bar.update(work.advance())
                if work.n_open:  # the rest is being done by others
                    time.sleep(_POLL_SECONDS)
        finally:
            work.release()


def _feature_shape(encoder: Encoder, stage: Stage) -> tuple[int, ...]:
    if stage == "pixels":
        return (encoder.preprocessing.size, encoder.preprocessing.size, 3)
    example = next(encoder.parameters()).new_zeros(1, 3, *(2 * (encoder.preprocessing.size,)))
    was_training = encoder.training
    with torch.inference_mode():
        feature_map = encoder.eval()(example)
    encoder.train(was_training)
    return tuple(feature_map.shape[1:2] if stage == "pooled" else feature_map.shape[1:])


class _Encode:
    """Pixels of each stream to its features, on the device."""

    def __init__(
        self,
        encoders: Sequence[tuple[Encoder, Stage]],
        device: torch.device,
        precision: Precision,
        dtype: torch.dtype,
    ) -> None:
        self.encoders = encoders
        self.device = device
        self.precision = precision
        self.dtype = dtype

    @torch.inference_mode()
    def __call__(self, batch: Sequence[Tensor]) -> list[Tensor]:
        """Pixels (b, S, S, 3) uint8 of each stream to (b, d), (b, d, h, w) or themselves."""
        # Otherwise "fp32" convolutions run in TF32 on a GPU, 0.1% from a CPU's.
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)
        is_gpu = self.device.type == "cuda"
        with exact if is_gpu else nullcontext():
            return [
                pixels if stage == "pixels" else self._encode(encoder, stage, pixels)
                for (encoder, stage), pixels in zip(self.encoders, batch, strict=True)
            ]

    def _encode(self, encoder: Encoder, stage: Stage, pixels: Tensor) -> Tensor:
        step = max(1, len(pixels))
        if self.device.type == "cpu":
            step = _SLICE * torch.get_num_threads()
        parts = [self._forward(encoder, stage, part) for part in pixels.split(step)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _forward(self, encoder: Encoder, stage: Stage, pixels: Tensor) -> Tensor:
        x = encoder.preprocessing.normalise(pixels.to(self.device, non_blocking=True))
        bf16 = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            feature_map = encoder(x)
        features = encoder.pool(feature_map) if stage == "pooled" else feature_map
        return features.to(self.dtype)


class _Loader:
    """Batches a few ahead of the encoder, with the chunk they belong to."""

    def __init__(
        self, work: Work, pictures: _Pictures, batch_size: int, workers: int, *, pin: bool
    ) -> None:
        self._work = work
        self._batch_size = batch_size
        self._handed_out: deque[tuple[Chunk, bool]] = deque()
        self._loader = DataLoader(
            pictures,
            batch_sampler=self._Sampler(self),
            num_workers=workers,
            collate_fn=_pass,
            pin_memory=pin,
        )

    class _Sampler(torch.utils.data.Sampler[list[Item]]):
        def __init__(self, loader: _Loader) -> None:
            self._loader = loader

        def __iter__(self) -> Iterator[list[Item]]:
            return self._loader._hand_out()

    def _hand_out(self) -> Iterator[list[Item]]:
        size = self._batch_size
        for chunk in self._work.chunks():
            for start in range(0, len(chunk.items), size):
                self._handed_out.append((chunk, start + size >= len(chunk.items)))
                yield chunk.items[start : start + size]

    def __iter__(self) -> Iterator[tuple[list[Tensor], Chunk, bool]]:
        """Pixels (b, S, S, 3) of each stream, the batch's chunk, and whether it ends it."""
        for pixels, fault in self._loader:
            if fault:
                raise InputError(fault)
            chunk, is_last = self._handed_out.popleft()
            yield pixels, chunk, is_last


class _Pictures(Dataset[Any]):
    """Rows decoded, cut and resized for each stream: what worker processes do."""

    def __init__(
        self,
        manifest: Manifest,
        reader: PictureReader,
        streams: Sequence[tuple[View, Preprocessing]],
    ) -> None:
        self.images = manifest.frame["image"].tolist()
        self.names = manifest.frame["sample_id"].tolist()
        self.reader = reader
        self.streams = [
            (view, view.boxes(manifest), preprocessing) for view, preprocessing in streams
        ]

    def __getitems__(self, items: list[Item]) -> tuple[list[Tensor], str]:
        """Pixels (b, S, S, 3) uint8 of each stream, and the first fault in words (an exception of
        a worker process would arrive wrapped in its traceback)."""
        pixels: list[list[np.ndarray]] = [[] for _ in self.streams]
        last, picture = None, np.empty(0, np.uint8)
        for row, wanted in items:
            try:
                if self.images[row] != last:
                    picture = self.reader.read(self.images[row])
                    last = self.images[row]
                for index, (view, boxes, preprocessing) in enumerate(self.streams):
                    if wanted >> index & 1:
                        cut = view.prepare(picture, boxes[row])
                        pixels[index].append(preprocessing.resize(cut))
            except InputError as error:
                return [], f"Sample {self.names[row]}: {error}"
        return [
            torch.from_numpy(
                np.stack(part)
                if part
                else np.empty((0, preprocessing.size, preprocessing.size, 3), np.uint8)
            )
            for part, (_, _, preprocessing) in zip(pixels, self.streams, strict=True)
        ], ""


def _pass(batch: Any) -> Any:
    return batch
