"""Small networks written as caffemodels, converted, and held against Caffe's own arithmetic."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ccim_core.conversion.caffe_networks import caffe_resnet, caffe_vgg
from ccim_core.conversion.caffemodel import CaffeLayer, Pooling, read_caffemodel
from ccim_core.conversion.convert import mean_subtraction
from ccim_core.conversion.layouts import resnet152_caffe
from ccim_core.conversion.network import ConvertedNetwork, OtherNetworkError, Window, check_fits
from ccim_core.errors import InputError
from tests.ccim_core.conversion.caffe_files import Layer, forward, write
from tests.ccim_core.conversion.small_networks import (
    SIZE,
    caffe_resnet_layers,
    caffe_vgg_layers,
    make_caffe_resnet,
    make_caffe_vgg,
    make_resnet,
    pictures,
)

MEAN = (104.0, 112.5, 116.7)


def read(path: Path, layers: list[Layer], form: str = "shape") -> list[CaffeLayer]:
    path.write_bytes(write(layers, form=form))
    return read_caffemodel(path)


def logits(network: nn.Module, found: ConvertedNetwork, size: int) -> np.ndarray:
    """Of the converted network on the pictures, prepared as the conversion says."""
    state = {name: torch.from_numpy(np.array(value)) for name, value in found.tensors.items()}
    missing, extra = network.load_state_dict(state, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in missing)
    assert not extra
    x = mean_subtraction(size, MEAN).normalise(torch.from_numpy(pictures(size=size)))
    with torch.inference_mode():
        return network(x).numpy()


@pytest.mark.parametrize(
    "options, form",
    [
        ({}, "shape"),
        ({"eps": 1e-3}, "shape"),
        ({"bias": True, "count": 1.0}, "legacy"),
        ({"eps": 2e-6}, "double"),
    ],
)
def test_resnet_gives_the_same_logits(tmp_path: Path, options: dict[str, Any], form: str) -> None:
    layers = caffe_resnet_layers(**options)
    found = caffe_resnet(read(tmp_path / "net", layers, form), size=SIZE)
    network = make_caffe_resnet(device="cpu")
    check_fits(found, network, what="a network", path=tmp_path / "net")
    expected = forward(layers, pictures(), MEAN)
    assert np.ptp(expected, axis=0).max() > 0.05
    np.testing.assert_allclose(logits(network, found, SIZE), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", ["shape", "v1"])
def test_vgg_gives_the_same_logits(tmp_path: Path, form: str) -> None:
    layers = caffe_vgg_layers()
    network = make_caffe_vgg(device="cpu")
    found = caffe_vgg(read(tmp_path / "net", layers, form), network)
    check_fits(found, network, what="a network", path=tmp_path / "net")
    expected = forward(layers, pictures(size=19), MEAN)
    assert np.ptp(expected, axis=0).max() > 0.05
    np.testing.assert_allclose(logits(network, found, 19), expected, atol=1e-5, rtol=0)


def test_the_layout_matters_though_the_shapes_agree(tmp_path: Path) -> None:
    """On torchvision's layout the same tensors load and give other logits: the check's reason."""
    layers = caffe_resnet_layers()
    found = caffe_resnet(read(tmp_path / "net", layers), size=SIZE)
    network = make_resnet(device="cpu")
    expected = forward(layers, pictures(), MEAN)
    assert np.abs(logits(network, found, SIZE) - expected).max() > 1e-3
    with pytest.raises(InputError, match=r"in 7 places \(first: maxpool: 3 × 3, .*, rounded up;"):
        check_fits(found, network, what="a network", path=tmp_path / "net")


def test_a_stride_in_another_branch_is_another_network(tmp_path: Path) -> None:
    found = caffe_resnet(read(tmp_path / "net", caffe_resnet_layers(stride_in="2b")), size=SIZE)
    with pytest.raises(InputError, match=r"slides otherwise in 6 places \(first: layer2.0.conv1"):
        check_fits(found, make_caffe_resnet(device="meta"), what="a network", path=tmp_path / "net")


def without(name: str) -> Callable[[list[Layer]], list[Layer]]:
    return lambda layers: [layer for layer in layers if layer.name != name]


def changed(name: str, **changes: Any) -> Callable[[list[Layer]], list[Layer]]:
    return lambda layers: [
        replace(layer, **changes) if layer.name == name else layer for layer in layers
    ]


@pytest.mark.parametrize(
    "change, match",
    [
        (without("bn2a_branch2b"), "none of its layers named 'bn2a_branch2b'"),
        (without("res4a_branch2c"), "none of its layers named 'res4a_branch2c'"),
        (without("fc365"), "0 linear layers"),
        (changed("fc365", settings={6: 1}), "transposed"),
        (changed("bn_conv1", blobs=[np.ones(6)] * 2 + [np.zeros(1)]), "never trained"),
        (changed("scale_conv1", blobs=[np.ones(6)]), "'Scale' with 1 blobs"),
        (changed("scale_conv1", blobs=[np.ones(4)] * 2), "different widths"),
        (changed("pool5", settings={1: 1, 2: 1}), "whole map"),
        (changed("pool5", settings={1: 0, 2: 2}), "whole map"),
        (changed("pool1", settings={1: 1, 2: 3, 3: 2}), "no maximum"),
        (changed("conv1", blobs=[np.ones((6, 1, 7, 7))]), "1 channels"),
        (changed("conv1_relu", type="LRN"), "type 'LRN'"),
        (lambda layers: [*layers, layers[0]], "two layers named 'conv1'"),
        (
            lambda layers: [*layers, replace(layers[0], name="more")],
            "1 more layers .first: 'more'",
        ),
    ],
)
def test_another_network_says_what_was_found(
    tmp_path: Path, change: Callable[[list[Layer]], list[Layer]], match: str
) -> None:
    layers = change(caffe_resnet_layers())
    with pytest.raises(OtherNetworkError, match=match):
        caffe_resnet(read(tmp_path / "net", layers), size=SIZE)


def test_vgg_of_another_depth_or_order_is_refused(tmp_path: Path) -> None:
    network = make_caffe_vgg(device="meta")
    for name in ("conv2_2", "pool2", "fc7"):
        layers = without(name)(caffe_vgg_layers())
        with pytest.raises(OtherNetworkError, match="another number or order"):
            caffe_vgg(read(tmp_path / "net", layers), network)


def test_resnet152_has_exactly_torchvisions_names() -> None:
    """The published layer table, with blobs that take no memory."""
    names = {
        2: ["a", "b", "c"],
        3: ["a", *(f"b{n}" for n in range(1, 8))],
        4: ["a", *(f"b{n}" for n in range(1, 36))],
        5: ["a", "b", "c"],
    }
    reference = resnet152_caffe(device="meta")
    layers = [
        *_published("conv1", "_conv1", (64, 3, 7, 7), stride=2, padding=3),
        _pool("pool1", average=False, kernel=3, stride=2),
    ]
    before = 64
    for stage, blocks in names.items():
        planes = 64 * 2 ** (stage - 2)
        for block in blocks:
            first = block == "a"
            stride = 2 if first and stage > 2 else 1
            kind = f"{stage}{block}_branch"
            if first:
                shape = (4 * planes, before, 1, 1)
                layers += _published(f"res{kind}1", f"{kind}1", shape, stride=stride)
            for branch, shape, step in (
                ("2a", (planes, before, 1, 1), stride),
                ("2b", (planes, planes, 3, 3), 1),
                ("2c", (4 * planes, planes, 1, 1), 1),
            ):
                padding = shape[2] // 2
                layers += _published(
                    f"res{kind}{branch}", f"{kind}{branch}", shape, stride=step, padding=padding
                )
            before = 4 * planes
    layers.append(_pool("pool5", average=True, kernel=7, stride=1))
    layers.append(
        CaffeLayer(name="fc365", type="InnerProduct", blobs=(_ones(365, 2048), _ones(365)))
    )
    found = caffe_resnet(layers, size=224)
    check_fits(found, reference, what="ResNet-152", path=Path("net"))
    named = {name for name in reference.state_dict() if "num_batches" not in name}
    assert set(found.tensors) == named
    assert len(named) == 777


def _ones(*shape: int) -> np.ndarray:
    return np.broadcast_to(np.float32(1), shape)


def _published(
    name: str, stem: str, shape: tuple[int, ...], *, stride: int, padding: int = 0
) -> list[CaffeLayer]:
    window = Window(
        kind="convolution",
        kernel=(shape[2], shape[3]),
        stride=(stride, stride),
        padding=(padding, padding),
    )
    n = shape[0]
    return [
        CaffeLayer(name=name, type="Convolution", blobs=(_ones(*shape),), window=window),
        CaffeLayer(name=f"bn{stem}", type="BatchNorm", blobs=(_ones(n), _ones(n), _ones(1))),
        CaffeLayer(name=f"scale{stem}", type="Scale", blobs=(_ones(n), _ones(n))),
    ]


def _pool(name: str, *, average: bool, kernel: int, stride: int) -> CaffeLayer:
    window = Window(
        kind="max",
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding=(0, 0),
        ceil_mode=True,
    )
    pooling = Pooling(average=average, whole=False, window=window)
    return CaffeLayer(name=name, type="Pooling", blobs=(), pooling=pooling)
