"""Encoders: pictures to feature maps, with where their weights came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ccim_core.checkpoints import load_into, read_checkpoint
from ccim_core.conversion import read_converted, refuse_converted
from ccim_core.encoder_specs import ENCODERS, get_encoder_spec
from ccim_core.errors import InputError
from ccim_core.files import sha256_file
from ccim_core.places365 import read_scene_names
from ccim_core.tensor_files import arrays_sha256, is_tensor_file, load_arrays, save_arrays
from ccim_core.weights import (
    LocalWeights,
    Preprocessing,
    Provenance,
    get_weights,
    locate_weights,
)

__all__ = [
    "ENCODERS",
    "Encoder",
    "Preprocessing",
    "Provenance",
    "build_encoder",
    "encoder_from_provenance",
    "load_encoder",
    "save_encoder",
]

_FILE_KIND = "encoder"
_SCENE_NAMES = "places365-categories"


class Encoder(nn.Module):
    """A convolutional trunk with its provenance and, for Places365, its scene classifier.

    Attributes:
        name: key of `ENCODERS`.
        width: channels d of the feature map.
        provenance: where the weights came from; set it anew after training them.
    """

    def __init__(
        self,
        trunk: nn.Module,
        *,
        name: str,
        width: int,
        provenance: Provenance,
        classifier: nn.Linear | None = None,
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.classifier = classifier
        self.name = name
        self.width = width
        self.provenance = provenance
        self._class_names = class_names

    @property
    def preprocessing(self) -> Preprocessing:
        """What pictures go through before `forward`."""
        return self.provenance.preprocessing

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classifier's outputs. Raises InputError where there are none."""
        if self.classifier is None:
            raise _no_classifier(self.name)
        if self._class_names is None:
            raise InputError(
                f"Expected the scene names beside the weights of {self.name}, got none: "
                f"{get_weights(_SCENE_NAMES).remedy}."
            )
        return self._class_names

    def forward(self, x: Tensor) -> Tensor:
        """Prepared pictures (B, 3, S, S) to feature maps (B, d, h, w)."""
        return self.trunk(x)

    def pool(self, feature_map: Tensor) -> Tensor:
        """Global mean of a feature map, (B, d, h, w) to (B, d) float32."""
        return feature_map.float().mean((2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Logits (B, number of classes) of maps (B, d, h, w) or pooled features (B, d).

        Raises InputError for an encoder without a classifier.
        """
        if self.classifier is None:
            raise _no_classifier(self.name)
        return self.classifier(self.pool(features) if features.ndim == 4 else features)

    def fingerprint(self) -> str:
        """Hex SHA-256 of the trunk's numbers as they are now, whatever file they came from.

        Features are filed under it: a fine-tuned encoder never meets its base's features.
        """
        return arrays_sha256(_to_arrays(self.trunk.state_dict()))


def _no_classifier(name: str) -> InputError:
    able = [key for key, spec in ENCODERS.items() if spec.n_classes]
    return InputError(f"Expected an encoder that names scenes ({', '.join(able)}), got {name!r}.")


def build_encoder(
    name: str,
    *,
    weights: Path | str = "default",
    size: int | None = None,
    grey: bool = False,
    categories: Path | None = None,
) -> Encoder:
    """An encoder with trained weights, in evaluation mode, on the CPU, in float32.

    Args:
        name: key of `ENCODERS`.
        weights: `"default"`, or a local checkpoint of the same architecture (.pth, .pth.tar,
            .safetensors, or what `save_encoder` wrote).
        size: side of its input, pixels; default: the encoder's.
        grey: see the photographs in grey.
        categories: scene names (`categories_places365.txt`), default: those beside the weights.

    Raises:
        InputError: unknown name, missing weights (it says how to get them), or a checkpoint that
            is damaged or of another architecture. Nothing else is loaded in their place.
    """
    spec = get_encoder_spec(name)
    if weights != "default" and is_tensor_file(weights, kind=_FILE_KIND):
        return _resized(load_encoder(weights, architecture=name), size, grey)
    if weights == "default":
        found = spec.default_weights()
    else:
        found = LocalWeights.from_file(weights, f"weights for {name}")
    state, provenance = _read_weights(name, found)
    encoder = _untrained(
        name, provenance, _find_scene_names(categories) if spec.n_classes else None
    )
    head = {
        key.removeprefix(spec.head): state.pop(key)
        for key in list(state)
        if key.startswith(spec.head)
    }
    load_into(encoder.trunk, state, what=name, path=found.path)
    if encoder.classifier is not None:
        load_into(encoder.classifier, head, what=f"{name}'s classifier", path=found.path)
    return _resized(encoder, size, grey)


def _read_weights(name: str, found: LocalWeights) -> tuple[dict[str, Tensor], Provenance]:
    """Tensors of a file and what they are; a converted file says itself what its pictures need."""
    spec = ENCODERS[name]
    source, preprocessing = found.source, spec.preprocessing
    if spec.converted:
        state, preprocessing, source = read_converted(found.path, name)
    else:
        refuse_converted(found.path, name)
        state = read_checkpoint(found.path)
    return state, Provenance(
        name=name, source=source, sha256=found.sha256, preprocessing=preprocessing
    )


def save_encoder(encoder: Encoder, path: Path | str, *, half: bool = True) -> None:
    """Write an encoder as safetensors with its provenance: enough for `load_encoder`.

    Args:
        half: kernels in half precision; the small vectors (normalisation, biases) stay in float32,
            as a running variance can leave half precision's range.
    """
    arrays = _to_arrays(encoder.state_dict())
    if half:
        with np.errstate(over="ignore"):  # what overflows is refused below
            arrays = {
                key: array.astype(np.float16) if array.ndim > 1 else array
                for key, array in arrays.items()
            }
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise InputError(
                f"Expected finite weights to save, got NaN or infinity in {key} (half={half})."
            )
    record = {
        "version": 1,
        "architecture": encoder.name,
        "provenance": encoder.provenance.to_dict(),
        "class_names": encoder._class_names,
    }
    save_arrays(path, arrays, kind=_FILE_KIND, record=record)


def load_encoder(path: Path | str, *, architecture: str | None = None) -> Encoder:
    """Read what `save_encoder` wrote, in evaluation mode, on the CPU, in float32.

    Its provenance has the hash of this file.

    Args:
        architecture: the one that is wanted, if any other would be wrong.

    Raises:
        InputError: no such file, damaged, changed, or of another architecture.
    """
    path = Path(path)
    arrays, record = load_arrays(path, kind=_FILE_KIND)
    name = record.get("architecture")
    if name not in ENCODERS or name != (architecture or name):
        raise InputError(
            f"Expected an encoder of {architecture or list(ENCODERS)} in {path}, got {name!r}."
        )
    names = record.get("class_names")
    encoder = _untrained(
        name,
        replace(
            Provenance.from_dict(record.get("provenance") or {}),
            sha256=sha256_file(path),
        ),
        tuple(names) if names else None,
    )
    state = {
        key: tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in ((key, torch.from_numpy(array)) for key, array in arrays.items())
    }
    load_into(encoder, state, what=name, path=path)
    return encoder


def encoder_from_provenance(provenance: Provenance) -> Encoder:
    """An encoder of that architecture and preprocessing with random weights, for a caller that
    has its weights elsewhere (a run that fine-tuned it)."""
    get_encoder_spec(provenance.name)
    return _untrained(provenance.name, provenance, None)


def _untrained(name: str, provenance: Provenance, class_names: tuple[str, ...] | None) -> Encoder:
    spec = ENCODERS[name]
    return Encoder(
        spec.make(),
        name=name,
        width=spec.width,
        provenance=provenance,
        classifier=nn.Linear(spec.width, spec.n_classes) if spec.n_classes else None,
        class_names=class_names,
    ).eval()


def _resized(encoder: Encoder, size: int | None, grey: bool) -> Encoder:
    changes: dict[str, Any] = {"size": size} if size is not None else {}
    if grey:
        changes["grey"] = True
    preprocessing = replace(encoder.preprocessing, **changes)
    encoder.provenance = replace(encoder.provenance, preprocessing=preprocessing)
    return encoder


def _find_scene_names(categories: Path | None) -> tuple[str, ...] | None:
    """Scene names, or None where none lie beside the weights: only their use needs them."""
    if categories is not None:
        return read_scene_names(categories)
    if not get_weights(_SCENE_NAMES).path.is_file():
        return None
    return read_scene_names(locate_weights(_SCENE_NAMES).path)


def _to_arrays(state: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {key: tensor.detach().cpu().numpy() for key, tensor in state.items()}
