"""Size and cost of each emotion model: shapes, parameters, floating-point operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ccim_core.auxiliary import AUXILIARY
from ccim_core.encoder_specs import get_encoder_spec
from ccim_core.models import model_class
from ccim_core.models.base import Batch, StreamSpec
from ccim_core.training.config import ModelConfig

__all__ = ["describe_model"]


@torch.no_grad()
def describe_model(
    name: str, *, encoder: str, size: int | None = None, n_classes: int = 26
) -> dict[str, Any]:
    """One model at the paper's settings, for one subject, with a linear head.

    Operations are two a multiply-add, of convolutions and matrix products (what is elementwise is
    not counted).

    Args:
        encoder: of both sides; its weights are not needed. size: side of its input, pixels.

    Returns:
        model; streams, their shapes; s and c, d_u, d_v; d_h and the paper's; parameters of the
        model and of the encoders that it needs; mflops of the model with its head, of its
        encoders, and of one more stratum (`combine` and the head).
    """
    config = ModelConfig(name=name)
    cls = model_class(name)
    spec = get_encoder_spec(encoder)
    trunk = spec.make().eval()
    pixels = torch.zeros(1, 3, *(2 * (size or spec.preprocessing.size,)))
    feature_map = trunk(pixels)
    specs = cls.stream_specs(config)
    batch = {each.name: _example(each, feature_map) for each in specs}
    encoded = [each for each in specs if each.form in ("pooled", "map")]
    model = cls.from_config(
        config, widths={each.name: spec.width for each in encoded}, n_classes=n_classes, encoders={}
    ).eval()
    head = nn.Linear(model.d_h, n_classes)

    def project(streams: Batch) -> tuple[Tensor, Tensor]:
        s, c = model.encode(streams)
        return model.project_subject(s), model.project_context(c)

    u, v = project(batch)
    return {
        "model": name,
        "streams": {key: list(value.shape[1:]) for key, value in batch.items()},
        "d_u": u.shape[1],
        "d_v": v.shape[1],
        "d_h": model.d_h,
        "paper_d_h": model.paper_d_h,
        "parameters": _size(model),
        "encoders": len(encoded),
        "encoder_parameters": len(encoded) * _size(trunk),
        "mflops": _mflops(lambda: head(model.combine(*project(batch)))),
        "encoder_mflops": len(encoded) * _mflops(lambda: trunk(pixels)),
        "stratum_mflops": _mflops(lambda: head(model.combine(u, v))),
    }


def _example(spec: StreamSpec, feature_map: Tensor) -> Tensor:
    if spec.form == "pooled":
        return feature_map.mean((2, 3))
    if spec.form == "map":
        return feature_map
    if spec.form == "pixels":
        assert spec.size is not None
        return torch.zeros(1, spec.size, spec.size, 3)
    return torch.zeros(1, *AUXILIARY[spec.form].shape)


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _mflops(step: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() / 1e6
