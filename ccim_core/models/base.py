"""The contract that every emotion model obeys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

__all__ = ["Batch", "EmotionModel"]

# Names of streams to tensors, such as {"subject": (B, 1280), "context": (B, 1280)}.
Batch = dict[str, Tensor]


class EmotionModel(nn.Module, ABC):
    """S and C of the causal graph, and the fusion h = φ(s, c), split so that Eq. 2 is computable.

    `encode` gives the subject features s and context features c of a batch. Each side is then
    projected on its own (`project_subject`, `project_context`), as far as the fusion allows, and
    `combine` does the rest on tensors that broadcast against each other. Putting the contexts of
    N strata beside B subjects therefore costs `combine` and the head only.
    """

    d_h: int
    streams: tuple[str, ...]

    @abstractmethod
    def encode(self, batch: Batch) -> tuple[Any, Any]:
        """Batch of streams to (s, c); either may be a dict of tensors with leading dimension B."""

    @abstractmethod
    def project_subject(self, s: Any) -> Tensor:
        """Subject features to u, shape (B, d_u)."""

    @abstractmethod
    def project_context(self, c: Any) -> Tensor:
        """Context features to v, shape (B, d_v)."""

    @abstractmethod
    def combine(self, u: Tensor, v: Tensor) -> Tensor:
        """u (…, d_u) and v (…, d_v), broadcast over leading dimensions, to h (…, d_h)."""

    def auxiliary_losses(self, s: Any, c: Any, batch: Batch) -> dict[str, Tensor]:
        """Extra training losses by name, already weighted; none unless a model says so."""
        return {}
