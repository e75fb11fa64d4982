"""Layers that several emotion models share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ccim_core.models.batch_norm import GlobalBatchNorm2d

__all__ = ["ConvStack", "pixels_to_input", "scaled_widths", "split_linear"]


def pixels_to_input(pixels: Tensor) -> Tensor:
    """Pictures (B, S, S, 3), 0–255, to (B, 3, S, S) in −1 to 1, so that black is a constant."""
    return pixels.permute(0, 3, 1, 2) / 127.5 - 1


def scaled_widths(widths: Sequence[int], factor: float) -> list[int]:
    """Layer widths times a factor, at least 1."""
    return [max(1, round(factor * width)) for width in widths]


class ConvStack(nn.Sequential):
    """(B, d_in, S, S) to (B, widths[-1], S / 2^n, S / 2^n): n × conv 3×3, BN, ReLU, max pool 2.

    The pooling is done before the ReLU, which gives the same numbers from a quarter of the work;
    channels come last in memory, which is a third faster on a CPU.

    Args:
        widths: channels of each convolution.
        normalise: batch normalisation; without it the convolutions have a bias.
    """

    def __init__(self, d_in: int, widths: Sequence[int], *, normalise: bool = True) -> None:
        layers: list[nn.Module] = []
        for before, width in zip((d_in, *widths), widths, strict=False):
            layers.append(nn.Conv2d(before, width, 3, padding=1, bias=not normalise))
            if normalise:
                layers.append(GlobalBatchNorm2d(width))
            layers += [nn.MaxPool2d(2), nn.ReLU()]
        super().__init__(*layers)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return super().forward(x.contiguous(memory_format=torch.channels_last))


def split_linear(subject_width: int, context_width: int, d_h: int) -> tuple[nn.Linear, nn.Linear]:
    """A linear layer over [s; c] as W_s (without bias) and W_c (with it), initialised as one."""
    subject, context = nn.Linear(subject_width, d_h, bias=False), nn.Linear(context_width, d_h)
    bound = (subject_width + context_width) ** -0.5
    for weights in (subject.weight, context.weight, context.bias):
        nn.init.uniform_(weights, -bound, bound)
    return subject, context
