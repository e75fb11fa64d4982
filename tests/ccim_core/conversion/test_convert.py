"""`convert_weights` from a published file to an encoder's logits, on small networks."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ccim_core import encoder_specs
from ccim_core.backbones import build_encoder, load_encoder, save_encoder
from ccim_core.conversion import (
    CONVERSIONS,
    convert_weights,
    get_conversion,
    locate_converted,
    read_converted,
)
from ccim_core.errors import InputError
from ccim_core.preprocessing import Preprocessing
from ccim_core.tensor_files import load_arrays
from ccim_core.weights import WEIGHTS
from tests.ccim_core.conversion.caffe_files import forward, write
from tests.ccim_core.conversion.small_networks import (
    N_CLASSES,
    SIZE,
    WIDTH,
    caffe_resnet_layers,
    caffe_vgg_layers,
    make_caffe_resnet,
    make_caffe_vgg,
    make_resnet,
    pictures,
    torch7_model,
)
from tests.ccim_core.conversion.torch7_files import Module
from tests.ccim_core.conversion.torch7_files import forward as torch7_forward
from tests.ccim_core.conversion.torch7_files import write as torch7_write

CAFFE, TORCH7, VGG = "resnet152-places365", "resnet152-places365-torch7", "vgg16-places365"
MEAN = (104.051, 112.514, 116.676)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The registry's networks in small, and the published files in their places."""
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    for name, make, size in (
        (CAFFE, make_caffe_resnet, SIZE),
        (TORCH7, make_resnet, SIZE),
        (VGG, make_caffe_vgg, 19),
    ):
        conversion = CONVERSIONS[name]
        preprocessing = replace(conversion.preprocessing, size=size)
        small = replace(conversion, make=make, preprocessing=preprocessing)
        monkeypatch.setitem(CONVERSIONS, name, small)
        spec = encoder_specs.ENCODERS[name]
        classes = N_CLASSES if spec.n_classes else 0
        width = WIDTH if spec.n_classes else 5
        small_spec = replace(spec, width=width, n_classes=classes, preprocessing=preprocessing)
        monkeypatch.setitem(encoder_specs.ENCODERS, name, small_spec)
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    (folder / "resnet152_places365.caffemodel").write_bytes(write(caffe_resnet_layers()))
    (folder / "resnet152_places365.t7").write_bytes(torch7_write(torch7_model()))
    (folder / "vgg16_places365.caffemodel").write_bytes(write(caffe_vgg_layers()))
    return folder


def test_caffes_resnet_becomes_an_encoder_with_its_logits(home: Path) -> None:
    path = convert_weights(CAFFE)
    assert path == home / "resnet152_places365.safetensors"
    encoder = build_encoder(CAFFE)
    expected = forward(caffe_resnet_layers(), pictures(), MEAN)
    with torch.inference_mode():
        feature_map = encoder(encoder.preprocessing(list(pictures())))
        logits = encoder.classify(feature_map)
    assert feature_map.shape == (2, WIDTH, 2, 2)
    np.testing.assert_allclose(logits.numpy(), expected, atol=1e-5, rtol=0)
    original = (home / "resnet152_places365.caffemodel").read_bytes()
    digest = hashlib.sha256(original).hexdigest()
    assert encoder.provenance.source == (
        f"converted from resnet152_places365.caffemodel with sha256 {digest}"
    )
    assert encoder.provenance.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    # A region filled with the mean colour becomes (nearly) nothing.
    assert encoder.preprocessing.mean_colour == (117, 113, 104)


def test_torch7s_resnet_becomes_an_encoder_with_its_logits() -> None:
    convert_weights(TORCH7)
    encoder = build_encoder(TORCH7)
    x = encoder.preprocessing(list(pictures()))
    colours = pictures()[0, 0, 0] / 255
    wanted = (colours - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(x[0, :, 0, 0], wanted, atol=1e-5)
    with torch.inference_mode():
        logits = encoder.classify(encoder(x))
    torch.testing.assert_close(
        logits.double(), torch7_forward(torch7_model(), x.double()), atol=1e-5, rtol=0
    )


def test_vgg_becomes_an_encoder_of_its_last_map() -> None:
    convert_weights(VGG)
    encoder = build_encoder(VGG)
    layers = caffe_vgg_layers()
    last = [layer.name for layer in layers].index("pool2")
    expected = forward(layers[: last + 1], pictures(size=19), MEAN)
    with torch.inference_mode():
        found = encoder(encoder.preprocessing(list(pictures(size=19))))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="names scenes"):
        encoder.classify(found)


