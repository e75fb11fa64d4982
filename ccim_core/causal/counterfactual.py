"""Counterfactual inference: predict with the total effect less the context's direct effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccim_core.causal.heads import LinearHead
from ccim_core.labels import Kind

__all__ = ["CounterfactualBranch", "Fusion"]

Fusion = Literal["sum", "log_sigmoid"]


class CounterfactualBranch(nn.Module):
    """A context-only branch g beside a network f, and the constant that stands for "no image".

    With φ the fusion of both:

        total effect           TE  = φ(f(s, c) + g(c))
        natural direct effect  NDE = φ(f(s̄, c̄) + g(c))
        prediction             TE − NDE

    - "sum": φ(x) = x, a product of experts: probabilities multiply, and TE − NDE = f(s, c) −
      f(s̄, c̄): what the context says by itself is absorbed by g in training, and cancels.
    - "log_sigmoid": φ(x) = log σ(x), the fusion of CLEF (CVPR 2024). g does not cancel: the
      prediction is f(s, c) − f(s̄, c̄) where g is far below 0, and tends to 0 where the context
      alone is sure of an emotion. For one emotion a subject: TE is never above 0.

    s̄ and c̄ are learned constants that enter only as the C logits f(s̄, c̄), so these C logits
    are what is learned here, as `no_treatment`: the same predictions, without a gradient
    through f for inputs that no image has.

    Training: the network's loss is taken on TE; two more losses come from `auxiliary_losses`:

    - "context": the criterion on g(c) alone, so that g does explain what it can;
    - "constant": KL(TE ‖ NDE) between the probabilities, TE held fixed, which trains
      `no_treatment` and nothing else, so that TE − NDE has a sensible zero.

    g reads c without a gradient: it observes the context features and does not shape them.

    Differs from CLEF: g sees the model's own projected context v rather than an encoder of its
    own; and "sum" is not its fusion.

    Args:
        d_v: width of the projected context v.
        n_classes: C.
        hidden: width of the branch's one hidden layer.
        fusion: φ.
    """

    def __init__(
        self, d_v: int, n_classes: int, *, hidden: int = 128, fusion: Fusion = "sum"
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self.branch = nn.Sequential(
            nn.Linear(d_v, hidden), nn.ReLU(), LinearHead(hidden, n_classes)
        )
        self.no_treatment = nn.Parameter(torch.zeros(n_classes))

    def context_logits(self, v: Tensor) -> Tensor:
        """g(c) of v (…, d_v): logits (…, C)."""
        logits: Tensor = self.branch(v.detach())
        return logits

    def total_effect(self, logits: Tensor, v: Tensor) -> Tensor:
        """φ(f(s, c) + g(c)) of f's logits (…, C) and v (…, d_v): (…, C)."""
        return self._fuse(logits + self.context_logits(v))

    def natural_direct_effect(self, v: Tensor) -> Tensor:
        """φ(f(s̄, c̄) + g(c)) of v (…, d_v): (…, C)."""
        return self._fuse(self.no_treatment + self.context_logits(v))

    def counterfactual(self, logits: Tensor, v: Tensor) -> Tensor:
        """TE − NDE of f's logits (…, C) and v (…, d_v): (…, C)."""
        if self.fusion == "sum":
            return logits - self.no_treatment
        return self.total_effect(logits, v) - self.natural_direct_effect(v)

    def _fuse(self, values: Tensor) -> Tensor:
        return values if self.fusion == "sum" else F.logsigmoid(values)

    def auxiliary_losses(
        self,
        logits: Tensor,
        v: Tensor,
        targets: Tensor,
        *,
        criterion: Callable[[Tensor, Tensor], Tensor],
        kind: Kind,
    ) -> dict[str, Tensor]:
        """The two losses beside that on TE, each a scalar, keyed "context" and "constant".

        Args:
            logits: f(s, c), (B, C).
            v: projected context, (B, d_v).
            targets: whatever `criterion` takes beside logits.
            criterion: the task's loss.
            kind: "single" compares softmax distributions, "multi" one Bernoulli an emotion.
        """
        context = self.context_logits(v)
        total = self._fuse(logits + context).detach()
        direct = self._fuse(self.no_treatment + context.detach())
        if kind == "single":
            log_p, log_q = total.log_softmax(-1), direct.log_softmax(-1)
            constant = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
        else:
            constant = _bernoulli_divergence(total, direct).sum(-1).mean()
        return {"context": criterion(context, targets), "constant": constant}


def _bernoulli_divergence(p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """KL(p ‖ q) of Bernoulli variables given by logits, elementwise, nats."""
    p = p_logits.sigmoid()
    on = F.logsigmoid(p_logits) - F.logsigmoid(q_logits)
    off = F.logsigmoid(-p_logits) - F.logsigmoid(-q_logits)
    return p * on + (1 - p) * off
