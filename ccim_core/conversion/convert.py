"""`weights convert`: Places365 networks published for Caffe and Torch7 as safetensors of ours.

A converted file has the tensors by torchvision's names, the encoder it is for, the preprocessing
its pictures need, and name and hash of the file it was made from. It is read by that encoder
alone: the names and shapes of two layouts agree, their meaning does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ccim_core.conversion.layouts import resnet152, resnet152_caffe, vgg16_caffe
from ccim_core.conversion.network import ConvertedNetwork, OtherNetworkError, check_fits
from ccim_core.errors import InputError
from ccim_core.files import sha256_file
from ccim_core.preprocessing import Preprocessing
from ccim_core.tensor_files import is_tensor_file, load_arrays, save_arrays
from ccim_core.weights import LocalWeights, get_weights, weights_dir

__all__ = [
    "CONVERSIONS",
    "Conversion",
    "convert_weights",
    "get_conversion",
    "locate_converted",
    "read_converted",
    "read_original",
    "refuse_converted",
]

_FILE_KIND = "converted-weights"
_VERSION = 1


class _Make(Protocol):
    def __call__(self, *, device: str) -> nn.Module: ...


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """One network that can be converted.

    Args:
        name: the encoder that it becomes.
        original: name for `weights get` of the file it is made from.
        what: the network in words.
        make: the torchvision-shaped network, untrained, on a device.
        read: the file's layers by torchvision's names; `size` is that of the preprocessing.
        preprocessing: what its pictures go through, save a mean that is given.
        takes_mean: whether a mean colour is subtracted from pixels 0–255 (Caffe).
    """

    name: str
    original: str
    what: str
    make: _Make
    read: Callable[[Path, nn.Module, int], ConvertedNetwork]
    preprocessing: Preprocessing
    takes_mean: bool = False

    @property
    def path(self) -> Path:
        """Where the converted file belongs."""
        return weights_dir() / f"{self.name.replace('-', '_')}.safetensors"

    @property
    def remedy(self) -> str:
        """What a user can do when it is missing."""
        original = get_weights(self.original)
        return (
            f"run `python -m ccim_core weights get {self.original}` (or put {original.url} at "
            f"{original.path}), then `python -m ccim_core weights convert {self.name}`"
        )


def _read_caffe_resnet(path: Path, reference: nn.Module, size: int) -> ConvertedNetwork:
    from ccim_core.conversion.caffe_networks import caffe_resnet
    from ccim_core.conversion.caffemodel import read_caffemodel

    return caffe_resnet(read_caffemodel(path), size=size)


def _read_caffe_vgg(path: Path, reference: nn.Module, size: int) -> ConvertedNetwork:
    from ccim_core.conversion.caffe_networks import caffe_vgg
    from ccim_core.conversion.caffemodel import read_caffemodel

    return caffe_vgg(read_caffemodel(path), reference)


def _read_torch7_resnet(path: Path, reference: nn.Module, size: int) -> ConvertedNetwork:
    from ccim_core.conversion.torch7 import read_t7
    from ccim_core.conversion.torch7_networks import torch7_resnet

    return torch7_resnet(read_t7(path), size=size)


def mean_subtraction(size: int, mean: tuple[float, float, float]) -> Preprocessing:
    """Caffe's input, pixels 0–255 minus a mean colour (blue, green, red), in our terms."""
    blue, green, red = mean
    return Preprocessing(
        size=size, mean=(red / 255, green / 255, blue / 255), std=(1 / 255, 1 / 255, 1 / 255)
    )


# The mean over the pixels of the published `places365CNN_mean.binaryproto`: blue, green, red.
PLACES365_MEAN = (104.051, 112.514, 116.676)

