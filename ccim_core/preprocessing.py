"""From decoded pictures of any size to the batch an encoder expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ccim_core.errors import InputError

__all__ = ["Preprocessing"]

Interpolation = Literal["bilinear", "bicubic"]

# Weights of red, green and blue in ITU-R 601 luma, which Pillow's "L" uses too.
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Squash to a square, scale to 0–1, subtract `mean`, divide by `std`.

    Args:
        size: side S of the square, pixels. The whole picture is kept (its aspect is not), since
            a context's edges carry evidence that a centre crop throws away.
        mean, std: per channel (R, G, B), in units of pixel / 255.
        interpolation: resampling filter, always antialiased.
        grey: replace colour by luma (in all three channels) after resizing.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation = "bilinear"
    grey: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(float(value) for value in self.mean))
        object.__setattr__(self, "std", tuple(float(value) for value in self.std))
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 16:
            raise InputError(f"Expected a picture size of 16 pixels or more, got {self.size!r}.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise InputError(
                "Expected three channel means and three positive deviations, "
                f"got mean {self.mean} and std {self.std}."
            )
        if self.interpolation not in get_args(Interpolation):
            raise InputError(
                f"Expected interpolation to be one of {list(get_args(Interpolation))}, "
                f"got {self.interpolation!r}."
            )

    @property
    def mean_colour(self) -> tuple[int, int, int]:
        """The mean as an RGB byte colour: what a masked region is filled with, so that it
        becomes (nearly) zero after normalisation."""
        red, green, blue = (round(255 * value) for value in self.mean)
        return red, green, blue

    def resize(self, picture: np.ndarray) -> np.ndarray:
        """Resize one picture (H, W, 3) uint8 to (S, S, 3) uint8."""
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ValueError(
                f"Expected a picture of shape (H, W, 3) and type uint8, "
                f"got {picture.shape} {picture.dtype}."
            )
        if picture.shape[:2] == (self.size, self.size):
            return picture
        planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
        resized = F.interpolate(
            planes, size=(self.size, self.size), mode=self.interpolation, antialias=True
        )
        return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels (B, S, S, 3) uint8 to the encoder's input (B, 3, S, S) float32.

        The result keeps the pixels' device and lies in channels-last memory.
        """
        values = pixels.permute(0, 3, 1, 2).float()
        if self.grey:
            luma = values.new_tensor(_LUMA).view(1, 3, 1, 1)
            values = (values * luma).sum(1, keepdim=True).expand(-1, 3, -1, -1)
        # (x/255 - mean)/std as one multiply-add a pixel.
        scale = 1 / (255 * values.new_tensor(self.std).view(1, 3, 1, 1))
        shift = (values.new_tensor(self.mean) / values.new_tensor(self.std)).view(1, 3, 1, 1)
        return (values * scale - shift).contiguous(memory_format=torch.channels_last)

    def __call__(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """Pictures of any sizes, each (H, W, 3) uint8, to (B, 3, S, S) float32."""
        resized = np.empty((len(pictures), self.size, self.size, 3), np.uint8)
        for index, picture in enumerate(pictures):
            resized[index] = self.resize(picture)
        return self.normalise(torch.from_numpy(resized))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Preprocessing:
        """Inverse of `to_dict`. Unknown or missing keys raise InputError."""
        known = {field.name for field in fields(cls)}
        if not isinstance(value, Mapping) or set(value) - known:
            raise InputError(f"Expected preprocessing with keys {sorted(known)}, got {value!r}.")
        try:
            return cls(**value)
        except TypeError as error:
            raise InputError(f"Expected preprocessing settings, got {value!r} ({error}).") from None
