"""Checkpoints as PyTorch 0.x wrote them under Python 2, the form of the Places365 files."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import torch

__all__ = ["save_as_python2"]


class _Python2Pickler(pickle._Pickler):
    """Writes `str` as Python 2 did: a byte string (SHORT_BINSTRING) in place of unicode."""

    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)

    def save_str(self, text: str) -> None:
        data = text.encode("latin1")
        assert len(data) < 256
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        self.memoize(text)

    dispatch[str] = save_str


def _dump(value: Any, stream: Any, protocol: int) -> None:
    _Python2Pickler(stream, protocol).dump(value)


def save_as_python2(value: Any, path: Path) -> None:
    """`torch.save` in the old, unzipped format with byte strings."""
    module = SimpleNamespace(Pickler=_Python2Pickler, dump=_dump, __name__="pickle")
    torch.save(value, path, pickle_module=module, _use_new_zipfile_serialization=False)
