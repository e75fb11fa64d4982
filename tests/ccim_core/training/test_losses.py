"""Every loss against a loop over subjects and emotions, with hard and with soft targets."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ccim_core.labels import LABEL_SETS, LabelSet
from ccim_core.training.losses import per_sample_loss, weighted_l2_weights

GROUPWALK, EMOTIC = LABEL_SETS["groupwalk"], LABEL_SETS["emotic"]


def slow_cross_entropy(outputs: Tensor, targets: Tensor, row: int) -> float:
    exponents = [math.exp(value) for value in outputs[row].tolist()]
    shares = [value / sum(exponents) for value in exponents]
    return -sum(t * math.log(p) for t, p in zip(targets[row].tolist(), shares, strict=True))


def slow_binary_cross_entropy(outputs: Tensor, targets: Tensor, row: int) -> list[float]:
    terms = []
    for value, target in zip(outputs[row].tolist(), targets[row].tolist(), strict=True):
        p = 1 / (1 + math.exp(-value))
        terms.append(-target * math.log(p) - (1 - target) * math.log(1 - p))
    return terms


def draw(labels: LabelSet, *, soft: bool) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(5, labels.size, generator=generator, dtype=torch.float64)
    if labels.kind == "single":
        shares = torch.rand(5, labels.size, generator=generator, dtype=torch.float64)
        votes = shares / shares.sum(1, keepdim=True)
        hard = torch.nn.functional.one_hot(shares.argmax(1), labels.size).double()
        return outputs, votes if soft else hard
    shares = torch.randint(4, (5, labels.size), generator=generator).double() / 3
    return outputs, shares if soft else (shares > 0.5).double()


@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy(soft: bool) -> None:
    outputs, targets = draw(GROUPWALK, soft=soft)
    expected = [slow_cross_entropy(outputs, targets, row) for row in range(5)]
    found = per_sample_loss(outputs, targets.float(), GROUPWALK)
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=1e-5)
    offsets = torch.linspace(-1, 1, GROUPWALK.size).expand(5, -1)
    shifted = [slow_cross_entropy(outputs + offsets, targets, row) for row in range(5)]
    found = per_sample_loss(outputs, targets.float(), GROUPWALK, offsets=offsets)
    torch.testing.assert_close(found, torch.tensor(shifted), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_binary_cross_entropy(soft: bool) -> None:
    outputs, targets = draw(EMOTIC, soft=soft)
    terms = torch.tensor([slow_binary_cross_entropy(outputs, targets, row) for row in range(5)])
    found = per_sample_loss(outputs, targets.float(), EMOTIC)
    torch.testing.assert_close(found, terms.sum(1), atol=1e-4, rtol=1e-5)
    for weights in (torch.arange(5.0), torch.rand(5, EMOTIC.size)):
        wide = weights if weights.ndim == 2 else weights[:, None].expand_as(terms)
        found = per_sample_loss(outputs, targets.float(), EMOTIC, weights=weights)
        torch.testing.assert_close(found, (terms * wide).sum(1), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_weighted_l2(soft: bool) -> None:
    labels = EMOTIC.with_loss("weighted_l2")
    outputs, targets = draw(labels, soft=soft)
    weights = weighted_l2_weights(targets.mean(0))
    expected = [
        sum(
            (o - t) ** 2 / math.log(1.2 + p)
            for o, t, p in zip(
                outputs[row].tolist(),
                targets[row].tolist(),
                targets.mean(0).tolist(),
                strict=True,
            )
        )
        for row in range(5)
    ]
    found = per_sample_loss(outputs, targets.float(), labels, class_weights=weights.float())
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-3, rtol=1e-5)
    with pytest.raises(ValueError, match="class_weights"):
        per_sample_loss(outputs, targets.float(), labels)


def test_soft_targets_lie_between_the_votes_they_are_shares_of() -> None:
    """The loss on shares is the mean of the losses on each annotator's labels."""
    outputs, _ = draw(EMOTIC, soft=True)
    votes = torch.randint(2, (3, 5, EMOTIC.size), generator=torch.Generator().manual_seed(1))
    losses = [per_sample_loss(outputs, vote.float(), EMOTIC) for vote in votes]
    found = per_sample_loss(outputs, votes.float().mean(0), EMOTIC)
    torch.testing.assert_close(found, torch.stack(losses).mean(0), atol=1e-4, rtol=1e-5)
