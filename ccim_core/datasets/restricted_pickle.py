"""Pickles of NumPy arrays and builtin containers, read without running anything else.

A pickle is a program: it may import and call whatever it names. Here it may only name what arrays
and plain containers are rebuilt with; anything else is an error before it is imported.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from ccim_core.errors import InputError

__all__ = ["load_restricted_pickle"]

_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED = {
    *(("numpy", name) for name in ("ndarray", "dtype")),
    *((module, name) for module in _ARRAY_MODULES for name in ("_reconstruct", "scalar")),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    *(
        (module, name)
        for module in ("builtins", "__builtin__")
        for name in ("bytearray", "complex", "frozenset", "range", "set", "slice")
    ),
    ("_codecs", "encode"),  # how protocols 0 to 2 write bytes, and so every array
}


class _NotAllowedError(Exception):
    pass


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _NotAllowedError(f"{module}.{name}")
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise _NotAllowedError(f"the persistent object {pid!r}")


def load_restricted_pickle(path: Path) -> Any:
    """The object in a pickle of any protocol, of Python 2 as well (its text as latin-1).

    Raises InputError for a pickle that asks for anything but NumPy arrays and builtins, and for a
    damaged file or one of another kind.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"Expected a pickle at {path}, got no such file.") from None
    try:
        return _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except _NotAllowedError as error:
        raise InputError(
            f"Expected a pickle of NumPy arrays and builtins alone in {path}, got one that asks "
            f"for {error}; it was not loaded, for it could run any code."
        ) from None
    except Exception as error:  # damaged programs fail in every way there is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"Expected a whole pickle in {path}, got a damaged one or another kind of file "
            f"({reason})."
        ) from None
