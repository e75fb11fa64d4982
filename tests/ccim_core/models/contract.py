"""The four models, small enough for tests, and batches made for what each says it reads."""

from __future__ import annotations

import torch
from torch import Tensor

from ccim_core.models import model_class
from ccim_core.models.base import Batch, EmotionModel
from ccim_core.training.config import ModelConfig

__all__ = ["WIDTHS", "make_batch", "make_config", "make_model"]

WIDTHS = {"subject": 12, "context": 10}
N_CLASSES = 7
_SHAPES = {
    "landmarks": (68, 2),
    "face_points": (5, 2),
    "keypoints": (17, 3),
    "depth": (64, 64),
}


def make_config(name: str, **options: object) -> ModelConfig:
    """Networks an eighth as wide, which see 32 (subject) and 64 pixels; d_h is the paper's."""
    small = {"subject_pixels": 32, "context_pixels": 64, "channels": 0.125}
    return ModelConfig(**{"name": name, **small, **options})  # type: ignore[arg-type]


def make_model(config: ModelConfig, *, seed: int = 0) -> EmotionModel:
    """The model drawn from a seed, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = model_class(config.name).from_config(
            config, widths=WIDTHS, n_classes=N_CLASSES, encoders={}
        )
    return model.eval()


def make_batch(config: ModelConfig, n: int = 4, *, seed: int = 0) -> Batch:
    """n rows of random numbers of the forms that the model reads."""
    generator = torch.Generator().manual_seed(seed)
    batch: dict[str, Tensor] = {}
    for spec in model_class(config.name).stream_specs(config):
        shape: tuple[int, ...] = _SHAPES.get(spec.form, ())
        if spec.form in ("pooled", "map"):
            shape = (WIDTHS[spec.name], *((3, 3) if spec.form == "map" else ()))
        elif spec.form == "pixels":
            assert spec.size is not None
            shape = (spec.size, spec.size, 3)
        scale = 255 if spec.form == "pixels" else 20 if spec.form in _SHAPES else 1
        values = torch.rand(n, *shape, generator=generator) * scale
        if spec.form == "keypoints":
            values[..., 2] = (values[..., 2] % 3).floor()
        batch[spec.name] = values
    return batch
