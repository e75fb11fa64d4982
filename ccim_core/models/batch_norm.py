"""Batch normalisation whose training statistics are those of the global batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["GlobalBatchNorm1d", "GlobalBatchNorm2d"]


class GlobalBatchNorm1d(nn.BatchNorm1d):
    """BatchNorm1d over the last dimension of (…, d), with moments over all processes.

    torch's SyncBatchNorm does this on GPUs only. With it a run on several processes equals the
    run on one at the same global batch. In evaluation it is a plain affine map, so that it takes
    tensors broadcast over any leading dimensions (stratum substitution).
    """

    def forward(self, input: Tensor) -> Tensor:
        """(…, d) to (…, d)."""
        flat = input.reshape(-1, input.shape[-1])
        if not self.training:
            scale, shift = self._affine(self._mean(), self._variance())
            return (flat * scale + shift).view_as(input)
        mean, variance, count = _global_moments(flat)
        self._update_running(mean, variance, count)
        scale, shift = self._affine(mean, variance)
        return (flat * scale + shift).view_as(input)

    def of_sum(self, u: Tensor, v: Tensor) -> Tensor:
        """Of u + v, broadcast. In evaluation u and v are scaled before they are summed: where
        every u meets every v, that is little work beside their sums."""
        if self.training:
            return self(u + v)
        scale, shift = self._affine(self._mean(), self._variance())
        return u * scale + (v * scale + shift)

    def _mean(self) -> Tensor:
        assert self.running_mean is not None
        return self.running_mean

    def _variance(self) -> Tensor:
        assert self.running_var is not None
        return self.running_var

    def _affine(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        scale = torch.rsqrt(variance + self.eps) * self.weight
        return scale, self.bias - mean * scale

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        momentum = 0.1 if self.momentum is None else self.momentum
        unbiased = variance * count / (count - 1).clamp(min=1)
        self._mean().lerp_(mean.to(self._mean().dtype), momentum)
        self._variance().lerp_(unbiased.to(self._variance().dtype), momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


class GlobalBatchNorm2d(GlobalBatchNorm1d):
    """The same over the channels of maps (B, d, h, w); torch's own where one process is alone."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, d, h, w) to (B, d, h, w)."""
        if self.training and _has_peers():
            return super().forward(input.movedim(1, -1)).movedim(-1, 1)
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        momentum = 0.1 if self.momentum is None else self.momentum
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            momentum,
            self.eps,
        )


def _has_peers() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _global_moments(flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (d,), biased variance (d,) and count () of (n, d) rows over all processes."""
    count = torch.tensor(float(len(flat)), device=flat.device, dtype=flat.dtype)
    if not _has_peers():
        return flat.mean(0), flat.var(0, correction=0), count
    from torch.distributed.nn.functional import all_reduce

    sums = all_reduce(torch.cat([flat.sum(0), count[None]]))
    total = sums[-1].detach()
    mean = sums[:-1] / total
    # The second moment is taken about the global mean: E[x²] − E[x]² would cancel badly.
    variance = all_reduce(((flat - mean) ** 2).sum(0)) / total
    return mean, variance, total
