"""A frozen encoder made fast: batch normalisation folded into the convolutions before it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ccim_core.backbones import Encoder

__all__ = ["frozen_copy"]


def frozen_copy(encoder: Encoder, *, device: torch.device | str = "cpu") -> Encoder:
    """A copy for inference only: evaluation mode, no gradients, channels-last, folded.

    Its outputs are those of `encoder.eval()` up to rounding (about 1e-6, relative).
    """
    frozen = copy.deepcopy(encoder).eval().requires_grad_(False).cpu()
    _fold_batch_norm(frozen.trunk, torch.zeros(1, 3, *(2 * (encoder.preprocessing.size,))))
    return frozen.to(device=torch.device(device)).to(memory_format=torch.channels_last)


def _fold_batch_norm(trunk: nn.Module, example: Tensor) -> None:
    """Fold every batch normalisation whose input is, untouched, a convolution's output."""
    made_by: list[tuple[Tensor, str]] = []
    pairs: list[tuple[str, str]] = []
    hooks = []

    def after_convolution(name: str, output: Tensor) -> None:
        # The tensor is kept, as an identity is only unique among living objects.
        made_by.append((output, name))

    def before_normalisation(name: str, given: Tensor) -> None:
        pairs.extend((maker, name) for output, maker in made_by if output is given)

    for name, module in trunk.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(
                module.register_forward_hook(
                    lambda _, __, output, name=name: after_convolution(name, output)
                )
            )
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(
                module.register_forward_pre_hook(
                    lambda _, inputs, name=name: before_normalisation(name, inputs[0])
                )
            )
    try:
        with torch.no_grad():
            trunk(example)
    finally:
        for hook in hooks:
            hook.remove()
    for convolution_name, name in pairs:
        convolution, normalisation = (
            trunk.get_submodule(convolution_name),
            trunk.get_submodule(name),
        )
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(normalisation, nn.BatchNorm2d)
        trunk.set_submodule(convolution_name, fuse_conv_bn_eval(convolution, normalisation))
        trunk.set_submodule(name, nn.Identity())