CONVERSIONS: dict[str, Conversion] = {
    "resnet152-places365": Conversion(
        name="resnet152-places365",
        original="resnet152-places365-caffemodel",
        what="Caffe's ResNet-152 with 365 scene outputs",
        make=resnet152_caffe,
        read=_read_caffe_resnet,
        preprocessing=mean_subtraction(224, PLACES365_MEAN),
        takes_mean=True,
    ),
    "resnet152-places365-torch7": Conversion(
        name="resnet152-places365-torch7",
        original="resnet152-places365-t7",
        what="Torch7's ResNet-152 with 365 scene outputs",
        make=resnet152,
        read=_read_torch7_resnet,
        preprocessing=Preprocessing(
            size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
    ),
    "vgg16-places365": Conversion(
        name="vgg16-places365",
        original="vgg16-places365-caffemodel",
        what="Caffe's VGG-16 with 365 scene outputs",
        make=vgg16_caffe,
        read=_read_caffe_vgg,
        preprocessing=mean_subtraction(224, PLACES365_MEAN),
        takes_mean=True,
    ),
}


def get_conversion(name: str) -> Conversion:
    """A conversion by the encoder's name. Raises InputError listing the names."""
    if name not in CONVERSIONS:
        raise InputError(f"Expected weights to convert of {list(CONVERSIONS)}, got {name!r}.")
    return CONVERSIONS[name]


def read_original(conversion: Conversion, path: Path) -> ConvertedNetwork:
    """The network in another program's file, checked whole: names, shapes, layout, numbers.

    Raises:
        InputError: no such file, truncated, another format, or another network.
    """
    reference = conversion.make(device="meta")
    try:
        found = conversion.read(path, reference, conversion.preprocessing.size)
    except OtherNetworkError as error:
        raise InputError(f"Expected {conversion.what} in {path}, got {error}.") from None
    check_fits(found, reference, what=conversion.what, path=path)
    return found


def convert_weights(
    name: str,
    original: Path | None = None,
    *,
    out: Path | None = None,
    mean: tuple[float, float, float] | None = None,
) -> Path:
    """Convert a file to the weights of encoder `name`, whole or not at all.

    Args:
        original: the caffemodel or .t7 file; default: the one `weights get` downloaded.
        out: the file to write; default: where the encoder looks for it.
        mean: the mean colour (blue, green, red), 0–255, in place of Places365's own.

    Returns:
        The written file, or the one that was there if it is the same conversion.

    Raises:
        InputError: an original that cannot be used, or another file in the place of the result.
    """
    conversion = get_conversion(name)
    preprocessing = _with_mean(conversion, mean)
    source = original or get_weights(conversion.original).path
    if not source.is_file():
        raise InputError(
            f"Expected {conversion.what} at {source}, got no such file; {conversion.remedy}."
        )
    target = out or conversion.path
    record = {
        "version": _VERSION,
        "encoder": name,
        "preprocessing": preprocessing.to_dict(),
        "source": {"file": source.name, "sha256": sha256_file(source)},
    }
    if target.exists():
        if is_tensor_file(target, kind=_FILE_KIND) and _load(target)[1] == record:
            return target
        raise InputError(
            f"Expected no other file at {target}, got one that is not this conversion; delete it "
            "first."
        )
    found = read_original(conversion, source)
    save_arrays(target, found.tensors, kind=_FILE_KIND, record=record)
    return target


def locate_converted(name: str) -> LocalWeights:
    """The converted file of `name`, whose record `read_converted` reads.

    Raises InputError saying how to make it.
    """
    conversion = get_conversion(name)
    path = conversion.path
    if not path.is_file():
        raise InputError(f"Expected {name} at {path}, got no such file: {conversion.remedy}.")
    if not is_tensor_file(path, kind=_FILE_KIND):
        raise InputError(
            f"Expected converted weights at {path}, got another or a damaged file: delete it and "
            f"{conversion.remedy}."
        )
    return LocalWeights(path=path, sha256=sha256_file(path), source=path.name)


def read_converted(path: Path, name: str) -> tuple[dict[str, Tensor], Preprocessing, str]:
    """Tensors of a converted file, the preprocessing they need, and what they were made from.

    Args:
        name: the encoder that asks; the file must be for it.

    Raises:
        InputError: damaged, changed, no converted file, or one for another encoder.
    """
    if not is_tensor_file(path, kind=_FILE_KIND):
        raise InputError(
            f"Expected weights of {name} as `weights convert` writes them at {path}, got another "
            f"file; {get_conversion(name).remedy}."
        )
    arrays, record = _load(path)
    if record["encoder"] != name:
        raise InputError(
            f"Expected weights of {name} in {path}, got those of {record['encoder']}, whose layers "
            "have the same shapes but another meaning."
        )
    source = record["source"]
    return (
        {key: torch.from_numpy(array) for key, array in arrays.items()},
        Preprocessing.from_dict(record["preprocessing"]),
        f"converted from {source['file']} with sha256 {source['sha256']}",
    )


def refuse_converted(path: Path, name: str) -> None:
    """Raise InputError if an encoder that is not converted is given a converted file."""
    if is_tensor_file(path, kind=_FILE_KIND):
        encoder = _load(path)[1]["encoder"]
        raise InputError(
            f"Expected weights of {name} in {path}, got those of {encoder}, which is an encoder of "
            "its own: name it instead."
        )


def _load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays, record = load_arrays(path, kind=_FILE_KIND)
    if record.get("version") != _VERSION:
        raise InputError(
            f"Expected converted weights of version {_VERSION} in {path}, got "
            f"{record.get('version')!r}; convert them again."
        )
    return arrays, record


def _with_mean(conversion: Conversion, mean: tuple[float, float, float] | None) -> Preprocessing:
    if mean is None:
        return conversion.preprocessing
    if not conversion.takes_mean:
        raise InputError(
            f"Expected no mean colour for {conversion.name}, whose pixels are normalised "
            f"otherwise; got {mean}."
        )
    if not all(0 <= value <= 255 for value in mean):
        raise InputError(f"Expected a mean colour from 0 to 255 in blue, green, red; got {mean}.")
    wanted = mean_subtraction(conversion.preprocessing.size, mean)
    return replace(conversion.preprocessing, mean=wanted.mean, std=wanted.std)
