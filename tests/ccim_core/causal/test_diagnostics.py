"""Causal share, its input-dependent part, entropy, and removal effects against deletion by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ccim_core.causal.ccim import CCIM
from ccim_core.causal.diagnostics import causal_diagnostics, prototype_removal, removal_norms
from ccim_core.causal.heads import make_head
from tests.ccim_core.causal.helpers import D_M, VARIANTS, N, joint, make, relative_error

USING_PROTOTYPES = [options for options in VARIANTS if options["attention"] != "constant"]


def options_id(options: dict[str, Any]) -> str:
    return "-".join(options.values())


@pytest.mark.parametrize("options", VARIANTS, ids=options_id)
def test_shares_match_their_definition_row_by_row(options: dict[str, Any]) -> None:
    module, h = make(**options), joint(rows=30)
    found = causal_diagnostics(module, h)

    exact, rows = make(**options).double().requires_grad_(False), h.double()
    g = exact.expected_confounder(rows)
    joint_sum = sum(float((exact.W_h.weight @ h_b).norm() ** 2) for h_b in rows)
    term_sum = sum(float((exact.W_g.weight @ g_b).norm() ** 2) for g_b in g)
    varying_sum = sum(float((exact.W_g.weight @ (g_b - g.mean(0))).norm() ** 2) for g_b in g)
    assert found["causal_share"] == pytest.approx(math.sqrt(term_sum / joint_sum), rel=1e-5)
    assert found["input_dependent_share"] == pytest.approx(
        math.sqrt(varying_sum / joint_sum), rel=1e-4, abs=1e-7
    )
    assert found["input_dependent_share"] <= found["causal_share"] * (1 + 1e-6)


@pytest.mark.parametrize("attention", ["uniform", "constant"])
def test_a_term_without_attention_has_no_input_dependent_part(attention: Any) -> None:
    found = causal_diagnostics(make(attention=attention), joint(rows=30))
    assert found["input_dependent_share"] < 1e-7
    assert found["causal_share"] > 0


def test_the_true_prior_divides_the_causal_share_by_the_number_of_prototypes() -> None:
    """With N prototypes λ and P both sum to 1, so Σ λ_i P_i is about 1/N; renormalising undoes it.

    A prior that is not normalised, as in the published module's example, lies in between.
    """
    n, d = 256, 512
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(n, d, generator=generator).relu()
    counts = torch.rand(n, generator=generator) + 0.5
    h = torch.randn(200, 256, generator=generator).relu()

    def share(weighting: Any, prior_scale: float = 1) -> float:
        weights = torch.Generator().manual_seed(1)
        module = CCIM(
            features, counts / counts.sum(), d_h=256, weighting=weighting, generator=weights
        )
        module.prior *= prior_scale
        return causal_diagnostics(module, h)["causal_share"]

    true, renormalised = share("paper"), share("renormalised")
    assert true < 0.01
    assert renormalised == pytest.approx(n * true, rel=0.1)
    assert share("paper", prior_scale=n / 2) == pytest.approx(renormalised / 2, rel=0.1)


def test_entropy_of_flat_and_of_decided_attention() -> None:
    flat = causal_diagnostics(make(attention="uniform"), joint())
    assert flat["attention_entropy"] == pytest.approx(math.log(N))
    assert flat["attention_entropy_limit"] == pytest.approx(math.log(N))

    decided = make(attention="dot")
    with torch.no_grad():
        decided.W_q.weight.mul_(1e6)
    found = causal_diagnostics(decided, joint())
    assert (decided.attention_weights(joint()) == 0).any()  # where −λ ln λ by hand would be NaN
    assert found["attention_entropy"] == pytest.approx(0, abs=1e-6)
    assert math.isnan(causal_diagnostics(make(attention="constant"), joint())["attention_entropy"])


def test_diagnosing_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        causal_diagnostics(make(), joint(rows=0))


def removed_by_hand(module: CCIM, h: Tensor, i: int) -> Tensor:
    """W_h h + W_g g with prototype i out of the sum, as `prototype_removal` defines it."""
    weights = module.mixing_weights(h).clone()
    weights[:, i] = 0
    if module.weighting == "renormalised":
        weights /= weights.sum(-1, keepdim=True)
    return module.W_h(h) + module.W_g(weights @ module.prototypes)


@pytest.mark.parametrize("options", USING_PROTOTYPES, ids=options_id)
@pytest.mark.parametrize("with_head", [False, True])
def test_removal_is_the_output_without_minus_the_output_with(
    options: dict[str, Any], with_head: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccim_core.causal.diagnostics._CHUNK_BYTES", 1000)  # several blocks
    module, h = make(**options).double(), joint().double()
    head = make_head("residual", D_M, 4).double().eval()
    readout = nn.Sequential(head, nn.Softmax(-1)) if with_head else nn.Identity()

    changes = prototype_removal(module, h, readout=readout if with_head else None)

    for i in range(N):
        expected = readout(removed_by_hand(module, h, i)) - readout(module(h))
        assert relative_error(changes[:, i], expected) < 1e-6
    chosen = prototype_removal(module, h, torch.tensor([4, 2]))
    torch.testing.assert_close(chosen, prototype_removal(module, h)[:, [4, 2]])
    own = torch.tensor([[i % N] for i in range(len(h))])
    each = prototype_removal(module, h, own)
    for b in range(len(h)):
        torch.testing.assert_close(each[b, 0], prototype_removal(module, h)[b, b % N])


@pytest.mark.parametrize("options", USING_PROTOTYPES, ids=options_id)
def test_removal_norms_are_the_norms_of_the_removals(options: dict[str, Any]) -> None:
    module, h = make(**options), joint()
    norms = removal_norms(module, h)
    torch.testing.assert_close(norms, prototype_removal(module, h).norm(dim=-1))
    assert float(norms.min()) > 0


def test_under_the_papers_weighting_the_removals_add_up_to_the_whole_term() -> None:
    module, h = make(weighting="paper"), joint()
    torch.testing.assert_close(prototype_removal(module, h).sum(1), -module.causal_term(h).detach())


def test_removing_the_only_prototype_in_use_removes_the_term() -> None:
    module, h = make(weighting="renormalised", prior_kind="uniform"), joint()
    with torch.no_grad():
        module.W_q.weight.mul_(1e6)
    used = module.mixing_weights(h).argmax(-1, keepdim=True)
    assert (module.mixing_weights(h).max(-1).values == 1).all()
    term = module.causal_term(h).detach()
    torch.testing.assert_close(prototype_removal(module, h, used)[:, 0], -term)
    torch.testing.assert_close(removal_norms(module, h).gather(1, used)[:, 0], term.norm(dim=-1))
    unused = (used + 1) % N
    assert float(prototype_removal(module, h, unused).abs().max()) < 1e-6


def test_removal_from_a_module_without_prototypes_is_refused() -> None:
    with pytest.raises(ValueError, match="constant"):
        prototype_removal(make(attention="constant"), joint())
