"""Additive scores in blocks: values, gradients and precision do not depend on the block."""

from __future__ import annotations

import pytest
import torch

from ccim_core.causal.additive import additive_scores
from tests.ccim_core.causal.helpers import joint, make, relative_error


def test_additive_scores_pass_gradcheck_over_ragged_blocks() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, keys, weight = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 4), (5, 4), (4,))
    )
    two_prototypes = 2 * 3 * 4 * 8
    assert torch.autograd.gradcheck(
        lambda q, k, w: additive_scores(q, k, w, chunk_bytes=two_prototypes),
        (queries, keys, weight),
    )


@pytest.mark.parametrize("chunk_bytes", [1, 500, 10**9])
def test_additive_scores_do_not_depend_on_the_block(chunk_bytes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    queries, keys, weight = (
        torch.randn(*shape, generator=generator) for shape in ((6, 8), (11, 8), (8,))
    )
    whole = torch.tanh(queries[:, None] + keys[None]) @ weight
    torch.testing.assert_close(
        additive_scores(queries, keys, weight, chunk_bytes=chunk_bytes), whole
    )


def test_additive_gradients_keep_their_digits_at_working_sizes() -> None:
    """131,072 pairs of random sign: summed in one go, the gradient of W_t lost a digit."""
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(*shape, generator=generator) for shape in ((256, 32), (512, 32), (32,))]
    upstream = torch.randn(256, 512, generator=generator)
    single = [tensor.clone().requires_grad_() for tensor in tensors]
    double = [tensor.double().requires_grad_() for tensor in tensors]
    (additive_scores(*single) * upstream).sum().backward()
    queries, keys, weight = double
    whole = torch.tanh(queries[:, None] + keys[None]) @ weight
    (whole * upstream.double()).sum().backward()
    for mine, theirs in zip(single, double, strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert relative_error(mine.grad, theirs.grad) < 1e-6


def test_additive_scores_stay_in_single_precision_under_autocast() -> None:
    module, h = make(attention="additive"), joint().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        queries, keys = module.W_q(h), module.W_k(module.prototypes)
        assert queries.dtype == torch.bfloat16
        scores = additive_scores(queries, keys, module.W_t.weight[0])
    assert scores.dtype == torch.float32
    expected = torch.tanh(queries.float()[:, None] + keys.float()[None]) @ module.W_t.weight[0]
    torch.testing.assert_close(scores, expected)
    scores.sum().backward()
    assert h.grad is not None
    assert bool(h.grad.isfinite().all())
