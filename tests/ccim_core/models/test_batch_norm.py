import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from ccim_core.models.batch_norm import GlobalBatchNorm1d, GlobalBatchNorm2d


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


@pytest.fixture(params=["alone", "in a group"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """This process alone, or as the only member of a group."""
    if request.param == "alone":
        yield
        return
    address = f"file://{tmp_path / 'group'}"
    torch.distributed.init_process_group("gloo", init_method=address, world_size=1, rank=0)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process")
def test_maps_equal_torch_in_training_and_evaluation() -> None:
    torch.manual_seed(0)
    ours, reference = GlobalBatchNorm2d(5), nn.BatchNorm2d(5)
    for _ in range(3):
        x = torch.randn(4, 5, 3, 2) * 3 + 10
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        torch.testing.assert_close(ours(a), reference(b), atol=1e-5, rtol=1e-5)
        ours(a).square().sum().backward()
        reference(b).square().sum().backward()
        torch.testing.assert_close(a.grad, b.grad, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.running_mean, reference.running_mean)
    torch.testing.assert_close(ours.running_var, reference.running_var)
    assert ours.num_batches_tracked == reference.num_batches_tracked
    torch.testing.assert_close(ours.eval()(x), reference.eval()(x))


@pytest.mark.parametrize("training", [True, False])
def test_normalising_a_broadcast_sum_is_normalising_the_sum(training: bool) -> None:
    torch.manual_seed(0)
    layer = GlobalBatchNorm1d(5).train()
    layer(3 * torch.randn(40, 5) + 1)
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    layer.train(training)
    u, v = torch.randn(6, 1, 5), torch.randn(1, 4, 5)
    torch.testing.assert_close(copy.deepcopy(layer).of_sum(u, v), layer(u + v))
