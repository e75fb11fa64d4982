"""Training as if emotion and context were independent: weights, group DRO, last-layer refit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from ccim_core.causal.prior_correction import count_emotions_by_stratum, emotion_marginal
from ccim_core.labels import Kind

__all__ = [
    "PENALTIES",
    "ChosenPenalty",
    "GroupDRO",
    "PropensityWeights",
    "RefitLayer",
    "choose_penalty",
    "effective_sample_size",
    "inverse_propensity_weights",
    "refit_last_layer",
]


@dataclass(frozen=True, kw_only=True)
class PropensityWeights:
    """Weights of training rows and what they cost.

    Attributes:
        weights: (n,) for one label a subject, (n, C) for several; mean 1 (of each column).
        effective_sample_size: Kish's (Σw)² / Σw², in rows; for several labels the least over
            the emotions.
        clipped_share: share of the weights that the clip lowered.
    """

    weights: Tensor
    effective_sample_size: float
    clipped_share: float


def effective_sample_size(weights: Tensor) -> Tensor:
    """Kish's (Σw)² / Σw² down the rows of (n, …): how many equal weights are worth as much."""
    exact = weights.double()
    return exact.sum(0).square() / exact.square().sum(0)


def inverse_propensity_weights(
    targets: Tensor,
    labels: Tensor,
    n_strata: int,
    *,
    kind: Kind,
    max_weight: float = 10.0,
    smoothing: float = 0.0,
) -> PropensityWeights:
    """w = P(y) P(z) / P(y, z) = P(y) / P(y|z): under w, emotion and stratum are independent.

    - "single": one weight a row, of its emotion and stratum.
    - "multi": a row has an answer to each of C yes-or-no questions, and each question is made
      independent of the stratum by itself: w_ic = P(y_c = y_ic) / P(y_c = y_ic | z_i), one
      weight a row *and emotion*, for the terms of a binary cross entropy. Weighting whole label
      sets instead would meet most of them once.

    Weights are clipped above, then scaled to mean 1: each clip trades variance for some of the
    dependence left in.

    Args:
        targets: (n, C), one-hot or multi-hot.
        labels: stratum of each row, (n,).
        n_strata: N.
        max_weight: the clip, > 0, on w before scaling.
        smoothing: pseudo-subjects a stratum that shrink P(y|z) towards P(y).
    """
    if max_weight <= 0:
        raise ValueError(f"Expected `max_weight` above 0, got {max_weight}.")
    if not ((targets == 0) | (targets == 1)).all():
        raise ValueError("Expected 0/1 `targets`: soft labels have no propensity of their own.")
    exact = targets.double()
    by_stratum = count_emotions_by_stratum(exact, labels, n_strata, smoothing=smoothing)
    yes, yes_given_z = emotion_marginal(exact), by_stratum[labels]
    if kind == "single":
        if not (exact.sum(1) == 1).all():
            raise ValueError('Expected exactly one emotion a row for kind="single".')
        weights = (exact * yes).sum(1) / (exact * yes_given_z).sum(1)
    else:
        weights = torch.where(exact == 1, yes / yes_given_z, (1 - yes) / (1 - yes_given_z))
    clipped = weights.clamp_max(max_weight)
    scaled = clipped / clipped.mean(0)
    return PropensityWeights(
        weights=scaled.to(targets.dtype),
        effective_sample_size=float(effective_sample_size(scaled).min()),
        clipped_share=float((weights > max_weight).double().mean()),
    )