def test_a_mean_that_is_given_travels_with_the_weights(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "other.safetensors"
    assert convert_weights(CAFFE, out=out, mean=(100, 110, 120)) == out
    encoder = build_encoder(CAFFE, weights=out, size=96)
    assert encoder.preprocessing.size == 96
    assert [255 * value for value in encoder.preprocessing.mean] == pytest.approx([120, 110, 100])
    save_encoder(encoder, tmp_path / "run.safetensors")
    assert load_encoder(tmp_path / "run.safetensors").preprocessing == encoder.preprocessing
    for mean in ((-1, 0, 0), (0, 0, 256)):
        with pytest.raises(InputError, match="from 0 to 255"):
            convert_weights(CAFFE, out=tmp_path / "x", mean=mean)
    with pytest.raises(InputError, match="no mean colour for resnet152-places365-torch7"):
        convert_weights(TORCH7, out=tmp_path / "x", mean=(1, 2, 3))


def test_the_same_file_gives_the_same_bytes_and_is_not_made_twice(
    home: Path, tmp_path: Path
) -> None:
    first = convert_weights(CAFFE)
    content, time = first.read_bytes(), first.stat().st_mtime_ns
    assert convert_weights(CAFFE) == first
    assert first.stat().st_mtime_ns == time
    assert convert_weights(CAFFE, out=tmp_path / "again").read_bytes() == content
    with pytest.raises(InputError, match="not this conversion; delete it"):
        convert_weights(CAFFE, mean=(1, 2, 3))
    (home / "vgg16_places365.safetensors").write_text("something")
    with pytest.raises(InputError, match="not this conversion; delete it"):
        convert_weights(VGG)
    assert (home / "vgg16_places365.safetensors").read_text() == "something"


@pytest.mark.parametrize("name", [CAFFE, TORCH7, VGG])
def test_missing_weights_name_both_commands_and_the_place(home: Path, name: str) -> None:
    conversion = get_conversion(name)
    for act in (lambda: build_encoder(name), lambda: locate_converted(name)):
        with pytest.raises(InputError) as caught:
            act()
        message = str(caught.value)
        assert f"weights get {conversion.original}" in message
        assert f"weights convert {name}" in message
        assert str(conversion.path) in message
        assert str(WEIGHTS[conversion.original].path) in message
    WEIGHTS[conversion.original].path.unlink()
    with pytest.raises(InputError, match=f"weights get {conversion.original}"):
        convert_weights(name)


def test_one_kind_of_weights_never_stands_in_for_another(home: Path, tmp_path: Path) -> None:
    caffe, torch7 = convert_weights(CAFFE), convert_weights(TORCH7)
    # The same names and shapes: only what the file says of itself tells them apart.
    shapes = [
        {
            name: array.shape
            for name, array in load_arrays(path, kind="converted-weights")[0].items()
        }
        for path in (caffe, torch7)
    ]
    assert shapes[0] == shapes[1]
    with pytest.raises(InputError, match=f"weights of {TORCH7}.*got those of {CAFFE}"):
        build_encoder(TORCH7, weights=caffe)
    with pytest.raises(InputError, match=f"weights of resnet152 in.*got those of {TORCH7}"):
        build_encoder("resnet152", weights=torch7)
    plain = tmp_path / "plain.pth"
    torch.save(make_caffe_resnet(device="cpu").state_dict(), plain)
    with pytest.raises(InputError, match="as `weights convert` writes them"):
        build_encoder(CAFFE, weights=plain)
    caffe.write_bytes(torch7.read_bytes())
    with pytest.raises(InputError, match=f"weights of {CAFFE}"):
        build_encoder(CAFFE)


def test_files_of_other_networks_are_refused_and_leave_nothing(home: Path) -> None:
    caffemodel, t7 = home / "resnet152_places365.caffemodel", home / "resnet152_places365.t7"
    whole = caffemodel.read_bytes()
    before = sorted(path.name for path in home.iterdir())
    cases = [
        (CAFFE, caffemodel, write(caffe_vgg_layers()), "Caffe's ResNet-152.*'conv1'"),
        (CAFFE, caffemodel, write(caffe_resnet_layers(stride_in="2b")), "slides otherwise"),
        (CAFFE, caffemodel, whole[: len(whole) // 2], "truncated"),
        (CAFFE, caffemodel, write(caffe_resnet_layers()[:-1]), "0 linear layers"),
        (CAFFE, caffemodel, t7.read_bytes(), "whole caffemodel"),
        (TORCH7, t7, whole, "whole binary Torch7 file"),
        (TORCH7, t7, torch7_write(Module("nn.DataParallelTable")), "'nn.DataParallelTable'"),
        (TORCH7, t7, torch7_write(torch7_model())[:-9], "truncated"),
        (TORCH7, t7, torch7_write(torch7_model().modules[4]), "Torch7's ResNet-152.*, got Seq"),
        (VGG, home / "vgg16_places365.caffemodel", whole, "Caffe's VGG-16.*number or order"),
    ]
    for name, path, content, match in cases:
        path.write_bytes(content)
        with pytest.raises(InputError, match=match) as caught:
            convert_weights(name)
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
        assert sorted(each.name for each in home.iterdir()) == before


def test_a_changed_file_is_refused(home: Path) -> None:
    path = convert_weights(CAFFE)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="changed or damaged"):
        build_encoder(CAFFE)
    path.write_bytes(data[:500])
    with pytest.raises(InputError, match=f"damaged file: delete it and run.*convert {CAFFE}"):
        build_encoder(CAFFE)


def test_another_version_is_refused(home: Path) -> None:
    path = convert_weights(CAFFE)
    path.write_bytes(path.read_bytes().replace(b'\\"version\\": 1', b'\\"version\\": 2'))
    with pytest.raises(InputError, match="version 1.*convert them again"):
        read_converted(path, CAFFE)


def test_the_registry_agrees_with_itself() -> None:
    for name, conversion in CONVERSIONS.items():
        assert conversion.name == name
        assert encoder_specs.ENCODERS[name].converted
        assert WEIGHTS[conversion.original].check is not None
        restored = Preprocessing.from_dict(
            json.loads(json.dumps(conversion.preprocessing.to_dict()))
        )
        assert restored == conversion.preprocessing
    with pytest.raises(InputError, match="vgg16-places365"):
        get_conversion("resnet50")
