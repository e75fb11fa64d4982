"""CCIM's forward and backward pass: dot, additive, and a form that holds (B, N, d)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from ccim_core.causal.ccim import CCIM, Attention

__all__ = ["Form", "ModuleCase", "NaiveCCIM", "module_cases", "naive_bytes", "run_module_case"]

Form = Literal["ours", "naive"]

D, D_H, D_N = 2048, 256, 256


@dataclass(frozen=True, kw_only=True)
class ModuleCase:
    """One measurement of the module at d = 2048, d_h = d_n = 256, d_m = 128."""

    attention: Attention
    form: Form
    rows: int
    prototypes: int


class NaiveCCIM(CCIM):
    """Eq. 5 as it is written: a (B, N, d) tensor of weighted prototypes, then its sum."""

    def causal_term(self, h: Tensor, *, g: str = "own") -> Tensor:
        """W_g Σ_i λ_i P(z_i) z_i of h (B, d_h): (B, d_m)."""
        weighted = self.attention_weights(h)[..., None] * self.prototypes
        return self.W_g((weighted * self.prior[:, None]).sum(1))

    def _scores(self, h: Tensor) -> Tensor:
        if self.attention != "additive":
            return super()._scores(h)
        hidden = torch.tanh(self.W_q(h)[:, None] + self.W_k(self.prototypes))
        return self.W_t(hidden)[..., 0]


def module_cases(*, quick: bool) -> list[ModuleCase]:
    """B ∈ {64, 512, 2048} × N ∈ {256, 1024} × attention × form; `quick`: the small ones."""
    sizes = [(64, 256), (512, 256)] if quick else []
    sizes = sizes or [(rows, n) for n in (256, 1024) for rows in (64, 512, 2048)]
    attentions: tuple[Attention, ...] = ("dot", "additive")
    forms: tuple[Form, ...] = ("ours", "naive")
    return [
        ModuleCase(attention=attention, form=form, rows=rows, prototypes=n)
        for rows, n in sizes
        for attention in attentions
        for form in forms
    ]


def naive_bytes(case: ModuleCase) -> int:
    """What the naive form needs: two (B, N, d) tensors, and one (B, N, d_n) if additive."""
    width = 2 * D + (D_N if case.attention == "additive" else 0)
    return 4 * case.rows * case.prototypes * width


def run_module_case(*, case: ModuleCase, device: str, min_seconds: float) -> dict[str, Any]:
    """Measure one case in this process: the fields of the case and of `measure`."""
    from ccim_core.benchmarks.measuring import measure

    _step(ModuleCase(**{**asdict(case), "rows": 8, "prototypes": 8}), device)()
    return asdict(case) | measure(_step(case, device), device=device, min_seconds=min_seconds)


def _step(case: ModuleCase, device: str) -> Any:
    """A forward and backward pass, with gradients in all weights and in h."""
    generator = torch.Generator().manual_seed(0)
    module_class = CCIM if case.form == "ours" else NaiveCCIM
    module = module_class(
        torch.randn(case.prototypes, D, generator=generator),
        torch.full((case.prototypes,), 1 / case.prototypes),
        d_h=D_H,
        d_n=D_N,
        attention=case.attention,
        generator=generator,
    ).to(device)
    h = torch.randn(case.rows, D_H, generator=generator).to(device).requires_grad_()

    def step() -> None:
        module.zero_grad()
        h.grad = None
        module(h).square().sum().backward()

    return step
