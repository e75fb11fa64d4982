"""Detectors from checkpoints: the right architecture or none, and published weights or none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ccim_core.errors import InputError
from ccim_core.persons import networks
from ccim_core.persons.networks import NETWORKS, NetworkSpec, load_network
from ccim_core.weights import get_weights
from tests.ccim_core.persons.tiny import pose_network, rcnn_network


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = NetworkSpec(make=rcnn_network, weights="fasterrcnn-mobilenet-coco", epsilon=0.0)
    monkeypatch.setitem(networks.NETWORKS, "tiny", spec)
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_local_checkpoint_is_loaded_and_named(tmp_path: Path, suffix: str) -> None:
    state = rcnn_network().state_dict()
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    loaded = load_network("tiny", weights=path)
    assert loaded.weights.source == f"local file mine{suffix}"
    assert len(loaded.weights.sha256) == 64
    assert not loaded.module.training
    for name, tensor in loaded.module.state_dict().items():
        torch.testing.assert_close(tensor, state[name])
    norms = [part for part in loaded.module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms
    assert all(part.eps == 0 for part in norms)


def test_published_weights_that_are_not_there_are_named_with_their_place(tmp_path: Path) -> None:
    for name, spec in NETWORKS.items():
        with pytest.raises(InputError) as error:
            load_network(name, joints=spec.joints)
        assert f"python -m ccim_core weights get {spec.weights}" in str(error.value)
        assert str(tmp_path / "home" / "weights") in str(error.value)


def test_published_weights_are_torchvisions_with_their_hash() -> None:
    for spec in NETWORKS.values():
        weights = get_weights(spec.weights)
        assert weights.url.startswith("https://download.pytorch.org/models/")
        assert weights.known_sha256 is not None
        assert weights.known_sha256 in weights.url


def test_another_networks_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save(pose_network().state_dict(), tmp_path / "pose.pth")
    with pytest.raises(InputError, match="another network's"):
        load_network("tiny", weights=tmp_path / "pose.pth")
    (tmp_path / "text.pth").write_text("no")
    with pytest.raises(InputError, match="truncated, damaged"):
        load_network("tiny", weights=tmp_path / "text.pth")
    with pytest.raises(InputError, match="no such file"):
        load_network("tiny", weights=tmp_path / "absent.pth")


def test_names_are_of_the_kind_that_is_wanted() -> None:
    with pytest.raises(InputError, match="fasterrcnn-mobilenet"):
        load_network("keypointrcnn-resnet50")
    with pytest.raises(InputError, match="keypointrcnn-resnet50"):
        load_network("tiny", joints=True)


def test_builders_are_torchvisions() -> None:
    network = NETWORKS["fasterrcnn-mobilenet"].make()
    predictor = network.get_submodule("roi_heads.box_predictor.cls_score")
    assert isinstance(predictor, nn.Linear)
    assert predictor.out_features == 91  # COCO's categories
