"""A small fb.resnet.torch model written as `.t7`, converted, and held against plain functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ccim_core.conversion.network import OtherNetworkError, check_fits
from ccim_core.conversion.torch7 import read_t7
from ccim_core.conversion.torch7_networks import torch7_resnet
from ccim_core.errors import InputError
from tests.ccim_core.conversion.small_networks import (
    SIZE,
    make_caffe_resnet,
    make_resnet,
    torch7_model,
)
from tests.ccim_core.conversion.torch7_files import Module, forward, write


@pytest.mark.parametrize(
    "options",
    [{}, {"package": "nn", "matrices": True, "bias": True}, {"old": True}],
)
def test_resnet_gives_the_same_logits(tmp_path: Path, options: dict[str, Any]) -> None:
    model = torch7_model(**options)
    path = tmp_path / "net.t7"
    path.write_bytes(write(model))
    found = torch7_resnet(read_t7(path), size=SIZE)
    network = make_resnet(device="cpu")
    check_fits(found, network, what="a network", path=path)
    state = {name: torch.from_numpy(np.array(value)) for name, value in found.tensors.items()}
    network.load_state_dict(state, strict=False)
    x = torch.from_numpy(np.random.default_rng(4).normal(size=(2, 3, SIZE, SIZE)))
    with torch.inference_mode():
        expected = forward(model, x)
        logits = network(x.float())
    assert np.ptp(expected.numpy(), axis=0).max() > 0.05
    torch.testing.assert_close(logits.double(), expected, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="slides otherwise in 7 places"):
        check_fits(found, make_caffe_resnet(device="meta"), what="a network", path=path)


def _without_last(module: Module) -> None:
    modules = module.fields["modules"]
    del modules[len(modules)]


def _stage(model: Module, number: int) -> Module:
    return model.modules[3 + number]


@pytest.mark.parametrize(
    "change, match",
    [
        (_without_last, "in the network, where"),
        (lambda model: model.fields.pop("modules"), "no modules in the network"),
        (lambda model: _without_last(_stage(model, 2).modules[0]), "in layer2.0, where"),
        (
            lambda model: _without_last(_stage(model, 1).modules[0].modules[0]),
            "1 branches in layer1.0",
        ),
        (
            lambda model: _without_last(_stage(model, 1).modules[0].modules[0].modules[0]),
            "in layer1.0, where SpatialConvolution",
        ),
        (lambda model: model.modules[0].fields.pop("weight"), "no tensor 'weight'"),
        (lambda model: model.modules[0].fields.update(nInputPlane=4), "kernels of shape"),
        (lambda model: model.modules[0].fields.update(kW=0.5), "no whole number for 'kW'"),
        (lambda model: model.modules[1].fields.update(eps="small"), "no eps in bn1"),
        (lambda model: model.modules[-3].fields.update(kW=7), "whole map"),
    ],
)
def test_another_network_says_what_was_found(
    tmp_path: Path, change: Callable[[Module], object], match: str
) -> None:
    model = torch7_model()
    change(model)
    (tmp_path / "net.t7").write_bytes(write(model))
    with pytest.raises(OtherNetworkError, match=match):
        torch7_resnet(read_t7(tmp_path / "net.t7"), size=SIZE)


def test_a_value_that_is_no_module_is_refused() -> None:
    for value in (None, {"model": 1}, 3.0):
        with pytest.raises(OtherNetworkError, match="no modules"):
            torch7_resnet(value, size=SIZE)
