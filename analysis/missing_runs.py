"""Runs that a table wants and no study has, each as the command that makes it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.table_data import TableData
from analysis.table_settings import SETTINGS

__all__ = ["MISSING_COLUMNS", "missing_runs", "missing_script"]

MISSING_COLUMNS = ("dataset", "model", "setting", "seed", "run", "command")


def missing_runs(
    datasets: Mapping[str, TableData],
    *,
    models: Sequence[str],
    settings: Callable[[str], Sequence[str]],
    seeds: Iterable[int],
) -> pd.DataFrame:
    """`MISSING_COLUMNS`: runs to train, then those that are only to be evaluated.

    A run that is trained but not evaluated on a split that the table shows has the command that
    evaluates it.

    Args:
        settings: label set to the settings that are wanted of it.
    """
    rows: list[dict[str, Any]] = []
    for data in datasets.values():
        for name in models:
            model = data.model(name)
            for setting in settings(data.labels.name):
                # Figure 6's default size is the full CCIM, whatever its number.
                if setting == f"size_{model.reference['dictionary']['size']}":
                    continue
                have = model.by_setting.get(setting, {})
                for seed in seeds:
                    cells = {
                        "dataset": data.dataset,
                        "model": model.title,
                        "setting": setting,
                        "seed": seed,
                        "run": f"{model.title}, {SETTINGS[setting].title}, seed {seed}",
                    }
                    if seed not in have:
                        rows.append({**cells, "command": model.command(setting, seed)})
                for seed, run in sorted(have.items()):
                    if any(run.metrics(split) is None for split in data.splits):
                        rows.append(
                            {
                                "dataset": data.dataset,
                                "model": model.title,
                                "setting": setting,
                                "seed": seed,
                                "run": f"{run.name}, to be evaluated",
                                "command": run.evaluate_command(),
                            }
                        )
    return pd.DataFrame(rows, columns=list(MISSING_COLUMNS))


def missing_script(frame: pd.DataFrame, datasets: Mapping[str, TableData]) -> str:
    """A shell script that makes all of them, and evaluates what it trained."""
    studies = [
        data.studies[0].path
        for data in datasets.values()
        if (frame["dataset"] == data.dataset).any()
    ]
    evaluations = [
        shlex.join(["python", "-m", "ccim_core", "evaluate", "--study", str(study)])
        for study in studies
    ]
    return "\n".join(["#!/bin/sh", "set -e", *frame["command"], *evaluations, ""])
