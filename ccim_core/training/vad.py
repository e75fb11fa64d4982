"""Valence, arousal and dominance as targets, and their loss.

Source: Kosti et al., "Emotion Recognition in Context" (CVPR 2017) and "Context Based Emotion
Recognition using EMOTIC Dataset" (TPAMI 2020). Values and errors are divided by 10, as theirs are.
Differs from a public port, whose margin of 1 on the divided values is wider than any error, so
that its L2 loss is always 0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ccim_core.errors import InputError
from ccim_core.manifest import VAD_COLUMNS
from ccim_core.manifest.checks import numbers

__all__ = ["VAD_SCALE", "known_shares", "training_targets", "vad_loss", "vad_values"]

VAD_SCALE = 10.0
"""What values from 1 to 10 are divided by."""


def vad_values(frame: pd.DataFrame) -> np.ndarray | None:
    """The rows' valence, arousal and dominance, (n, 3) float64 from 1 to 10, NaN where missing.

    None where the manifest has no such columns.
    """
    if not all(column in frame for column in VAD_COLUMNS):
        return None
    return numbers(frame, VAD_COLUMNS)


def training_targets(frame: pd.DataFrame) -> Tensor:
    """Targets (n, 3) float32, divided by 10, of the rows that are trained on; NaN where missing.

    Raises InputError where a dimension is known for none of them.
    """
    values = vad_values(frame)
    if values is None or np.isnan(values).all(axis=0).any():
        raise InputError(
            "Expected valence, arousal and dominance of subjects in the training split for "
            "`vad.loss`, got none; prepare the manifest with these columns, or leave `vad.loss` "
            "out."
        )
    return torch.from_numpy((values / VAD_SCALE).astype(np.float32))


def known_shares(targets: Tensor) -> Tensor:
    """Share of the subjects whose value is known, (3,): what losses are divided by, so that
    subjects without values do not thin them out."""
    return torch.isfinite(targets).float().mean(0)


def vad_loss(
    predicted: Tensor,
    targets: Tensor,
    *,
    shares: Tensor,
    kind: Literal["l2", "smooth_l1"],
    margin: float,
) -> Tensor:
    """Loss of each subject, the mean over its dimensions, (B,); 0 where no value is known.

    With e the absolute error and m the margin: "l2" is e² where e ≥ m, else 0; "smooth_l1" is
    e²/2m where e < m, else e − m/2.

    Args:
        predicted, targets: (B, 3), divided by 10; NaN targets are left out.
        shares: of `known_shares`, (3,), over all that is trained on.
        margin: divided by 10 too.
    """
    known = torch.isfinite(targets)
    errors = torch.where(known, predicted.float() - targets.nan_to_num(), 0.0).abs()
    if kind == "l2":
        terms = torch.where(errors >= margin, errors.square(), 0.0)
    else:
        terms = torch.where(errors < margin, errors.square() / (2 * margin), errors - margin / 2)
    return (torch.where(known, terms, 0.0) / shares).mean(-1)
