"""Small modules of every variant, and norm-wise comparison with a slow loop."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from ccim_core.causal.ccim import CCIM

B, N, D, D_H, D_M, D_N = 5, 7, 12, 9, 6, 8
VARIANTS = [
    {"attention": attention, "prior_kind": prior_kind, "weighting": weighting}
    for attention, prior_kind, weighting in product(
        ("dot", "additive", "uniform", "constant"),
        ("empirical", "uniform"),
        ("paper", "renormalised"),
    )
]


def dictionary(seed: int = 0, n: int = N, d: int = D) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    prior = torch.rand(n, generator=generator) + 0.1
    return torch.randn(n, d, generator=generator), prior / prior.sum()


def make(seed: int = 0, **options: Any) -> CCIM:
    prototypes, prior = dictionary(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    module = CCIM(prototypes, prior, d_h=D_H, d_m=D_M, d_n=D_N, generator=generator, **options)
    module.chunk_bytes = 2 * B * D_N * 4  # two prototypes a block: several blocks, a ragged last
    with torch.no_grad():  # attention far from flat, so that λ matters to the comparison
        for name, parameter in module.named_parameters():
            if name in ("W_q.weight", "W_t.weight"):
                parameter.mul_(6)
    return module


def joint(seed: int = 3, rows: int = B) -> Tensor:
    return torch.randn(rows, D_H, generator=torch.Generator().manual_seed(seed))


def relative_error(value: Tensor, reference: Tensor) -> float:
    """‖value − reference‖ / ‖reference‖ in double precision."""
    value, reference = value.detach().double(), reference.detach().double()
    assert value.shape == reference.shape
    return float((value - reference).norm() / reference.norm())


def gradients(output: Tensor, weights: Tensor, module: nn.Module, *inputs: Tensor) -> list[Tensor]:
    """Gradients of Σ weights · output in every parameter of `module`, then in `inputs`."""
    module.zero_grad()
    for tensor in inputs:
        tensor.grad = None
    (output * weights).sum().backward()
    found = [parameter.grad for parameter in module.parameters()]
    found += [tensor.grad for tensor in inputs]
    assert all(gradient is not None for gradient in found)
    return [gradient.clone() for gradient in found if gradient is not None]
