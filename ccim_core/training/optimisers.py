"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from ccim_core.training.config import OptimConfig

__all__ = ["build_optimiser", "build_schedule"]

_WARM_UP = 0.3
_START = 1 / 25


def build_optimiser(parameters: Iterable[nn.Parameter], config: OptimConfig) -> Optimizer:
    """SGD with momentum, Adam or AdamW over the parameters that want a gradient."""
    wanted = [parameter for parameter in parameters if parameter.requires_grad]
    if config.name == "sgd":
        return torch.optim.SGD(
            wanted, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[config.name](wanted, lr=config.lr, weight_decay=config.weight_decay)


def build_schedule(
    optimiser: Optimizer, config: OptimConfig, *, steps_per_epoch: int, epochs: int
) -> LambdaLR:
    """A schedule that is stepped once an optimiser step."""
    total = max(steps_per_epoch * epochs, 1)

    def factor(step: int) -> float:
        position = min(step / total, 1.0)
        if config.schedule == "step":
            return config.gamma ** (step // (steps_per_epoch * config.step_epochs))
        if config.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * position))
        if config.schedule == "onecycle":
            if position < _WARM_UP:
                return _START + (1 - _START) * 0.5 * (1 - math.cos(math.pi * position / _WARM_UP))
            return 0.5 * (1 + math.cos(math.pi * (position - _WARM_UP) / (1 - _WARM_UP)))
        return 1.0

    return LambdaLR(optimiser, factor)
