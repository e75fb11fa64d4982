"""Reading Torch7's binary serialisation (`.t7`), restricted to the classes a residual network has.

A file is a tree of Lua values: numbers, strings, booleans, tables, tensors with their storages,
and objects, which are tables with a class. A file that asks for any other class, or holds a
function (which is code), is refused; a class here is a name and never runs anything.
Source: `File.lua` and `Tensor.c` of https://github.com/torch/torch7.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ccim_core.errors import InputError

__all__ = ["LuaObject", "read_t7"]

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)
_MAX_DEPTH = 100
_MAX_DIMENSIONS = 16

# Element types of tensors and storages; those of a GPU are written as those of the CPU.
_DTYPES = {
    "Byte": "u1",
    "Int": "<i4",
    "Long": "<i8",
    "Float": "<f4",
    "Double": "<f8",
    "Cuda": "<f4",
    "CudaLong": "<i8",
    "CudaDouble": "<f8",
}
_TENSORS = {f"torch.{name}Tensor": dtype for name, dtype in _DTYPES.items()}
_STORAGES = {f"torch.{name}Storage": dtype for name, dtype in _DTYPES.items()}
_MODULES = {
    f"{package}.{name}"
    for package in ("nn", "cudnn")
    for name in (
        "Sequential",
        "ConcatTable",
        "CAddTable",
        "Identity",
        "SpatialConvolution",
        "SpatialBatchNormalization",
        "ReLU",
        "SpatialMaxPooling",
        "SpatialAveragePooling",
        "View",
        "Linear",
    )
}


class _DamagedError(ValueError):
    """Bytes that are no whole file of this kind."""


@dataclass(eq=False)
class LuaObject:
    """An object: the name of its class and its fields."""

    class_name: str
    fields: dict[Any, Any] = field(default_factory=dict)


def read_t7(path: Path | str) -> Any:
    """The value in a file: numbers as float, strings as str, tables as dict, tensors as views of
    the memory-mapped file, objects as `LuaObject`.

    Raises:
        InputError: no such file, truncated, no such format, or one that asks for another class.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"Expected a file at {path}, got no such file.")
    try:
        if not path.stat().st_size:
            raise _DamagedError("an empty file")
        with open(path, "rb") as stream:
            data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        return _Reader(data, path).read()
    except _DamagedError as error:
        raise InputError(
            f"Expected a whole binary Torch7 file in {path}, got one that is truncated, damaged or "
            f"something else ({error}); get it again."
        ) from None


class _Reader:
    def __init__(self, data: memoryview, path: Path) -> None:
        self._data, self._path = data, path
        self._position = 0
        self._depth = 0
        # What was read before, by the file's own numbering: an object written twice is one.
        self._known: dict[int, Any] = {}

    def read(self) -> Any:
        """The next value."""
        kind = self._integer()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return struct.unpack("<d", self._take(8))[0]
        if kind == _BOOLEAN:
            return self._integer() == 1
        if kind == _STRING:
            return self._text()
        if kind in _FUNCTIONS:
            raise self._refuse("a Lua function")
        if kind not in (_TABLE, _TORCH):
            raise _DamagedError(f"a value of unknown kind {kind} at byte {self._position - 4:,}")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _DamagedError(f"values nested more than {_MAX_DEPTH} deep")
        value = self._read_table() if kind == _TABLE else self._read_object()
        self._depth -= 1
        return value

    def _read_table(self) -> dict[Any, Any]:
        number = self._integer()
        if number in self._known:
            found = self._known[number]
            if not isinstance(found, dict):
                raise _DamagedError(f"object {number}, which is no table")
            return found
        table: dict[Any, Any] = {}
        self._known[number] = table
        for _ in range(self._count(self._integer())):
            key = self.read()
            if not isinstance(key, (str, float, bool)):
                raise _DamagedError("a table's key that is neither text nor number")
            table[int(key) if isinstance(key, float) and key.is_integer() else key] = self.read()
        return table

    def _read_object(self) -> Any:
        number = self._integer()
        if number in self._known:
            return self._known[number]
        version = self._text()
        # Files older than the format's versions begin with the class.
        name = self._text() if version.startswith("V ") else version
        if name in _TENSORS:
            self._known[number] = self._read_tensor(_TENSORS[name])
        elif name in _STORAGES:
            dtype = np.dtype(_STORAGES[name])
            view = self._take(self._count(self._long(), each=dtype.itemsize) * dtype.itemsize)
            self._known[number] = np.frombuffer(view, dtype)
        elif name in _MODULES:
            made = self._known[number] = LuaObject(name)
            fields = self.read()
            if not isinstance(fields, dict):
                raise _DamagedError(f"an object of class {name} without fields")
            made.fields = fields
        else:
            raise self._refuse(f"the class {name!r}")
        return self._known[number]

    def _read_tensor(self, dtype: str) -> np.ndarray:
        """Sizes, strides and an offset (from 1) into a storage; without a storage it is empty."""
        dimensions = self._integer()
        if not 0 <= dimensions <= _MAX_DIMENSIONS:
            raise _DamagedError(f"a tensor of {dimensions} dimensions")
        sizes = [self._long() for _ in range(dimensions)]
        strides = [self._long() for _ in range(dimensions)]
        first = self._long() - 1
        storage = self.read()
        if storage is None or not dimensions:
            return np.zeros(0, dtype)
        if not isinstance(storage, np.ndarray) or storage.dtype != np.dtype(dtype):
            raise _DamagedError("a tensor whose storage is of another type")
        reach = sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        if min(sizes) < 1 or min(strides) < 0 or first < 0 or first + reach >= len(storage):
            raise _DamagedError("a tensor that reaches out of its storage")
        return np.lib.stride_tricks.as_strided(
            storage[first:],
            shape=sizes,
            strides=[stride * storage.itemsize for stride in strides],
            writeable=False,
        )

    # -- bytes ------------------------------------------------------------------------------

    def _take(self, n: int) -> memoryview:
        end = self._position + n
        if end > len(self._data):
            raise _DamagedError(f"a value at byte {self._position:,} ends after the end")
        view = self._data[self._position : end]
        self._position = end
        return view

    def _integer(self) -> int:
        return struct.unpack("<i", self._take(4))[0]

    def _long(self) -> int:
        return struct.unpack("<q", self._take(8))[0]

    def _count(self, n: int, *, each: int = 1) -> int:
        """A number of things to come, each of so many bytes or more, held against what is left."""
        if n < 0 or n * each > len(self._data) - self._position:
            raise _DamagedError(f"{n:,} values announced at byte {self._position:,}")
        return n

    def _text(self) -> str:
        # Lua's strings are bytes; latin1 reads every one of them.
        return bytes(self._take(self._count(self._integer()))).decode("latin1")

    def _refuse(self, what: str) -> InputError:
        return InputError(
            f"Expected only tensors and the layers of a residual network in {self._path}, got "
            f"{what}; nothing of it was run, and it is not converted."
        )
