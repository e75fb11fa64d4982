"""From P(Y|do(X)) in d_m dimensions to a logit an emotion: the paper's and the module's head."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

__all__ = ["Head", "LinearHead", "ResidualHead", "make_head"]

Head = Literal["linear", "residual"]


def make_head(kind: Head, d_m: int, n_classes: int, *, dropout: float = 0.5) -> nn.Module:
    """A head from (…, d_m) to logits (…, C).

    "linear" is the paper's text ("the final task-specific classifier"); "residual" is the block
    of the authors' published module before that classifier, see `ResidualHead`.

    Raises ValueError for another kind.
    """
    if kind == "linear":
        return LinearHead(d_m, n_classes)
    if kind == "residual":
        return ResidualHead(d_m, n_classes, dropout=dropout)
    raise ValueError(f"Expected `kind` to be one of {get_args(Head)}, got {kind!r}.")


class LinearHead(nn.Linear):
    """A linear map with a bias, its product computed class by class.

    The logits (…, C) are a view of a (C, …) tensor: with the few classes of an emotion
    vocabulary and the many (subject, context) pairs of a stratum substitution, that product is
    up to twice as fast on a CPU, and `to_probabilities` needs its classes apart anyway.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Logits (…, C) of x (…, d_m)."""
        flat = input.reshape(-1, self.in_features)
        logits = torch.addmm(self.bias[:, None], self.weight, flat.T)
        return logits.view(self.out_features, *input.shape[:-1]).movedim(0, -1)


class ResidualHead(nn.Module):
    """Linear(x + weight · block(x)), the block being that of the authors' published module.

    block: BatchNorm → d_m→hidden → GELU (tanh form) → dropout → hidden→d_m → dropout.

    Differs from the paper: its text has no such block between P(Y|do(X)) and the classifier.

    Batch statistics are taken over all leading dimensions together.
    """

    def __init__(
        self,
        d_m: int,
        n_classes: int,
        *,
        hidden: int = 512,
        dropout: float = 0.5,
        weight: float = 0.3,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.block = nn.Sequential(
            nn.BatchNorm1d(d_m),
            nn.Linear(d_m, hidden),
            nn.GELU(approximate="tanh"),
            nn.Dropout(dropout),
            nn.Linear(hidden, d_m),
            nn.Dropout(dropout),
        )
        self.classifier = LinearHead(d_m, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (…, C) of x (…, d_m)."""
        flat = x.reshape(-1, x.shape[-1])
        residual: Tensor = flat + self.weight * self.block(flat)
        logits: Tensor = self.classifier(residual.view(x.shape))
        return logits
