"""GCN-CNN: a graph over the picture's regions, a CNN on the body, concatenated to 1024.

Source: Zhang et al., "Context-Aware Affective Graph Reasoning for Emotion Recognition"
(ICME 2019): features of region proposals are the nodes of a graph, a graph convolutional network
reasons over them, and a CNN sees the body.
Unknown: which and how many proposals, the edges, the layers and their widths.
Chosen: the nodes are the cells of the frozen context encoder's feature map, each a region with
the receptive field around it, and one node for the whole picture, their mean. Every node is joined
to every other; an edge is the softmax of the scaled dot product of two learned embeddings, and a
node keeps half of itself. Two graph convolutions of width 512 and the mean over the nodes give c.
The body CNN is the subject encoder, pooled. Fusion is linear, BN, ReLU, dropout, as in EMOT-Net.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from ccim_core.features.views import View
from ccim_core.models.base import Batch, EmotionModel, StreamSpec, silence
from ccim_core.models.batch_norm import GlobalBatchNorm1d
from ccim_core.models.layers import scaled_widths, split_linear

if TYPE_CHECKING:
    from ccim_core.training.config import ModelConfig

__all__ = ["ContextGraph", "GcnCnn"]

_GRAPH_WIDTH, _EMBEDDING_WIDTH = 512, 256


class ContextGraph(nn.Module):
    """Two graph convolutions over regions whose edges are learned: (B, n, d) to (B, width).

    H' = ReLU(A H W + b) with A = (I + softmax(E Eᵀ / √d_e)) / 2, E = W_e H of the input nodes.

    Args:
        d: width of a node.
        width: of both convolutions.
        embedding: d_e.
    """

    def __init__(self, d: int, *, width: int, embedding: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(d, embedding, bias=False)
        self.layers = nn.ModuleList([nn.Linear(d, width), nn.Linear(width, width)])
        self.scale = embedding**-0.5

    def edges(self, nodes: Tensor) -> Tensor:
        """A of nodes (B, n, d): (B, n, n), each row summing to 1."""
        e = self.embedding(nodes)
        learned = torch.softmax(e @ e.mT * self.scale, -1)
        return (learned + torch.eye(nodes.shape[1], device=e.device, dtype=e.dtype)) / 2

    def forward(self, nodes: Tensor) -> Tensor:
        """Nodes (B, n, d) to their mean after both convolutions, (B, width)."""
        edges, x = self.edges(nodes), nodes
        for layer in self.layers:
            x = torch.relu(edges @ layer(x))
        return x.mean(1)


class GcnCnn(EmotionModel):
    """h = dropout(ReLU(BN(W_s s + W_c c + b))), c the context graph's answer.

    Args:
        subject_width: d_s of the body's features. context_width: d of the context's map.
        d_h: width of the joint feature, 1024 in the paper.
        dropout: probability, before the classifier.
        normalise: batch normalisation and ReLU of the joint feature.
        inputs: "both", or the one stream that is seen: the other's projection is zero.
        channels: factor on the graph's widths.
        subject_encoder, context_encoder: networks from pictures to maps, where they are
            fine-tuned; else the batch holds their frozen outputs.
    """

    paper_d_h: ClassVar[int] = 1024

    def __init__(
        self,
        *,
        subject_width: int,
        context_width: int,
        d_h: int = 1024,
        dropout: float = 0.5,
        normalise: bool = True,
        inputs: str = "both",
        channels: float = 1.0,
        subject_encoder: nn.Module | None = None,
        context_encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.d_h = self.d_u = self.d_v = d_h
        self.inputs = inputs
        self.subject_encoder = subject_encoder
        self.context_encoder = context_encoder
        width, embedding = scaled_widths([_GRAPH_WIDTH, _EMBEDDING_WIDTH], channels)
        self.graph = ContextGraph(context_width, width=width, embedding=embedding)
        self.subject_projection, self.context_projection = split_linear(subject_width, width, d_h)
        self.normalisation = GlobalBatchNorm1d(d_h) if normalise else None
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def stream_specs(cls, config: ModelConfig) -> tuple[StreamSpec, ...]:
        """Features of the body crop, and the map of the whole image."""
        subject = View(kind=config.subject_view or "subject", grow=config.subject_grow)
        context = View(kind=config.context_view or "whole")
        return (
            StreamSpec(name="subject", side="subject", form="pooled", view=subject),
            StreamSpec(name="context", side="context", form="map", view=context),
        )

    @classmethod
    def from_config(
        cls,
        config: ModelConfig,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        encoders: Mapping[str, nn.Module],
    ) -> GcnCnn:
        """See `EmotionModel`."""
        return cls(
            subject_width=widths["subject"],
            context_width=widths["context"],
            d_h=config.d_h or cls.paper_d_h,
            dropout=config.dropout,
            normalise=config.normalise,
            inputs=config.inputs,
            channels=config.channels,
            subject_encoder=encoders.get("subject"),
            context_encoder=encoders.get("context"),
        )

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Streams `subject` (B, d_s) and `context` (B, d, h, w), or pictures, to s and c."""
        s, regions = batch["subject"], batch["context"]
        if self.subject_encoder is not None:
            s = self.subject_encoder(s).mean((2, 3))
        if self.context_encoder is not None:
            regions = self.context_encoder(regions)
        cells = regions.flatten(2).mT  # (B, h·w, d)
        return s, self.graph(torch.cat([cells, cells.mean(1, keepdim=True)], 1))

    def project_subject(self, s: Tensor) -> Tensor:
        """(B, d_s) to W_s s, (B, d_h)."""
        return silence(self.subject_projection(s), "subject", self.inputs)

    def project_context(self, c: Tensor) -> Tensor:
        """(B, 512) to W_c c + b, (B, d_h)."""
        return silence(self.context_projection(c), "context", self.inputs)

    def combine(self, u: Tensor, v: Tensor) -> Tensor:
        """Broadcast sum, then BN, ReLU, dropout: (…, d_h)."""
        if self.normalisation is None:
            return self.dropout(u + v)
        return self.dropout(self.normalisation.of_sum(u, v).relu_())
