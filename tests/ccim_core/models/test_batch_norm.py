import torch
from torch import nn

from ccim_core.models.batch_norm import GlobalBatchNorm1d


def test_equals_torch_in_training_and_evaluation() -> None:
    torch.manual_seed(0)
    ours, reference = GlobalBatchNorm1d(5), nn.BatchNorm1d(5)
    for _ in range(4):
        x = torch.randn(16, 5) * 3 + 10
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        ours(a).square().sum().backward()
        reference(b).square().sum().backward()
        assert a.grad is not None
        assert b.grad is not None
        torch.testing.assert_close(a.grad, b.grad, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.running_mean, reference.running_mean)
    torch.testing.assert_close(ours.running_var, reference.running_var)
    ours.eval()
    reference.eval()
    torch.testing.assert_close(ours(x), reference(x))


def test_evaluation_takes_leading_dimensions() -> None:
    norm = GlobalBatchNorm1d(3).eval()
    x = torch.randn(2, 7, 3)
    torch.testing.assert_close(norm(x), norm(x.reshape(-1, 3)).view(2, 7, 3))
