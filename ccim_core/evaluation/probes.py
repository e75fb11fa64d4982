"""How much of the scene can still be read from S, C and h (METHOD, fact 3b)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ccim_core.evaluation.embeddings import mean_joint_feature
from ccim_core.evaluation.predictions import split_features
from ccim_core.metrics.probes import Probe, linear_probe
from ccim_core.progress import progress
from ccim_core.run import Run
from ccim_core.training.data import StudyData
from ccim_core.training.streams import Plan, side_plans

__all__ = ["probe_run", "probe_runs"]

_GRID = 8


# Side, what it is made of and label, to the probe of it.
_Known = dict[tuple[str, tuple[Plan, ...], str], Probe]


def probe_runs(
    runs: Sequence[Run], data: StudyData, *, split: str, quiet: bool = False
) -> list[dict[str, Any]]:
    """`probe_run` of each; the S and C that runs have in common are probed once."""
    known: _Known = {}
    records: list[dict[str, Any]] = []
    for run in progress(runs, "probe", unit="runs", quiet=quiet):
        records += probe_run(run, data, split=split, known=known)
    return records


@torch.no_grad()
def probe_run(
    run: Run, data: StudyData, *, split: str, known: _Known | None = None
) -> list[dict[str, Any]]:
    """Linear probes for the scene and for the emotion, on one split of a run's study.

    On a split where scene and emotion are independent, what a probe reads of the scene is not
    read through the emotion.

    Returns:
        A record for each representation (S and C, what the model is given of each: features, maps
        and pixels as means over a coarse grid; h; the input of the classifier under CCIM; h
        averaged over strata) × label, with accuracy, interval, chance.
    """
    features = split_features(run, data, split)
    rows = data.manifest.frame.iloc[features.rows]
    h = run.network.joint(features.u, features.v)
    sides = {"S": side_plans(run.config, "subject"), "C": side_plans(run.config, "context")}
    arrays = {name: _side(run, data, plans, split) for name, plans in sides.items()}
    arrays |= {"h": h.numpy(), "h, mean over strata": mean_joint_feature(run, features.u).numpy()}
    if run.network.deconfounder is not None:
        arrays["W_h h + W_g g"] = run.network.deconfounder(h).numpy()
    groups = (rows["source_id"] if "source_id" in rows else rows["image"]).to_numpy(str)
    known = {} if known is None else known
    records = []
    for label in ("scene", "labels"):
        told = rows[label].to_numpy(str)
        for name, array in arrays.items():
            shared = (name, tuple(sides.get(name, ())), label)
            probe = known.get(shared)
            if probe is None:
                probe = linear_probe(array, told, groups=groups, seed=0)
            if name in sides:
                known[shared] = probe
            values = {
                key: None if isinstance(value, float) and not np.isfinite(value) else value
                for key, value in asdict(probe).items()
            }
            records.append({"run": run.name, "features": name, "label": label, **values})
    return records


def _side(run: Run, data: StudyData, plans: Sequence[Plan], split: str) -> np.ndarray:
    """A side's streams as one row a subject, (n, d)."""
    streams = [data.features(run.config, plan, split) for plan in plans]
    return np.concatenate([_flat(stream) for stream in streams], axis=1)


def _flat(stream: np.ndarray) -> np.ndarray:
    values = torch.from_numpy(stream)
    if values.ndim == 4 and values.shape[-1] == 3:  # pixels
        values = F.adaptive_avg_pool2d(values.permute(0, 3, 1, 2).float(), _GRID)
    elif values.ndim == 4:
        values = values.float().mean((2, 3))
    elif values.ndim == 3 and values.shape[1] == values.shape[2]:  # depth
        values = F.adaptive_avg_pool2d(values[:, None].float(), _GRID)
    return values.flatten(1).float().numpy()
