"""Small networks of known random weights, in each program's own terms and in torchvision's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ccim_core.conversion.layouts import as_in_caffe
from tests.ccim_core.conversion.caffe_files import Layer
from tests.ccim_core.conversion.torch7_files import Module

__all__ = [
    "BLOCKS",
    "N_CLASSES",
    "SIZE",
    "WIDTH",
    "caffe_resnet_layers",
    "caffe_vgg_layers",
    "make_caffe_resnet",
    "make_caffe_vgg",
    "make_resnet",
    "pictures",
    "torch7_model",
]

# Side of the input: on it, rounding up gives the first pooling a row more than rounding down.
SIZE = 64
N_CLASSES = 5
_STEM = 6
_PLANES = (3, 4, 5, 6)
BLOCKS = (2, 3, 1, 1)
WIDTH = 4 * _PLANES[-1]
# Blocks as Caffe's ResNet-152 names them: lettered, or numbered after the first.
_NAMES = (("a", "b"), ("a", "b1", "b2"), ("a",), ("a",))


def pictures(n: int = 2, *, size: int = SIZE) -> np.ndarray:
    """(n, S, S, 3) uint8: patches of colour under noise, so that every edge and channel counts."""
    random = np.random.default_rng(0)
    patches = random.integers(0, 200, (n, 2, 2, 3)).repeat(size, 1).repeat(size, 2)[:, ::2, ::2]
    return (patches + random.integers(0, 56, (n, size, size, 3))).astype(np.uint8)


# -- torchvision's shape ----------------------------------------------------------------------


class _ResNet(nn.Module):
    """torchvision's ResNet with narrower layers, by the same names."""

    def __init__(self) -> None:
        from torchvision.models.resnet import Bottleneck

        super().__init__()
        self.conv1 = nn.Conv2d(3, _STEM, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(_STEM)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = _STEM
        for stage, (planes, n) in enumerate(zip(_PLANES, BLOCKS, strict=True), start=1):
            blocks = []
            for index in range(n):
                stride = 2 if stage > 1 and not index else 1
                shortcut = None
                if not index:
                    shortcut = nn.Sequential(
                        nn.Conv2d(before, 4 * planes, 1, stride=stride, bias=False),
                        nn.BatchNorm2d(4 * planes),
                    )
                blocks.append(Bottleneck(before, planes, stride, shortcut))
                before = 4 * planes
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        for name, module in self.named_children():
            x = x.flatten(1) if name == "fc" else x
            x = module(x)
        return x


class _VGG(nn.Module):
    """torchvision's VGG with fewer layers, by the same names."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 5, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(5, 5, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(5 * 5 * 5, 8),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(8, 8),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(8, N_CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


def make_resnet(*, device: str) -> nn.Module:
    """The residual network as torchvision and Torch7 lay it out."""
    with torch.device(device):
        return _ResNet().eval()


def make_caffe_resnet(*, device: str) -> nn.Module:
    """The residual network as Caffe lays it out."""
    return as_in_caffe(make_resnet(device=device))


def make_caffe_vgg(*, device: str) -> nn.Module:
    """VGG as Caffe lays it out; for pictures of 19 pixels, whose poolings round up to 10 and 5."""
    with torch.device(device):
        return as_in_caffe(_VGG()).eval()


# -- Caffe ------------------------------------------------------------------------------------


class _Numbers:
    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def kernels(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        spread = scale * np.prod(shape[1:]) ** -0.5
        return self._random.normal(0, spread, shape).astype(np.float32)

    def vector(self, n: int, low: float, high: float) -> np.ndarray:
        return self._random.uniform(low, high, n).astype(np.float32)


def caffe_resnet_layers(
    *, eps: float | None = None, count: float = 999.98, bias: bool = False, stride_in: str = "2a"
) -> list[Layer]:
    """A residual network by its authors' layer names.

    Args:
        eps: of every BatchNorm, if it is not the default.
        count: third blob of every BatchNorm, by which Caffe divides the other two.
        bias: whether the first convolution has one (their ResNet-50 has).
        stride_in: branch of a stage's first block that halves the map.
    """
    numbers, layers = _Numbers(1), list[Layer]()

    def convolve(name: str, stem: str, source: str, shape: tuple[int, ...], **how: Any) -> None:
        scale = 0.02 if source == "data" else 1.0
        blobs = [numbers.kernels(*shape, scale=scale)]
        if how.pop("bias", False):
            blobs.append(numbers.vector(shape[0], -0.5, 0.5))
        settings: dict[int, int | float] = {1: shape[0], 2: int(len(blobs) > 1), 4: shape[2]}
        settings |= {3: how["padding"], 6: how["stride"]}
        layers.append(Layer(name, "Convolution", [source], name, blobs, settings))
        n = shape[0]
        statistics = [numbers.vector(n, -0.3, 0.3) * count, numbers.vector(n, 0.5, 2) * count]
        statistics.append(np.array([count], np.float32))
        own: dict[int, int | float] = {} if eps is None else {3: eps}
        layers.append(Layer(f"bn{stem}", "BatchNorm", [name], name, statistics, own))
        scale_blobs = [numbers.vector(n, 0.5, 1.5), numbers.vector(n, -0.5, 0.5)]
        layers.append(Layer(f"scale{stem}", "Scale", [name], name, scale_blobs, {4: 1}))

    def relu(name: str) -> None:
        layers.append(Layer(f"{name}_relu", "ReLU", [name], name))

    convolve("conv1", "_conv1", "data", (_STEM, 3, 7, 7), padding=3, stride=2, bias=bias)
    relu("conv1")
    layers.append(Layer("pool1", "Pooling", ["conv1"], "pool1", [], {1: 0, 2: 3, 3: 2}))
    source, before = "pool1", _STEM
    for stage, (planes, names) in enumerate(zip(_PLANES, _NAMES, strict=True), start=2):
        for index, letter in enumerate(names):
            block, shortcut = f"res{stage}{letter}", source
            stride = 2 if stage > 2 and not index else 1
            if not index:
                shortcut = f"{block}_branch1"
                stem = f"{stage}{letter}_branch1"
                shape = (4 * planes, before, 1, 1)
                convolve(shortcut, stem, source, shape, padding=0, stride=stride)
            inner = source
            for branch, kernel, width in (
                ("2a", 1, planes),
                ("2b", 3, planes),
                ("2c", 1, 4 * planes),
            ):
                name, stem = f"{block}_branch{branch}", f"{stage}{letter}_branch{branch}"
                width_before = before if branch == "2a" else planes
                convolve(
                    name,
                    stem,
                    inner,
                    (width, width_before, kernel, kernel),
                    padding=kernel // 2,
                    stride=stride if branch == stride_in else 1,
                )
                if branch != "2c":
                    relu(name)
                inner = name
            layers.append(Layer(block, "Eltwise", [shortcut, inner], block))
            relu(block)
            source, before = block, 4 * planes
    layers.append(Layer("pool5", "Pooling", [source], "pool5", [], {1: 1, 2: SIZE // 32, 3: 1}))
    blobs = [numbers.kernels(N_CLASSES, before), numbers.vector(N_CLASSES, -1, 1)]
    layers.append(Layer("fc365", "InnerProduct", ["pool5"], "fc365", blobs, {1: N_CLASSES}))
    return layers


def caffe_vgg_layers() -> list[Layer]:
    """The small VGG."""
    numbers, layers, source = _Numbers(2), list[Layer](), "data"
    for name, shape in (
        ("conv1_1", (4, 3)),
        ("pool1", None),
        ("conv2_1", (5, 4)),
        ("conv2_2", (5, 5)),
        ("pool2", None),
    ):
        if shape is None:
            layers.append(Layer(name, "Pooling", [source], name, [], {1: 0, 2: 2, 3: 2}))
        else:
            scale = 0.02 if source == "data" else 1.4
            blobs = [numbers.kernels(*shape, 3, 3, scale=scale), numbers.vector(shape[0], -1, 1)]
            settings: dict[int, int | float] = {1: shape[0], 3: 1, 4: 3}
            layers.append(Layer(name, "Convolution", [source], name, blobs, settings))
            layers.append(Layer(f"relu_{name}", "ReLU", [name], name))
        source = name
    for name, shape in (("fc6", (8, 125)), ("fc7", (8, 8)), ("fc8a", (N_CLASSES, 8))):
        blobs = [numbers.kernels(*shape, scale=2), numbers.vector(shape[0], -1, 1)]
        layers.append(Layer(name, "InnerProduct", [source], name, blobs, {1: shape[0]}))
        if name != "fc8a":
            layers.append(Layer(f"relu_{name}", "ReLU", [name], name))
            layers.append(Layer(f"drop_{name}", "Dropout", [name], name))
        source = name
    return layers


# -- Torch7 -----------------------------------------------------------------------------------


def torch7_model(
    *, package: str = "cudnn", matrices: bool = False, bias: bool = False, old: bool = False
) -> Module:
    """The residual network as fb.resnet.torch builds it.

    Args:
        package: "nn", or "cudnn" as models trained on a GPU are saved.
        matrices: kernels as (out, in·kH·kW).
        bias: whether convolutions have one (without cudnn they do).
        old: inverse deviations in place of variances.
    """
    numbers = _Numbers(3)

    def convolve(before: int, after: int, kernel: int, stride: int) -> list[Module]:
        weight = numbers.kernels(after, before, kernel, kernel)
        fields: dict[str, Any] = {
            "nInputPlane": before,
            "nOutputPlane": after,
            "kW": kernel,
            "kH": kernel,
            "dW": stride,
            "dH": stride,
            "padW": kernel // 2,
            "padH": kernel // 2,
            "weight": weight.reshape(after, -1) if matrices else weight,
            "output": np.zeros(0, np.float32),
            "_type": "torch.FloatTensor",
        }
        if bias:
            fields["bias"] = numbers.vector(after, -0.5, 0.5)
        statistics: dict[str, Any] = {
            "weight": numbers.vector(after, 0.5, 1.5),
            "bias": numbers.vector(after, -0.5, 0.5),
            "running_mean": numbers.vector(after, -0.3, 0.3),
            "eps": 1e-3,
            "momentum": 0.1,
            "affine": True,
        }
        variance = numbers.vector(after, 0.5, 2)
        if old:
            statistics["running_std"] = (variance + np.float32(1e-3)) ** -0.5
        else:
            statistics["running_var"] = variance
        return [
            Module(f"{package}.SpatialConvolution", **fields),
            Module("nn.SpatialBatchNormalization", **statistics),
        ]

    def relu() -> Module:
        return Module(f"{package}.ReLU", inplace=True)

    def window(kind: str, kernel: int, stride: int, padding: int) -> Module:
        sizes = {"kW": kernel, "kH": kernel, "dW": stride, "dH": stride}
        sizes |= {"padW": padding, "padH": padding}
        return Module(f"{package}.{kind}", **sizes, ceil_mode=False)

    layers = [*convolve(3, _STEM, 7, 2), relu(), window("SpatialMaxPooling", 3, 2, 1)]
    before = _STEM
    for stage, (planes, n) in enumerate(zip(_PLANES, BLOCKS, strict=True)):
        blocks = []
        for index in range(n):
            stride = 2 if stage and not index else 1
            branch = Module(
                "nn.Sequential",
                *convolve(before, planes, 1, 1),
                relu(),
                *convolve(planes, planes, 3, stride),
                relu(),
                *convolve(planes, 4 * planes, 1, 1),
            )
            shortcut = Module("nn.Identity")
            if not index:
                shortcut = Module("nn.Sequential", *convolve(before, 4 * planes, 1, stride))
            table = Module("nn.ConcatTable", branch, shortcut)
            blocks.append(
                Module("nn.Sequential", table, Module("nn.CAddTable", inplace=True), relu())
            )
            before = 4 * planes
        layers.append(Module("nn.Sequential", *blocks))
    layers.append(window("SpatialAveragePooling", SIZE // 32, 1, 0))
    layers.append(Module("nn.View", numElements=before, numInputDims=3))
    weight, shift = numbers.kernels(N_CLASSES, before), numbers.vector(N_CLASSES, -1, 1)
    layers.append(Module("nn.Linear", weight=weight, bias=shift))
    return Module("nn.Sequential", *layers, train=False)
