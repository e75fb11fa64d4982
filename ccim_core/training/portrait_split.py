"""Which portraits an encoder is trained on, and which are held back from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ccim_core.backbones import Encoder, build_encoder
from ccim_core.datasets.controlled.portraits import Portrait
from ccim_core.datasets.labelled_files import LabelledFiles, deal_files
from ccim_core.datasets.near_duplicates import group_near_duplicates
from ccim_core.progress import progress
from ccim_core.training.finetune_config import FinetuneConfig
from ccim_core.training.portrait_crops import cut_face

__all__ = ["files_of_pool", "split_portraits"]


def split_portraits(
    config: FinetuneConfig,
    files: LabelledFiles,
    portraits: Mapping[str, Portrait],
    *,
    quiet: bool = False,
) -> dict[str, str]:
    """File → "train", "val" or "test": by file, within each class, near-duplicates together.

    Files without an entry in `portraits` (the unreadable ones) get no pool. Likeness is judged by
    the untrained encoder, so that the split does not depend on any training.
    """
    readable = {
        label: [file for file in names if file in portraits] for label, names in files.files.items()
    }
    names = [file for label in readable.values() for file in label]
    encoder = build_encoder(config.encoder, size=config.size, grey=True)
    features = _pooled(encoder, files.root, names, portraits, config, quiet=quiet)
    numbers = group_near_duplicates(features, threshold=config.duplicate_threshold)
    groups = {file: int(number) for file, number in zip(names, numbers, strict=True)}
    rng = np.random.default_rng(config.seed)
    return deal_files(readable, config.shares, rng=rng, groups=groups)


def files_of_pool(
    files: LabelledFiles,
    portraits: Mapping[str, Portrait],
    pools: Mapping[str, str],
    pool: str,
    emotions: Sequence[str],
) -> tuple[list[str], list[int]]:
    """Files of one pool with the number of their class."""
    pairs = [
        (file, number)
        for number, emotion in enumerate(emotions)
        for file in files.files[emotion]
        if pools.get(file) == pool and file in portraits
    ]
    return [file for file, _ in pairs], [number for _, number in pairs]


def _pooled(
    encoder: Encoder,
    root: Path,
    names: Sequence[str],
    portraits: Mapping[str, Portrait],
    config: FinetuneConfig,
    *,
    quiet: bool,
) -> np.ndarray:
    """Pooled features of faces, (n, d)."""
    pooled = np.empty((len(names), encoder.width), np.float32)
    starts = range(0, len(names), 64)
    with torch.inference_mode():
        for start in progress(starts, "Compare portraits", unit="batch", quiet=quiet):
            faces = [
                cut_face(root, name, portraits[name], grow=config.face_grow)
                for name in names[start : start + 64]
            ]
            features = encoder.pool(encoder(encoder.preprocessing(faces)))
            pooled[start : start + 64] = features.numpy()
    return pooled
