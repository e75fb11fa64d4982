"""What the causal term of a CCIM amounts to: its share, its entropy, and each prototype's part."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ccim_core.causal.ccim import CCIM

__all__ = ["causal_diagnostics", "prototype_removal", "removal_norms"]

_CHUNK_BYTES = 32 * 2**20
_ALONE = 1e-9
"""A prototype that leaves less weight than this to all the others has it all."""


@torch.no_grad()
def causal_diagnostics(module: CCIM, h: Tensor) -> dict[str, float]:
    """How much of the output the causal term is, and how much of that depends on the input.

    Norms are Frobenius norms over the rows of `h` (n, d_h), so that with ḡ the mean of g over
    these rows ‖W_g g‖² = n‖W_g ḡ‖² + ‖W_g(g − ḡ)‖² exactly: the second share never exceeds the
    first.

    Returns:
        causal_share: ‖W_g g‖ / ‖W_h h‖.
        input_dependent_share: ‖W_g(g − ḡ)‖ / ‖W_h h‖.
        attention_entropy: mean entropy of λ over the rows, nats, in [0, ln N]; a λ of exactly 0
            adds 0. NaN for the "constant" control, which has no attention.
        attention_entropy_limit: ln N, the entropy of an attention that prefers nothing.

    Raises ValueError if there are no rows.
    """
    h = h.reshape(-1, module.d_h)
    if len(h) == 0:
        raise ValueError("Expected at least one row to diagnose, got none.")
    joint = torch.linalg.matrix_norm(module.W_h(h).double())
    term = module.causal_term(h).double().expand(len(h), -1)
    varying = term - term.mean(0)
    entropy = float("nan")
    if module.attention != "constant":
        weights = module.attention_weights(h).double()
        entropy = float(-torch.special.xlogy(weights, weights).sum(-1).mean())
    return {
        "causal_share": float(torch.linalg.matrix_norm(term) / joint),
        "input_dependent_share": float(torch.linalg.matrix_norm(varying) / joint),
        "attention_entropy": entropy,
        "attention_entropy_limit": float(torch.tensor(module.n_prototypes).double().log()),
    }


@torch.no_grad()
def removal_norms(module: CCIM, h: Tensor) -> Tensor:
    """‖change of W_h h + W_g g‖ when each prototype in turn is removed: (n, N) for h (n, d_h).

    The same removal as `prototype_removal`, for all N at once; use it to choose the prototypes
    to look at.
    """
    weights, projected = _weights_and_projections(module, h)
    if module.weighting == "paper":
        return (weights * projected.norm(dim=-1)).to(h.dtype)
    term = weights @ projected
    distance = torch.cdist(term, projected, compute_mode="donot_use_mm_for_euclid_dist")
    rest = 1 - weights
    norms = torch.where(rest > _ALONE, weights / rest * distance, term.norm(dim=-1, keepdim=True))
    return norms.to(h.dtype)


@torch.no_grad()
def prototype_removal(
    module: CCIM,
    h: Tensor,
    prototypes: Tensor | None = None,
    *,
    readout: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Change of the output when one prototype is removed: output without it − output with it.

    Under "paper" weighting the term λ_i z_i P(z_i) is struck out of Eq. 5 and *nothing is
    renormalised*: neither λ nor P of the others changes, so the removals of all prototypes add
    up to −W_g g. Under "renormalised" weighting, whose weights sum to 1 by definition, the
    weights of the others are scaled to sum to 1 again: g becomes (g − w_i z_i) / (1 − w_i), or 0
    if z_i had all the weight.

    Args:
        module: in evaluation mode if `readout` behaves differently in training.
        h: joint features, (n, d_h).
        prototypes: indices of the k prototypes, each removed by itself; all N if None. Either
            (k,), the same for every row, or (n, k), each row's own.
        readout: what follows the module, from (…, d_m) to (…, C): a head, or a head and a link.
            Without it the change is that of the module's own output, and C is d_m.

    Returns:
        Changes (n, k, C). Evaluated in blocks of prototypes; no (n, N, d) tensor is held.
    """
    weights, projected = _weights_and_projections(module, h)
    if prototypes is None:
        prototypes = torch.arange(module.n_prototypes, device=h.device)
    chosen = prototypes.expand(len(h), -1)
    output = module(h)
    before = output if readout is None else readout(output)
    term = (weights @ projected)[:, None]
    size = max(1, _CHUNK_BYTES // max(1, len(h) * module.d_m * weights.element_size()))
    changes = []
    for part in chosen.split(size, 1):
        weight = weights.gather(1, part)[..., None]
        change = -weight * projected[part]
        if module.weighting == "renormalised":
            rest = 1 - weight
            change = torch.where(rest > _ALONE, (term + change) / rest, 0) - term
        change = change.to(output.dtype)
        if readout is not None:
            change = readout(output[:, None] + change) - before[:, None]
        changes.append(change)
    return torch.cat(changes, 1)


def _weights_and_projections(module: CCIM, h: Tensor) -> tuple[Tensor, Tensor]:
    """Mixing weights w (n, N) and W_g z_i (N, d_m), in double precision.

    A prototype with nearly all the weight leaves 1 − w_i with no digits in single precision, so
    weights that should sum to 1 are made to do so after conversion.
    """
    if module.attention == "constant":
        raise ValueError('Expected prototypes in use, got the "constant" control, which uses none.')
    weights = module.mixing_weights(h).double()
    if module.weighting == "renormalised":
        weights = weights / weights.sum(-1, keepdim=True)
    return weights, module.W_g(module.prototypes).double()
