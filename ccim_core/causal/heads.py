"""From P(Y|do(X)) in d_m dimensions to a logit an emotion: the paper's and the module's head."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

__all__ = ["Head", "ResidualHead", "make_head"]

Head = Literal["linear", "residual"]


def make_head(kind: Head, d_m: int, n_classes: int, *, dropout: float = 0.5) -> nn.Module:
    """A head from (…, d_m) to logits (…, C).

    "linear" is the paper's text ("the final task-specific classifier"); "residual" is the block
    of the authors' published module before that classifier, see `ResidualHead`.

    Raises ValueError for another kind.
    """
    if kind == "linear":
        return nn.Linear(d_m, n_classes)
    if kind == "residual":
        return ResidualHead(d_m, n_classes, dropout=dropout)
    raise ValueError(f"Expected `kind` to be one of {get_args(Head)}, got {kind!r}.")


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
        self.classifier = nn.Linear(d_m, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (…, C) of x (…, d_m)."""
        flat = x.reshape(-1, x.shape[-1])
        logits: Tensor = self.classifier(flat + self.weight * self.block(flat))
        return logits.view(*x.shape[:-1], self.classifier.out_features)
