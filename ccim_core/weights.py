"""Published weights: where they come from, where they lie, and that they are what they were.

Nothing here is ever downloaded unasked, and no kind of weights stands in for another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from ccim_core.checkpoints import read_checkpoint
from ccim_core.downloads import fetch
from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file, write_json
from ccim_core.places365 import N_SCENES, read_indoor, read_scene_names
from ccim_core.preprocessing import Preprocessing

__all__ = [
    "WEIGHTS",
    "LocalWeights",
    "Preprocessing",
    "Provenance",
    "Weights",
    "download_weights",
    "get_weights",
    "locate_weights",
    "weights_dir",
]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What an encoder's numbers are: this travels into features, dictionaries and runs.

    Args:
        name: the encoder, such as `"resnet18-places365"`.
        source: where the weights came from: an address, a package and version, or a file's name.
        sha256: hex hash of the weights file as it was read.
        preprocessing: what pictures go through first.
    """

    name: str
    source: str
    sha256: str
    preprocessing: Preprocessing

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "source": self.source,
            "sha256": self.sha256,
            "preprocessing": self.preprocessing.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Provenance:
        """Inverse of `to_dict`; unknown or missing keys raise InputError."""
        try:
            settings = {**value, "preprocessing": Preprocessing.from_dict(value["preprocessing"])}
            return cls(**settings)
        except (KeyError, TypeError) as error:
            raise InputError(f"Expected a provenance, got {value!r} ({error}).") from None


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


@dataclass(frozen=True, kw_only=True)
class LocalWeights:
    """A weights file that is there and was checked."""

    path: Path
    sha256: str
    source: str


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
        beside=("depth-anything-v2-small-config", "depth-anything-v2-small-preprocessor"),
    ),
    "depth-anything-v2-small-config": _depth_anything(
        "depth-anything-v2-small-config", "config.json"
    ),
    "depth-anything-v2-small-preprocessor": _depth_anything(
        "depth-anything-v2-small-preprocessor", "preprocessor_config.json"
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


def weights_dir() -> Path:
    """Folder of downloaded weights: in `$CCIM_HOME`, else in `~/.cache/ccim-studio`."""
    home = os.environ.get("CCIM_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "ccim-studio") / "weights"


def get_weights(name: str) -> Weights:
    """Weights by name. Raises InputError listing the names."""
    if name not in WEIGHTS:
        raise InputError(f"Expected weights of {sorted(WEIGHTS)}, got {name!r}.")
    return WEIGHTS[name]


def locate_weights(name: str) -> LocalWeights:
    """The file of `name`, which must be there and be the one that was first recorded.

    Where no hash is published, the hash is recorded on the first use and required ever after.

    Raises:
        InputError: missing, or other content; the message says how to get it.
    """
    weights = get_weights(name)
    if not weights.path.is_file():
        raise InputError(f"Expected {name} at {weights.path}, got no such file: {weights.remedy}.")
    digest = sha256_file(weights.path)
    record = _read_record(weights)
    if record is None:
        if weights.known_sha256 is None and weights.check is not None:
            weights.check(weights.path)
        record = {"sha256": weights.known_sha256 or digest, "source": weights.file_name}
    if not digest.startswith(record["sha256"]) or not digest.startswith(weights.known_sha256 or ""):
        raise InputError(
            f"Expected {weights.path} to have sha256 {record['sha256']}, got {digest}, so it was "
            f"changed or damaged: delete it and {weights.remedy}."
        )
    _write_record(weights, digest, record["source"])
    return LocalWeights(path=weights.path, sha256=digest, source=record["source"])


def download_weights(name: str, *, url: str | None = None, quiet: bool = False) -> list[Path]:
    """Download `name` and what belongs beside it, unless there. Returns the files.

    Args:
        url: another address of the same file (a mirror); the content is checked all the same.

    Raises:
        InputError: it cannot be had; the message says what to do.
    """
    weights = get_weights(name)
    source = url or weights.url
    if not weights.path.is_file():
        try:
            digest = fetch(
                source, weights.path, sha256=weights.known_sha256, check=weights.check, quiet=quiet
            )
        except InputError as error:
            raise InputError(
                f"{str(error).rstrip('.')}; try again later: {weights.remedy}."
            ) from None
        record = _read_record(weights)
        if record is not None and record["sha256"] != digest:
            weights.path.unlink()
            raise InputError(
                f"Expected {source} to have sha256 {record['sha256']} as when it was first "
                f"downloaded, got {digest}; if the publisher has replaced it on purpose, delete "
                f"{_record_path(weights)} and try again."
            )
        _write_record(weights, digest, source)
    locate_weights(name)
    return [
        weights.path,
        *(path for other in weights.beside for path in download_weights(other, quiet=quiet)),
    ]


def _record_path(weights: Weights) -> Path:
    return weights.path.with_name(weights.path.name + ".json")


def _read_record(weights: Weights) -> dict[str, str] | None:
    path = _record_path(weights)
    if not path.is_file():
        return None
    record = read_json(path)
    if not isinstance(record, dict) or not record.get("sha256") or not record.get("source"):
        raise InputError(
            f"Expected the record of {weights.name} in {path}, got another; delete it."
        )
    return {"sha256": str(record["sha256"]), "source": str(record["source"])}


def _write_record(weights: Weights, digest: str, source: str) -> None:
    record = {"sha256": digest, "source": source}
    if _read_record(weights) == record:
        return
    try:
        write_json(_record_path(weights), record)
    except OSError as error:
        # In a folder that cannot be written a published hash is check enough.
        if weights.known_sha256 is None:
            raise InputError(
                f"Expected to record the hash of {weights.name} in {_record_path(weights)}, got "
                f"{error.strerror}; make the folder writable or set CCIM_HOME."
            ) from None