class GroupDRO(nn.Module):
    """Group distributionally robust optimisation: the loss of a mixture of groups kept adverse.

    Online exponentiated gradient (Sagawa et al., ICLR 2020, Algorithm 1): at each step

        q_g ← q_g · exp(step_size · (ℓ_g + adjustment / √n_g)),  q ← q / Σ q,  loss = Σ_g q_g ℓ_g

    with ℓ_g the group's mean loss in the batch; a group not in the batch keeps its q up to the
    normalisation. q is a buffer, so `state_dict` resumes it. In a process group the batch is
    that of all processes together, and gradients averaged over processes are those of one
    process at the global batch.

    Args:
        n_groups: G.
        step_size: η.
        counts: training rows of each group, (G,), required with an adjustment.
        adjustment: the generalisation adjustment: small groups overfit, so they count for more.
    """

    q: Tensor
    bonus: Tensor

    def __init__(
        self,
        n_groups: int,
        *,
        step_size: float = 0.01,
        counts: Tensor | None = None,
        adjustment: float = 0.0,
    ) -> None:
        super().__init__()
        if adjustment and (counts is None or counts.shape != (n_groups,)):
            raise ValueError(f"Expected `counts` of shape ({n_groups},) with an adjustment.")
        self.step_size = step_size
        bonus = torch.zeros(n_groups)
        if adjustment and counts is not None:
            bonus = adjustment / counts.clamp_min(1).sqrt()
        self.register_buffer("q", torch.full((n_groups,), 1 / n_groups))
        self.register_buffer("bonus", bonus)

    def forward(self, losses: Tensor, groups: Tensor) -> Tensor:
        """Σ_g q_g ℓ_g of this batch; in training mode q is updated first.

        Args:
            losses: one loss a row, (B,).
            groups: the group of each row, (B,) integers, or memberships (B, G), for rows in
                several groups (or none).
        """
        n_groups = len(self.q)
        if groups.ndim == 1:
            groups = F.one_hot(groups.long(), n_groups)
        membership = groups.to(losses.dtype)
        if membership.shape != (len(losses), n_groups):
            raise ValueError(
                f"Expected `groups` of shape ({len(losses)},) or ({len(losses)}, {n_groups}), "
                f"got {tuple(groups.shape)}."
            )
        sums, counts = membership.T @ losses, membership.sum(0)
        totals = torch.stack([sums.detach(), counts])
        processes = 1
        if dist.is_available() and dist.is_initialized():
            processes = dist.get_world_size()
            dist.all_reduce(totals)
        size = totals[1].clamp_min(1)
        if self.training:
            self._update(totals[0] / size, totals[1] > 0)
        # Gradients are averaged over processes, so each one's share of Σ is taken that often.
        return processes * (self.q.to(losses.dtype) * sums / size).sum()

    @torch.no_grad()
    def _update(self, mean_losses: Tensor, present: Tensor) -> None:
        gain = self.step_size * torch.where(present, mean_losses + self.bonus, 0)
        # exp(gain − max) cancels in the normalisation, and cannot overflow.
        q = self.q * (gain - gain.max()).exp()
        self.q.copy_(q / q.sum())


@dataclass(frozen=True, kw_only=True)
class RefitLayer:
    """A last layer refit by `refit_last_layer`: logits = h @ weight.T + bias.

    Attributes:
        weight: (C, d).
        bias: (C,).
        groups_used, groups_left_out: group numbers with and without `min_count` rows.
    """

    weight: Tensor
    bias: Tensor
    groups_used: tuple[int, ...]
    groups_left_out: tuple[int, ...]


def refit_last_layer(
    h: Tensor,
    targets: Tensor,
    groups: Tensor,
    *,
    kind: Kind,
    l2: float = 1e-3,
    min_count: int = 1,
    max_iterations: int = 200,
) -> RefitLayer:
    """Deep feature reweighting: fit the last layer anew on group-balanced *validation* rows.

    Minimises Σ_i w_i ℓ(y_i, W h̃_i + b) + l2/2 ‖W‖² with Σ_i w_i = 1, each group having the same
    total weight, and h̃ the features standardised over these rows (folded back into the layer
    returned). ℓ is cross entropy ("single") or binary cross entropy summed over emotions
    ("multi"). Convex: the answer does not depend on a seed.

    Differs from Kirichenko et al. (ICLR 2023): groups are balanced by weights, which uses every
    row, and not by averaging fits on random subsets; the penalty is L2.

    Args:
        h: what the last layer reads, (n, d), on data not used to train the features.
        targets: (n, C), one-hot or multi-hot.
        groups: group of each row, (n,).
        l2: penalty, > 0.
        min_count: groups of fewer rows are left out, and reported.
        max_iterations: of L-BFGS.

    Raises ValueError if no group has `min_count` rows.
    """
    if l2 <= 0:
        raise ValueError(f"Expected `l2` above 0, got {l2}.")
    sizes = torch.as_tensor(groups).long().bincount()
    used, left_out = sizes >= max(1, min_count), (sizes > 0) & (sizes < min_count)
    if not used.any():
        raise ValueError(f"Expected a group of at least {min_count} rows, got none.")
    keep = used[groups]
    x, y = h[keep].detach().double(), targets[keep].double()
    w = 1 / (sizes[groups[keep]] * used.sum()).double()
    centre, spread = x.mean(0), x.std(0, correction=0)
    spread = torch.where(spread > 0, spread, 1)
    weight, bias = _fit(
        (x - centre) / spread, y, w, kind=kind, l2=l2, max_iterations=max_iterations
    )
    weight = weight / spread
    return RefitLayer(
        weight=weight.to(h.dtype),
        bias=(bias - weight @ centre).to(h.dtype),
        groups_used=tuple(used.nonzero().flatten().tolist()),
        groups_left_out=tuple(left_out.nonzero().flatten().tolist()),
    )


PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class ChosenPenalty:
    """The l2 of PENALTIES with the least score; the score of each; and how many folds there were.

    Scores are held-out losses, the mean over groups of each group's mean, in nats.
    """

    l2: float
    scores: dict[float, float]
    folds: int


def choose_penalty(
    h: Tensor,
    targets: Tensor,
    groups: Tensor,
    units: np.ndarray,
    *,
    kind: Kind,
    folds: int = 5,
    penalties: Sequence[float] = PENALTIES,
) -> ChosenPenalty:
    """The l2 of `refit_last_layer` by cross-validation: the least group-balanced held-out loss.

    Of equal scores the larger penalty wins. Units (pictures, sources) are dealt to the folds in an
    order of chance that depends on nothing but their names; there are no more folds than units.

    Args:
        units: what a row shares with others, (n,): all rows of a unit are in one fold.
        Others as `refit_last_layer`.

    Raises ValueError for fewer than two units.
    """
    names, codes = np.unique(units, return_inverse=True)
    folds = min(folds, len(names))
    if folds < 2:
        raise ValueError(f"Expected rows of at least two units to hold some out, got {folds}.")
    dealt = np.random.default_rng(0).permutation(len(names)) % folds
    fold = torch.from_numpy(dealt[codes]).to(h.device)
    groups = torch.as_tensor(groups).long()
    sizes = groups.bincount()
    weight = 1 / (sizes[groups] * (sizes > 0).sum()).double()
    scores = {}
    for l2 in sorted(penalties, reverse=True):
        total = 0.0
        for i in range(folds):
            held_out = fold == i
            kept = ~held_out
            layer = refit_last_layer(h[kept], targets[kept], groups[kept], kind=kind, l2=l2)
            logits = F.linear(h[held_out], layer.weight, layer.bias).double()
            losses = _losses(logits, targets[held_out].double(), kind)
            total += float(weight[held_out] @ losses)
        scores[l2] = total
    return ChosenPenalty(l2=min(scores, key=lambda l2: scores[l2]), scores=scores, folds=folds)


def _losses(logits: Tensor, targets: Tensor, kind: Kind) -> Tensor:
    """Cross entropy, or binary cross entropy summed over emotions, of each row."""
    if kind == "single":
        return -(targets * logits.log_softmax(-1)).sum(-1)
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)


@torch.enable_grad()
def _fit(
    x: Tensor, y: Tensor, w: Tensor, *, kind: Kind, l2: float, max_iterations: int
) -> tuple[Tensor, Tensor]:
    """The convex problem of `refit_last_layer` on standardised features."""
    weight = x.new_zeros(y.shape[1], x.shape[1], requires_grad=True)
    bias = x.new_zeros(y.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias],
        max_iter=max_iterations,
        tolerance_grad=1e-9,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = F.linear(x, weight, bias)
        objective = w @ _losses(logits, y, kind) + l2 / 2 * weight.square().sum()
        objective.backward()
        return objective

    optimiser.step(closure)
    return weight.detach(), bias.detach()
