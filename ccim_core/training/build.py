"""From a config and a label set to an untrained network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ccim_core.causal.ccim import CCIM
from ccim_core.causal.counterfactual import CounterfactualBranch
from ccim_core.causal.heads import make_head
from ccim_core.labels import LabelSet
from ccim_core.models import build_model
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.config import RunConfig

__all__ = ["build_network"]


def build_network(
    config: RunConfig,
    labels: LabelSet,
    *,
    widths: dict[str, int],
    prototypes: Tensor,
    prior: Tensor,
    encoders: Mapping[str, nn.Module] | None = None,
) -> EmotionNetwork:
    """A network of a config; its weights come from torch's current generator.

    Args:
        widths: stream to feature width.
        prototypes: (N, d) and `prior` (N,), used by CCIM alone.
        encoders: networks to fine-tune by stream, or None for frozen features.
    """
    options: dict[str, Any] = {}
    if encoders is not None:
        options = {f"{name}_encoder": encoder for name, encoder in encoders.items()}
    model = build_model(
        config.model.name,
        subject_width=widths["subject"],
        context_width=widths["context"],
        d_h=config.model.d_h,
        dropout=config.model.dropout,
        normalise=config.model.normalise,
        inputs=config.model.inputs,
        **options,
    )
    intervention = config.intervention
    if intervention.name == "ccim":
        deconfounder = CCIM(
            prototypes,
            prior,
            d_h=config.model.d_h,
            d_m=intervention.d_m,
            d_n=intervention.d_n,
            attention=intervention.attention,
            prior_kind=intervention.prior,
            weighting=intervention.weighting,
        )
        head = make_head(intervention.head, intervention.d_m, labels.size)
        return EmotionNetwork(model=model, classifier=head, deconfounder=deconfounder)
    branch = None
    if intervention.name == "counterfactual":
        branch = CounterfactualBranch(config.model.d_h, labels.size)
    classifier = nn.Linear(config.model.d_h, labels.size)
    return EmotionNetwork(model=model, classifier=classifier, counterfactual=branch)
