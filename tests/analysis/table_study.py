"""Small studies with finished runs whose outputs are drawn at random; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.benchmark_tables import add_run, synthetic_study
from ccim_core.labels import get_label_set
from ccim_core.study import Study

__all__ = ["make_table_study"]


def make_table_study(
    path: Path,
    label_set: str = "caer-s",
    *,
    models: Sequence[str] = ("emot_net",),
    settings: Sequence[str] = ("none", "ccim"),
    seeds: Sequence[int] = (0, 1),
    splits: Sequence[str] = ("val", "test"),
    n: int = 90,
) -> Study:
    """A study of `n` subjects a split, with a run for each model, setting and seed."""
    study = synthetic_study(
        path, get_label_set(label_set), {"train": 4, **dict.fromkeys(splits, n)}
    )
    for model in models:
        for setting in settings:
            for seed in seeds:
                skill = 0.5 if setting == "none" else 0.8
                add_run(study, model, setting, seed, splits=splits, skill=skill, n_bootstrap=30)
    return study
