"""Emotion models: explicit registry of names to classes, imported on demand."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.models.base import EmotionModel

__all__ = ["MODELS", "build_model", "model_class"]

# Name to (module, class).
MODELS: dict[str, tuple[str, str]] = {
    "caer_net": ("ccim_core.models.caer_net", "CaerNet"),
    "emoticon": ("ccim_core.models.emoticon", "EmotiCon"),
    "emot_net": ("ccim_core.models.emot_net", "EmotNet"),
    "gcn_cnn": ("ccim_core.models.gcn_cnn", "GcnCnn"),
}


def model_class(name: str) -> type[EmotionModel]:
    """The class of an emotion model. Raises InputError listing the valid names."""
    if name not in MODELS:
        raise InputError(f"Expected a model of {sorted(MODELS)}, got {name!r}.")
    module, class_name = MODELS[name]
    return getattr(importlib.import_module(module), class_name)


def build_model(name: str, **options: Any) -> EmotionModel:
    """Build an emotion model by name. Raises InputError listing the valid names."""
    return model_class(name)(**options)
