"""EmotiCon: face and gait multiplied, the masked picture with attention, and depth: 3 × 26 = 78.

Source: Mittal et al., "EmotiCon: Context-Aware Multimodal Emotion Recognition using Frege's
Principle" (CVPR 2020), its depth form; the multiplicative loss after M3ER (AAAI 2020).
Unknown (no open code): every width, the face's and the gait's networks in detail, sizes in pixels,
and how emotions that a subject does not have enter the multiplicative loss.
Chosen: 68 landmarks through 1-d convolutions; 17 COCO joints through a graph convolution over the
skeleton (a single picture has no time axis); both centred and scaled, so that where the subject
stands is not told. The factors are bounded by tanh. The masked picture is 112², black where the
subject is, with an attention map a as in the attention branch network, x (1 + a). The depth map is
64², standardised, the subject's box at its median. Each part ends in 26 numbers; nothing but their
concatenation is between them and the classifier.
All that landmarks and keypoints say is the subject's, multiplication included: it is inside s.
Without `depth` h has two parts, 52, and with 5 `landmarks` the face is read from the five points
that a face detector finds: smaller models, and the config says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from ccim_core.errors import InputError
from ccim_core.features.views import View
from ccim_core.labels import Kind
from ccim_core.models.base import Batch, EmotionModel, StreamSpec, refuse_encoders, silence
from ccim_core.models.layers import ConvStack, pixels_to_input, scaled_widths

if TYPE_CHECKING:
    from ccim_core.auxiliary_stores import AuxiliaryKind
    from ccim_core.training.config import ModelConfig

__all__ = ["EmotiCon", "GaitNetwork", "LandmarkNetwork", "multiplicative_loss"]

_PART = 26
_FACTOR_WIDTH = 64
_IMAGE_WIDTHS = (32, 64, 128, 256)
_DEPTH_WIDTHS = (16, 32, 64, 64, 64)
_PIXELS = 112

# COCO's joints, as pairs of indices: nose-eyes-ears, shoulders, arms, hips, legs.
_BONES = (
    (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
)  # fmt: skip
_JOINTS = 17


def multiplicative_loss(
    logits: list[Tensor], targets: Tensor, *, kind: Kind, beta: float = 1.0
) -> Tensor:
    """−Σ_i p_i^{β/(n−1)} ln p_i of n modalities, p_i the i-th's probability of the truth; mean.

    A modality that is sure counts more than one that is not, which lets the stronger one lead.
    For several labels a subject, the truth of each emotion, present or absent, is a term.

    Differs from the paper: the factor p_i^{β/(n−1)} is held fixed in the gradient. Otherwise a
    modality with p_i below e^{−(n−1)/β} would lower its loss by doubting the truth.

    Args:
        logits: of each modality, (B, C).
        targets: (B, C), 0/1 or soft.
    """
    total = targets.new_zeros(())
    for scores in logits:
        scores = scores.float()
        if kind == "single":
            terms = targets * _weighted(scores.log_softmax(-1), beta / (len(logits) - 1))
        else:
            on, off = nn.functional.logsigmoid(scores), nn.functional.logsigmoid(-scores)
            power = beta / (len(logits) - 1)
            terms = targets * _weighted(on, power) + (1 - targets) * _weighted(off, power)
        total = total + terms.sum() / max(len(terms), 1)
    return total


def _weighted(log_p: Tensor, power: float) -> Tensor:
    return -(log_p.detach() * power).exp() * log_p


def _standardised(points: Tensor, weights: Tensor) -> Tensor:
    """Points (B, n, 2) about their weighted mean, in units of their root mean square distance."""
    total = weights.sum(1, keepdim=True).clamp_min(1)
    centred = (points - (points * weights).sum(1, keepdim=True) / total) * weights
    size = (centred.square().sum((1, 2), keepdim=True) / total).sqrt()
    return centred / size.clamp_min(1e-3)


class LandmarkNetwork(nn.Module):
    """Landmarks (B, n, 2) in pixels to (B, width): 68 by convolutions along the contours that they
    are numbered along; 5, which lie on none, by a layer over all of them."""

    def __init__(self, width: int, n_landmarks: int = 68) -> None:
        super().__init__()
        if n_landmarks == 5:
            self.layers = nn.Sequential(
                nn.Flatten(),
                nn.Linear(2 * n_landmarks, width),
                nn.ReLU(),
                nn.Linear(width, width),
            )
            return
        self.layers = nn.Sequential(
            nn.Conv1d(2, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Flatten(),
            nn.Linear(17 * width, width),
        )

    def forward(self, landmarks: Tensor) -> Tensor:
        """See the class."""
        points = _standardised(landmarks, landmarks.new_ones(*landmarks.shape[:2], 1))
        return self.layers(points.mT)


class GaitNetwork(nn.Module):
    """17 joints (B, 17, 3), x, y in pixels and visibility 0–2, to (B, width).

    Graph convolutions over the skeleton, H' = ReLU(D^{-1/2} (A + I) D^{-1/2} H W + b), and the
    mean over joints. Absent joints are at the origin and say so in their visibility.
    """

    skeleton: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("skeleton", _normalised_skeleton(), persistent=False)
        self.layers = nn.ModuleList(
            nn.Linear(before, after) for before, after in ((3, width), (width, width))
        )
        self.out = nn.Linear(width, width)

    def forward(self, keypoints: Tensor) -> Tensor:
        """See the class."""
        visible = keypoints[..., 2:]
        points = _standardised(keypoints[..., :2], (visible > 0).to(keypoints.dtype))
        x = torch.cat([points, visible / 2], -1)
        for layer in self.layers:
            x = torch.relu(self.skeleton @ layer(x))
        return self.out(x.mean(1))


def _normalised_skeleton() -> Tensor:
    adjacency = torch.eye(_JOINTS)
    for a, b in _BONES:
        adjacency[a, b] = adjacency[b, a] = 1
    scale = adjacency.sum(1).rsqrt()
    return scale[:, None] * adjacency * scale


class _ImageNetwork(nn.Module):
    """The masked picture (B, S, S, 3) to (B, widths[-1]): x (1 + a), averaged."""

    def __init__(self, widths: list[int], *, normalise: bool) -> None:
        super().__init__()
        self.trunk = ConvStack(3, widths, normalise=normalise)
        self.attention = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.trunk(pixels_to_input(pixels))
        return (x * (1 + torch.sigmoid(self.attention(x)))).mean((2, 3))


class _DepthNetwork(nn.Module):
    """A depth map (B, 64, 64) of any unit to (B, widths[-1])."""

    def __init__(self, widths: list[int], *, normalise: bool) -> None:
        super().__init__()
        self.trunk = ConvStack(1, widths, normalise=normalise)
        self.out = nn.Sequential(nn.Flatten(), nn.Linear(4 * widths[-1], widths[-1]), nn.ReLU())

    def forward(self, depth: Tensor) -> Tensor:
        flat = depth.flatten(1)
        mean, spread = flat.mean(1), flat.std(1).clamp_min(1e-3)
        return self.out(
            self.trunk(((depth - mean[:, None, None]) / spread[:, None, None])[:, None])
        )


class EmotiCon(EmotionModel):
    """h = [h1; h2; h3]: h1 of the subject, h2 and h3 of the context.

    s = {"face", "gait"} (B, 64) each, u = h1 = W_1 (tanh face ⊙ tanh gait); c = {"image", "depth"},
    v = [h2; h3]. `combine` concatenates.

    Args:
        n_classes: C, for the losses of face and gait alone.
        d_h: 78 in the paper (52 without depth); divided evenly among the parts.
        dropout: probability, before the last layer of each part.
        normalise: batch normalisation in the CNNs.
        inputs: "both", or the one stream that is seen: the other's projection is zero.
        channels: factor on the widths of all networks.
        depth: the third part.
        landmarks: of the face, 68 or 5.
    """

    paper_d_h: ClassVar[int] = 3 * _PART

    def __init__(
        self,
        *,
        n_classes: int,
        d_h: int | None = None,
        dropout: float = 0.5,
        normalise: bool = True,
        inputs: str = "both",
        channels: float = 1.0,
        depth: bool = True,
        landmarks: int = 68,
    ) -> None:
        super().__init__()
        parts = 3 if depth else 2
        self.d_h = d_h or parts * _PART
        if self.d_h % parts:
            raise InputError(
                f"Expected `d_h` of EmotiCon to be a multiple of its {parts} parts, got {d_h}."
            )
        self.d_u, self.d_v = self.d_h // parts, self.d_h - self.d_h // parts
        self.inputs = inputs
        (width,) = scaled_widths([_FACTOR_WIDTH], channels)
        image_widths = scaled_widths(_IMAGE_WIDTHS, channels)
        depth_widths = scaled_widths(_DEPTH_WIDTHS, channels)
        self.face_network = LandmarkNetwork(width, landmarks)
        self.gait_network = GaitNetwork(width)
        self.face_classifier = nn.Linear(width, n_classes)
        self.gait_classifier = nn.Linear(width, n_classes)
        self.image_network = _ImageNetwork(image_widths, normalise=normalise)
        self.depth_network = _DepthNetwork(depth_widths, normalise=normalise) if depth else None
        self.subject_part = nn.Linear(width, self.d_u)
        self.image_part = nn.Linear(image_widths[-1], self.d_u)
        self.depth_part = nn.Linear(depth_widths[-1], self.d_u) if depth else None
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def stream_specs(cls, config: ModelConfig) -> tuple[StreamSpec, ...]:
        """Landmarks and keypoints; the picture without the subject, and its depth."""
        if config.subject_view is not None:
            raise InputError(
                "Expected no `model.subject_view` for emoticon, which reads landmarks and "
                f"keypoints of the subject and no pixels; got {config.subject_view!r}."
            )
        image = StreamSpec(
            name="image",
            side="context",
            form="pixels",
            view=View(kind=config.context_view or "masked"),
            size=config.context_pixels or _PIXELS,
        )
        face: AuxiliaryKind = "landmarks" if config.landmarks == 68 else "face_points"
        specs = [
            StreamSpec(name="landmarks", side="subject", form=face),
            StreamSpec(name="keypoints", side="subject", form="keypoints"),
            image,
        ]
        if config.depth:
            specs.append(StreamSpec(name="depth", side="context", form="depth"))
        return tuple(specs)

    @classmethod
    def from_config(
        cls,
        config: ModelConfig,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        encoders: Mapping[str, nn.Module],
    ) -> EmotiCon:
        """See `EmotionModel`."""
        refuse_encoders("emoticon", encoders)
        return cls(
            n_classes=n_classes,
            d_h=config.d_h,
            dropout=config.dropout,
            normalise=config.normalise,
            inputs=config.inputs,
            channels=config.channels,
            depth=config.depth,
            landmarks=config.landmarks,
        )

    def encode(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Streams `landmarks` (B, 68, 2) or (B, 5, 2), `keypoints` (B, 17, 3), `image` (B, S, S, 3)
        in 0–255 and, with it, `depth` (B, 64, 64), to s and c."""
        s = {
            "face": torch.tanh(self.face_network(batch["landmarks"])),
            "gait": torch.tanh(self.gait_network(batch["keypoints"])),
        }
        c = {"image": self.image_network(batch["image"])}
        if self.depth_network is not None:
            c["depth"] = self.depth_network(batch["depth"])
        return s, c

    def project_subject(self, s: dict[str, Tensor]) -> Tensor:
        """h1, (B, d_h / parts)."""
        h1 = self.subject_part(self.dropout(s["face"] * s["gait"]))
        return silence(h1, "subject", self.inputs)

    def project_context(self, c: dict[str, Tensor]) -> Tensor:
        """[h2; h3], or h2 alone without depth."""
        parts = [self.image_part(self.dropout(c["image"]))]
        if self.depth_part is not None:
            parts.append(self.depth_part(self.dropout(c["depth"])))
        return silence(torch.cat(parts, -1), "context", self.inputs)

    def combine(self, u: Tensor, v: Tensor) -> Tensor:
        """Broadcast concatenation, (…, d_h)."""
        shape = torch.broadcast_shapes(u.shape[:-1], v.shape[:-1])
        return torch.cat([u.expand(*shape, self.d_u), v.expand(*shape, self.d_v)], -1)

    def side_outputs(self, s: dict[str, Tensor], c: dict[str, Tensor]) -> dict[str, Tensor]:
        """What face and gait say of the emotion alone: logits (B, C) each."""
        return {"face": self.face_classifier(s["face"]), "gait": self.gait_classifier(s["gait"])}

    def auxiliary_losses(
        self, outputs: Mapping[str, Tensor], targets: Tensor, *, kind: Kind
    ) -> dict[str, Tensor]:
        """The multiplicative loss of face and gait; an intervention's weights do not act on it."""
        loss = multiplicative_loss([outputs["face"], outputs["gait"]], targets, kind=kind)
        return {"multiplicative": loss}
