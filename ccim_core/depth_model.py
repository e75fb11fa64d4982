"""Depth maps of pictures by a published network, through the optional package `transformers`.

The default is Depth Anything V2 (Yang et al., NeurIPS 2024), its small network (Apache-2.0); any
other of the library's depth estimators can be named by its folder. Nothing is downloaded here, no
code of a model's repository is run, and weights are read from safetensors alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError

from ccim_core.errors import InputError
from ccim_core.files import sha256_file
from ccim_core.images import Picture, shrink_picture
from ccim_core.weights import get_weights, locate_weights

__all__ = ["DEPTH_WEIGHTS", "DepthModel", "DepthOutput"]

DEPTH_WEIGHTS = "depth-anything-v2-small"

DepthOutput = Literal["distance", "inverse"]
"""What a network gives: something that grows with distance, or something that falls with it."""

_FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
_FAULTS = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)
_LONGEST = 1024  # pixels: more than such networks read, and 64 cells are kept


class DepthModel:
    """A depth estimator, in evaluation mode.

    Args:
        folder: its files; None: those of `weights get depth-anything-v2-small`.
        output: what it gives; None: what its settings say, where they do.
        device: where it runs.

    Raises:
        InputError: the package or the files are not there, or are another network's.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        output: DepthOutput | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        if find_spec("transformers") is None:
            raise InputError(
                "Expected the package transformers for depth maps, got none; run `pip install "
                "'transformers>=5,<6'`, or take your own depth maps in with "
                "`python -m ccim_core auxiliary --kind depth --files FOLDER`."
            )
        self.folder = _published() if folder is None else folder
        absent = [name for name in _FILES if not (self.folder / name).is_file()]
        if absent:
            raise InputError(
                f"Expected a depth estimator of transformers in {self.folder} "
                f"({', '.join(_FILES)}), got no {absent[0]}."
            )
        self.device = torch.device(device)
        self._processor, self._network = _load(self.folder)
        self._network.to(self.device)
        self.output = output or _output(self._network.config, self.folder)
        digest = hashlib.sha256()
        for name in _FILES:
            digest.update(sha256_file(self.folder / name).encode())
        name = DEPTH_WEIGHTS if folder is None else f"local folder {self.folder.name}"
        self.source = f"{name} (sha256 {digest.hexdigest()}, {self.output})"

    @torch.inference_mode()
    def depth(self, pictures: Sequence[Picture]) -> list[np.ndarray]:
        """Of each picture (H, W, 3) uint8 a map (h, w) float32 that covers it and grows with
        distance, in the network's own unit."""
        maps = []
        for picture in pictures:  # one at a time: sizes differ
            small = shrink_picture(picture, _LONGEST)
            inputs = self._processor(images=[small], return_tensors="pt").to(self.device)
            outputs = self._network(**inputs)
            (found,) = self._processor.post_process_depth_estimation(
                outputs, target_sizes=[small.shape[:2]]
            )
            depth = found["predicted_depth"].float().cpu().numpy()
            maps.append(-depth if self.output == "inverse" else depth)
        return maps


def _published() -> Path:
    """The folder of the published files, each checked."""
    weights = get_weights(DEPTH_WEIGHTS)
    found = [locate_weights(name).path for name in (DEPTH_WEIGHTS, *weights.beside)]
    return found[0].parent


def _load(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation
    from transformers.utils import logging

    logging.disable_progress_bar()
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = AutoImageProcessor.from_pretrained(folder, **options)
        network, info = AutoModelForDepthEstimation.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **options
        )
    except _FAULTS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"Expected a depth estimator of transformers in {folder}, got another or damaged "
            f"one ({reason})."
        ) from None
    # The library would draw what a checkpoint lacks at random, and go on.
    wrong = {name: sorted(info[name]) for name in ("missing_keys", "mismatched_keys")}
    faults = [f"{len(names)} {kind.split('_')[0]}" for kind, names in wrong.items() if names]
    if faults:
        raise InputError(
            f"Expected all weights of {type(network).__name__} in {folder}, got "
            f"{' and '.join(faults)}."
        )
    for name, tensor in network.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"Expected finite weights in {folder}, got NaN or infinity in {name}.")
    return processor, network.eval().requires_grad_(False)


def _output(config: Any, folder: Path) -> DepthOutput:
    """What a network's settings say that it gives."""
    kind = getattr(config, "depth_estimation_type", None)
    if kind == "metric":
        return "distance"
    if kind == "relative":  # such networks are trained on inverse depth
        return "inverse"
    raise InputError(
        f"Expected a depth estimator whose settings say what it gives, got a {config.model_type} "
        f"in {folder}; say it with --depth-output distance or inverse."
    )
