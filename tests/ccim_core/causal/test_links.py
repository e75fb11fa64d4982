"""Links over the last dimension, whatever the layout of the logits."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch

from ccim_core.causal.links import to_probabilities


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
def test_softmax_is_over_the_last_dimension_of_any_layout(shape: tuple[int, ...]) -> None:
    logits = torch.randn(*shape)
    class_major = logits.movedim(-1, 0).contiguous().movedim(0, -1)
    expected = logits.exp() / logits.exp().sum(-1, keepdim=True)
    for layout in (logits, class_major):
        found = to_probabilities(layout, "softmax")
        assert found.shape == shape
        torch.testing.assert_close(found, expected)


def test_sigmoid_and_identity() -> None:
    logits = torch.randn(4, 3)
    torch.testing.assert_close(to_probabilities(logits, "sigmoid"), 1 / (1 + (-logits).exp()))
    assert to_probabilities(logits, "identity") is logits


def test_unknown_link_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="softmax, sigmoid or identity"):
        to_probabilities(torch.zeros(1, 2), cast(Any, "probit"))
