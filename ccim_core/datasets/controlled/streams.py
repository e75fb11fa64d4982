"""Named streams of chance: each part of a picture draws from its own, so none moves another."""

from __future__ import annotations

from zlib import crc32

import numpy as np

__all__ = ["stream"]


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of `name` under `seed`; the same on every platform."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))
