from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ccim_core.conversion.network import (
    ConvertedNetwork,
    Window,
    batch_norm_tensors,
    check_fits,
)
from ccim_core.errors import InputError

PATH = Path("file")


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, (3, 1), stride=2), nn.BatchNorm2d(3), nn.MaxPool2d(2))


def converted() -> ConvertedNetwork:
    state = {name: value.numpy() for name, value in network().state_dict().items()}
    state.pop("1.num_batches_tracked")
    windows = {
        "0": Window(kind="convolution", kernel=(3, 1), stride=(2, 2), padding=(0, 0)),
        "2": Window(kind="max", kernel=(2, 2), stride=(2, 2), padding=(0, 0)),
    }
    return ConvertedNetwork(tensors=state, windows=windows)


def test_the_same_network_fits() -> None:
    check_fits(converted(), network(), what="a net", path=PATH)


def test_every_difference_is_named() -> None:
    found = converted()
    del found.tensors["1.bias"]
    found.tensors["9"] = np.zeros(2, np.float32)
    found.tensors["0.bias"] = np.zeros(4, np.float32)
    del found.windows["2"]
    found.windows["0"] = Window(kind="convolution", kernel=(3, 1), stride=(1, 1), padding=(0, 0))
    with pytest.raises(InputError) as caught:
        check_fits(found, network(), what="a net", path=PATH)
    for part in (
        "a net in file",
        "first: 1.bias",
        "adds 1",
        "0.bias: (4,); wanted (3,)",
        "(first: 2)",
        "0: 3 × 1, stride 1 × 1, padding 0 × 0; wanted 3 × 1, stride 2 × 2",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    found = converted()
    found.tensors["0.bias"] = np.array([0, value, 0], np.float32)
    with pytest.raises(InputError, match=r"NaN or infinity in 0\.bias"):
        check_fits(found, network(), what="a net", path=PATH)


def test_bias_and_eps_move_into_the_statistics() -> None:
    random = np.random.default_rng(0)
    mean, gain, shift, bias = random.normal(size=(4, 5))
    variance = random.uniform(0.5, 2, 5)
    layer = nn.BatchNorm2d(5).eval()
    tensors = batch_norm_tensors(
        "n", mean=mean, variance=variance, gain=gain, shift=shift, eps=1e-2, bias=bias
    )
    state = {name.removeprefix("n."): torch.from_numpy(each) for name, each in tensors.items()}
    layer.load_state_dict(state, strict=False)
    x = random.normal(size=(2, 5, 1, 1))
    column = (slice(None), None, None)
    expected = (x + bias[column] - mean[column]) / np.sqrt(variance + 1e-2)[column]
    expected = expected * gain[column] + shift[column]
    with torch.inference_mode():
        found = layer(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
