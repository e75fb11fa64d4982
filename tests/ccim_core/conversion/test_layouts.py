"""Where the layouts differ from torchvision's, and that nothing else does."""

import torch
from torch import nn
from torchvision.models.resnet import Bottleneck

from ccim_core.conversion.layouts import resnet152, resnet152_caffe, vgg16_caffe


def strides(network: nn.Module, name: str) -> list[tuple[int, ...]]:
    blocks = [module for module in network.modules() if isinstance(module, Bottleneck)]
    return [block.get_submodule(name).stride for block in blocks]


def test_a_stage_halves_the_map_in_its_first_convolution() -> None:
    network = resnet152_caffe(device="meta")
    firsts = [3, 3 + 8, 3 + 8 + 36]
    found = strides(network, "conv1")
    assert [index for index, stride in enumerate(found) if stride == (2, 2)] == firsts
    assert set(strides(network, "conv2")) == {(1, 1)}
    plain = resnet152(device="meta")
    assert [index for index, each in enumerate(strides(plain, "conv2")) if each == (2, 2)] == firsts


def test_poolings_leave_nothing_out() -> None:
    pool = resnet152_caffe(device="meta").get_submodule("maxpool")
    for side, expected in ((112, 56), (32, 16), (33, 16)):
        assert pool(torch.zeros(1, 1, side, side)).shape[-1] == expected
    # The last window holds what torchvision's, shifted by its padding, leaves to the one before.
    row = torch.zeros(1, 1, 32, 32)
    row[..., 31, 31] = 1
    assert pool(row)[0, 0, 15, 15] == 1
    for layer in vgg16_caffe(device="meta").modules():
        if isinstance(layer, nn.MaxPool2d):
            assert layer(torch.zeros(1, 1, 19, 19)).shape[-1] == 10


def test_names_and_shapes_are_torchvisions() -> None:
    for ours, name in ((resnet152_caffe, "resnet152"), (vgg16_caffe, "vgg16")):
        from torchvision.models import get_model

        with torch.device("meta"):
            wanted = get_model(name, num_classes=365).state_dict()
        found = ours(device="meta").state_dict()
        assert {key: value.shape for key, value in found.items()} == {
            key: value.shape for key, value in wanted.items()
        }
