"""How far predicted valence, arousal and dominance are from the annotators', on one split."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ccim_core.evaluation.predictions import SplitFeatures
from ccim_core.manifest import VAD_COLUMNS
from ccim_core.metrics.record import Record
from ccim_core.run import Run
from ccim_core.training.data import StudyData
from ccim_core.training.vad import VAD_SCALE, vad_values

__all__ = ["VAD_METRICS", "predict_vad", "vad_errors"]

VAD_METRICS = tuple(f"{name}_mae" for name in VAD_COLUMNS)
"""Mean absolute errors, in points of the scale from 1 to 10."""


@torch.no_grad()
def predict_vad(run: Run, features: SplitFeatures) -> np.ndarray | None:
    """Valence, arousal and dominance of a split's subjects, (n, 3), in points from 1 to 10.

    None for a run without such a head. They do not depend on the estimator.
    """
    head = run.network.vad
    if head is None:
        return None
    parts = [head(run.network.joint(u, v)) for u, v, _ in features.chunks()]
    return VAD_SCALE * torch.cat(parts).double().numpy()


def vad_errors(run: Run, data: StudyData, features: SplitFeatures) -> dict[str, Any]:
    """For each dimension `<name>_mae`, `<name>_n` (subjects whose value is known) and
    `<name>_mae_of_mean`, the error of the training subjects' mean in every prediction's place.

    Empty for a run without such a head; None with a reason where no value is known.
    """
    predicted = predict_vad(run, features)
    if predicted is None:
        return {}
    frame = data.manifest.frame
    truth, training = (
        vad_values(frame.iloc[rows]) for rows in (features.rows, data.rows(run.config.train.split))
    )
    record = Record()
    for index, name in enumerate(VAD_COLUMNS):
        wanted = np.full(len(predicted), np.nan) if truth is None else truth[:, index]
        known = np.isfinite(wanted)
        mean = np.nan if training is None else _mean(training[:, index])
        record[f"{name}_n"] = int(known.sum())
        for key, guess in ((f"{name}_mae", predicted[:, index]), (f"{name}_mae_of_mean", mean)):
            errors = np.abs(guess - wanted)[known]
            record.put(key, _mean(errors), f"no subject with a known {name}")
    return record


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
