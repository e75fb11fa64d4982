"""Prior correction against Bayes' rule by hand, and on a world where the truth is known."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccim_core.causal.prior_correction import (
    count_emotions_by_stratum,
    emotion_marginal,
    logit_adjustment,
    prior_correction,
)
from tests.ccim_core.causal.helpers import relative_error

N, C, B = 4, 3, 6


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_counts(kind: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Probabilities (B, C), stratum (B,), P(Y|z) and P(Y) of made-up training rows."""
    generator = seeded(1)
    labels = torch.randint(0, N, (80,), generator=generator)
    if kind == "single":
        targets = F.one_hot(torch.randint(0, C, (80,), generator=generator), C).float()
        probabilities = torch.rand(B, C, generator=generator).softmax(-1)
    else:
        targets = (torch.rand(80, C, generator=generator) < 0.4).float()
        probabilities = torch.rand(B, C, generator=generator)
    stratum = torch.randint(0, N, (B,), generator=generator)
    return (
        probabilities,
        stratum,
        count_emotions_by_stratum(targets, labels, N),
        emotion_marginal(targets),
    )


@pytest.mark.parametrize("smoothing", [0.5, 1.0, 20.0])
@pytest.mark.parametrize("kind", ["single", "multi"])
def test_counts_match_a_loop(smoothing: float, kind: str) -> None:
    generator = seeded(2)
    labels = torch.randint(0, N - 1, (40,), generator=generator)  # the last stratum is empty
    targets = F.one_hot(torch.randint(0, C, (40,), generator=generator), C).float()
    if kind == "multi":
        targets = (targets + (torch.rand(40, C, generator=generator) < 0.3)).clamp_max(1)
    found = count_emotions_by_stratum(targets, labels, N, smoothing=smoothing)
    for z in range(N):
        for y in range(C):
            rows = [float(targets[i, y]) for i in range(40) if labels[i] == z]
            marginal = sum(float(targets[i, y]) for i in range(40)) / 40
            expected = (sum(rows) + smoothing * marginal) / (len(rows) + smoothing)
            assert float(found[z, y]) == pytest.approx(expected, rel=1e-6)
    torch.testing.assert_close(found[-1], emotion_marginal(targets))
    if kind == "single":
        torch.testing.assert_close(found.sum(1), torch.ones(N))


def test_without_smoothing_the_counts_are_frequencies() -> None:
    targets = F.one_hot(torch.tensor([0, 0, 1, 2]), 3).float()
    found = count_emotions_by_stratum(targets, torch.tensor([0, 0, 0, 1]), 2, smoothing=0)
    torch.testing.assert_close(found, torch.tensor([[2 / 3, 1 / 3, 0.0], [0.0, 0.0, 1.0]]))


def slow_correction(
    probabilities: Tensor, stratum: Tensor, conditional: Tensor, marginal: Tensor, kind: str
) -> Tensor:
    p, given, prior = probabilities.double(), conditional.double(), marginal.double()
    result = torch.zeros_like(p)
    for b in range(len(p)):
        z = int(stratum[b])
        if kind == "single":
            raw = [p[b, y] * prior[y] / given[z, y] for y in range(C)]
            for y in range(C):
                result[b, y] = raw[y] / sum(raw)
        else:
            for y in range(C):
                yes = p[b, y] * prior[y] / given[z, y]
                no = (1 - p[b, y]) * (1 - prior[y]) / (1 - given[z, y])
                result[b, y] = yes / (yes + no)
    return result


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_correction_matches_bayes_rule_with_gradients(kind: Any) -> None:
    probabilities, stratum, conditional, marginal = some_counts(kind)
    fast_p = probabilities.clone().requires_grad_()
    slow_p = probabilities.double().requires_grad_()
    weights = torch.randn(B, C, generator=seeded(3))
    fast = prior_correction(fast_p, stratum, conditional, marginal, kind=kind)
    slow = slow_correction(slow_p, stratum, conditional, marginal, kind)
    assert relative_error(fast, slow) < 1e-6
    (fast * weights).sum().backward()
    (slow * weights).sum().backward()
    assert fast_p.grad is not None
    assert slow_p.grad is not None
    assert relative_error(fast_p.grad, slow_p.grad) < 1e-6
    if kind == "single":
        torch.testing.assert_close(fast.sum(-1), torch.ones(B))


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_stratum_like_the_population_corrects_nothing(kind: Any) -> None:
    probabilities, stratum, conditional, marginal = some_counts(kind)
    found = prior_correction(
        probabilities, stratum, marginal.expand_as(conditional), marginal, kind=kind
    )
    torch.testing.assert_close(found, probabilities)


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_an_image_that_says_nothing_beyond_its_stratum_gets_the_marginal(kind: Any) -> None:
    _, stratum, conditional, marginal = some_counts(kind)
    found = prior_correction(conditional[stratum], stratum, conditional, marginal, kind=kind)
    torch.testing.assert_close(found, marginal.expand(B, -1))


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_the_exact_posterior_of_a_biased_world_becomes_that_of_an_unbiased_one(kind: Any) -> None:
    """x depends on y and not on z: P(y|x, z) carries P(y|z), and the correction leaves P(y|x)."""
    _, _, conditional, marginal = some_counts(kind)
    evidence = torch.rand(5, C, generator=seeded(5)) + 0.1  # P(x|y), or P(x|y_c = 1)
    stratum = torch.tensor([0, 1, 2, 3, 0])
    if kind == "single":
        biased = evidence * conditional[stratum]
        unbiased = evidence * marginal
        biased, unbiased = (p / p.sum(-1, keepdim=True) for p in (biased, unbiased))
    else:
        absent = torch.rand(5, C, generator=seeded(6)) + 0.1
        yes, no = evidence * conditional[stratum], absent * (1 - conditional[stratum])
        biased = yes / (yes + no)
        yes, no = evidence * marginal, absent * (1 - marginal)
        unbiased = yes / (yes + no)
    found = prior_correction(biased, stratum, conditional, marginal, kind=kind)
    torch.testing.assert_close(found, unbiased)


