"""Deep feature reweighting as a last step of training: the classifier, fitted anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ccim_core.causal.groups import coarse_groups, group_index
from ccim_core.causal.reweighting import choose_penalty, refit_last_layer
from ccim_core.errors import InputError
from ccim_core.labels import Kind
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.samples import Samples

__all__ = ["refit_classifier"]


@torch.no_grad()
def refit_classifier(
    network: EmotionNetwork,
    samples: Samples,
    targets: Tensor,
    stratum: Tensor,
    *,
    units: np.ndarray,
    min_group_size: int,
    kind: Kind,
) -> dict[str, Any]:
    """Replace the classifier by one fitted on rows balanced over their groups, in place.

    The rows should be validation data, which the features were not trained on. Groups are coarse
    ones of emotion × stratum where a subject has one emotion (`coarse_groups`), and of strata alone
    where it may have several, which leaves P(Y|z) as it is. The penalty is chosen by
    cross-validation (`choose_penalty`).

    Args:
        samples, targets, stratum: the rows' streams, (n, C) labels and context strata (n,).
        units: what a row shares with others, such as its picture, (n,): never in two folds.
        min_group_size: rows, least of a group.

    Returns:
        What the run's record keeps: l2, its score, those of all penalties, groups and their rows.

    Raises:
        InputError: the network's classifier is not one linear layer on the joint feature.

    Source: deep feature reweighting, Kirichenko et al., ICLR 2023 (see `refit_last_layer`).
    """
    classifier = network.classifier
    if not isinstance(classifier, nn.Linear) or network.counterfactual is not None:
        raise InputError(
            "Expected a linear classifier and no context-only branch for `train.refit`, got "
            "another head; leave `train.refit` out."
        )
    network.eval()
    read = []
    for batch in samples.batches(list(torch.arange(len(samples)).split(512))):
        h = network.joint(*network.project(batch))
        read.append(h if network.deconfounder is None else network.deconfounder(h))
    rows = torch.cat(read)
    targets, stratum = targets.to(rows.device), stratum.to(rows.device).long()
    grouped = targets if kind == "single" else torch.ones_like(targets[:, :1])
    n_strata = int(stratum.max()) + 1
    groups = group_index(coarse_groups(grouped, stratum, n_strata, min_size=min_group_size))
    chosen = choose_penalty(rows, targets, groups, units, kind=kind)
    layer = refit_last_layer(rows, targets, groups, kind=kind, l2=chosen.l2)
    classifier.weight.copy_(layer.weight)
    classifier.bias.copy_(layer.bias)
    sizes = groups.bincount()
    return {
        "l2": chosen.l2,
        "criterion": "group-balanced log-loss on held-out folds",
        "score": round(chosen.scores[chosen.l2], 5),
        "scores": {f"{l2:g}": round(score, 5) for l2, score in chosen.scores.items()},
        "folds": chosen.folds,
        "groups": len(sizes),
        "smallest_group": int(sizes.min()),
    }
