"""CCIM against a loop written from Eqs. 4–7 in double precision, and by its invariances."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from ccim_core.causal.ccim import CCIM
from tests.ccim_core.causal.helpers import (
    D_H,
    D_M,
    D_N,
    VARIANTS,
    B,
    D,
    N,
    dictionary,
    gradients,
    joint,
    make,
    relative_error,
)

ATTENDING = [variant for variant in VARIANTS if variant["attention"] in ("dot", "additive")]


def slow_attention(module: CCIM, h_b: Tensor) -> list[Tensor]:
    """λ_1 … λ_N of one row, one prototype at a time."""
    scores = []
    for z in module.prototypes:
        if module.attention == "dot":
            query, key = module.W_q.weight @ h_b, module.W_k.weight @ z
            scores.append(sum(q * k for q, k in zip(query, key, strict=True)) / math.sqrt(len(z)))
        else:
            hidden = module.W_q.weight @ h_b + module.W_k.weight @ z
            scores.append((module.W_t.weight[0] * torch.tanh(hidden)).sum())
    total = sum(torch.exp(score) for score in scores)
    return [torch.exp(score) / total for score in scores]


def slow_confounder(module: CCIM, h_b: Tensor) -> Tensor:
    """g of one row by Eq. 5 and the table in the class's docstring."""
    if module.attention == "constant":
        return module.learned_g
    uses_prior = module.prior_kind == "empirical"
    if module.attention == "uniform":
        flat = torch.tensor(1 / module.n_prototypes)
        weights = list(module.prior) if uses_prior else [flat] * module.n_prototypes
    else:
        weights = slow_attention(module, h_b)
        if uses_prior:
            weights = [a * p for a, p in zip(weights, module.prior, strict=True)]
        if module.weighting == "renormalised":
            total = sum(weights)
            weights = [weight / total for weight in weights]
    g = torch.zeros(module.d, dtype=h_b.dtype)
    for weight, z in zip(weights, module.prototypes, strict=True):
        g = g + weight * z
    return g


def slow_forward(module: CCIM, h: Tensor) -> Tensor:
    rows = [module.W_h.weight @ h_b + module.W_g.weight @ slow_confounder(module, h_b) for h_b in h]
    return torch.stack(rows)


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(options.values()))
@pytest.mark.parametrize("rows", [1, B])
def test_single_precision_matches_the_equations_with_gradients(
    options: dict[str, Any], rows: int
) -> None:
    module, h = make(**options), joint(rows=rows).requires_grad_()
    exact, h_exact = make(**options).double(), joint(rows=rows).double().requires_grad_()
    weights = torch.randn(rows, D_M, generator=torch.Generator().manual_seed(9))

    fast, slow = module(h), slow_forward(exact, h_exact)

    assert relative_error(fast, slow) < 1e-6
    for mine, theirs in zip(
        gradients(fast, weights, module, h),
        gradients(slow, weights.double(), exact, h_exact),
        strict=True,
    ):
        assert relative_error(mine, theirs) < 1e-6


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(options.values()))
def test_expected_confounder_is_what_forward_adds(options: dict[str, Any]) -> None:
    module, h = make(**options), joint()
    g = module.expected_confounder(h)
    assert g.shape == (B, D)
    torch.testing.assert_close(module(h), module.W_h(h) + module.W_g(g))
    slow = torch.stack([slow_confounder(module, h_b) for h_b in h])
    torch.testing.assert_close(g, slow)


@pytest.mark.parametrize("options", ATTENDING, ids=lambda options: "-".join(options.values()))
def test_attention_sums_to_one_and_matches_the_loop(options: dict[str, Any]) -> None:
    module, h = make(**options), joint()
    attention = module.attention_weights(h)
    torch.testing.assert_close(attention.sum(-1), torch.ones(B))
    slow = torch.stack([torch.stack(slow_attention(module, h_b)) for h_b in h])
    torch.testing.assert_close(attention, slow)
    assert (
        float(attention.detach().max()) > 1.5 / N
    )  # far enough from flat for the test to mean something


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(options.values()))
def test_permuting_prototypes_with_their_prior_changes_nothing(options: dict[str, Any]) -> None:
    module, h = make(**options), joint()
    before = module(h)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(5))
    module.prototypes.copy_(module.prototypes[order])
    module.prior.copy_(module.prior[order])
    torch.testing.assert_close(module(h), before)


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_permuting_prototypes_without_their_prior_changes_the_output(attention: str) -> None:
    module, h = make(attention=attention), joint()
    before = module(h)
    module.prior.copy_(module.prior.flip(0))
    assert relative_error(module(h), before) > 1e-3


