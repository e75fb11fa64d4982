"""EMOT-Net: body crop and whole image, two CNNs, concatenated into a 256-d joint feature.

Source: Kosti et al., "Emotion Recognition in Context" (CVPR 2017) and "Context Based Emotion
Recognition using EMOTIC Dataset" (TPAMI 2020).
Unknown: the authors' Lua code comments batch normalisation and ReLU out, their paper has them;
`normalise=False` follows the code. The context input is the whole image, subject included
(choose the masked context in the config to see less of the subject).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from ccim_core.causal.orthogonal import remove_directions
from ccim_core.features.views import View
from ccim_core.models.base import Batch, EmotionModel, StreamSpec, silence
from ccim_core.models.batch_norm import GlobalBatchNorm1d

if TYPE_CHECKING:
    from ccim_core.training.config import ModelConfig

__all__ = ["EmotNet"]


class EmotNet(EmotionModel):
    """h = dropout(ReLU(BN(W [s; c] + b))), computed as W_s s + (W_c c + b).

    Args:
        subject_width: d_s of the subject features.
        context_width: d_c of the context features.
        d_h: width of the joint feature, 256 in the paper.
        dropout: probability, 0.5 in the paper.
        normalise: batch normalisation and ReLU, as in the paper.
        inputs: "both", or the one stream that is seen: the other's projection is zero. With
            "subject" alone the bias b is u's.
        subject_encoder, context_encoder: networks from pictures to pooled features; given when
            they are fine-tuned, else the batch already holds frozen features.
        erased: k directions that are taken out of the subject features; `erase` gives them.
    """

    paper_d_h: ClassVar[int] = 256

    def __init__(
        self,
        *,
        subject_width: int,
        context_width: int,
        d_h: int = 256,
        dropout: float = 0.5,
        normalise: bool = True,
        inputs: str = "both",
        subject_encoder: nn.Module | None = None,
        context_encoder: nn.Module | None = None,
        erased: int = 0,
    ) -> None:
        super().__init__()
        self.d_h = self.d_u = self.d_v = d_h
        self.inputs = inputs
        self.subject_encoder = subject_encoder
        self.context_encoder = context_encoder
        self.subject_projection = nn.Linear(subject_width, d_h, bias=False)
        self.context_projection = nn.Linear(context_width, d_h)
        self.normalisation = GlobalBatchNorm1d(d_h) if normalise else None
        self.dropout = nn.Dropout(dropout)
        directions = torch.zeros(subject_width, erased) if erased else None
        self.erased_directions: Tensor | None
        self.register_buffer("erased_directions", directions)
        self._initialise(subject_width + context_width)

    @classmethod
    def stream_specs(cls, config: ModelConfig) -> tuple[StreamSpec, ...]:
        """Features of the body crop and of the whole image."""
        subject = View(kind=config.subject_view or "subject", grow=config.subject_grow)
        context = View(kind=config.context_view or "whole")
        return (
            StreamSpec(name="subject", side="subject", form="pooled", view=subject),
            StreamSpec(name="context", side="context", form="pooled", view=context),
        )

    @classmethod
    def from_config(
        cls,
        config: ModelConfig,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        encoders: Mapping[str, nn.Module],
    ) -> EmotNet:
        """See `EmotionModel`."""
        return cls(
            subject_width=widths["subject"],
            context_width=widths["context"],
            d_h=config.d_h or cls.paper_d_h,
            dropout=config.dropout,
            normalise=config.normalise,
            inputs=config.inputs,
            subject_encoder=encoders.get("subject"),
            context_encoder=encoders.get("context"),
            erased=config.subject_erase,
        )

    def _initialise(self, fan_in: int) -> None:
        # The two halves are one Linear over the concatenation: same bound for both.
        bound = fan_in**-0.5
        for projection in (self.subject_projection, self.context_projection):
            nn.init.uniform_(projection.weight, -bound, bound)
        nn.init.uniform_(self.context_projection.bias, -bound, bound)

    @torch.no_grad()
    def erase(self, directions: Tensor) -> None:
        """Take orthonormal directions (d_s, k) out of every subject feature from now on."""
        assert self.erased_directions is not None
        self.erased_directions.copy_(directions)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Streams `subject` and `context`: features (B, d), or pictures when encoders are held."""
        return (
            _encode(self.subject_encoder, batch["subject"]),
            _encode(self.context_encoder, batch["context"]),
        )

    def project_subject(self, s: Tensor) -> Tensor:
        """(B, d_s) to W_s s, (B, d_h), s without the directions that were erased."""
        if self.erased_directions is not None:
            s = remove_directions(s, self.erased_directions)
        u = self.subject_projection(s)
        if self.inputs == "subject":
            u = u + self.context_projection.bias
        return silence(u, "subject", self.inputs)

    def project_context(self, c: Tensor) -> Tensor:
        """(B, d_c) to W_c c + b, (B, d_h)."""
        return silence(self.context_projection(c), "context", self.inputs)

    def combine(self, u: Tensor, v: Tensor) -> Tensor:
        """Broadcast sum, then BN, ReLU, dropout: (…, d_h)."""
        if self.normalisation is None:
            return self.dropout(u + v)
        return self.dropout(self.normalisation.of_sum(u, v).relu_())


def _encode(encoder: nn.Module | None, stream: Tensor) -> Tensor:
    if encoder is None:
        return stream
    features = encoder(stream)
    return features.mean((2, 3)) if features.ndim == 4 else features
