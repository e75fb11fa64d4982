"""Networks in torchvision's names that slide as the networks of other programs do.

A residual network of Caffe (He et al.) halves the map in the first 1 × 1 convolution of a stage,
torchvision's and Torch7's in its 3 × 3; Caffe's poolings let the last window reach over the edge.
The weights have the same shapes either way: on the other layout they would load and mean nothing.
"""

from __future__ import annotations

import torch
from torch import nn

from ccim_core.places365 import N_SCENES

__all__ = ["as_in_caffe", "resnet152", "resnet152_caffe", "vgg16_caffe"]


def as_in_caffe(network: nn.Module) -> nn.Module:
    """Move strides and poolings of a torchvision-shaped network to where Caffe has them, in place.

    Bottlenecks stride in `conv1`; poolings have no padding and round up.
    """
    from torchvision.models.resnet import Bottleneck

    for module in network.modules():
        if isinstance(module, Bottleneck):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, module.conv1.stride
        elif isinstance(module, nn.MaxPool2d):
            module.padding, module.ceil_mode = 0, True
    return network


def resnet152(*, device: str) -> nn.Module:
    """torchvision's ResNet-152 with an output a scene, untrained: also the layout of Torch7's."""
    from torchvision.models import get_model

    with torch.device(device):
        return get_model("resnet152", weights=None, num_classes=N_SCENES)


def resnet152_caffe(*, device: str) -> nn.Module:
    """ResNet-152 as in Caffe, with an output a scene, untrained."""
    return as_in_caffe(resnet152(device=device))


def vgg16_caffe(*, device: str) -> nn.Module:
    """VGG-16 as in Caffe, with an output a scene, untrained."""
    from torchvision.models import get_model

    with torch.device(device):
        return as_in_caffe(get_model("vgg16", weights=None, num_classes=N_SCENES))
