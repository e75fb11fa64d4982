"""Caffe's residual networks and VGG, layer by layer, in torchvision's names.

Differs from torchvision in what is kept as it is (`ccim_core.conversion.layouts` builds it): the
stride of a residual stage lies in its first 1 × 1 convolution, and poolings round up. Changed on
the way: the first kernels' channels (Caffe reads blue, green, red), and BatchNorm + Scale become
one layer.
Source: the deploy files at https://github.com/CSAILVision/places365.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from torch import nn

from ccim_core.conversion.caffemodel import CaffeLayer
from ccim_core.conversion.network import (
    ConvertedNetwork,
    OtherNetworkError,
    Window,
    batch_norm_tensors,
)

__all__ = ["caffe_resnet", "caffe_vgg"]

_BRANCH = re.compile(r"^res([2-5])([a-z])(\d*)_branch(1|2a|2b|2c)$")
# Branch to torchvision's convolution and normalisation within a block.
_BRANCHES = {
    "1": ("downsample.0", "downsample.1"),
    "2a": ("conv1", "bn1"),
    "2b": ("conv2", "bn2"),
    "2c": ("conv3", "bn3"),
}
# Layers that hold no numbers and are the same in both programs, or are for training alone.
_SILENT = {
    "Accuracy",
    "Data",
    "Dropout",
    "Eltwise",
    "Flatten",
    "ImageData",
    "Input",
    "ReLU",
    "Silence",
    "Softmax",
    "SoftmaxWithLoss",
    "Split",
}
# What torchvision's layers of VGG are in Caffe.
_VGG_LAYERS: dict[type[nn.Module], str] = {
    nn.Conv2d: "Convolution",
    nn.MaxPool2d: "Pooling",
    nn.Linear: "InnerProduct",
}
_KNOWN = _SILENT | {"Convolution", "Pooling", "InnerProduct", "BatchNorm", "Scale"}


class _Layers:
    """A file's layers by name; knows which ones were asked for."""

    def __init__(self, layers: Sequence[CaffeLayer]) -> None:
        strange = [layer.type for layer in layers if layer.type not in _KNOWN]
        if strange:
            raise OtherNetworkError(f"a layer of type {strange[0]!r}, which the network has not")
        kept = [layer for layer in layers if layer.type not in _SILENT]
        doubled = [name for name, n in Counter(layer.name for layer in kept).items() if n > 1]
        if doubled:
            raise OtherNetworkError(f"two layers named {doubled[0]!r}")
        self.by_name = {layer.name: layer for layer in kept}
        self._used: set[str] = set()

    def of_type(self, kind: str) -> list[CaffeLayer]:
        """All layers of a type in the order of the file."""
        return [layer for layer in self.by_name.values() if layer.type == kind]

    def take(self, name: str, kind: str, *blobs: int) -> CaffeLayer:
        """The layer `name`, which must be of the type and hold so many blobs (or so many)."""
        layer = self.by_name.get(name)
        if layer is None:
            raise OtherNetworkError(f"none of its layers named {name!r}")
        if layer.type != kind or len(layer.blobs) not in blobs:
            raise OtherNetworkError(
                f"layer {name!r} of type {layer.type!r} with {len(layer.blobs)} blobs, "
                f"where {kind!r} belongs"
            )
        self._used.add(name)
        return layer

    def check_all_taken(self) -> None:
        """Raise OtherNetworkError if the file holds layers that the network has not."""
        left = [name for name in self.by_name if name not in self._used]
        if left:
            raise OtherNetworkError(f"{len(left)} more layers (first: {left[0]!r})")


def caffe_resnet(layers: Sequence[CaffeLayer], *, size: int) -> ConvertedNetwork:
    """A residual network of bottlenecks (He et al., the authors' own layer names).

    Args:
        size: side of the network's input, pixels, which its last pooling covers.

    Raises:
        OtherNetworkError: the file holds something else.
    """
    found = _Layers(layers)
    tensors: dict[str, np.ndarray] = {}
    windows: dict[str, Window] = {}

    def add(caffe: str, stem: str, convolution: str, normalisation: str) -> None:
        layer = found.take(caffe, "Convolution", 1, 2)
        assert layer.window is not None
        windows[convolution] = layer.window
        tensors[f"{convolution}.weight"] = _kernels(layer)
        bias = layer.blobs[1].reshape(-1) if len(layer.blobs) == 2 else None
        tensors.update(_normalisation(found, stem, normalisation, bias))

    add("conv1", "_conv1", "conv1", "bn1")
    tensors["conv1.weight"] = _to_rgb(tensors["conv1.weight"])
    windows["maxpool"] = _max_pool(found, "pool1")
    for (stage, letter, number), index in _block_numbers(found).items():
        for branch, (convolution, normalisation) in _BRANCHES.items():
            stem = f"{stage}{letter}{number}_branch{branch}"
            if branch == "1" and f"res{stem}" not in found.by_name:
                continue
            block = f"layer{int(stage) - 1}.{index}"
            add(f"res{stem}", stem, f"{block}.{convolution}", f"{block}.{normalisation}")
    _check_last_pool(found, "pool5", size)
    (classifier,) = _inner_products(found, 1)
    tensors.update(_linear(classifier, "fc"))
    found.check_all_taken()
    return ConvertedNetwork(tensors=tensors, windows=windows)


