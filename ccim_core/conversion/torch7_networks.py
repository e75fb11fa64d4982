"""fb.resnet.torch's residual networks of bottlenecks, module by module, in torchvision's names.

Both halve the map in a bottleneck's 3 × 3 convolution, pad the first pooling and read red, green,
blue: nothing changes but the names.
Source: `models/resnet.lua` of https://github.com/facebookarchive/fb.resnet.torch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ccim_core.conversion.network import (
    ConvertedNetwork,
    OtherNetworkError,
    Window,
    batch_norm_tensors,
)
from ccim_core.conversion.torch7 import LuaObject

__all__ = ["torch7_resnet"]

_STEM = ("SpatialConvolution", "SpatialBatchNormalization", "ReLU", "SpatialMaxPooling")
_END = ("SpatialAveragePooling", "View", "Linear")
_BLOCK = ("ConcatTable", "CAddTable", "ReLU")
_CONVOLUTION = ("SpatialConvolution", "SpatialBatchNormalization")
_BOTTLENECK = (*_CONVOLUTION, "ReLU", *_CONVOLUTION, "ReLU", *_CONVOLUTION)


def torch7_resnet(model: Any, *, size: int) -> ConvertedNetwork:
    """A model as `read_t7` gives it, in torchvision's names.

    Args:
        size: side of the network's input, pixels, which its last pooling covers.

    Raises:
        OtherNetworkError: the file holds something else.
    """
    convert = _Conversion()
    modules = _modules(model, "the network")
    n = len(modules) - len(_STEM) - len(_END)
    _check_kinds(modules, (*_STEM, *["Sequential"] * n, *_END), "the network")
    convert.convolution(modules[0], modules[1], "conv1", "bn1")
    convert.max_pool(modules[3], "maxpool")
    for stage, blocks in enumerate(modules[len(_STEM) : len(_STEM) + n], start=1):
        for index, block in enumerate(_modules(blocks, f"stage {stage}")):
            convert.bottleneck(block, f"layer{stage}.{index}")
    average, _, linear = modules[-len(_END) :]
    side = math.ceil(size / 32)
    if _pair(average, "k") != (side, side) or _pair(average, "pad") != (0, 0):
        raise OtherNetworkError("a last pooling that does not average the whole map")
    convert.tensors["fc.weight"] = _tensor(linear, "weight", 2)
    convert.tensors["fc.bias"] = _tensor(linear, "bias", 1)
    return ConvertedNetwork(tensors=convert.tensors, windows=convert.windows)


class _Conversion:
    """Tensors and windows as they are gathered."""

    def __init__(self) -> None:
        self.tensors: dict[str, np.ndarray] = {}
        self.windows: dict[str, Window] = {}

    def bottleneck(self, block: LuaObject, name: str) -> None:
        """Three convolutions beside a shortcut, which is the identity or a convolution."""
        modules = _modules(block, name)
        _check_kinds(modules, _BLOCK, name)
        branches = _modules(modules[0], name)
        if len(branches) != 2:
            raise OtherNetworkError(f"{len(branches)} branches in {name}, where 2 belong")
        branch, shortcut = branches
        layers = _modules(branch, name)
        _check_kinds(layers, _BOTTLENECK, name)
        for number, first in enumerate((0, 3, 6), start=1):
            self.convolution(
                layers[first], layers[first + 1], f"{name}.conv{number}", f"{name}.bn{number}"
            )
        if _kind(shortcut) != "Identity":
            layers = _modules(shortcut, name)
            _check_kinds(layers, _CONVOLUTION, name)
            convolution, normalisation = layers
            self.convolution(
                convolution, normalisation, f"{name}.downsample.0", f"{name}.downsample.1"
            )

    def convolution(
        self, layer: LuaObject, normalisation: LuaObject, name: str, normalisation_name: str
    ) -> None:
        """A convolution and the batch normalisation after it, which takes its bias in."""
        fields = layer.fields
        kernel = _pair(layer, "k")
        shape = (*(_integer(layer, key) for key in ("nOutputPlane", "nInputPlane")), *kernel)
        weight = _tensor(layer, "weight")
        # Kept as a matrix by the versions that multiply matrices.
        if weight.size != math.prod(shape):
            raise OtherNetworkError(f"kernels of shape {weight.shape} in {name}, not {shape}")
        self.tensors[f"{name}.weight"] = weight.reshape(shape)
        self.windows[name] = Window(
            kind="convolution",
            kernel=kernel,
            stride=_pair(layer, "d"),
            padding=_pair(layer, "pad"),
            groups=_integer(layer, "groups", 1),
        )
        bias = None if fields.get("bias") is None else _tensor(layer, "bias", 1)
        self.tensors.update(_normalisation(normalisation, normalisation_name, bias))

    def max_pool(self, layer: LuaObject, name: str) -> None:
        """The first pooling."""
        self.windows[name] = Window(
            kind="max",
            kernel=_pair(layer, "k"),
            stride=_pair(layer, "d"),
            padding=_pair(layer, "pad"),
            ceil_mode=layer.fields.get("ceil_mode") is True,
        )


def _normalisation(layer: LuaObject, name: str, bias: np.ndarray | None) -> dict[str, np.ndarray]:
    eps = layer.fields.get("eps", 1e-5)
    if not isinstance(eps, float):
        raise OtherNetworkError(f"no eps in {name}")
    if "running_var" in layer.fields:
        variance = _tensor(layer, "running_var", 1).astype(np.float64)
    else:
        # Up to 2015 the inverse deviation was kept in its place.
        variance = _tensor(layer, "running_std", 1).astype(np.float64) ** -2 - eps
    return batch_norm_tensors(
        name,
        mean=_tensor(layer, "running_mean", 1),
        variance=variance,
        gain=_tensor(layer, "weight", 1),
        shift=_tensor(layer, "bias", 1),
        eps=eps,
        bias=bias,
    )


def _kind(module: Any) -> str:
    """Class without its package: cudnn's layers compute what nn's do."""
    return module.class_name.partition(".")[2] if isinstance(module, LuaObject) else "no module"


def _modules(container: Any, name: str) -> list[LuaObject]:
    modules = container.fields.get("modules") if isinstance(container, LuaObject) else None
    if not isinstance(modules, dict) or set(modules) != set(range(1, len(modules) + 1)):
        raise OtherNetworkError(f"no modules in {name}")
    return [modules[number] for number in sorted(modules)]


def _check_kinds(modules: list[LuaObject], wanted: tuple[str, ...], name: str) -> None:
    found = tuple(_kind(module) for module in modules)
    if found != wanted:
        raise OtherNetworkError(f"{', '.join(found)} in {name}, where {', '.join(wanted)} belong")


def _integer(layer: LuaObject, key: str, default: int | None = None) -> int:
    value = layer.fields.get(key, default)
    if not isinstance(value, (int, float)) or value != int(value):
        raise OtherNetworkError(f"no whole number for {key!r} in a {_kind(layer)}")
    return int(value)


def _pair(layer: LuaObject, key: str) -> tuple[int, int]:
    """(height, width) of a window's size `k`, step `d` or padding `pad`, 0 where not given."""
    default = 0 if key == "pad" else None
    return _integer(layer, f"{key}H", default), _integer(layer, f"{key}W", default)


def _tensor(layer: LuaObject, key: str, dimensions: int | None = None) -> np.ndarray:
    value = layer.fields.get(key)
    if not isinstance(value, np.ndarray) or dimensions not in (None, value.ndim):
        raise OtherNetworkError(f"no tensor {key!r} of that form in a {_kind(layer)}")
    return value.astype(np.float32, copy=False)
