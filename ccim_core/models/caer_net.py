"""CAER-Net-S: the face and the picture without it, two small CNNs, fused by adaptive weights.

Source: Lee et al., "Context-Aware Emotion Recognition Networks" (ICCV 2019).
Unknown: whether the last of the five blocks pools (public ports pool four times, and some drop
the batch normalisation: `normalise=False`); kernel sizes within the attention.
Chosen: five pools; 3×3 kernels in the attention; dropout before the classifier. The context is
squashed to 112² rather than cropped from 128×171, so that nothing at the edges is lost. Pictures
have no augmentation. Black stands for the face in the context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from ccim_core.features.views import View
from ccim_core.models.base import Batch, EmotionModel, StreamSpec, refuse_encoders, silence
from ccim_core.models.layers import ConvStack, pixels_to_input, scaled_widths

if TYPE_CHECKING:
    from ccim_core.training.config import ModelConfig

__all__ = ["CaerNet"]

_WIDTHS = (32, 64, 128, 256, 256)
_GATE_WIDTH = 128
_FACE_PIXELS, _CONTEXT_PIXELS = 96, 112


class CaerNet(EmotionModel):
    """h = dropout(ReLU(W [λ_F F; λ_C C] + b)), (λ_F, λ_C) = softmax(a_F, a_C).

    F and C are the face's and the context's features, a_F and a_C their scores, each a function
    of its own side. Since W [λ_F F; λ_C C] = λ_F W_F F + λ_C W_C C, the projections
    u = [W_F F; a_F] and v = [W_C C; a_C] leave to `combine` a weighted broadcast sum.

    Args:
        d_h: width of the joint feature, 128 in the paper.
        dropout: probability, before the classifier.
        normalise: batch normalisation in the CNNs.
        inputs: "both", or the one stream that is seen: the other's projection is zero.
        channels: factor on the CNNs' widths; 1 is the paper's.
    """

    paper_d_h: ClassVar[int] = 128

    def __init__(
        self,
        *,
        d_h: int = 128,
        dropout: float = 0.5,
        normalise: bool = True,
        inputs: str = "both",
        channels: float = 1.0,
    ) -> None:
        super().__init__()
        self.d_h = d_h
        self.d_u = self.d_v = d_h + 1
        self.inputs = inputs
        widths = scaled_widths(_WIDTHS, channels)
        (gate,) = scaled_widths([_GATE_WIDTH], channels)
        d = widths[-1]
        self.face_network = ConvStack(3, widths, normalise=normalise)
        self.context_network = ConvStack(3, widths, normalise=normalise)
        self.attention = nn.Sequential(
            nn.Conv2d(d, gate, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(gate, 1, 3, padding=1, bias=False),  # a softmax over places cancels a bias
        )
        self.face_score = nn.Sequential(nn.Linear(d, gate), nn.ReLU(), nn.Linear(gate, 1))
        self.context_score = nn.Sequential(nn.Linear(d, gate), nn.ReLU(), nn.Linear(gate, 1))
        self.face_projection = nn.Linear(d, d_h, bias=False)
        self.context_projection = nn.Linear(d, d_h, bias=False)
        # Outside the gates, so it belongs to `combine`.
        self.bias = nn.Parameter(torch.zeros(d_h))
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def stream_specs(cls, config: ModelConfig) -> tuple[StreamSpec, ...]:
        """The face, and the picture with it blacked out."""
        return (
            StreamSpec(
                name="face",
                side="subject",
                form="pixels",
                view=View(kind=config.subject_view or "face", grow=config.subject_grow),
                size=config.subject_pixels or _FACE_PIXELS,
            ),
            StreamSpec(
                name="context",
                side="context",
                form="pixels",
                view=View(kind=config.context_view or "face_masked"),
                size=config.context_pixels or _CONTEXT_PIXELS,
            ),
        )

    @classmethod
    def from_config(
        cls,
        config: ModelConfig,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        encoders: Mapping[str, nn.Module],
    ) -> CaerNet:
        """See `EmotionModel`."""
        refuse_encoders("caer_net", encoders)
        return cls(
            d_h=config.d_h or cls.paper_d_h,
            dropout=config.dropout,
            normalise=config.normalise,
            inputs=config.inputs,
            channels=config.channels,
        )

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Streams `face` and `context`, (B, S, S, 3) in 0–255, to F and C, each (B, 256)."""
        face = self.face_network(pixels_to_input(batch["face"])).mean((2, 3))
        context = self.context_network(pixels_to_input(batch["context"]))
        weights = self.attention(context).flatten(2).softmax(-1)  # (B, 1, h·w)
        return face, (context.flatten(2) * weights).sum(-1)

    def project_subject(self, s: Tensor) -> Tensor:
        """F (B, 256) to [W_F F; a_F], (B, d_h + 1)."""
        u = torch.cat([self.face_projection(s), self.face_score(s)], -1)
        return silence(u, "subject", self.inputs)

    def project_context(self, c: Tensor) -> Tensor:
        """C (B, 256) to [W_C C; a_C], (B, d_h + 1)."""
        v = torch.cat([self.context_projection(c), self.context_score(c)], -1)
        return silence(v, "context", self.inputs)

    def combine(self, u: Tensor, v: Tensor) -> Tensor:
        """u and v (…, d_h + 1), broadcast, to h (…, d_h)."""
        # The softmax of two scores is the sigmoid of their difference.
        share = torch.sigmoid(u[..., -1:] - v[..., -1:])
        h = torch.lerp(v[..., :-1], u[..., :-1], share)
        return self.dropout(torch.relu(h + self.bias))
