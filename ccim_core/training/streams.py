"""From a study and a config to the streams a model reads: views, encoders, cached features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ccim_core.auxiliary import AuxiliaryKind
from ccim_core.backbones import Encoder, build_encoder
from ccim_core.errors import InputError
from ccim_core.features import View
from ccim_core.features.extraction import Stage
from ccim_core.manifest import Manifest
from ccim_core.models import model_class
from ccim_core.models.base import StreamSpec
from ccim_core.pictures import RENDERED_SCHEME
from ccim_core.pixels import PIXELS, pixel_encoder
from ccim_core.training.config import RunConfig

__all__ = [
    "AuxiliaryPlan",
    "Plan",
    "StreamPlan",
    "dictionary_plan",
    "encoder_plans",
    "side_plans",
    "stream_plans",
    "with_parts",
]


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """One stream of pictures: which network sees which cut of which parts of them.

    At stage "pixels" there is no network: `encoder` is `PIXELS` and `size` the picture's side.
    """

    encoder: str
    weights: str
    size: int
    view: View
    parts: str = "all"
    stage: Stage = "pooled"

    def open_encoder(self, root: Path) -> Encoder:
        """The encoder; a relative weights path is relative to the study `root`."""
        if self.encoder == PIXELS:
            return pixel_encoder(self.size)
        weights = self.weights if self.weights == "default" else root / self.weights
        return build_encoder(self.encoder, weights=weights, size=self.size)


@dataclass(frozen=True, kw_only=True)
class AuxiliaryPlan:
    """One stream of what is known of a subject beside the pixels."""

    kind: AuxiliaryKind


Plan = StreamPlan | AuxiliaryPlan


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
    from ccim_core.rendered.rendering import RenderSpec

    changed = [replace(RenderSpec.from_uri(image), parts=parts).to_uri() for image in images]
    return replace(manifest, frame=manifest.frame.assign(image=changed))


def stream_plans(config: RunConfig) -> dict[str, Plan]:
    """The streams that a config's model reads, by name. Raises InputError for what it lacks."""
    return {spec.name: _plan(config, spec) for spec in _specs(config)}


def side_plans(config: RunConfig, side: str) -> list[Plan]:
    """The streams of the model's "subject" or "context"."""
    return [_plan(config, spec) for spec in _specs(config) if spec.side == side]


def encoder_plans(config: RunConfig) -> dict[str, StreamPlan]:
    """Of the model's streams those of pictures."""
    plans = stream_plans(config)
    return {name: plan for name, plan in plans.items() if isinstance(plan, StreamPlan)}


def dictionary_plan(config: RunConfig) -> StreamPlan:
    """What the confounder dictionary is made of: contexts with the subject masked (Figure 4a)."""
    encoder, own = config.encoder, config.dictionary
    return StreamPlan(
        encoder=own.encoder or encoder.context,
        weights=own.weights if own.encoder else encoder.context_weights,
        size=own.pixels or encoder.context_size,
        view=View(kind="masked" if own.masked else "whole"),
    )


def _specs(config: RunConfig) -> tuple[StreamSpec, ...]:
    return model_class(config.model.name).stream_specs(config.model)


def _plan(config: RunConfig, spec: StreamSpec) -> Plan:
    model, encoder = config.model, config.encoder
    parts = model.subject_parts if spec.side == "subject" else model.context_parts
    if spec.form != "pooled" and spec.form != "map" and spec.form != "pixels":
        if spec.form == "depth" and parts != "all":
            raise InputError(
                "Expected `model.depth` false where the context shows only "
                f"{parts!r}: a depth map would show the rest."
            )
        return AuxiliaryPlan(kind=spec.form)
    assert spec.view is not None, spec
    if spec.form == "pixels":
        assert spec.size is not None, spec
        name, weights, size = PIXELS, "default", spec.size
    elif spec.side == "subject":
        name, weights, size = encoder.subject, encoder.subject_weights, encoder.subject_size
    else:
        name, weights, size = encoder.context, encoder.context_weights, encoder.context_size
    return StreamPlan(
        encoder=name, weights=weights, size=size, view=spec.view, parts=parts, stage=spec.form
    )