@pytest.mark.parametrize("attention", ["dot", "additive", "uniform"])
@pytest.mark.parametrize("weighting", ["paper", "renormalised"])
def test_one_prototype_is_added_whole(attention: Any, weighting: Any) -> None:
    prototypes, _ = dictionary(n=1)
    module = CCIM(
        prototypes, torch.ones(1), d_h=D_H, d_m=D_M, attention=attention, weighting=weighting
    )
    h = joint()
    torch.testing.assert_close(module(h), module.W_h(h) + module.W_g(prototypes[0]))


@pytest.mark.parametrize("attention", ["uniform", "constant"])
def test_without_attention_the_term_is_one_vector_for_all_inputs(attention: Any) -> None:
    module = make(attention=attention)
    terms = module(joint(rows=40)) - module.W_h(joint(rows=40))
    torch.testing.assert_close(terms, terms[:1].expand(40, -1))
    assert float(terms.detach().norm()) > 0


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_with_attention_the_term_depends_on_the_input(attention: Any) -> None:
    module = make(attention=attention, weighting="renormalised")
    terms = module.causal_term(joint())
    assert relative_error(terms, terms[:1].expand(B, -1)) > 1e-3


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(options.values()))
def test_splitting_a_prototype_in_two_with_half_the_prior_each(options: dict[str, Any]) -> None:
    """Where weights are normalised after P, only the split of P counts, so nothing changes.

    Under the paper's weighting λ sums to 1 over one more prototype while P is halved: the pair
    counts half. Where P is not used, splitting a prototype counts it twice.
    """
    module, h = make(**options), joint()
    prototypes = torch.cat([module.prototypes, module.prototypes[:1]])
    prior = torch.cat([module.prior, module.prior[:1] / 2])
    prior[0] /= 2
    split = CCIM(prototypes, prior, d_h=D_H, d_m=D_M, d_n=D_N, **options)
    split.load_state_dict(
        module.state_dict() | {"prototypes": prototypes, "prior": prior}, strict=True
    )
    unchanged = options["attention"] == "constant" or (
        options["prior_kind"] == "empirical"
        and (options["attention"] == "uniform" or options["weighting"] == "renormalised")
    )
    assert (relative_error(split(h), module(h)) < 1e-6) == unchanged


def test_g_can_be_replaced_by_its_mean_or_left_out() -> None:
    module, h = make(weighting="renormalised"), joint(rows=20)
    with pytest.raises(ValueError, match="set_mean_confounder"):
        module(h, g="mean")
    module.set_mean_confounder(h.split(7))
    torch.testing.assert_close(module.mean_g, module.expected_confounder(h).mean(0))
    torch.testing.assert_close(module(h, g="mean"), module.W_h(h) + module.W_g(module.mean_g))
    torch.testing.assert_close(module(h, g="zero"), module.W_h(h))
    whole = make(weighting="renormalised")
    whole.set_mean_confounder(h)
    torch.testing.assert_close(whole.mean_g, module.mean_g)
    with pytest.raises(ValueError, match="at least one row"):
        module.set_mean_confounder([])


def test_constant_control_starts_where_flat_attention_puts_g_and_learns_without_prototypes() -> (
    None
):
    module, h = make(attention="constant", weighting="paper"), joint()
    torch.testing.assert_close(module.learned_g, module.prior @ module.prototypes / N)
    before = module(h)
    before.sum().backward()
    assert module.learned_g.grad is not None
    assert float(module.learned_g.grad.norm()) > 0
    module.prototypes.zero_()
    torch.testing.assert_close(module(h), before)
    with pytest.raises(ValueError, match="constant"):
        module.attention_weights(h)


def test_zero_prototypes_give_their_maps_no_gradient() -> None:
    """Why Z = 0 is no control of equal capacity: W_g and the attention never train."""
    module = make(attention="dot")
    module.prototypes.zero_()
    module(joint()).square().sum().backward()
    for layer in (module.W_g, module.W_q, module.W_k):
        assert layer.weight.grad is not None
        assert float(layer.weight.grad.norm()) == 0
    assert module.W_h.weight.grad is not None
    assert float(module.W_h.weight.grad.norm()) > 0


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(options.values()))
def test_leading_dimensions_are_kept(options: dict[str, Any]) -> None:
    module, h = make(**options), torch.randn(2, 3, D_H)
    flat = module(h.reshape(6, D_H))
    torch.testing.assert_close(module(h), flat.reshape(2, 3, D_M))
    torch.testing.assert_close(module(h[0, 0]), flat[0])
    assert module.expected_confounder(h).shape == (2, 3, D)
    if options["attention"] != "constant":
        assert module.attention_weights(h).shape == (2, 3, N)
    assert module(h[:0]).shape == (0, 3, D_M)


