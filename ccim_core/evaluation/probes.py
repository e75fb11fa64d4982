"""How much of the scene can still be read from S, C and h (METHOD, fact 3b)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ccim_core.evaluation.embeddings import mean_joint_feature
from ccim_core.evaluation.predictions import split_features
from ccim_core.metrics.probes import linear_probe
from ccim_core.run import Run
from ccim_core.training.data import StudyData
from ccim_core.training.streams import context_plan, subject_plan

__all__ = ["probe_run"]


@torch.no_grad()
def probe_run(run: Run, data: StudyData, *, split: str) -> list[dict[str, Any]]:
    """Linear probes for the scene and for the emotion, on one split of a run's study.

    On a split where scene and emotion are independent, what a probe reads of the scene is not
    read through the emotion.

    Returns:
        A record for each representation (S and C, the encoders' features; h; the input of the
        classifier under CCIM; h averaged over strata) × label, with accuracy, interval, chance.
    """
    features = split_features(run, data, split)
    rows = data.manifest.frame.iloc[features.rows]
    h = run.network.joint(features.u, features.v)
    arrays = {
        "S": data.features(run.config, subject_plan(run.config), split),
        "C": data.features(run.config, context_plan(run.config), split),
        "h": h.numpy(),
        "h, mean over strata": mean_joint_feature(run, features.u).numpy(),
    }
    if run.network.deconfounder is not None:
        arrays["W_h h + W_g g"] = run.network.deconfounder(h).numpy()
    groups = rows["source_id"] if "source_id" in rows else rows["image"]
    records = []
    for label in ("scene", "labels"):
        for name, array in arrays.items():
            probe = linear_probe(
                array, rows[label].to_numpy(str), groups=groups.to_numpy(str), seed=0
            )
            values = {
                key: None if isinstance(value, float) and not np.isfinite(value) else value
                for key, value in asdict(probe).items()
            }
            records.append({"run": run.name, "features": name, "label": label, **values})
    return records
