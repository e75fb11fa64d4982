"""Counterfactual inference: predict with the total effect less the context's direct effect."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccim_core.causal.heads import LinearHead
from ccim_core.labels import Kind

__all__ = ["CounterfactualBranch"]


class CounterfactualBranch(nn.Module):
    """A context-only branch g beside a network f, and the constant that stands for "no image".

    The exact form, with logits throughout (after CLEF, CVPR 2024, with fusion by a sum):

        total effect           TE  = f(s, c) + g(c)
        natural direct effect  NDE = f(s̄, c̄) + g(c)
        prediction             TE − NDE = f(s, c) − f(s̄, c̄)

    What the context says by itself is absorbed by g in training, and cancels in the prediction.
    s̄ and c̄ are learned constants that enter only as the C logits f(s̄, c̄), so these C logits
    are what is learned here, as `no_treatment`: the same predictions, without a gradient
    through f for inputs that no image has.

    Training: the network's loss is taken on TE; two more losses come from `auxiliary_losses`:

    - "context": the criterion on g(c) alone, so that g does explain what it can;
    - "constant": KL(TE ‖ NDE) between the probabilities, TE held fixed, which trains
      `no_treatment` and nothing else, so that TE − NDE has a sensible zero.

    g reads c without a gradient: it observes the context features and does not shape them.

    Differs from CLEF: fusion is a plain sum of logits, where the context's effect cancels
    exactly, and g sees the model's own projected context v rather than an encoder of its own.

    Args:
        d_v: width of the projected context v.
        n_classes: C.
        hidden: width of the branch's one hidden layer.
    """

    def __init__(self, d_v: int, n_classes: int, *, hidden: int = 128) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Linear(d_v, hidden), nn.ReLU(), LinearHead(hidden, n_classes)
        )
        self.no_treatment = nn.Parameter(torch.zeros(n_classes))

    def context_logits(self, v: Tensor) -> Tensor:
        """g(c) of v (…, d_v): logits (…, C)."""
        logits: Tensor = self.branch(v.detach())
        return logits

    def total_effect(self, logits: Tensor, v: Tensor) -> Tensor:
        """f(s, c) + g(c) of f's logits (…, C) and v (…, d_v): (…, C)."""
        return logits + self.context_logits(v)

    def natural_direct_effect(self, v: Tensor) -> Tensor:
        """f(s̄, c̄) + g(c) of v (…, d_v): (…, C)."""
        return self.no_treatment + self.context_logits(v)

    def counterfactual(self, logits: Tensor) -> Tensor:
        """TE − NDE = f(s, c) − f(s̄, c̄) of f's logits (…, C): (…, C)."""
        return logits - self.no_treatment

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
        total = (logits + context).detach()
        direct = self.no_treatment + context.detach()
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
