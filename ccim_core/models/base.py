"""The contract that every emotion model obeys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import Tensor, nn

from ccim_core.auxiliary_stores import AuxiliaryKind
from ccim_core.errors import InputError
from ccim_core.features.views import View
from ccim_core.labels import Kind

if TYPE_CHECKING:
    from ccim_core.training.config import ModelConfig

__all__ = ["Batch", "EmotionModel", "StreamSpec", "refuse_encoders", "silence"]

# Names of streams to tensors, such as {"subject": (B, 1280), "context": (B, 1280)}.
Batch = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class StreamSpec:
    """One input of a model.

    name: its key in a batch. side: its part in the causal graph; the config's encoder and `parts`
    of that side apply to it. form: what it holds a row:
        "pooled" (d,) or "map" (d, h, w): features of the side's encoder (pictures instead, where
        it is fine-tuned);
        "pixels" (size, size, 3), bytes: the picture itself, for a model with a network of its own;
        "landmarks" (68, 2), "face_points" (5, 2), "keypoints" (17, 3), "depth" (side, side): see
        `ccim_core.auxiliary`.
    view: the cut of the picture, for the first three. size: of pixels.
    """

    name: str
    side: Literal["subject", "context"]
    form: Literal["pooled", "map", "pixels"] | AuxiliaryKind
    view: View | None = None
    size: int | None = None


class EmotionModel(nn.Module, ABC):
    """S and C of the causal graph, and the fusion h = φ(s, c), split so that Eq. 2 is computable.

    `encode` gives the subject features s and context features c of a batch. Each side is then
    projected on its own (`project_subject`, `project_context`), as far as the fusion allows, and
    `combine` does the rest on tensors that broadcast against each other. Putting the contexts of
    N strata beside B subjects therefore costs `combine` and the head only.

    Attributes:
        paper_d_h: d_h in section 4.3 of the paper.
        d_h, d_u, d_v: widths of h, u and v.
    """

    paper_d_h: ClassVar[int]
    d_h: int
    d_u: int
    d_v: int

    @classmethod
    @abstractmethod
    def stream_specs(cls, config: ModelConfig) -> tuple[StreamSpec, ...]:
        """The inputs that a config's model reads. Raises InputError for settings it lacks."""

    @classmethod
    @abstractmethod
    def from_config(
        cls,
        config: ModelConfig,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        encoders: Mapping[str, nn.Module],
    ) -> EmotionModel:
        """The untrained model of a config; its weights come from torch's current generator.

        Args:
            widths: stream to the width d of its features.
            n_classes: C, for models with losses of their own.
            encoders: stream to the network that is fine-tuned; empty for frozen features.
        """

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

    def side_outputs(self, s: Any, c: Any) -> dict[str, Tensor]:
        """What the model's own losses are taken on, each (B, …); none unless a model says so."""
        return {}

    def auxiliary_losses(
        self, outputs: Mapping[str, Tensor], targets: Tensor, *, kind: Kind
    ) -> dict[str, Tensor]:
        """The model's own losses by name, each a scalar mean over the batch, already weighted.

        Args:
            outputs: of `side_outputs`.
            targets: (B, C), 0/1 or soft.
        """
        return {}


def refuse_encoders(model: str, encoders: Mapping[str, nn.Module]) -> None:
    """Raise InputError if a model that trains networks of its own is given encoders to tune."""
    if encoders:
        raise InputError(
            f"Expected `encoder.finetune` false for {model}, which trains networks of its own "
            "from pixels; got true."
        )


def silence(values: Tensor, side: str, inputs: str) -> Tensor:
    """`values`, or zeros where `inputs` ("both", "subject", "context") leaves their side out."""
    # Not new zeros: distributed training wants a gradient, if only zero, for every parameter.
    return values if inputs in ("both", side) else values * 0
