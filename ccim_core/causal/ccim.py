"""The contextual causal intervention module (CCIM): Eqs. 4–7 of the paper and its ablations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ccim_core.causal.additive import CHUNK_BYTES, additive_scores

__all__ = ["CCIM", "Attention", "Confounder", "PriorKind", "Weighting"]

Attention = Literal["dot", "additive", "uniform", "constant"]
PriorKind = Literal["empirical", "uniform"]
Weighting = Literal["paper", "renormalised"]
Confounder = Literal["own", "mean", "zero"]


class CCIM(nn.Module):
    """P(Y|do(X)) = W_h h + W_g g with g = E_z[g(z)] = Σ_i w_i z_i (Eqs. 4 and 5).

    The mixing weights w come from the attention λ of h on the prototypes and their prior P:

    | weighting      | prior_kind  | dot, additive      | uniform ("without λ") |
    |----------------|-------------|--------------------|-----------------------|
    | "paper"        | "empirical" | λ_i P(z_i), Eq. 5  | P(z_i)                |
    | "paper"        | "uniform"   | λ_i ("without P")  | 1/N                   |
    | "renormalised" | "empirical" | λ_i P(z_i) / Σ_j λ_j P(z_j) | P(z_i)       |
    | "renormalised" | "uniform"   | λ_i                | 1/N                   |

    `attention`: "dot" is Eq. 6 with the scale √d of the dictionary's width d, "additive" is
    Eq. 7, "uniform" drops λ, which makes W_g g the same vector for every input. "constant" is a
    control, not in the paper: g is one learned vector, started where flat attention would put
    it, so the prototypes play no part at all.

    W_h and W_g start Xavier normal; no map has a bias (both as in the published module).
    Prototypes and prior are buffers: saved with the module, never trained. No tensor of shape
    (B, N, d) or (B, N, d_n) is ever held: g is a matrix product, and the additive scores are
    computed in blocks.

    Args:
        prototypes: confounder dictionary Z, (N, d).
        prior: P(z), (N,), not negative, summing to 1.
        d_h: width of the joint feature h.
        d_m: width of the output (the paper: 128).
        d_n: width of queries and keys (the paper: 256).
        generator: source of the initial weights; the global one if None.

    Raises:
        ValueError: prototypes or prior of the wrong shape or content, or an unknown option.
    """

    prototypes: Tensor
    prior: Tensor
    mean_g: Tensor

    def __init__(
        self,
        prototypes: Tensor,
        prior: Tensor,
        *,
        d_h: int,
        d_m: int = 128,
        d_n: int = 256,
        attention: Attention = "dot",
        prior_kind: PriorKind = "empirical",
        weighting: Weighting = "paper",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        _check_dictionary(prototypes, prior)
        _check_choice("attention", attention, get_args(Attention))
        _check_choice("prior_kind", prior_kind, get_args(PriorKind))
        _check_choice("weighting", weighting, get_args(Weighting))
        self.d_h, self.d_m, self.d_n = d_h, d_m, d_n
        self.attention, self.prior_kind, self.weighting = attention, prior_kind, weighting
        self.chunk_bytes = CHUNK_BYTES
        dtype = torch.get_default_dtype()
        self.register_buffer("prototypes", prototypes.detach().to(dtype, copy=True))
        self.register_buffer("prior", prior.detach().to(dtype, copy=True))
        self.register_buffer("mean_g", torch.full((self.d,), torch.nan))
        self.W_h = nn.utils.skip_init(nn.Linear, d_h, d_m, bias=False)
        self.W_g = nn.utils.skip_init(nn.Linear, self.d, d_m, bias=False)
        if attention in ("dot", "additive"):
            self.W_q = nn.utils.skip_init(nn.Linear, d_h, d_n, bias=False)
            self.W_k = nn.utils.skip_init(nn.Linear, self.d, d_n, bias=False)
        if attention == "additive":
            self.W_t = nn.utils.skip_init(nn.Linear, d_n, 1, bias=False)
        if attention == "constant":
            self.learned_g = nn.Parameter(torch.empty(self.d))
        self.reset_parameters(generator)

    @property
    def n_prototypes(self) -> int:
        """N."""
        return self.prototypes.shape[0]

    @property
    def d(self) -> int:
        """Width of a prototype."""
        return self.prototypes.shape[1]

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights again."""
        for name, layer in self.named_children():
            assert isinstance(layer, nn.Linear)
            if name in ("W_h", "W_g"):
                nn.init.xavier_normal_(layer.weight, generator=generator)
            else:
                nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
        if self.attention == "constant":
            scale = 1 / self.n_prototypes if self.weighting == "paper" else 1.0
            with torch.no_grad():
                self.learned_g.copy_(scale * (self._prior() @ self.prototypes))

    def attention_weights(self, h: Tensor) -> Tensor:
        """λ (Eq. 6 or 7) of h (…, d_h): (…, N), summing to 1 over the prototypes.

        "uniform" gives 1/N each. "constant" has no attention: ValueError.
        """
        if self.attention == "constant":
            raise ValueError('Expected an attention over prototypes, got the "constant" control.')
        if self.attention == "uniform":
            return h.new_full((*h.shape[:-1], self.n_prototypes), 1 / self.n_prototypes)
        return self._scores(h).softmax(-1)

    def mixing_weights(self, h: Tensor) -> Tensor:
        """The weights w (…, N) with which g = Σ_i w_i z_i; see the class's table."""
        if self.attention == "uniform":
            return self._prior().to(h.dtype).expand(*h.shape[:-1], -1)
        if self.attention == "constant" or self.prior_kind == "uniform":
            return self.attention_weights(h)
        if self.weighting == "paper":
            return self.attention_weights(h) * self.prior
        # λ_i P_i / Σ_j λ_j P_j as one softmax: exact also where every λ_i P_i underflows.
        return (self._scores(h) + self.prior.log()).softmax(-1)

    def expected_confounder(self, h: Tensor) -> Tensor:
        """g = E_z[g(z)] (Eq. 5) of h (…, d_h): (…, d)."""
        if self.attention == "constant":
            return self.learned_g.expand(*h.shape[:-1], -1)
        return self.mixing_weights(h) @ self.prototypes

    def forward(self, h: Tensor, *, g: Confounder = "own") -> Tensor:
        """W_h h + W_g g for h (…, d_h): (…, d_m), Eq. 4.

        `g`: "own" as defined; "mean" replaces g by `mean_g`, one vector for all inputs (what is
        lost when the term no longer depends on the image); "zero" drops the term.

        Raises ValueError for "mean" before `set_mean_confounder`.
        """
        joint: Tensor = self.W_h(h)
        return joint if g == "zero" else joint + self.causal_term(h, g=g)

    def causal_term(self, h: Tensor, *, g: Confounder = "own") -> Tensor:
        """W_g g of h (…, d_h): (…, d_m), or (d_m,) where it is the same for every row."""
        _check_choice("g", g, get_args(Confounder))
        if g == "zero":
            return h.new_zeros(self.d_m)
        if g == "mean":
            if self.mean_g.isnan().any():
                raise ValueError('Expected set_mean_confounder before g="mean", got no mean yet.')
            return self.W_g(self.mean_g)
        if self.attention == "constant":
            return self.W_g(self.learned_g)
        if self.attention == "uniform":
            return self.W_g(self._prior() @ self.prototypes)
        weights = self.mixing_weights(h).reshape(-1, self.n_prototypes)
        # Whichever order of w Z W_gᵀ is cheaper: many rows share one (N, d_m) product Z W_gᵀ.
        rows, n, d, d_m = len(weights), self.n_prototypes, self.d, self.d_m
        if rows * d * (n + d_m) < n * d_m * (d + rows):
            term = self.W_g(weights @ self.prototypes)
        else:
            term = weights @ self.W_g(self.prototypes)
        return term.reshape(*h.shape[:-1], d_m)

    @torch.no_grad()
    def set_mean_confounder(self, h: Tensor | Iterable[Tensor]) -> None:
        """Set `mean_g` to the mean of g over all rows of `h`: (n, d_h) or an iterable of such.

        Raises ValueError if there are no rows.
        """
        total = torch.zeros(self.d, dtype=torch.float64)
        count = 0
        for batch in (h,) if isinstance(h, Tensor) else h:
            own = self.expected_confounder(batch.reshape(-1, self.d_h))
            total += own.sum(0, dtype=torch.float64).cpu()
            count += len(own)
        if count == 0:
            raise ValueError("Expected at least one row to take the mean confounder of, got none.")
        self.mean_g.copy_(total / count)

    def extra_repr(self) -> str:
        return (
            f"N={self.n_prototypes}, d={self.d}, attention={self.attention!r}, "
            f"prior_kind={self.prior_kind!r}, weighting={self.weighting!r}"
        )

    def _prior(self) -> Tensor:
        if self.prior_kind == "empirical":
            return self.prior
        return torch.full_like(self.prior, 1 / self.n_prototypes)

    def _scores(self, h: Tensor) -> Tensor:
        """Attention scores before the softmax, (…, N)."""
        queries, keys = self.W_q(h), self.W_k(self.prototypes)
        if self.attention == "dot":
            return queries @ keys.T / self.d**0.5
        flat = queries.reshape(-1, self.d_n)
        scores = additive_scores(flat, keys, self.W_t.weight[0], chunk_bytes=self.chunk_bytes)
        return scores.reshape(*h.shape[:-1], self.n_prototypes)


def _check_dictionary(prototypes: Tensor, prior: Tensor) -> None:
    if prototypes.ndim != 2 or len(prototypes) == 0 or not prototypes.isfinite().all():
        raise ValueError(
            f"Expected `prototypes` to be a finite (N, d) matrix, got {tuple(prototypes.shape)}."
        )
    if prior.shape != prototypes.shape[:1]:
        raise ValueError(
            f"Expected `prior` to have shape ({len(prototypes)},), got {tuple(prior.shape)}."
        )
    total = float(prior.sum(dtype=torch.float64))
    if not (prior >= 0).all() or abs(total - 1) > 1e-4:
        raise ValueError(
            f"Expected `prior` to be probabilities summing to 1, got a sum of {total:.6g}."
        )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"Expected `{name}` to be one of {choices}, got {value!r}.")
