"""Why an estimate is what it is: the change that the removal of each prototype makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ccim_core.causal.backdoor import stratum_outputs
from ccim_core.causal.diagnostics import prototype_removal
from ccim_core.run import Run

__all__ = ["MOST_PROTOTYPES", "backdoor_removal", "ccim_removal", "prototypes", "removal_effects"]

MOST_PROTOTYPES = 8
"""How many prototypes are told of a prediction."""


def backdoor_removal(run: Run, u: Tensor) -> Tensor:
    """Change of Eq. 2 when a stratum is left out and the prior renormalised: (N, C)."""
    strata = run.context.strata
    terms = stratum_outputs(u, strata, outputs=run.outputs)[0]
    prior = torch.where(strata.counts > 0, strata.prior, 0)
    prior = (prior / prior.sum())[:, None]
    whole = (prior * terms.nan_to_num()).sum(0)
    return (prior * (whole - terms) / (1 - prior).clamp_min(1e-12)).nan_to_num()


def ccim_removal(run: Run, u: Tensor, v: Tensor) -> Tensor:
    """Change of CCIM's output when a prototype is struck out of Eq. 5: (N, C)."""
    network = run.network
    assert network.deconfounder is not None
    h = network.joint(u, v)
    return prototype_removal(
        network.deconfounder, h, readout=lambda x: run.link(network.classifier(x))
    )[0]


def removal_effects(run: Run, estimator: str, u: Tensor, v: Tensor) -> Tensor | None:
    """Change of one estimate by the removal of each prototype, (N, C).

    None where prototypes have no part in it: estimators other than "backdoor" and "ccim", and a
    CCIM whose attention is constant or whose Z are no clusters of contexts.
    """
    if estimator == "backdoor":
        return backdoor_removal(run, u)
    config = run.config
    clustered = config.dictionary.kind == "kmeans" and config.intervention.attention != "constant"
    return ccim_removal(run, u, v) if estimator == "ccim" and clustered else None


def prototypes(run: Run, effects: Mapping[str, Tensor], stratum: int) -> list[dict[str, Any]]:
    """The run's prototypes of the largest effects, and the picture's own, as JSON.

    Args:
        effects: estimate to what the removal of each prototype changes in it, (N, C) each.
        stratum: the prototype that the picture's own context falls to; always among those told.

    Returns:
        A record a prototype, largest effect first: index, scene, prior, assigned, emotions
        (P(Y|z) in training), effects (estimate to emotion to change).
    """
    if not effects:
        return []
    size = torch.stack([effect.abs().sum(-1) for effect in effects.values()]).amax(0)
    chosen = size.nan_to_num(-1).argsort(descending=True)[:MOST_PROTOTYPES].tolist()
    if stratum not in chosen:
        chosen[-1] = stratum
    context, emotions = run.context, run.labels.emotions

    def named(values: Tensor) -> dict[str, float]:
        return dict(zip(emotions, values.double().tolist(), strict=True))

    return [
        {
            "index": index,
            "scene": context.names[index] if context.names else "",
            "prior": float(context.strata.prior[index]),
            "assigned": index == stratum,
            "emotions": named(context.conditional[index]),
            "effects": {key: named(effect[index]) for key, effect in effects.items()},
        }
        for index in chosen
    ]
