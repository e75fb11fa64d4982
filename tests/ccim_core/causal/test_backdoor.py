"""Stratum substitution against Eq. 2 as a loop over rows, strata and members."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from ccim_core.causal.backdoor import stratum_outputs, stratum_substitution
from ccim_core.causal.ccim import CCIM
from ccim_core.causal.links import to_probabilities
from ccim_core.causal.strata import Strata, select_members
from tests.ccim_core.causal.helpers import gradients, relative_error

B, N, K, WIDTH, C = 6, 5, 3, 8, 4


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_strata(*, empty: bool = True) -> Strata:
    """Strata of 1 to 5 rows, so masks differ; stratum 3 is empty if wanted."""
    sizes = [1, 4, 2, 0 if empty else 2, 5]
    labels = torch.cat([torch.full((size,), z) for z, size in enumerate(sizes)])
    values = torch.randn(len(labels), WIDTH, generator=seeded(1))
    prior = torch.tensor([0.1, 0.3, 0.15, 0.25, 0.2])
    return Strata.from_rows(values, *select_members(labels, N, K, seeded(2)), prior)


def network(seed: int = 5) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(WIDTH, 10), nn.Tanh(), nn.Linear(10, C))


def additive(layers: nn.Module, u: Tensor, v: Tensor) -> Tensor:
    return layers((u + v).relu()).softmax(-1)


def subjects() -> Tensor:
    return torch.randn(B, WIDTH, generator=seeded(7))


def slow_outputs(layers: nn.Module, u: Tensor, strata: Strata) -> Tensor:
    """mean_k outputs(u, v_zk), one pair at a time; NaN for a stratum without members."""
    table = torch.full((len(u), strata.n_strata, C), torch.nan, dtype=u.dtype)
    for b in range(len(u)):
        for z in range(strata.n_strata):
            found = [
                additive(layers, u[b], strata.members[z, k].to(u.dtype))
                for k in range(strata.mask.shape[1])
                if strata.mask[z, k]
            ]
            if found:
                table[b, z] = sum(found) / len(found)
    return table


def slow_substitution(layers: nn.Module, u: Tensor, strata: Strata) -> Tensor:
    table, prior = slow_outputs(layers, u, strata), strata.prior.to(u.dtype)
    filled = [z for z in range(strata.n_strata) if strata.mask[z].any()]
    total = torch.stack([prior[z] * table[:, z] for z in filled]).sum(0)
    return total / prior[filled].sum()


@pytest.mark.parametrize("block_bytes", [1, 3 * WIDTH * 4, 40 * WIDTH * 4, None])
@pytest.mark.parametrize("empty", [False, True])
def test_substitution_matches_equation_2_with_gradients(
    block_bytes: int | None, empty: bool
) -> None:
    strata, layers, exact = make_strata(empty=empty), network(), network().double()
    u, u_exact = subjects().requires_grad_(), subjects().double().requires_grad_()
    weights = torch.randn(B, C, generator=seeded(9))

    fast = stratum_substitution(
        u, strata, outputs=partial(additive, layers), block_bytes=block_bytes
    )
    slow = slow_substitution(exact, u_exact, strata)

    assert relative_error(fast, slow) < 1e-6
    for mine, theirs in zip(
        gradients(fast, weights, layers, u),
        gradients(slow, weights.double(), exact, u_exact),
        strict=True,
    ):
        assert relative_error(mine, theirs) < 1e-6
    torch.testing.assert_close(fast.sum(-1), torch.ones(B))


@torch.no_grad()
def test_outputs_of_each_stratum_match_the_loop_and_average_to_the_substitution() -> None:
    strata, layers = make_strata(), network()
    outputs = partial(additive, layers)
    table = stratum_outputs(subjects(), strata, outputs=outputs, block_bytes=200)
    slow = slow_outputs(layers, subjects(), strata)
    torch.testing.assert_close(table, slow, equal_nan=True)
    assert table[:, 3].isnan().all()
    prior = strata.prior.clone()
    prior[3] = 0
    averaged = torch.einsum("z,bzc->bc", prior / prior.sum(), table.nan_to_num())
    torch.testing.assert_close(averaged, stratum_substitution(subjects(), strata, outputs=outputs))


@torch.no_grad()
def test_outputs_are_averaged_not_features() -> None:
    """The mean member gives another answer: Eq. 3 is not Eq. 2."""
    strata, outputs = make_strata(empty=False), partial(additive, network())
    counts = strata.counts[:, None].to(strata.members.dtype)
    means = Strata(
        members=(strata.members.sum(1) / counts)[:, None],
        mask=torch.ones(N, 1, dtype=torch.bool),
        prior=strata.prior,
    )
    of_outputs = stratum_substitution(subjects(), strata, outputs=outputs)
    of_features = stratum_substitution(subjects(), means, outputs=outputs)
    assert relative_error(of_features, of_outputs) > 1e-3


@torch.no_grad()
def test_a_model_that_ignores_context_is_left_as_it_is() -> None:
    layers = network()

    def outputs(u: Tensor, v: Tensor) -> Tensor:
        return (layers(u) + 0 * v[..., :1]).softmax(-1)

    found = stratum_substitution(subjects(), make_strata(), outputs=outputs)
    torch.testing.assert_close(found, layers(subjects()).softmax(-1))


@torch.no_grad()
def test_permuting_strata_with_their_prior_and_members_changes_nothing() -> None:
    strata, outputs = make_strata(), partial(additive, network())
    order, places = torch.randperm(N, generator=seeded(3)), torch.tensor([2, 0, 1])
    permuted = Strata(
        members=strata.members[order][:, places],
        mask=strata.mask[order][:, places],
        prior=strata.prior[order],
    )
    torch.testing.assert_close(
        stratum_substitution(subjects(), permuted, outputs=outputs),
        stratum_substitution(subjects(), strata, outputs=outputs),
    )


@torch.no_grad()
def test_one_stratum_of_one_member_is_a_plain_forward_in_that_context() -> None:
    v = torch.randn(1, 1, WIDTH)
    strata = Strata(members=v, mask=torch.ones(1, 1, dtype=torch.bool), prior=torch.ones(1))
    outputs = partial(additive, network())
    torch.testing.assert_close(
        stratum_substitution(subjects(), strata, outputs=outputs), outputs(subjects(), v[0])
    )


@torch.no_grad()
def test_splitting_a_stratum_by_its_members_changes_nothing() -> None:
    """Two strata with half the prior each, one member each, average as one with both."""
    outputs, members = partial(additive, network()), torch.randn(1, 2, WIDTH)
    together = Strata(members=members, mask=torch.ones(1, 2, dtype=torch.bool), prior=torch.ones(1))
    apart = Strata(
        members=members.transpose(0, 1),
        mask=torch.ones(2, 1, dtype=torch.bool),
        prior=torch.full((2,), 0.5),
    )
    torch.testing.assert_close(
        stratum_substitution(subjects(), together, outputs=outputs),
        stratum_substitution(subjects(), apart, outputs=outputs),
    )


@torch.no_grad()
def test_a_network_with_ccim_can_be_averaged_over_strata_too() -> None:
    prototypes = torch.randn(4, 6, generator=seeded())
    module = CCIM(prototypes, torch.full((4,), 0.25), d_h=WIDTH, d_m=10, attention="additive")
    head = nn.Linear(10, C)

    def outputs(u: Tensor, v: Tensor) -> Tensor:
        return to_probabilities(head(module(u + v)), "softmax")

    strata = make_strata()
    table = torch.stack([outputs(subjects(), v) for v in strata.weighted_members[0]], 1)
    expected = torch.einsum("bmc,m->bc", table, strata.weighted_members[1])
    torch.testing.assert_close(
        stratum_substitution(subjects(), strata, outputs=outputs, block_bytes=100), expected
    )


@torch.no_grad()
def test_no_block_is_larger_than_asked() -> None:
    seen: list[int] = []

    def outputs(u: Tensor, v: Tensor) -> Tensor:
        h = u + v
        seen.append(h.numel() * h.element_size())
        return h[..., :C].softmax(-1)

    u = torch.randn(50, WIDTH)
    stratum_substitution(u, make_strata(), outputs=outputs, block_bytes=2000)
    assert max(seen) <= 2000
    assert len(seen) < 50  # not one call a row


@torch.no_grad()
def test_no_rows_give_no_rows() -> None:
    outputs = partial(additive, network())
    assert stratum_substitution(subjects()[:0], make_strata(), outputs=outputs).shape == (0, C)


def test_strata_made_and_used_in_inference_mode_can_be_trained_through_later() -> None:
    layers = network()
    outputs = partial(additive, layers)
    with torch.inference_mode():
        strata = make_strata()
        stratum_substitution(subjects(), strata, outputs=outputs)
    stratum_substitution(subjects(), strata, outputs=outputs).sum().backward()
    assert all(parameter.grad is not None for parameter in layers.parameters())
