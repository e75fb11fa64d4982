"""Reading a caffemodel: layers with their settings and blobs, the blobs as views of the file.

Field numbers are those of `caffe.proto` (https://github.com/BVLC/caffe). Both forms of layers are
read: the present one, and the older one ("V1") that names layer types by number.
"""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ccim_core.conversion.network import Window
from ccim_core.conversion.wire import Message, WireError
from ccim_core.errors import InputError

__all__ = ["CaffeLayer", "Pooling", "read_caffemodel", "read_mean_file"]

# caffe.proto: NetParameter
_LAYERS, _V1_LAYERS = 100, 2
# BlobProto
_SHAPE, _DATA, _DOUBLE_DATA, _LEGACY_SHAPE = 7, 5, 8, (1, 2, 3, 4)
_MAX_POOLING, _AVERAGE_POOLING = 0, 1

# V1LayerParameter.LayerType, as far as an image classifier has them.
_V1_TYPES = {
    1: "Accuracy",
    4: "Convolution",
    5: "Data",
    6: "Dropout",
    8: "Flatten",
    12: "ImageData",
    14: "InnerProduct",
    15: "LRN",
    17: "Pooling",
    18: "ReLU",
    20: "Softmax",
    21: "SoftmaxWithLoss",
    22: "Split",
    25: "Eltwise",
}


@dataclass(frozen=True, kw_only=True)
class _Fields:
    """Numbers of the fields that the two forms of layers have under different numbers."""

    name: int
    kind: int
    blobs: int
    convolution: int
    pooling: int
    inner_product: int
    batch_norm: int


_PRESENT = _Fields(
    name=1, kind=2, blobs=7, convolution=106, pooling=121, inner_product=117, batch_norm=139
)
# The older form has no batch normalisation: no such field, so that its default is found.
_V1 = _Fields(name=4, kind=5, blobs=6, convolution=10, pooling=19, inner_product=17, batch_norm=999)


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """How a pooling layer pools; `whole` averages or takes the maximum of the whole map."""

    average: bool
    whole: bool
    window: Window


@dataclass(frozen=True, kw_only=True)
class CaffeLayer:
    """One layer: its blobs in Caffe's order, and the settings that its type has.

    window: of a convolution. pooling: of a pooling. eps: of a batch normalisation. transposed: of
    a linear layer, whether its weights are (in, out).
    """

    name: str
    type: str
    blobs: tuple[np.ndarray, ...]
    window: Window | None = None
    pooling: Pooling | None = None
    eps: float = 1e-5
    transposed: bool = False


def read_caffemodel(path: Path | str) -> list[CaffeLayer]:
    """The layers of a caffemodel in the order of the file, which is memory-mapped.

    Raises:
        InputError: no such file, truncated, or no caffemodel.
    """
    path = Path(path)
    try:
        network = Message(_map(path))
        layers = [_read_layer(layer, _PRESENT) for layer in network.messages(_LAYERS)]
        layers += [_read_layer(layer, _V1) for layer in network.messages(_V1_LAYERS)]
    except WireError as error:
        raise InputError(
            f"Expected a whole caffemodel in {path}, got one that is truncated, damaged or "
            f"something else ({error}); get it again."
        ) from None
    if not any(layer.blobs for layer in layers):
        raise InputError(f"Expected a caffemodel with layers' weights in {path}, got none.")
    return layers


def read_mean_file(path: Path | str) -> tuple[float, float, float]:
    """The mean colour (blue, green, red), 0–255, of a mean picture (`.binaryproto`).

    Raises InputError for another file.
    """
    path = Path(path)
    try:
        picture = _read_blob(Message(_map(path)))
    except WireError as error:
        raise InputError(
            f"Expected a mean picture in {path}, got another file ({error})."
        ) from None
    picture = picture.reshape(picture.shape[-3:]) if picture.ndim > 3 else picture
    if picture.ndim != 3 or picture.shape[0] != 3 or not picture.size:
        raise InputError(
            f"Expected a mean picture of three channels in {path}, got the shape {picture.shape}."
        )
    blue, green, red = picture.mean((1, 2), dtype=np.float64)
    return float(blue), float(green), float(red)


def _map(path: Path) -> memoryview:
    if not path.is_file():
        raise InputError(f"Expected a file at {path}, got no such file.")
    if not path.stat().st_size:
        raise WireError("an empty file")
    with open(path, "rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _read_layer(layer: Message, fields: _Fields) -> CaffeLayer:
    if fields is _V1:
        number = layer.integer(fields.kind, 0)
        kind = _V1_TYPES.get(number, f"number {number}")
    else:
        kind = layer.text(fields.kind)
    return CaffeLayer(
        name=layer.text(fields.name),
        type=kind,
        blobs=tuple(_read_blob(blob) for blob in layer.messages(fields.blobs)),
        window=_convolution(layer.message(fields.convolution)) if kind == "Convolution" else None,
        pooling=_pooling(layer.message(fields.pooling)) if kind == "Pooling" else None,
        eps=_eps(layer.message(fields.batch_norm)),
        transposed=bool(layer.message(fields.inner_product).integer(6, 0)),
    )


def _read_blob(blob: Message) -> np.ndarray:
    values = blob.floats(_DATA)
    if not len(values):
        values = blob.floats(_DOUBLE_DATA, dtype="<f8").astype(np.float32)
    shape = [size for each in blob.messages(_SHAPE) for size in each.integers(1)]
    if not shape:
        shape = [blob.integer(number, 0) for number in _LEGACY_SHAPE]
        shape = shape if any(shape) else [len(values)]
    if math.prod(shape) != len(values):
        raise WireError(f"{len(values):,} numbers for a blob of shape {tuple(shape)}")
    return values.reshape(shape)


def _pair(settings: Message, both: int, height: int, width: int, default: int) -> tuple[int, int]:
    """A size that is given once, once an axis, or as height and width."""
    sizes = settings.integers(both)
    if len(sizes) > 1:
        return sizes[0], sizes[1]
    size = sizes[0] if sizes else default
    return settings.integer(height, size), settings.integer(width, size)


def _convolution(settings: Message) -> Window:
    dilation = [*settings.integers(18), 1]
    return Window(
        kind="convolution",
        groups=settings.integer(5, 1),
        dilation=(dilation[0], dilation[-2] if len(dilation) > 1 else 1),
        kernel=_pair(settings, 4, 11, 12, 0),
        stride=_pair(settings, 6, 13, 14, 1),
        padding=_pair(settings, 3, 9, 10, 0),
    )


def _pooling(settings: Message) -> Pooling:
    mode = settings.integer(1, _MAX_POOLING)
    if mode not in (_MAX_POOLING, _AVERAGE_POOLING):
        raise WireError("a pooling that neither averages nor takes the maximum")
    return Pooling(
        average=mode == _AVERAGE_POOLING,
        whole=bool(settings.integer(12, 0)),
        window=Window(
            kind="max",
            kernel=_pair(settings, 2, 5, 6, 0),
            stride=_pair(settings, 3, 7, 8, 1),
            padding=_pair(settings, 4, 9, 10, 0),
            # Caffe rounds up unless told otherwise (`round_mode`).
            ceil_mode=settings.integer(13, 0) == 0,
        ),
    )


def _eps(settings: Message) -> float:
    found = settings.floats(3)
    # float32(1e-5) is not 1e-5; the shortest decimal that gives it is what its author wrote.
    return float(str(found[-1])) if len(found) else 1e-5