def test_both_orders_of_the_product_are_taken_and_agree() -> None:
    """Few rows multiply w Z first, many rows Z W_gᵀ first."""
    prototypes, prior = dictionary(n=40, d=64)
    module = CCIM(prototypes, prior, d_h=D_H, d_m=16)
    many = joint(rows=400)
    torch.testing.assert_close(module(many)[:1], module(many[:1]))


def test_renormalised_weights_survive_underflow() -> None:
    """λ far below the smallest float where P is large: the quotient is still defined."""
    prototypes = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    module = CCIM(
        prototypes,
        torch.tensor([0.0, 1.0]),
        d_h=2,
        d_m=2,
        d_n=2,
        weighting="renormalised",
    )
    with torch.no_grad():
        module.W_q.weight.copy_(300 * torch.eye(2))
        module.W_k.weight.copy_(torch.eye(2))
    weights = module.mixing_weights(torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(weights, torch.tensor([[0.0, 1.0]]))


def test_prototypes_and_prior_are_saved_but_never_trained() -> None:
    module = make(attention="additive")
    names = {name for name, _ in module.named_parameters()}
    assert names == {f"W_{letter}.weight" for letter in "hgqkt"}
    other = make(seed=50, attention="additive")
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(joint()), module(joint()))


def test_initial_maps_are_xavier_normal_and_follow_the_generator() -> None:
    prototypes, prior = dictionary(n=4, d=512)

    def build(seed: int) -> CCIM:
        generator = torch.Generator().manual_seed(seed)
        return CCIM(prototypes, prior, d_h=256, generator=generator)

    module = build(1)
    for layer, fan_in in ((module.W_h, 256), (module.W_g, 512)):
        assert float(layer.weight.detach().std()) == pytest.approx(
            math.sqrt(2 / (fan_in + 128)), rel=0.03
        )
        assert layer.bias is None
    torch.testing.assert_close(build(1).W_q.weight, module.W_q.weight)
    assert not torch.equal(build(2).W_q.weight, module.W_q.weight)


@pytest.mark.parametrize(
    ("prototypes", "prior", "options", "message"),
    [
        (torch.zeros(3), torch.ones(3) / 3, {}, "prototypes"),
        (torch.zeros(0, 4), torch.ones(0), {}, "prototypes"),
        (torch.full((3, 4), torch.nan), torch.ones(3) / 3, {}, "finite"),
        (torch.zeros(3, 4), torch.ones(2) / 2, {}, "prior"),
        (torch.zeros(3, 4), torch.rand(3) + 1, {}, "summing to 1"),
        (torch.zeros(3, 4), torch.tensor([1.5, -0.5, 0.0]), {}, "probabilities"),
        (torch.zeros(3, 4), torch.full((3,), torch.nan), {}, "probabilities"),
        (torch.zeros(3, 4), torch.ones(3) / 3, {"attention": "cosine"}, "attention.*dot"),
        (torch.zeros(3, 4), torch.ones(3) / 3, {"weighting": "none"}, "weighting"),
        (torch.zeros(3, 4), torch.ones(3) / 3, {"prior_kind": "flat"}, "prior_kind"),
    ],
)
def test_bad_dictionaries_and_options_are_refused(
    prototypes: Tensor, prior: Tensor, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CCIM(prototypes, prior, d_h=4, **options)


def test_unknown_replacement_of_g_is_refused() -> None:
    with pytest.raises(ValueError, match="own"):
        make()(joint(), g=cast(Any, "median"))


_MEMORY_SCRIPT = """
import torch
from ccim_core.causal.ccim import CCIM

def read(field):
    for line in open("/proc/self/status"):
        if line.startswith(field):
            return int(line.split()[1]) / 1024

def step(attention, rows, n):
    module = CCIM(torch.randn(n, 2048), torch.full((n,), 1 / n), d_h=256, attention=attention)
    h = torch.randn(rows, 256, requires_grad=True)
    open("/proc/self/clear_refs", "w").write("5")
    before = read("VmRSS")
    module(h).square().sum().backward()
    return read("VmHWM") - before

torch.set_num_threads(1)
for attention in ("dot", "additive"):
    step(attention, 8, 8)
    print(step(attention, 512, 1024))
"""


def test_memory_of_a_step_stays_far_below_the_naive_form() -> None:
    """B = 512, N = 1024, d = 2048, d_n = 256: (B, N, d) alone would take 4,096 MiB."""
    command = [sys.executable, "-c", _MEMORY_SCRIPT]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    extra = [float(line) for line in printed.split()]
    assert len(extra) == 2
    assert max(extra) < 200
