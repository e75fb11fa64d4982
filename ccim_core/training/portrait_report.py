"""How well an encoder and its head tell emotions from portraits: recall by class and its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ccim_core.backbones import Encoder
from ccim_core.datasets.controlled.portraits import Portrait
from ccim_core.training.portrait_crops import cut_face

__all__ = ["evaluate_portraits", "recall_report"]


def evaluate_portraits(
    encoder: Encoder,
    head: nn.Linear,
    root: Path | str,
    names: Sequence[str],
    targets: Sequence[int],
    portraits: Mapping[str, Portrait],
    *,
    grow: float,
    emotions: Sequence[str],
) -> dict[str, Any]:
    """`recall_report` of encoder and head on portraits, prepared as uploaded photographs are."""
    logits = []
    with torch.inference_mode():
        for start in range(0, len(names), 64):
            faces = [
                cut_face(root, name, portraits[name], grow=grow) for name in names[start:][:64]
            ]
            logits.append(head(encoder.pool(encoder(encoder.preprocessing(faces)))))
    predicted = torch.cat(logits).argmax(1).numpy() if logits else np.zeros(0, int)
    return recall_report(predicted, np.asarray(targets), emotions)


def recall_report(
    predicted: np.ndarray, targets: np.ndarray, emotions: Sequence[str]
) -> dict[str, Any]:
    """Recall of each class with its count, their mean (balanced accuracy) and its standard error.

    The error is that of independent binomials, √Σ r(1 − r)/n / C; portraits of one person are not
    independent, so it is a lower bound. Classes without portraits have recall None and leave the
    mean None too.
    """
    recall: dict[str, float | None] = {}
    counts: dict[str, int] = {}
    variance = 0.0
    for k, emotion in enumerate(emotions):
        mine = targets == k
        counts[emotion] = int(mine.sum())
        if not mine.any():
            recall[emotion] = None
            continue
        share = float((predicted[mine] == k).mean())
        recall[emotion] = share
        variance += share * (1 - share) / counts[emotion]
    known = [share for share in recall.values() if share is not None]
    whole = len(known) == len(emotions)
    return {
        "balanced_accuracy": sum(known) / len(emotions) if whole else None,
        "standard_error": variance**0.5 / len(emotions) if whole else None,
        "accuracy": float((predicted == targets).mean()) if len(targets) else None,
        "recall": recall,
        "counts": counts,
    }
