"""A network read from another program's file, in torchvision's names, and whether it fits ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import nn

from ccim_core.errors import InputError

__all__ = [
    "BATCH_NORM_EPS",
    "ConvertedNetwork",
    "OtherNetworkError",
    "Window",
    "batch_norm_tensors",
    "check_fits",
]

BATCH_NORM_EPS = 1e-5
"""What torchvision's batch normalisation adds to a variance; other files' is folded into it."""

_COUNTER = "num_batches_tracked"


class OtherNetworkError(ValueError):
    """A file that holds another network; says what was found, to be completed by who knows what
    was expected and in which file."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How a convolution or a pooling slides: pairs (height, width) in cells of its input.

    `ceil_mode`: whether the last window may reach over the edge, so that none of the input is
    left out (Caffe's pooling) or not (torchvision's).
    """

    kind: Literal["convolution", "max"]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    ceil_mode: bool = False
    groups: int = 1
    dilation: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        (rows, columns), (down, right), (above, beside) = self.kernel, self.stride, self.padding
        text = f"{rows} × {columns}, stride {down} × {right}, padding {above} × {beside}"
        text += ", rounded up" if self.ceil_mode else ""
        text += f", {self.groups} groups" if self.groups > 1 else ""
        return text + (f", dilation {self.dilation}" if self.dilation != (1, 1) else "")


@dataclass(frozen=True, kw_only=True)
class ConvertedNetwork:
    """Tensors by torchvision's names, and each sliding layer's window by its module's name."""

    tensors: dict[str, np.ndarray]
    windows: dict[str, Window]


def batch_norm_tensors(
    name: str,
    *,
    mean: np.ndarray,
    variance: np.ndarray,
    gain: np.ndarray,
    shift: np.ndarray,
    eps: float,
    bias: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The four tensors, (C,) float32 each, of a normalisation that gives the same numbers.

    (x + bias − mean)/√(variance + eps)·gain + shift, with the bias of the convolution before it
    moved into the mean and another eps moved into the variance.
    """
    moved = np.zeros(len(mean)) if bias is None else bias.astype(np.float64)
    values = {
        "weight": gain,
        "bias": shift,
        "running_mean": mean.astype(np.float64) - moved,
        "running_var": variance.astype(np.float64) + (eps - BATCH_NORM_EPS),
    }
    return {f"{name}.{key}": np.asarray(value, np.float32) for key, value in values.items()}


def check_fits(found: ConvertedNetwork, reference: nn.Module, *, what: str, path: Path) -> None:
    """Raise InputError unless `found` is the network `reference` is, weights aside.

    Names, shapes, finite numbers, and how every convolution and pooling slides: a stride that
    sits in another layer changes no shape, yet makes another network.

    Args:
        reference: torchvision-shaped; its own numbers are not looked at ("meta" will do).
        what, path: for the message.
    """
    wanted = {
        name: tuple(value.shape)
        for name, value in reference.state_dict().items()
        if not name.endswith(_COUNTER)
    }
    shapes = {name: array.shape for name, array in found.tensors.items()}
    windows = _windows_of(reference)
    faults = [
        _list("lacks", [name for name in wanted if name not in shapes]),
        _list("adds", [name for name in shapes if name not in wanted]),
        _compare("has another shape in", shapes, wanted),
        _list("lacks", [name for name in windows if name not in found.windows]),
        _compare("slides otherwise in", found.windows, windows),
    ]
    if any(faults):
        raise InputError(
            f"Expected {what} in {path}, got another network: "
            f"it {' and '.join(fault for fault in faults if fault)}."
        )
    for name, array in found.tensors.items():
        if not np.isfinite(array).all():
            raise InputError(
                f"Expected finite weights in {path}, got NaN or infinity in {name}; get it again."
            )


def _list(verb: str, names: list[str]) -> str:
    return f"{verb} {len(names)} layers' numbers (first: {names[0]})" if names else ""


def _compare(verb: str, found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    other = [name for name in wanted if name in found and found[name] != wanted[name]]
    if not other:
        return ""
    first = other[0]
    return f"{verb} {len(other)} places (first: {first}: {found[first]}; wanted {wanted[first]})"


def _windows_of(network: nn.Module) -> dict[str, Window]:
    windows = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            assert not isinstance(module.padding, str)
            windows[name] = Window(
                kind="convolution",
                kernel=_pair(module.kernel_size),
                stride=_pair(module.stride),
                padding=_pair(module.padding),
                groups=module.groups,
                dilation=_pair(module.dilation),
            )
        elif isinstance(module, nn.MaxPool2d):
            windows[name] = Window(
                kind="max",
                kernel=_pair(module.kernel_size),
                stride=_pair(module.stride),
                padding=_pair(module.padding),
                ceil_mode=module.ceil_mode,
                dilation=_pair(module.dilation),
            )
    return windows


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
