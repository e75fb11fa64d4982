"""Eq. 2 computed, not approximated: every subject in every stratum of context, averaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ccim_core.causal.strata import Strata

__all__ = ["Outputs", "stratum_outputs", "stratum_substitution"]

Outputs = Callable[[Tensor, Tensor], Tensor]
"""From u (…, d_u) and v (…, d_v), broadcast against each other, to probabilities (…, C)."""

_BLOCK_BYTES = {"cpu": 2**21}
"""Size of one (rows, members, width) tensor by device type, bytes: on a CPU it should stay in a
core's cache; elsewhere (below) it should be large enough to keep the device busy."""
_BLOCK_BYTES_ELSEWHERE = 2**28


def stratum_substitution(
    u: Tensor, strata: Strata, *, outputs: Outputs, block_bytes: int | None = None
) -> Tensor:
    """P(Y|do(X)) = Σ_z P(z) · mean_k outputs(u, v_zk): Eq. 2 with f_c(X, z) := c_z.

    *Outputs* are averaged, over the members of a stratum and then over strata by their prior;
    averaging features would be Eq. 3. The image's own context is not used at all. Strata
    without a member are left out and the prior renormalised over the rest: report
    `strata.dropped_mass`.

    Where the model's fusion starts linearly, W [s; c_z] = W_s s + W_c c_z, the model's
    projections u = W_s s and v = W_c c_z are computed once and `outputs` begins with u + v:
    N strata cost one broadcast sum and the head.

    Args:
        u: projected subjects, (B, d_u).
        strata: contexts in the model's space v.
        outputs: called with blocks u (b, 1, d_u) and v (1, m, d_v), to give (b, m, C). With
            gradients enabled each block is recomputed in the backward pass instead of kept.
        block_bytes: size of one such block at the wider of d_u and d_v; by device if None.

    Returns:
        (B, C).
    """
    values, weights, _ = strata.weighted_members
    evaluate = _recomputed(outputs)
    rows, members = _block_shape(u, values, block_bytes)
    averages = []
    for some_u in u.split(rows):
        average: Tensor | float = 0.0
        for v, weight in zip(values.split(members), weights.split(members), strict=True):
            found = evaluate(some_u[:, None], v[None])
            average = average + found.movedim(-1, 0) @ weight.to(found.dtype)
        assert isinstance(average, Tensor)
        averages.append(average.T)
    return torch.cat(averages)


def stratum_outputs(
    u: Tensor, strata: Strata, *, outputs: Outputs, block_bytes: int | None = None
) -> Tensor:
    """The terms of Eq. 2 before their average: mean_k outputs(u, v_zk), (B, N, C).

    For showing which strata moved a prediction; NaN for strata without a member. Arguments as
    `stratum_substitution`, which is Σ_z P(z) of these without holding them all.
    """
    values, _, stratum = strata.weighted_members
    evaluate = _recomputed(outputs)
    rows, members = _block_shape(u, values, block_bytes)
    means = []
    for some_u in u.split(rows):
        total: Tensor | None = None
        for v, z in zip(values.split(members), stratum.split(members), strict=True):
            found = evaluate(some_u[:, None], v[None])
            if total is None:
                total = found.new_zeros(len(some_u), strata.n_strata, found.shape[-1])
            total = total.index_add(1, z, found)
        assert total is not None
        # 0/0 is the NaN wanted for strata without a member.
        means.append(total / strata.counts.to(total.dtype)[:, None])
    return torch.cat(means)


def _recomputed(outputs: Outputs) -> Outputs:
    if not torch.is_grad_enabled():
        return outputs
    return partial(checkpoint, outputs, use_reentrant=False)


def _block_shape(u: Tensor, values: Tensor, block_bytes: int | None) -> tuple[int, int]:
    """Rows and members of a block.

    An eighth of a block's pairs for the members, where there are rows to fill it: the members
    then stay in the cache while the rows pass by.
    """
    if block_bytes is None:
        block_bytes = _BLOCK_BYTES.get(u.device.type, _BLOCK_BYTES_ELSEWHERE)
    pair_bytes = max(u.shape[-1], values.shape[-1]) * u.element_size()
    pairs = max(1, block_bytes // max(1, pair_bytes))
    members = min(len(values), pairs, max(1, pairs // 8, pairs // max(1, len(u))))
    return max(1, pairs // members), members
