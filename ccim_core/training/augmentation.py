"""Random changes of portraits that leave the expression readable, a batch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ccim_core.errors import InputError

__all__ = ["AugmentationConfig", "augment_portraits"]


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How far each change goes. All are drawn evenly and for each picture anew.

    rotation: degrees either way. scale, shift, stretch: shares of the side. contrast: factor
    1 ± this. brightness: ± grey levels of 255. blur, erase, flip: probabilities. erase_side:
    least and greatest side of the erased rectangle, in shares of the side.
    """

    rotation: float = 12.0
    scale: float = 0.12
    shift: float = 0.06
    stretch: float = 0.08
    contrast: float = 0.3
    brightness: float = 30.0
    blur: float = 0.3
    erase: float = 0.3
    erase_side: tuple[float, float] = (0.10, 0.35)
    flip: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "erase_side", tuple(self.erase_side))
        for name in ("blur", "erase", "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"Expected `{name}` between 0 and 1, got {getattr(self, name)}.")
        for name in ("scale", "shift", "stretch", "contrast"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"Expected `{name}` from 0 to below 1, got {getattr(self, name)}.")
        low, high = self.erase_side
        if not 0 < low <= high < 1:
            raise InputError(
                f"Expected 0 < least <= greatest < 1 in erase_side, got {low}, {high}."
            )


def augment_portraits(
    pictures: Tensor, *, size: int, config: AugmentationConfig, generator: torch.Generator
) -> Tensor:
    """Grey pictures (B, 1, P, P) uint8 to changed ones (B, 1, size, size) float32 in 0–255.

    What a turn or shift brings in from beyond the edge is mirrored, never black.
    """
    n = len(pictures)
    draw = _Draws(n, generator)
    angle = draw(-config.rotation, config.rotation) * (math.pi / 180)
    zoom = draw(1 - config.scale, 1 + config.scale)
    stretch = draw(1 - config.stretch, 1 + config.stretch)
    mirror = 1 - 2 * draw.chosen(config.flip).float()
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0] = angle.cos() * zoom * stretch * mirror
    matrix[:, 0, 1] = -angle.sin() * zoom
    matrix[:, 1, 0] = angle.sin() * zoom * mirror
    matrix[:, 1, 1] = angle.cos() * zoom / stretch
    matrix[:, :, 2] = 2 * draw(-config.shift, config.shift, 2)  # the grid spans −1 to 1
    grid = F.affine_grid(matrix, [n, 1, size, size], align_corners=False)
    values = F.grid_sample(pictures.float(), grid, padding_mode="reflection", align_corners=False)
    mean = values.mean((1, 2, 3), keepdim=True)
    contrast = draw(1 - config.contrast, 1 + config.contrast, 1, 1, 1)
    values = (values - mean) * contrast + mean
    values += draw(-config.brightness, config.brightness, 1, 1, 1)
    blurred = F.avg_pool2d(F.pad(values, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    values = torch.where(draw.chosen(config.blur).view(n, 1, 1, 1), blurred, values)
    return _erase(values.clamp_(0, 255), config, draw)


@dataclass(frozen=True)
class _Draws:
    """Even draws for each of n pictures from one generator."""

    n: int
    generator: torch.Generator

    def __call__(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(self.n, *shape, generator=self.generator) * (high - low) + low

    def chosen(self, probability: float) -> Tensor:
        return torch.rand(self.n, generator=self.generator) < probability


def _erase(values: Tensor, config: AugmentationConfig, draw: _Draws) -> Tensor:
    """Fill one random rectangle of some pictures with one random grey."""
    size = values.shape[-1]
    chosen = draw.chosen(config.erase)
    side = draw(*config.erase_side, 2)  # height, width
    start = draw(0, 1, 2) * (1 - side)
    place = (torch.arange(size) + 0.5) / size
    down = (place >= start[:, :1]) & (place < (start + side)[:, :1])
    across = (place >= start[:, 1:]) & (place < (start + side)[:, 1:])
    inside = down[:, None, :, None] & across[:, None, None, :] & chosen.view(-1, 1, 1, 1)
    return torch.where(inside, draw(0, 255, 1, 1, 1), values)
