"""The weights that others publish: addresses, licences, hashes, and what each file must hold."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from ccim_core.checkpoints import read_checkpoint
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.places365 import N_SCENES, read_indoor, read_scene_names

__all__ = ["WEIGHTS", "Weights", "weights_dir"]


def weights_dir() -> Path:
    """Folder of downloaded weights: in `$CCIM_HOME`, else in `~/.cache/ccim-studio`."""
    home = os.environ.get("CCIM_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "ccim-studio") / "weights"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights that can be downloaded.

    Args:
        name: name for `weights get`.
        address: URL, or the name of a torchvision weights enum, whose URL is used.
        about: one line for the list, licence included.
        sha256: published hash or its first digits; torchvision's file names carry them.
        check: raises InputError for a file that is not of this kind.
        beside: names that are downloaded along with it.
        folder: in the weights folder, for files of a common name.
    """

    name: str
    address: str
    about: str
    sha256: str | None = None
    check: Callable[[Path], None] | None = None
    beside: tuple[str, ...] = ()
    folder: str = ""

    @property
    def url(self) -> str:
        """Where it is published."""
        if "://" in self.address:
            return self.address
        from torchvision.models import get_weight

        return str(get_weight(self.address).url)

    @property
    def file_name(self) -> str:
        """Name of the file in the weights folder: the publisher's."""
        return self.url.rpartition("/")[2]

    @property
    def known_sha256(self) -> str | None:
        """The published hash, or its first digits, or None where none is published."""
        digits = re.search(r"-([0-9a-f]{8,64})\.pth$", self.file_name)
        return self.sha256 or (digits.group(1) if digits else None)

    @property
    def path(self) -> Path:
        """Where the file belongs."""
        return weights_dir() / self.folder / self.file_name

    @property
    def remedy(self) -> str:
        """What a user can do when it is missing or wrong."""
        return (
            f"run `python -m ccim_core weights get {self.name}`, or download {self.url} elsewhere "
            f"and put it at {self.path}"
        )


def _check_places365(path: Path) -> None:
    state = read_checkpoint(path)
    if "fc.weight" not in state or len(state["fc.weight"]) != N_SCENES:
        raise InputError(f"Expected a network with {N_SCENES} scene outputs in {path}, got none.")


def _check_scene_names(path: Path) -> None:
    read_scene_names(path)


def _check_indoor(path: Path) -> None:
    read_indoor(path)


def _check_original(conversion: str, path: Path) -> None:
    from ccim_core.conversion import get_conversion, read_original

    read_original(get_conversion(conversion), path)


def _original(conversion: str, form: str, file_name: str, about: str) -> Weights:
    """A file of another program, to be converted for the encoder `conversion`."""
    return Weights(
        name=f"{conversion.removesuffix('-torch7')}-{form}",
        address=f"http://places2.csail.mit.edu/models_places365/{file_name}",
        about=f"{about} for 365 scenes, for `weights convert {conversion}`; CC BY",
        check=partial(_check_original, conversion),
        beside=("places365-categories", "places365-indoor"),
    )


def _imagenet(name: str, enum: str) -> Weights:
    return Weights(
        name=f"{name}-imagenet",
        address=f"{enum}_Weights.IMAGENET1K_V1",
        about=f"torchvision's {enum}, ImageNet-1k (version 1); BSD-3-Clause",
    )


def _places365(name: str) -> Weights:
    return Weights(
        name=f"{name}-places365",
        address=f"http://places2.csail.mit.edu/models_places365/{name}_places365.pth.tar",
        about=f"{name} for 365 scenes, trained on Places365-Standard; CC BY",
        check=_check_places365,
        beside=("places365-categories", "places365-indoor"),
    )


def _coco(name: str, enum: str, about: str) -> Weights:
    return Weights(
        name=f"{name}-coco",
        address=f"{enum}_Weights.COCO_V1",
        about=f"torchvision's {about}, COCO 2017 (version 1); BSD-3-Clause",
    )


def _depth_anything(name: str, file: str, *, beside: tuple[str, ...] = ()) -> Weights:
    return Weights(
        name=name,
        address=f"{_DEPTH_ANYTHING}{file}",
        about=f"Depth Anything V2, small, for depth maps: {file}; Apache-2.0",
        check=read_json if file.endswith(".json") else _check_safetensors,
        beside=beside,
        folder="depth-anything-v2-small",
    )


def _check_safetensors(path: Path) -> None:
    try:
        load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"Expected safetensors in {path}, got something else ({error}).") from None


_DEPTH_ANYTHING = "https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf/resolve/main/"
_PLACES365_FILES = "https://raw.githubusercontent.com/CSAILVision/places365/master/"

WEIGHTS: dict[str, Weights] = {
    "resnet18-imagenet": _imagenet("resnet18", "ResNet18"),
    "resnet50-imagenet": _imagenet("resnet50", "ResNet50"),
    "resnet152-imagenet": _imagenet("resnet152", "ResNet152"),
    "vgg16-imagenet": _imagenet("vgg16", "VGG16"),
    "resnet18-places365": _places365("resnet18"),
    "resnet50-places365": _places365("resnet50"),
    "resnet152-places365-caffemodel": _original(
        "resnet152-places365", "caffemodel", "resnet152_places365.caffemodel", "Caffe's ResNet-152"
    ),
    "resnet152-places365-t7": _original(
        "resnet152-places365-torch7", "t7", "resnet152_places365.t7", "Torch7's ResNet-152"
    ),
    "vgg16-places365-caffemodel": _original(
        "vgg16-places365", "caffemodel", "vgg16_places365.caffemodel", "Caffe's VGG-16"
    ),
    "fasterrcnn-resnet50-coco": _coco(
        "fasterrcnn-resnet50", "FasterRCNN_ResNet50_FPN", "Faster R-CNN, ResNet-50"
    ),
    "fasterrcnn-resnet50-v2-coco": _coco(
        "fasterrcnn-resnet50-v2", "FasterRCNN_ResNet50_FPN_V2", "Faster R-CNN v2, ResNet-50"
    ),
    "fasterrcnn-mobilenet-coco": _coco(
        "fasterrcnn-mobilenet", "FasterRCNN_MobileNet_V3_Large_FPN", "Faster R-CNN, MobileNetV3"
    ),
    "keypointrcnn-resnet50-coco": _coco(
        "keypointrcnn-resnet50", "KeypointRCNN_ResNet50_FPN", "keypoint R-CNN, ResNet-50"
    ),
    "depth-anything-v2-small": _depth_anything(
        "depth-anything-v2-small",
        "model.safetensors",
        beside=("depth-anything-v2-small-config", "depth-anything-v2-small-inputs"),
    ),
    "depth-anything-v2-small-config": _depth_anything(
        "depth-anything-v2-small-config", "config.json"
    ),
    "depth-anything-v2-small-inputs": _depth_anything(
        "depth-anything-v2-small-inputs", "preprocessor_config.json"
    ),
    "places365-categories": Weights(
        name="places365-categories",
        address=_PLACES365_FILES + "categories_places365.txt",
        about="names of the 365 scenes; comes with the Places365 weights",
        check=_check_scene_names,
    ),
    "places365-indoor": Weights(
        name="places365-indoor",
        address=_PLACES365_FILES + "IO_places365.txt",
        about="which scenes are indoors; comes with the Places365 weights",
        check=_check_indoor,
    ),
}
