"""Over which validation subjects the kept epoch is chosen: all alike, reweighted, or a group's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ccim_core.causal.groups import coarse_groups
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.metrics.shift import multi_label_shift_weights, shift_weights
from ccim_core.training.config import InterventionConfig, RunConfig
from ccim_core.training.data import StudyData

__all__ = ["Selection", "held_out_group_size", "make_selection"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What `validation_metrics` needs for `train.select_by`.

    weights: (n,), or (n, C) for several labels, for "reweighted"; groups: memberships (n, G), for
    "worst_group"; record: what the run's environment keeps of it.
    """

    weights: Tensor | None = None
    groups: Tensor | None = None
    record: dict[str, Any] = field(default_factory=lambda: {"select_by": "headline"})


def held_out_group_size(intervention: InterventionConfig) -> int:
    """Least rows of a group of validation rows: a third of what is asked for in training."""
    return intervention.min_group_size // 3


def make_selection(data: StudyData, config: RunConfig, labels: LabelSet) -> Selection:
    """Weights or groups of the validation split.

    "reweighted" takes the manifest's scenes. Clusters of contexts are no stand-in: cells of emotion
    × cluster follow the scene so loosely that the weighted figure ranks runs as the plain one does.
    "worst_group" takes scenes, else the `context_group` column, else clusters.

    Raises:
        InputError: "reweighted" where a validation row has no scene.
    """
    select_by, split = config.train.select_by, config.train.validation_split
    if select_by == "headline":
        return Selection()
    targets = data.targets[data.rows(split)]
    if select_by == "reweighted":
        scenes = _column(data, split, "scene")
        if scenes is None:
            raise InputError(
                f"Expected a scene for every row of {split!r} with `train.select_by` "
                '"reweighted", got rows without: weights to P(y)P(scene) cannot be estimated from '
                "clusters of contexts; add a `scene` column, or select by something else."
            )
        found = (
            multi_label_shift_weights(targets, scenes)
            if labels.kind == "multi"
            else shift_weights(targets.argmax(axis=1), scenes, n_classes=labels.size)
        )
        record = {
            "select_by": select_by,
            "effective_size": round(float(np.min(found.effective_size)), 1),
            "covered": round(float(np.min(found.covered)), 4),
        }
        return Selection(weights=torch.from_numpy(found.weights).float(), record=record)
    contexts, source = _column(data, split, "scene"), "scene"
    if contexts is None:
        contexts, source = _column(data, split, "context_group"), "context_group"
    if contexts is None:
        contexts, source = data.strata(config, split), "cluster"
    names, codes = np.unique(contexts, return_inverse=True)
    groups = coarse_groups(
        torch.from_numpy(targets),
        torch.from_numpy(codes),
        len(names),
        min_size=held_out_group_size(config.intervention),
    )
    record = {
        "select_by": select_by,
        "contexts": source,
        "groups": groups.shape[1],
        "smallest_group": int(groups.sum(0).min()),
    }
    return Selection(groups=groups, record=record)


def _column(data: StudyData, split: str, name: str) -> np.ndarray | None:
    """A column of the manifest on a split; None unless every row has a value."""
    frame = data.manifest.frame.iloc[data.rows(split)]
    if name not in frame or frame[name].isna().any() or (frame[name].astype(str) == "").any():
        return None
    return frame[name].to_numpy(str)
