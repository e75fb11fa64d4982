"""Torch7 models as the tests know them: written as a `.t7`, and computed in plain functions.

Nothing of the reader under test is used. A model is a tree of `Module`; `write` serialises any
value as `torch.save` does, `forward` runs a model in float64.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Function", "Module", "forward", "write"]

_TENSORS = {"float32": "Float", "float64": "Double", "int64": "Long", "uint8": "Byte"}


class Module:
    """An object of Lua: class and fields; a container's children are in `modules`."""

    def __init__(self, kind: str, *modules: Module, **fields: Any) -> None:
        self.kind = kind
        self.fields: dict[Any, Any] = dict(fields)
        if modules:
            self.fields["modules"] = dict(enumerate(modules, start=1))

    @property
    def modules(self) -> list[Module]:
        """Children in order."""
        return list(self.fields["modules"].values())


class Function:
    """A Lua function, as its compiled bytes."""


class _Writer:
    def __init__(self, version: bool) -> None:
        self.out = bytearray()
        self.numbers: dict[int, int] = {}
        self.kept: list[Any] = []
        self.version = version

    def integer(self, value: int) -> None:
        self.out += struct.pack("<i", value)

    def text(self, value: str) -> None:
        self.integer(len(value))
        self.out += value.encode("latin1")

    def number(self, value: Any) -> bool:
        """Write the object's number; True if its content is still to be written."""
        self.kept.append(value)
        known = id(value) in self.numbers
        self.integer(self.numbers.setdefault(id(value), len(self.numbers) + 1))
        return not known

    def head(self, name: str) -> None:
        if self.version:
            self.text("V 1")
        self.text(name)

    def value(self, value: Any) -> None:
        if value is None:
            self.integer(0)
        elif isinstance(value, bool):
            self.integer(5)
            self.integer(int(value))
        elif isinstance(value, (int, float)):
            self.integer(1)
            self.out += struct.pack("<d", value)
        elif isinstance(value, str):
            self.integer(2)
            self.text(value)
        elif isinstance(value, dict):
            self.integer(3)
            if self.number(value):
                self.table(value)
        elif isinstance(value, Function):
            self.integer(8)
            self.number(value)
            self.text("bytecode")
            self.value({})
        elif isinstance(value, Module):
            self.integer(4)
            if self.number(value):
                self.head(value.kind)
                self.value(value.fields)
        else:
            self.integer(4)
            if self.number(value):
                self.tensor(np.asarray(value))

    def table(self, value: dict[Any, Any]) -> None:
        self.integer(len(value))
        for key, each in value.items():
            self.value(key)
            self.value(each)

    def tensor(self, array: np.ndarray) -> None:
        """Sizes, strides, offset, then a storage that holds the array from its second element on,
        as a view of a longer vector does."""
        name = _TENSORS[array.dtype.name]
        self.head(f"torch.{name}Tensor")
        self.integer(array.ndim if array.size else 0)
        if array.size:
            strides = [stride // array.itemsize for stride in np.ascontiguousarray(array).strides]
            self.out += struct.pack(f"<{2 * array.ndim}q", *array.shape, *strides)
            self.out += struct.pack("<q", 2)
            self.integer(4)
            self.number(object())
            self.head(f"torch.{name}Storage")
            self.out += struct.pack("<q", array.size + 1)
            self.out += np.append(array.dtype.type(0), array.reshape(-1)).tobytes()
        else:
            self.out += struct.pack("<q", 1)
            self.integer(0)


def write(value: Any, *, version: bool = True) -> bytes:
    """A binary `.t7`; `version` False as files older than the format's versions."""
    writer = _Writer(version)
    writer.value(value)
    return bytes(writer.out)


# -- computing --------------------------------------------------------------------------------


def _double(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(array, np.float64))


def forward(module: Module, x: Any) -> Any:
    """A module's output; a ConcatTable's is a list."""
    kind, fields = module.kind.partition(".")[2], module.fields
    if kind == "Sequential":
        for each in module.modules:
            x = forward(each, x)
        return x
    if kind == "ConcatTable":
        return [forward(each, x) for each in module.modules]
    if kind == "CAddTable":
        return x[0] + x[1]
    if kind == "SpatialConvolution":
        shape = (fields["nOutputPlane"], fields["nInputPlane"], fields["kH"], fields["kW"])
        bias = None if fields.get("bias") is None else _double(fields["bias"])
        return F.conv2d(
            x,
            _double(fields["weight"]).reshape(shape),
            bias,
            stride=(fields["dH"], fields["dW"]),
            padding=(fields["padH"], fields["padW"]),
        )
    if kind == "SpatialBatchNormalization":
        mean, gain, shift = (
            _double(fields[key])[:, None, None] for key in ("running_mean", "weight", "bias")
        )
        if "running_std" in fields:
            inverse = _double(fields["running_std"])[:, None, None]
        else:
            inverse = (_double(fields["running_var"])[:, None, None] + fields["eps"]) ** -0.5
        return (x - mean) * inverse * gain + shift
    if kind == "ReLU":
        return x.clamp(min=0)
    if kind in ("SpatialMaxPooling", "SpatialAveragePooling"):
        pool = F.max_pool2d if kind == "SpatialMaxPooling" else F.avg_pool2d
        return pool(
            x,
            (fields["kH"], fields["kW"]),
            (fields["dH"], fields["dW"]),
            (fields["padH"], fields["padW"]),
        )
    if kind == "View":
        return x.flatten(1)
    if kind == "Linear":
        return x @ _double(fields["weight"]).T + _double(fields["bias"])
    assert kind == "Identity"
    return x
