"""Emotion model + intervention + classifier: what is trained, and what estimators question."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ccim_core.causal.ccim import CCIM
from ccim_core.causal.counterfactual import CounterfactualBranch
from ccim_core.models.base import Batch, EmotionModel

__all__ = ["EmotionNetwork", "NetworkOutput"]


class NetworkOutput(NamedTuple):
    """What a forward pass gives; a tuple, so that distributed wrappers find its tensors.

    logits (B, C) before the link (with the counterfactual branch: of the total effect); fused
    (B, C), without that branch; h (B, d_h); u and v, the projections; side, what the model's own
    losses are taken on, by name; vad (B, 3), valence, arousal and dominance divided by 10, or None.
    """

    logits: Tensor
    fused: Tensor
    h: Tensor
    u: Tensor
    v: Tensor
    side: dict[str, Tensor]
    vad: Tensor | None


class EmotionNetwork(nn.Module):
    """h = combine(u, v), then CCIM where there is one, then the classifier.

    Args:
        model: gives u and v.
        classifier: (…, d_h or d_m) to logits (…, C).
        deconfounder: CCIM, or None for the plain model.
        counterfactual: the context-only branch, or None.
        vad: h to valence, arousal and dominance, (…, 3), or None: outside the intervention.
    """

    def __init__(
        self,
        *,
        model: EmotionModel,
        classifier: nn.Module,
        deconfounder: CCIM | None = None,
        counterfactual: CounterfactualBranch | None = None,
        vad: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.classifier = classifier
        self.deconfounder = deconfounder
        self.counterfactual = counterfactual
        self.vad = vad

    def project(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Streams to u (B, d_u) and v (B, d_v)."""
        s, c = self.model.encode(batch)
        return self.model.project_subject(s), self.model.project_context(c)

    def joint(self, u: Tensor, v: Tensor) -> Tensor:
        """h (…, d_h)."""
        return self.model.combine(u, v)

    def classify(self, h: Tensor, *, g: str = "own") -> Tensor:
        """h (…, d_h) to fused logits (…, C); `g` is CCIM's: "own", "mean" or "zero"."""
        if self.deconfounder is not None:
            h = self.deconfounder(h, g=g)
        return self.classifier(h)

    def logits(self, u: Tensor, v: Tensor, *, g: str = "own") -> Tensor:
        """Logits (…, C) of u and v, broadcast; with the counterfactual branch, the total effect."""
        fused = self.classify(self.joint(u, v), g=g)
        if self.counterfactual is not None:
            return self.counterfactual.total_effect(fused, v)
        return fused

    def counterfactual_logits(self, u: Tensor, v: Tensor) -> Tensor:
        """TE − NDE of u and v, broadcast: (…, C). Raises ValueError without the branch."""
        if self.counterfactual is None:
            raise ValueError("Expected a network with a counterfactual branch, got none.")
        return self.counterfactual.counterfactual(self.classify(self.joint(u, v)), v)

    def forward(self, batch: Batch) -> NetworkOutput:
        """A batch of streams to logits and everything the losses need."""
        s, c = self.model.encode(batch)
        u, v = self.model.project_subject(s), self.model.project_context(c)
        h = self.joint(u, v)
        fused = self.classify(h)
        logits = fused
        if self.counterfactual is not None:
            logits = self.counterfactual.total_effect(fused, v)
        vad = None if self.vad is None else self.vad(h)
        return NetworkOutput(logits, fused, h, u, v, self.model.side_outputs(s, c), vad)
