"""Checkpoints from which training goes on exactly where it stopped."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ccim_core.errors import InputError
from ccim_core.files import write_atomically

__all__ = [
    "Stopwatch",
    "balanced_order",
    "epoch_order",
    "load_checkpoint",
    "save_checkpoint",
    "seed_step",
]


@dataclass
class Stopwatch:
    """Seconds of a run's work: this session's, and `earlier` those that a checkpoint kept."""

    earlier: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Of all sessions together."""
        return self.earlier + time.monotonic() - self.started


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


def balanced_order(groups: torch.Tensor, *, seed: int, epoch: int) -> torch.Tensor:
    """As `epoch_order`, but of rows drawn so that every group comes equally often: (n,).

    Groups take turns, each once in any G draws, in an order of chance; a group gives its rows in an
    order of chance, again from the start when all were given. Rows of no group are never drawn.

    Args:
        groups: group of each row, (n,), or memberships (n, G), with a row in some.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    if groups.ndim == 1:
        groups = torch.nn.functional.one_hot(groups.long())
    members = [np.flatnonzero(column) for column in groups.cpu().numpy().T]
    members = [rows for rows in members if len(rows)]
    rounds = math.ceil(len(groups) / len(members))
    turns = np.concatenate([generator.permutation(len(members)) for _ in range(rounds)])
    turns = turns[: len(groups)]
    order = np.empty(len(groups), np.int64)
    for group, rows in enumerate(members):
        places = np.flatnonzero(turns == group)
        passes = math.ceil(len(places) / len(rows))
        draws = [generator.permutation(rows) for _ in range(passes)]
        order[places] = np.concatenate(draws)[: len(places)] if draws else []
    return torch.from_numpy(order)
