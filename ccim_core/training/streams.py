"""From a study and a config to the streams a model reads: views, encoders, cached features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ccim_core.backbones import Encoder, build_encoder
from ccim_core.features import View
from ccim_core.training.config import RunConfig

__all__ = ["StreamPlan", "context_plan", "dictionary_plan", "subject_plan"]


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """One stream: which network sees which cut of the picture."""

    encoder: str
    weights: str
    size: int
    view: View

    def open_encoder(self, root: Path) -> Encoder:
        """The encoder; a relative weights path is relative to the study `root`."""
        weights = self.weights if self.weights == "default" else root / self.weights
        return build_encoder(self.encoder, weights=weights, size=self.size)


def subject_plan(config: RunConfig) -> StreamPlan:
    """The subject stream of a config."""
    model, encoder = config.model, config.encoder
    return StreamPlan(
        encoder=encoder.subject,
        weights=encoder.subject_weights,
        size=encoder.subject_size,
        view=View(kind=model.subject_view, grow=model.subject_grow),
    )


def context_plan(config: RunConfig) -> StreamPlan:
    """The context stream of a config: the whole picture, or with the subject masked."""
    encoder = config.encoder
    return StreamPlan(
        encoder=encoder.context,
        weights=encoder.context_weights,
        size=encoder.context_size,
        view=View(kind=config.model.context_view),
    )


def dictionary_plan(config: RunConfig) -> StreamPlan:
    """What the confounder dictionary is made of: contexts with the subject masked (Figure 4a)."""
    encoder = config.encoder
    return StreamPlan(
        encoder=encoder.context,
        weights=encoder.context_weights,
        size=encoder.context_size,
        view=View(kind="masked" if config.dictionary.masked else "whole"),
    )
