"""Arrays with a JSON record in one safetensors file: the same bytes for the same content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from ccim_core.errors import InputError
from ccim_core.files import write_atomically

__all__ = ["arrays_sha256", "is_tensor_file", "load_arrays", "save_arrays"]

# One key only: safetensors writes several in no fixed order, and equal content shall give an
# equal file.
_KEY = "ccim"


def save_arrays(
    path: Path | str, arrays: Mapping[str, np.ndarray], *, kind: str, record: Mapping[str, Any]
) -> None:
    """Write `arrays` and the JSON `record`, whole or not at all.

    Args:
        kind: what the file is, such as `"encoder"`; `load_arrays` asks for it.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in sorted(arrays.items())}
    header = {"kind": kind, "sha256": arrays_sha256(arrays), "record": dict(record)}
    text = json.dumps(header, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with write_atomically(path) as temporary:
        save_file(arrays, temporary, metadata={_KEY: text})


def load_arrays(path: Path | str, *, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote: arrays and record.

    Raises:
        InputError: no such file, damaged, changed since it was written, or of another kind.
    """
    path = Path(path)
    header = _read_header(path)
    if header is None or header.get("kind") != kind:
        found = "a file of another program" if header is None else f"kind {header.get('kind')!r}"
        raise InputError(
            f"Expected a file of kind {kind!r} made by this project at {path}, got {found}."
        )
    arrays = load_file(path)
    if arrays_sha256(arrays) != header["sha256"]:
        raise InputError(
            f"Expected the numbers that were saved in {path}, got others: it was changed or "
            "damaged; make it again."
        )
    return arrays, header["record"]


def is_tensor_file(path: Path | str, *, kind: str) -> bool:
    """Whether `path` is a whole file of that kind made by `save_arrays`."""
    try:
        header = _read_header(Path(path))
    except InputError:
        return False
    return header is not None and header.get("kind") == kind


def arrays_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Hex SHA-256 over names, types, shapes and values, whatever the order or memory layout."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _read_header(path: Path) -> dict[str, Any] | None:
    """The header of ours, None for another program's safetensors file."""
    if not path.is_file():
        raise InputError(f"Expected a file at {path}, got no such file.")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(_KEY)
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0][:160]
        raise InputError(
            f"Expected a safetensors file at {path}, got one that is truncated, damaged or "
            f"something else ({reason})."
        ) from None
    if text is None:
        return None
    try:
        header = json.loads(text)
    except json.JSONDecodeError:
        header = None
    if not isinstance(header, dict) or not {"kind", "sha256", "record"} <= set(header):
        raise InputError(f"Expected a whole header in {path}, got a damaged one; make it again.")
    return header
