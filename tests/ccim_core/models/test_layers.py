from __future__ import annotations

import torch
from torch import nn

from ccim_core.models.layers import ConvStack


def test_pooling_before_the_relu_changes_nothing() -> None:
    torch.manual_seed(0)
    stack = ConvStack(3, [4, 6])
    x = torch.randn(5, 3, 16, 16, requires_grad=True)
    slow = x
    for layer in stack:
        if isinstance(layer, nn.MaxPool2d):
            slow = layer(torch.relu(slow))
        elif not isinstance(layer, nn.ReLU):
            slow = layer(slow)
    fast = stack(x)
    torch.testing.assert_close(fast, slow, rtol=0, atol=0)
    (one,) = torch.autograd.grad(fast.square().sum(), x, retain_graph=True)
    (two,) = torch.autograd.grad(slow.square().sum(), x)
    torch.testing.assert_close(one, two)
