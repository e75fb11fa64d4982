"""From a study and a config to the streams a model reads: views, encoders, cached features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ccim_core.backbones import Encoder, build_encoder
from ccim_core.errors import InputError
from ccim_core.features import View
from ccim_core.manifest import Manifest
from ccim_core.pictures import RENDERED_SCHEME
from ccim_core.training.config import RunConfig

__all__ = ["StreamPlan", "context_plan", "dictionary_plan", "subject_plan", "with_parts"]


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """One stream: which network sees which cut of which parts of the picture."""

    encoder: str
    weights: str
    size: int
    view: View
    parts: str = "all"

    def open_encoder(self, root: Path) -> Encoder:
        """The encoder; a relative weights path is relative to the study `root`."""
        weights = self.weights if self.weights == "default" else root / self.weights
        return build_encoder(self.encoder, weights=weights, size=self.size)


def with_parts(manifest: Manifest, parts: str) -> Manifest:
    """The manifest with every rendered picture's address asking for `parts` of it.

    Raises InputError when a picture is not a rendered one: it cannot be taken apart.
    """
    if parts == "all":
        return manifest
    images = manifest.frame["image"]
    if not images.str.startswith(RENDERED_SCHEME).all():
        raise InputError(
            f"Expected rendered pictures to show only {parts!r} of them, got others; use "
            "`subject_parts` and `context_parts` on the rendered benchmark alone."
        )
    from ccim_core.datasets.controlled.rendering import RenderSpec

    changed = [replace(RenderSpec.from_uri(image), parts=parts).to_uri() for image in images]
    return replace(manifest, frame=manifest.frame.assign(image=changed))


def subject_plan(config: RunConfig) -> StreamPlan:
    """The subject stream of a config."""
    model, encoder = config.model, config.encoder
    return StreamPlan(
        encoder=encoder.subject,
        weights=encoder.subject_weights,
        size=encoder.subject_size,
        view=View(kind=model.subject_view, grow=model.subject_grow),
        parts=model.subject_parts,
    )


def context_plan(config: RunConfig) -> StreamPlan:
    """The context stream of a config: the whole picture, or with the subject masked."""
    encoder = config.encoder
    return StreamPlan(
        encoder=encoder.context,
        weights=encoder.context_weights,
        size=encoder.context_size,
        view=View(kind=config.model.context_view),
        parts=config.model.context_parts,
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
