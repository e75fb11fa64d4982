"""Settings of the head for valence, arousal and dominance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ccim_core.errors import InputError

__all__ = ["VadConfig"]


@dataclass(frozen=True, kw_only=True)
class VadConfig:
    """Valence, arousal and dominance (VAD) beside the emotions, by a head outside the intervention.

    `loss` "none" trains no such head. `margin`, in points of the scale from 1 to 10, is the error
    below which "l2" counts nothing, and above which "smooth_l1" grows no faster than the error.
    `weight` of its loss beside the emotions', 1 as Kosti et al. have it. Subjects without values
    train the emotions alone.
    """

    loss: Literal["none", "l2", "smooth_l1"] = "none"
    margin: float = 1.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise InputError(f"Expected `vad.weight` to be positive, got {self.weight!r}.")
        if not self.margin >= 0 or (self.loss == "smooth_l1" and not self.margin > 0):
            raise InputError(
                "Expected `vad.margin` to be 0 or more, and more than 0 for smooth_l1, got "
                f"{self.margin!r}."
            )
