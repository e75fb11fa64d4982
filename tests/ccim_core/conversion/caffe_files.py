"""Caffe networks as the tests know them: written as a caffemodel, and computed as Caffe computes.

Nothing of the reader under test is used. A network is a list of `Layer`; `write` serialises it by
`caffe.proto`'s field numbers, `forward` runs it in float64 with loops where Caffe has loops.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional as F

__all__ = ["Layer", "blob", "bytes_field", "forward", "varint", "write", "write_mean"]

# Layer type to (field of its settings, field in the older form, number in the older form).
_TYPES = {
    "Convolution": (106, 10, 4),
    "InnerProduct": (117, 17, 14),
    "Pooling": (121, 19, 17),
    "BatchNorm": (139, None, None),
    "Scale": (142, None, None),
    "Eltwise": (110, None, None),
    "ReLU": (123, 30, 18),
    "Dropout": (108, 12, 6),
    "Softmax": (125, 39, 20),
    "Data": (107, 11, 5),
    "LRN": (118, 18, 15),
}


@dataclass
class Layer:
    """A layer: `settings` by field number of its own message, integers or (for eps) a float."""

    name: str
    type: str
    bottoms: list[str]
    top: str
    blobs: list[np.ndarray] = field(default_factory=list)
    settings: dict[int, int | float] = field(default_factory=dict)


# -- writing ----------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    """Base 128, low bits first."""
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def bytes_field(number: int, payload: bytes) -> bytes:
    """A field of bytes with its key and length."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def _integer(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def blob(values: np.ndarray, *, form: str = "shape") -> bytes:
    """A BlobProto; `form`: "shape", or "legacy" (four sizes), or "double"."""
    flat = np.asarray(values).reshape(-1)
    if form == "legacy":
        sizes = (1, 1, 1, 1, *values.shape)[-4:]
        header = b"".join(_integer(number, size) for number, size in enumerate(sizes, start=1))
    else:
        header = bytes_field(7, bytes_field(1, b"".join(varint(size) for size in values.shape)))
    if form == "double":
        return bytes_field(8, flat.astype("<f8").tobytes()) + header
    return bytes_field(5, flat.astype("<f4").tobytes()) + header


def _settings(layer: Layer) -> bytes:
    out = b""
    for number, value in layer.settings.items():
        if isinstance(value, float):
            out += varint(number << 3 | 5) + struct.pack("<f", value)
        else:
            out += _integer(number, value)
    return out


def _layer(layer: Layer, form: str) -> bytes:
    own, old, old_type = _TYPES[layer.type]
    bottoms = [each.encode() for each in layer.bottoms]
    if form == "v1":
        assert old is not None
        assert old_type is not None
        parts = [bytes_field(2, each) for each in bottoms]
        parts += [bytes_field(3, layer.top.encode()), bytes_field(4, layer.name.encode())]
        parts += [_integer(5, old_type)]
        parts += [bytes_field(6, blob(each, form="legacy")) for each in layer.blobs]
        return bytes_field(2, b"".join([*parts, bytes_field(old, _settings(layer))]))
    parts = [bytes_field(1, layer.name.encode()), bytes_field(2, layer.type.encode())]
    parts += [bytes_field(3, each) for each in bottoms]
    parts += [bytes_field(4, layer.top.encode())]
    # Learning-rate factors, which real files hold and a reader must pass over.
    parts += [bytes_field(6, varint(3 << 3 | 5) + struct.pack("<f", 1.0)) for _ in layer.blobs]
    parts += [bytes_field(7, blob(each, form=form)) for each in layer.blobs]
    return bytes_field(100, b"".join([*parts, bytes_field(own, _settings(layer))]))


def write(layers: list[Layer], *, form: str = "shape") -> bytes:
    """A NetParameter; `form`: of `blob`, or "v1" for the older form of layers."""
    data = Layer("data", "Data", [], "data")
    return bytes_field(1, b"net") + b"".join(_layer(layer, form) for layer in [data, *layers])


def write_mean(picture: np.ndarray) -> bytes:
    """A mean picture (3, H, W), blue, green, red."""
    return blob(picture, form="legacy")


# -- computing --------------------------------------------------------------------------------


def _pool(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Caffe's pooling: windows from the padded edge on, as many as reach any of the input."""
    average = layer.settings.get(1, 0) == 1
    kernel, stride = int(layer.settings[2]), int(layer.settings.get(3, 1))
    n, channels, height, width = x.shape
    rows, columns = (math.ceil((side - kernel) / stride) + 1 for side in (height, width))
    out = np.empty((n, channels, rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = x[..., i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            out[..., i, j] = window.mean((2, 3)) if average else window.max((2, 3))
    return out


def _convolve(x: np.ndarray, layer: Layer) -> np.ndarray:
    tensors = [torch.from_numpy(np.asarray(each, np.float64)) for each in layer.blobs]
    stride, padding = int(layer.settings.get(6, 1)), int(layer.settings.get(3, 0))
    bias = tensors[1].reshape(-1) if len(tensors) > 1 else None
    return F.conv2d(torch.from_numpy(x), tensors[0], bias, stride=stride, padding=padding).numpy()


def _compute(layer: Layer, inputs: list[np.ndarray]) -> np.ndarray:
    x, blobs = inputs[0], [np.asarray(each, np.float64) for each in layer.blobs]
    if layer.type == "Convolution":
        return _convolve(x, layer)
    if layer.type == "Pooling":
        return _pool(x, layer)
    if layer.type == "BatchNorm":
        mean, variance = (each / blobs[2].item() for each in blobs[:2])
        eps = float(layer.settings.get(3, 1e-5))
        deviation = np.sqrt(variance + eps)
        return (x - mean[:, None, None]) / deviation[:, None, None]
    if layer.type == "Scale":
        return x * blobs[0][:, None, None] + blobs[1][:, None, None]
    if layer.type == "Eltwise":
        return inputs[0] + inputs[1]
    if layer.type == "ReLU":
        return np.maximum(x, 0)
    if layer.type == "InnerProduct":
        weight = blobs[0].reshape(blobs[0].shape[-2:])
        return x.reshape(len(x), -1) @ weight.T + blobs[1].reshape(-1)
    assert layer.type == "Dropout"
    return x


def forward(layers: list[Layer], pictures: np.ndarray, mean: tuple[float, ...]) -> np.ndarray:
    """Logits of pictures (B, H, W, 3) uint8 (red, green, blue) as Caffe's own input has them:
    blue, green, red, 0–255, minus the mean (blue, green, red)."""
    x = pictures[..., ::-1].astype(np.float64) - np.asarray(mean)
    values = {"data": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}
    for layer in layers:
        values[layer.top] = _compute(layer, [values[name] for name in layer.bottoms])
    return values[layers[-1].top]
