"""The two heads: a linear map, and the published module's residual block step by step."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from ccim_core.causal.heads import ResidualHead, make_head


def gelu_tanh(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def test_residual_head_is_the_published_block_in_evaluation() -> None:
    head = ResidualHead(16, 5).double()
    norm, first, second = head.block[0], head.block[1], head.block[4]
    assert isinstance(norm, nn.BatchNorm1d)
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    with torch.no_grad():
        norm.running_mean = torch.randn(16).double()
        norm.running_var = torch.rand(16).double() + 0.5
        norm.weight.normal_()
        norm.bias.normal_()
    head.eval()
    x = torch.randn(7, 16).double()

    assert norm.running_mean is not None
    assert norm.running_var is not None
    y = (x - norm.running_mean) / torch.sqrt(norm.running_var + 1e-5) * norm.weight + norm.bias
    y = gelu_tanh(y @ first.weight.T + first.bias) @ second.weight.T + second.bias
    expected = (x + 0.3 * y) @ head.classifier.weight.T + head.classifier.bias

    torch.testing.assert_close(head(x), expected)
    assert first.out_features == 512


def test_residual_head_drops_in_training_only() -> None:
    head, x = ResidualHead(16, 5), torch.randn(64, 16)
    assert [module.p for module in head.block if isinstance(module, nn.Dropout)] == [0.5, 0.5]
    assert not torch.equal(head(x), head(x))
    head.eval()
    torch.testing.assert_close(head(x), head(x))


@pytest.mark.parametrize("kind", ["linear", "residual"])
def test_heads_keep_leading_dimensions(kind: Any) -> None:
    head = make_head(kind, 16, 5).eval()
    x = torch.randn(2, 3, 16)
    torch.testing.assert_close(head(x), head(x.reshape(6, 16)).reshape(2, 3, 5))
    assert head(x[:0]).shape == (0, 3, 5)


def test_linear_head_is_one_linear_map() -> None:
    head = make_head("linear", 16, 5)
    assert isinstance(head, nn.Linear)
    assert head.bias is not None


def test_unknown_head_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"linear.*residual"):
        make_head(cast(Any, "cosine"), 16, 5)
