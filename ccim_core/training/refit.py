"""Deep feature reweighting as a last step of training: the classifier, fitted anew."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ccim_core.causal.reweighting import emotion_stratum_groups, refit_last_layer
from ccim_core.errors import InputError
from ccim_core.labels import Kind
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.samples import Samples

__all__ = ["refit_classifier"]


@torch.no_grad()
def refit_classifier(
    network: EmotionNetwork, samples: Samples, targets: Tensor, stratum: Tensor, *, kind: Kind
) -> None:
    """Replace the classifier by one fitted on rows balanced over their groups, in place.

    The rows should be validation data, which the features were not trained on. Groups are emotion
    × stratum where a subject has one emotion, and strata alone where it may have several.

    Args:
        samples, targets, stratum: the rows' streams, (n, C) labels and context strata (n,).

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
    groups = stratum
    if kind == "single":
        member = emotion_stratum_groups(targets, stratum, int(stratum.max()) + 1)
        groups = member.argmax(dim=1)
    layer = refit_last_layer(rows, targets, groups, kind=kind)
    classifier.weight.copy_(layer.weight)
    classifier.bias.copy_(layer.bias)
