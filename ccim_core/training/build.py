"""From a config and a label set to an untrained network."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from ccim_core.causal.ccim import CCIM
from ccim_core.causal.counterfactual import CounterfactualBranch
from ccim_core.causal.heads import make_head
from ccim_core.labels import LabelSet
from ccim_core.manifest.schema import VAD_COLUMNS, VAD_RANGE
from ccim_core.models import model_class
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.config import RunConfig
from ccim_core.training.vad import VAD_SCALE

__all__ = ["build_network"]


def build_network(
    config: RunConfig,
    labels: LabelSet,
    *,
    widths: Mapping[str, int],
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
    model = model_class(config.model.name).from_config(
        config.model, widths=widths, n_classes=labels.size, encoders=encoders or {}
    )
    intervention = config.intervention
    deconfounder = branch = None
    classifier: nn.Module
    if intervention.name == "ccim":
        deconfounder = CCIM(
            prototypes,
            prior,
            d_h=model.d_h,
            d_m=intervention.d_m,
            d_n=intervention.d_n,
            attention=intervention.attention,
            prior_kind=intervention.prior,
            weighting=intervention.weighting,
        )
        classifier = make_head(intervention.head, intervention.d_m, labels.size)
    else:
        if intervention.name == "counterfactual":
            branch = CounterfactualBranch(model.d_v, labels.size, fusion=intervention.fusion)
        classifier = nn.Linear(model.d_h, labels.size)
    # Drawn last: with the same seed all else starts as it would without this head.
    vad = None if config.vad.loss == "none" else _vad_head(model.d_h)
    return EmotionNetwork(
        model=model,
        classifier=classifier,
        deconfounder=deconfounder,
        counterfactual=branch,
        vad=vad,
    )


def _vad_head(d_h: int) -> nn.Linear:
    """h to valence, arousal and dominance; it starts from the middle of their scale."""
    head = nn.Linear(d_h, len(VAD_COLUMNS))
    nn.init.constant_(head.bias, sum(VAD_RANGE) / 2 / VAD_SCALE)
    return head
