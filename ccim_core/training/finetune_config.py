"""Settings of the portrait encoder's fine-tuning."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ccim_core.errors import InputError
from ccim_core.training.augmentation import AugmentationConfig

__all__ = ["FinetuneConfig"]


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """How a portrait encoder is fine-tuned.

    label_set: its emotions; folders of other emotions are left out.
    encoder: an EfficientNet-Lite of `ENCODERS`. size: side of its input, pixels; always grey.
    face_grow: factor by which the face's box grows, here and at inference alike.
    frozen_blocks: the stem and so many first blocks keep their ImageNet weights; they hold
        edges and blobs that portraits share, and half of the time goes into them.
    draws: portraits an epoch. balance: draws of a class of n portraits ∝ n^(1 − balance): 1 draws
        classes equally often, 0 as often as they occur.
    learning_rate: the peak of OneCycle; warm_up: the share of steps before the peak.
    mixup: α of Beta(α, α), 0 is off. drop_out: before the linear head. clip: gradient norm.
    average_decay: per step, of the running average of weights that is kept in the end.
    duplicate_threshold: cosine from which portraits stay on one side (`group_near_duplicates`).
    share_train, share_val, share_test: shares of each class's files.
    precision: bf16 is faster where the hardware multiplies it; measured slower on CPUs without.
    """

    label_set: str = "photographs"
    encoder: str = "efficientnet-lite0"
    size: int = 112
    face_grow: float = 1.3
    frozen_blocks: int = 3
    epochs: int = 9
    draws: int = 3000
    batch_size: int = 64
    balance: float = 0.7
    learning_rate: float = 1.5e-3
    warm_up: float = 0.2
    weight_decay: float = 1e-2
    mixup: float = 0.2
    label_smoothing: float = 0.1
    drop_out: float = 0.3
    clip: float = 5.0
    average_decay: float = 0.99
    duplicate_threshold: float = 0.8
    share_train: float = 0.8
    share_val: float = 0.1
    share_test: float = 0.1
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        if not self.encoder.startswith("efficientnet-lite"):
            raise InputError(f"Expected an EfficientNet-Lite encoder, got {self.encoder!r}.")
        if self.precision not in ("fp32", "bf16"):
            raise InputError(f"Expected precision fp32 or bf16, got {self.precision!r}.")
        for name in ("size", "epochs", "draws", "batch_size", "learning_rate", "face_grow", "clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"Expected `{name}` above 0, got {getattr(self, name)}.")
        for name in ("share_train", "share_val", "share_test"):
            if not getattr(self, name) > 0:
                raise InputError(f"Expected `{name}` above 0, got {getattr(self, name)}.")
        for name in ("balance", "warm_up", "label_smoothing", "drop_out", "average_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"Expected `{name}` between 0 and 1, got {getattr(self, name)}.")
        if self.draws < self.batch_size:
            raise InputError(
                f"Expected at least one batch of {self.batch_size} draws an epoch, "
                f"got {self.draws} draws."
            )
        if not 0 <= self.frozen_blocks <= 16:
            raise InputError(f"Expected 0 to 16 frozen blocks, got {self.frozen_blocks}.")

    @property
    def shares(self) -> dict[str, float]:
        """Pool → share of files."""
        return {"train": self.share_train, "val": self.share_val, "test": self.share_test}

    @property
    def stored_side(self) -> int:
        """Side at which faces are held in memory: room for zooming in without losing detail."""
        return round(self.size * 1.28)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        value = asdict(self)
        value["augmentation"]["erase_side"] = list(self.augmentation.erase_side)
        return value