def caffe_vgg(layers: Sequence[CaffeLayer], reference: nn.Module) -> ConvertedNetwork:
    """VGG: the order of its layers is the order of the file.

    Args:
        reference: torchvision's VGG of that depth, whose layers' names are taken.

    Raises:
        OtherNetworkError: the file holds something else.
    """
    found = _Layers(layers)
    plan = [
        (name, _VGG_LAYERS[type(module)])
        for name, module in reference.named_modules()
        if type(module) in _VGG_LAYERS
    ]
    if [layer.type for layer in found.by_name.values()] != [kind for _, kind in plan]:
        raise OtherNetworkError(
            "convolutions, poolings and linear layers in another number or order"
        )
    tensors: dict[str, np.ndarray] = {}
    windows: dict[str, Window] = {}
    for (name, kind), layer in zip(plan, list(found.by_name.values()), strict=True):
        if kind == "Pooling":
            windows[name] = _max_pool(found, layer.name)
            continue
        found.take(layer.name, kind, 2)
        if kind == "InnerProduct":
            tensors.update(_linear(layer, name))
            continue
        assert layer.window is not None
        kernels = _kernels(layer)
        tensors[f"{name}.weight"] = kernels if windows else _to_rgb(kernels)
        tensors[f"{name}.bias"] = layer.blobs[1].reshape(-1)
        windows[name] = layer.window
    return ConvertedNetwork(tensors=tensors, windows=windows)


def _block_numbers(found: _Layers) -> dict[tuple[str, str, str], int]:
    """Each block's (stage, letter, number) to its place in its stage.

    Blocks are lettered (a, b, c), or in long stages numbered after the first (a, b1, b2, …).
    """
    stages: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for name in found.by_name:
        if match := _BRANCH.match(name):
            stages[match[1]].add((match[1], match[2], match[3]))
    return {
        block: index
        for stage in sorted(stages)
        for index, block in enumerate(
            sorted(stages[stage], key=lambda each: (each[1], int(each[2] or 0)))
        )
    }


def _kernels(layer: CaffeLayer) -> np.ndarray:
    kernels = layer.blobs[0]
    if kernels.ndim != 4 or layer.window is None or kernels.shape[2:] != layer.window.kernel:
        raise OtherNetworkError(f"kernels of shape {kernels.shape} in layer {layer.name!r}")
    return kernels


def _to_rgb(kernels: np.ndarray) -> np.ndarray:
    """Kernels (out, 3, h, w) over blue, green, red to kernels over red, green, blue."""
    if kernels.shape[1] != 3:
        raise OtherNetworkError(f"first kernels over {kernels.shape[1]} channels in place of three")
    return np.ascontiguousarray(kernels[:, ::-1])


def _normalisation(
    found: _Layers, stem: str, name: str, bias: np.ndarray | None
) -> dict[str, np.ndarray]:
    """BatchNorm (mean, variance, and what both are to be divided by) and Scale as one layer."""
    statistics = found.take(f"bn{stem}", "BatchNorm", 3)
    scale = found.take(f"scale{stem}", "Scale", 2)
    mean, variance, count = (blob.reshape(-1).astype(np.float64) for blob in statistics.blobs)
    if len(count) != 1 or not count[0] > 0:
        raise OtherNetworkError(
            f"no statistics in layer {statistics.name!r}, so it was never trained"
        )
    gain, shift = (blob.reshape(-1) for blob in scale.blobs)
    if len({len(each) for each in (mean, variance, gain, shift)}) != 1:
        raise OtherNetworkError(
            f"layers {statistics.name!r} and {scale.name!r} of different widths"
        )
    return batch_norm_tensors(
        name,
        mean=mean / count[0],
        variance=variance / count[0],
        gain=gain,
        shift=shift,
        eps=statistics.eps,
        bias=bias,
    )


def _max_pool(found: _Layers, name: str) -> Window:
    pooling = found.take(name, "Pooling", 0).pooling
    assert pooling is not None
    if pooling.average or pooling.whole:
        raise OtherNetworkError(f"pooling {name!r} that is no maximum of windows")
    return pooling.window


def _check_last_pool(found: _Layers, name: str, size: int) -> None:
    """The last pooling averages the whole map, which is a 32nd of the input."""
    pooling = found.take(name, "Pooling", 0).pooling
    assert pooling is not None
    side = math.ceil(size / 32)
    window = pooling.window
    covers = window.kernel == (side, side) and window.padding == (0, 0)
    if not pooling.average or not (pooling.whole or covers):
        raise OtherNetworkError(f"pooling {name!r} that does not average the whole map")


def _inner_products(found: _Layers, n: int) -> list[CaffeLayer]:
    layers = found.of_type("InnerProduct")
    if len(layers) != n:
        raise OtherNetworkError(f"{len(layers)} linear layers, where {n} belong")
    return [found.take(layer.name, "InnerProduct", 2) for layer in layers]


def _linear(layer: CaffeLayer, name: str) -> dict[str, np.ndarray]:
    """Weight (out, in), which old files hold as (1, 1, out, in), and bias (out,)."""
    if layer.transposed:
        raise OtherNetworkError(f"transposed weights in layer {layer.name!r}")
    weight, bias = layer.blobs
    return {
        f"{name}.weight": weight.reshape(weight.shape[-2:] if weight.ndim >= 2 else weight.shape),
        f"{name}.bias": bias.reshape(-1),
    }
