"""Additive attention scores (Eq. 7) for every (row, prototype) pair, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

__all__ = ["CHUNK_BYTES", "additive_scores"]

CHUNK_BYTES = 32 * 2**20
"""Size of the one (B, n, d_n) work tensor, bytes. Smaller blocks fragment the heap."""


def additive_scores(
    queries: Tensor, keys: Tensor, weight: Tensor, *, chunk_bytes: int = CHUNK_BYTES
) -> Tensor:
    """W_tᵀ tanh(q_b + k_i) for all b and i: Eq. 7 before its softmax.

    The (B, N, d_n) tensor of tanh values never exists whole. Forward and backward walk over
    blocks of prototypes in one reused work tensor, and backward recomputes the tanh instead of
    keeping it. Computed in the dtype of `weight` even under autocast: a tanh in half precision
    would lose the differences between prototypes that the softmax lives on.

    Args:
        queries: W_q h, (B, d_n).
        keys: W_k Z, (N, d_n).
        weight: W_t, (d_n,).
        chunk_bytes: size of the work tensor; a block is at least one prototype.

    Returns:
        Scores (B, N). Differentiable once, in all three arguments.
    """
    dtype = weight.dtype
    # The annotations of `Function.apply` are those of no particular function.
    scores: Tensor = _AdditiveScores.apply(queries.to(dtype), keys.to(dtype), weight, chunk_bytes)
    return scores


class _AdditiveScores(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, keys: Tensor, weight: Tensor, chunk_bytes: int
    ) -> Tensor:
        ctx.save_for_backward(queries, keys, weight)
        ctx.chunk_bytes = chunk_bytes
        scores = queries.new_empty(queries.shape[0], keys.shape[0])
        with torch.autocast(queries.device.type, enabled=False):
            for block, activations in _blocks(queries, keys, chunk_bytes):
                scores[:, block] = activations @ weight
        return scores

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        queries, keys, weight = ctx.saved_tensors
        grad_queries = torch.zeros_like(queries)
        grad_keys = torch.empty_like(keys)
        grad_weight = torch.zeros_like(weight)
        with torch.autocast(queries.device.type, enabled=False):
            for block, activations in _blocks(queries, keys, ctx.chunk_bytes):
                upstream = grad[:, block].contiguous()
                # Row by row first: one sum over all B·n pairs would lose digits.
                grad_weight += torch.bmm(upstream[:, None], activations).sum((0, 1))
                # d tanh(x)/dx = 1 − tanh², in place: this is the only large tensor.
                slopes = activations.square_().neg_().add_(1).mul_(upstream[..., None])
                grad_queries += slopes.sum(1)
                grad_keys[block] = slopes.sum(0)
        return grad_queries.mul_(weight), grad_keys.mul_(weight), grad_weight, None


def _blocks(queries: Tensor, keys: Tensor, chunk_bytes: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield (slice of prototypes, tanh(q + k) of shape (B, n, d_n)) in one reused tensor."""
    (rows, width), count = queries.shape, keys.shape[0]
    column_bytes = max(1, rows * width * queries.element_size())
    size = min(count, max(1, chunk_bytes // column_bytes))
    work = queries.new_empty(rows * size * width)
    for start in range(0, count, size):
        block = slice(start, min(start + size, count))
        n = block.stop - start
        activations = work[: rows * n * width].view(rows, n, width)
        torch.add(queries[:, None], keys[None, block], out=activations)
        yield block, activations.tanh_()
