"""Checkpoints from which training goes on exactly where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ccim_core.errors import InputError
from ccim_core.files import write_atomically

__all__ = ["epoch_order", "load_checkpoint", "save_checkpoint", "seed_step"]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a nested dict of tensors and plain values, whole or not at all."""
    with write_atomically(path) as temporary:
        torch.save(state, temporary)


def load_checkpoint(path: Path, *, config: dict[str, Any]) -> dict[str, Any] | None:
    """The checkpoint at `path`, or None when there is none.

    Raises:
        InputError: damaged, or made by another config (resuming would mix two runs).
    """
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged files
        raise InputError(
            f"Expected a whole checkpoint at {path}, got a damaged one ({type(error).__name__}); "
            "delete the run's folder to start it again."
        ) from None
    if state.get("config") != config:
        raise InputError(
            f"Expected {path.parent} to hold a run of the same settings, got other settings; "
            "delete that folder or give the run another name."
        )
    return state


def seed_step(seed: int, step: int, rank: int) -> None:
    """Make the draws of one step (dropout) a pure function of seed, global step and process.

    With it a resumed run needs no generator states, on any number of processes.
    """
    key = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(key) % (1 << 63))


def epoch_order(n: int, *, seed: int, epoch: int) -> torch.Tensor:
    """The order of an epoch, a pure function of seed and epoch, the same in every process: (n,)."""
    generator = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    return torch.from_numpy(generator.permutation(n))
