"""Stratum substitution over 256 strata beside a plain forward pass of the same network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ccim_core.benchmarks.measuring import alternate
from ccim_core.causal.backdoor import stratum_substitution
from ccim_core.causal.heads import make_head
from ccim_core.causal.links import to_probabilities
from ccim_core.causal.strata import Strata
from ccim_core.models.emot_net import EmotNet
from ccim_core.models.network import EmotionNetwork

__all__ = ["SubstitutionCase", "run_substitution_case", "substitution_cases"]

N_STRATA, D_H, N_CLASSES = 256, 256, 7
_BLOCK_PAIRS = 2048  # 2 MiB of joint features


@dataclass(frozen=True, kw_only=True)
class SubstitutionCase:
    """Rows a batch, width of the cached features (subject and context alike), members K."""

    rows: int
    width: int
    members: int


def substitution_cases(*, quick: bool) -> list[SubstitutionCase]:
    """Widths of EfficientNet-Lite (1280) and ResNet-50/152 (2048), one member a stratum or 8."""
    rows = (1, 64) if quick else (1, 64, 512)
    widths = (1280,) if quick else (1280, 2048)
    return [
        SubstitutionCase(rows=b, width=width, members=members)
        for width in widths
        for b in rows
        for members in (1, 8)
    ]


@torch.inference_mode()
def run_substitution_case(
    *,
    case: SubstitutionCase,
    device: str,
    min_seconds: float,
    encoder: str = "efficientnet-lite0",
    size: int = 112,
) -> dict[str, Any]:
    """Measure one case in this process, everything on one EMOT-Net with a linear head.

    Returns the fields of the case and, in milliseconds a batch:
        plain_ms: from cached features s, c through projections, fusion and head.
        substitution_ms: from cached features s alone, over all strata and members.
        encoding_ms: the two streams' pictures through the encoder, as a prediction needs them.
        head_ms: the head and link alone on as many ready joint features as there are pairs of
            row and member, in blocks that stay in the cache: what Eq. 2 cannot do without.
        ratio: substitution_ms / plain_ms.
        ratio_with_head: substitution_ms / (plain_ms + head_ms).
        ratio_with_encoding: the same with encoding_ms added to both.
    """
    network = _network(case.width).to(device)
    generator = torch.Generator().manual_seed(0)
    s, c = (torch.randn(case.rows, case.width, generator=generator).to(device) for _ in range(2))
    strata = _strata(network, case, generator).to(device)

    def outputs(u: Tensor, v: Tensor) -> Tensor:
        return to_probabilities(network.logits(u, v), "softmax")

    def plain() -> Tensor:
        return outputs(*network.project({"subject": s, "context": c}))

    def substitution() -> Tensor:
        return stratum_substitution(network.model.project_subject(s), strata, outputs=outputs)

    steps = {
        "plain": plain,
        "substitution": substitution,
        "head": _head(network, case, device),
        "encoding": _encoding(case.rows, encoder, size, device),
    }
    seconds = alternate(steps, device=device, min_seconds=min_seconds)
    plain_ms, substitution_ms, head_ms, encoding_ms = (1e3 * seconds[name] for name in steps)
    return asdict(case) | {
        "plain_ms": plain_ms,
        "substitution_ms": substitution_ms,
        "head_ms": head_ms,
        "encoding_ms": encoding_ms,
        "ratio": substitution_ms / plain_ms,
        "ratio_with_head": substitution_ms / (plain_ms + head_ms),
        "ratio_with_encoding": (substitution_ms + encoding_ms) / (plain_ms + encoding_ms),
    }


def _network(width: int) -> EmotionNetwork:
    torch.manual_seed(0)
    model = EmotNet(subject_width=width, context_width=width, d_h=D_H)
    return EmotionNetwork(model=model, classifier=make_head("linear", D_H, N_CLASSES)).eval()


def _strata(network: EmotionNetwork, case: SubstitutionCase, generator: torch.Generator) -> Strata:
    contexts = torch.randn(N_STRATA * case.members, case.width, generator=generator)
    v = network.model.project_context(contexts.to(next(network.parameters()).device))
    return Strata(
        members=v.view(N_STRATA, case.members, -1).cpu(),
        mask=torch.ones(N_STRATA, case.members, dtype=torch.bool),
        prior=torch.full((N_STRATA,), 1 / N_STRATA),
    )


def _head(network: EmotionNetwork, case: SubstitutionCase, device: str) -> Callable[[], object]:
    """Head and link on every pair's joint feature, as if they had cost nothing."""
    pairs = case.rows * N_STRATA * case.members
    h = torch.randn(min(pairs, _BLOCK_PAIRS), D_H, device=device)

    def head() -> None:
        for _ in range(0, pairs, len(h)):
            to_probabilities(network.classify(h), "softmax")

    return head


def _encoding(rows: int, name: str, size: int, device: str) -> Callable[[], object]:
    """Both streams' pictures through a frozen encoder: already resized, decoding not counted."""
    from ccim_core.backbones import build_encoder
    from ccim_core.inference import frozen_copy

    encoder = frozen_copy(build_encoder(name, size=size), device=device)
    pictures = torch.randn(2 * rows, 3, size, size, device=device)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    return lambda: encoder.pool(encoder(pictures))