def test_certainty_stays_and_an_unseen_emotion_is_left_alone() -> None:
    targets = F.one_hot(torch.tensor([0, 1, 0, 1]), 3).float()  # emotion 2 was never seen
    conditional = count_emotions_by_stratum(targets, torch.tensor([0, 0, 1, 1]), 2)
    marginal = emotion_marginal(targets)
    certain = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    found = prior_correction(certain, torch.tensor([0, 1]), conditional, marginal, kind="single")
    torch.testing.assert_close(found, certain)
    unseen = prior_correction(
        torch.tensor([[0.2, 0.9, 0.7]]), torch.tensor([0]), conditional, marginal, kind="multi"
    )
    assert float(unseen[0, 2]) == pytest.approx(0.7)


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_marginal_adjustment_in_training_is_the_correction_at_test_time(kind: Any) -> None:
    """If adjusted logits fit P(Y|x, z), the bare ones are its prior correction."""
    probabilities, stratum, conditional, marginal = some_counts(kind)
    fitted = probabilities.log() if kind == "single" else probabilities.logit()
    offsets = logit_adjustment(stratum, conditional, marginal, kind=kind, target="marginal")
    bare = fitted - offsets
    found = bare.softmax(-1) if kind == "single" else bare.sigmoid()
    expected = prior_correction(probabilities, stratum, conditional, marginal, kind=kind)
    torch.testing.assert_close(found, expected)


def test_balanced_adjustment_adds_the_log_prior_of_the_stratum() -> None:
    _, stratum, conditional, marginal = some_counts("single")
    single = logit_adjustment(stratum, conditional, marginal, kind="single")
    torch.testing.assert_close(single, conditional[stratum].log())
    _, stratum, conditional, marginal = some_counts("multi")
    multi = logit_adjustment(stratum, conditional, marginal, kind="multi")
    torch.testing.assert_close(multi, (conditional[stratum] / (1 - conditional[stratum])).log())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": torch.rand(B, C + 1)}, "probabilities"),
        ({"conditional": torch.rand(N, C + 1)}, "conditional"),
        ({"stratum": torch.full((B,), N)}, "stratum"),
        ({"stratum": torch.full((B,), -1)}, "stratum"),
        ({"conditional": torch.zeros(N, C)}, "smoothing"),
    ],
)
def test_inputs_that_disagree_are_refused(changes: dict[str, Tensor], message: str) -> None:
    names = ("probabilities", "stratum", "conditional", "marginal")
    values = dict(zip(names, some_counts("single"), strict=True)) | changes
    with pytest.raises(ValueError, match=message):
        prior_correction(**values, kind="single")


def test_bad_counting_is_refused() -> None:
    targets, labels = torch.eye(3), torch.tensor([0, 1, 2])
    with pytest.raises(ValueError, match="at least one"):
        emotion_marginal(targets[:0])
    with pytest.raises(ValueError, match="labels"):
        count_emotions_by_stratum(targets, labels, 2)
    with pytest.raises(ValueError, match="stratum for each"):
        count_emotions_by_stratum(targets, labels[:2], 3)
    with pytest.raises(ValueError, match="smoothing"):
        count_emotions_by_stratum(targets, labels, 3, smoothing=-1)
    with pytest.raises(ValueError, match="target"):
        logit_adjustment(
            labels, torch.rand(3, 3), torch.rand(3), kind="single", target=cast(Any, "flat")
        )
