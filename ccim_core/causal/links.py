"""From logits to a label set's outputs: softmax, sigmoid, or scores left as they are."""

from __future__ import annotations

from torch import Tensor

from ccim_core.labels import Link

__all__ = ["to_probabilities"]


def to_probabilities(logits: Tensor, link: Link) -> Tensor:
    """Apply the inverse link to logits (…, C), over the last dimension.

    "softmax" and "sigmoid" give probabilities; "identity" returns the scores unchanged: they
    are no probabilities. The softmax runs over the first dimension of a class-major tensor,
    which for few classes is several times as fast on a CPU as over the last of a row-major one.

    Raises ValueError for another link.
    """
    if link == "softmax":
        return logits.movedim(-1, 0).softmax(0).movedim(0, -1)
    if link == "sigmoid":
        return logits.sigmoid()
    if link == "identity":
        return logits
    raise ValueError(f"Expected `link` to be softmax, sigmoid or identity, got {link!r}.")
