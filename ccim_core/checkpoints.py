"""Reading checkpoints without running what is in them, and putting them into a network."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ccim_core.errors import InputError

__all__ = ["load_into", "read_checkpoint", "require_one_file"]

# Counters that networks saved before PyTorch 0.4.1 lack; they change no output.
_COUNTER = "num_batches_tracked"

# Large checkpoints come in parts with an index: model-00001-of-00004.safetensors, … .index.json.
_PART = re.compile(r"-(\d+)-of-(\d+)\.")
_INDEX = ".index.json"


def read_checkpoint(path: Path | str) -> dict[str, Tensor]:
    """Named tensors of a checkpoint on the CPU, by their names in a bare network.

    Reads safetensors, PyTorch's zip format and its older one, also when pickled under Python 2
    (Places365). A `state_dict` entry is unwrapped, and the `module.` of DataParallel dropped.
    Nothing but tensors and plain containers is ever unpickled.

    Raises:
        InputError: no such file, one of several parts, truncated, not a checkpoint, or one that
            holds code.
    """
    path = Path(path)
    require_one_file(path, "a checkpoint")
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = _load_pickled(path)
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        TypeError,
        AssertionError,
    ) as error:
        raise InputError(
            f"Expected a checkpoint of tensors in {path}, got a file that is truncated, damaged "
            f"or holds something else{_reason(error)}; get it again."
        ) from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise InputError(f"Expected named tensors in {path}, got a {type(content).__name__}.")
    state = {
        str(name).removeprefix("module."): value
        for name, value in content.items()
        if isinstance(value, Tensor)
    }
    if not state:
        raise InputError(f"Expected named tensors in {path}, got none.")
    return state


def require_one_file(path: Path, what: str) -> None:
    """A file that is there and holds all of `what`: the hash of one file is what a run records.

    Raises InputError for a missing file, a folder, or one of a checkpoint's several parts.
    """
    if not path.is_file():
        state = "a folder; name the file in it" if path.is_dir() else "no such file"
        raise InputError(f"Expected {what} at {path}, got {state}.")
    part = _PART.search(path.name)
    if path.name.endswith(_INDEX) or (part is not None and int(part[2]) > 1):
        got = f"part {int(part[1])} of {int(part[2])}" if part else "the index of its parts"
        raise InputError(
            f"Expected {what} in one file at {path}, got {got}; save the tensors of all parts to "
            "one file first."
        )


def _reason(error: Exception) -> str:
    """The reader's first sentence, in brackets; nothing where it is no more than a word or two."""
    sentence = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
    return f" ({sentence[:160]})" if len(sentence.split()) > 2 else ""


def _load_pickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnicodeDecodeError:
        # Byte strings of a Python-2 pickle need not be text; latin1 decodes every one of them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an encoding matters only to unsafe loading
            return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")


def load_into(network: nn.Module, state: Mapping[str, Tensor], *, what: str, path: Path) -> None:
    """Copy `state` into `network`, whose every tensor must be there with its shape and finite.

    Args:
        what: the architecture, for the message.
        path: the file, for the message.

    Raises:
        InputError: another architecture's tensors, or numbers that are not finite.
    """
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith(_COUNTER)]
    extra = [name for name in state if name not in wanted]
    reshaped = [
        f"{name} {tuple(state[name].shape)} for {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in state and state[name].shape != tensor.shape
    ]
    faults = {"lacks": missing, "adds": extra, "has another shape in": reshaped}
    found = [
        f"{verb} {len(names)} tensors (first: {names[0]})"
        for verb, names in faults.items()
        if names
    ]
    if found:
        raise InputError(
            f"Expected a checkpoint of {what} in {path}, got another network's: "
            f"it {' and '.join(found)}."
        )
    for name in wanted:
        if name in state and not torch.isfinite(state[name]).all():
            raise InputError(
                f"Expected finite weights in {path}, got NaN or infinity in {name}; get it again."
            )
    network.load_state_dict(dict(state), strict=False)
