"""The counterfactual branch: its cancellation, who learns from which loss, and what that buys."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccim_core.causal.counterfactual import CounterfactualBranch
from tests.ccim_core.causal.helpers import relative_error

B, C, D_V = 6, 4, 5


def make(seed: int = 0) -> CounterfactualBranch:
    torch.manual_seed(seed)
    branch = CounterfactualBranch(D_V, C, hidden=7)
    with torch.no_grad():
        branch.no_treatment.normal_()
    return branch


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(B, C, generator=generator), torch.randn(B, D_V, generator=generator)


def slow_branch(branch: CounterfactualBranch, v: Tensor) -> Tensor:
    first, last = branch.branch[0], branch.branch[2]
    assert isinstance(first, torch.nn.Linear)
    assert isinstance(last, torch.nn.Linear)
    hidden = (first.weight @ v + first.bias).clamp_min(0)
    return last.weight @ hidden + last.bias


def test_effects_match_their_definitions() -> None:
    branch, (logits, v) = make(), inputs()
    exact = make().double()
    for b in range(B):
        f, g = logits[b].double(), slow_branch(exact, v[b].double())
        assert relative_error(branch.context_logits(v)[b], g) < 1e-6
        assert relative_error(branch.total_effect(logits, v)[b], f + g) < 1e-6
        assert relative_error(branch.natural_direct_effect(v)[b], exact.no_treatment + g) < 1e-6
        difference = (f + g) - (exact.no_treatment + g)
        assert relative_error(branch.counterfactual(logits, v)[b], difference) < 1e-6


def test_the_direct_effect_of_context_cancels() -> None:
    branch, (logits, v) = make(), inputs()
    difference = branch.total_effect(logits, v) - branch.natural_direct_effect(v)
    torch.testing.assert_close(branch.counterfactual(logits, v), difference)


def test_the_log_sigmoid_fusion_matches_its_closed_form() -> None:
    branch, (logits, v) = make(), inputs()
    branch.fusion = "log_sigmoid"
    exact = make().double()
    for b in range(B):
        f, g, n = logits[b].double(), slow_branch(exact, v[b].double()), exact.no_treatment
        total, direct = (1 / (1 + (-(x + g)).exp()) for x in (f, n))
        assert relative_error(branch.total_effect(logits, v)[b], total.log()) < 1e-6
        assert relative_error(branch.natural_direct_effect(v)[b], direct.log()) < 1e-6
        # TE − NDE = log (1 + e^−(f̄ + g)) / (1 + e^−(f + g))
        expected = ((1 + (-(n + g)).exp()) / (1 + (-(f + g)).exp())).log()
        assert (branch.counterfactual(logits, v)[b] - expected).abs().max() < 1e-6


@pytest.mark.parametrize("shift", [-60.0, 60.0])
def test_the_log_sigmoid_fusion_is_a_sum_at_one_end_and_nothing_at_the_other(shift: float) -> None:
    branch, (logits, v) = make(), inputs()
    branch.fusion = "log_sigmoid"
    last = branch.branch[2]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.bias += shift
    found = branch.counterfactual(logits, v)
    expected = logits - branch.no_treatment if shift < 0 else torch.zeros_like(logits)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_leading_dimensions_broadcast() -> None:
    branch, (logits, v) = make(), inputs()
    total = branch.total_effect(logits[:, None], v[None])
    assert total.shape == (B, B, C)
    torch.testing.assert_close(total[2, 3], branch.total_effect(logits[2], v[3]))


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_auxiliary_losses_match_loops(kind: Any) -> None:
    branch, (logits, v) = make(), inputs()
    exact = make().double()
    targets = torch.randint(0, 2, (B, C)).float()
    found = branch.auxiliary_losses(logits, v, targets, criterion=F.mse_loss, kind=kind)
    divergence = torch.zeros((), dtype=torch.float64)
    squares = torch.zeros((), dtype=torch.float64)
    for b in range(B):
        g = slow_branch(exact, v[b].double())
        total, direct = logits[b].double() + g, exact.no_treatment + g
        squares += ((g - targets[b]) ** 2).sum()
        if kind == "single":
            p, q = total.exp() / total.exp().sum(), direct.exp() / direct.exp().sum()
            divergence += (p * (p / q).log()).sum()
        else:
            p, q = 1 / (1 + (-total).exp()), 1 / (1 + (-direct).exp())
            divergence += (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum()
    assert relative_error(found["context"], squares / (B * C)) < 1e-6
    assert relative_error(found["constant"], divergence / B) < 1e-6


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_each_loss_trains_only_what_it_is_for(kind: Any) -> None:
    logits, v = inputs()
    targets = torch.randint(0, 2, (B, C)).float()

    def reached(name: str) -> set[str]:
        branch = make()
        f, context = logits.clone().requires_grad_(), v.clone().requires_grad_()
        losses = branch.auxiliary_losses(
            f, context, targets, criterion=F.binary_cross_entropy_with_logits, kind=kind
        )
        losses[name].backward()
        tensors = dict(branch.named_parameters()) | {"logits": f, "v": context}
        return {key for key, tensor in tensors.items() if tensor.grad is not None}

    assert reached("constant") == {"no_treatment"}
    assert reached("context") == {
        f"branch.{layer}.{name}" for layer in (0, 2) for name in ("weight", "bias")
    }


def test_the_total_effect_does_not_shape_the_context_features_through_g() -> None:
    branch, (logits, v) = make(), inputs()
    f, context = logits.requires_grad_(), v.requires_grad_()
    branch.total_effect(f, context).square().sum().backward()
    assert f.grad is not None
    assert context.grad is None


def test_training_moves_what_context_alone_explains_into_g() -> None:
    """Emotion follows context 9 times in 10 and the subject's face 8: f alone must not lean on it.

    f reads both; with the branch trained beside it, f's own logits depend on context less than
    those of the same network trained plainly.
    """
    generator = torch.Generator().manual_seed(0)
    n = 3000
    y = torch.randint(0, 2, (n,), generator=generator)
    face = torch.where(torch.rand(n, generator=generator) < 0.8, y, 1 - y)
    scene = torch.where(torch.rand(n, generator=generator) < 0.9, y, 1 - y)
    s, c = (F.one_hot(x, 2).float() for x in (face, scene))

    def train(with_branch: bool) -> torch.nn.Linear:
        torch.manual_seed(0)
        f, branch = torch.nn.Linear(4, 2), CounterfactualBranch(2, 2, hidden=8)
        parameters = [*f.parameters(), *branch.parameters()]
        optimiser = torch.optim.Adam(parameters, lr=0.05, weight_decay=1e-3)
        for _ in range(150):
            logits = f(torch.cat([s, c], 1))
            if with_branch:
                loss = F.cross_entropy(branch.total_effect(logits, c), y)
                extra = branch.auxiliary_losses(
                    logits, c, y, criterion=F.cross_entropy, kind="single"
                )
                loss = loss + extra["context"] + extra["constant"]
            else:
                loss = F.cross_entropy(logits, y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return f

    def reliance(f: torch.nn.Linear) -> float:
        """Change of the log odds when only the scene changes."""
        weight = f.weight.detach()
        return float((weight[1, 3] - weight[0, 3]) - (weight[1, 2] - weight[0, 2]))

    plain, beside = reliance(train(False)), reliance(train(True))
    assert plain > 3
    assert abs(beside) < plain / 2
