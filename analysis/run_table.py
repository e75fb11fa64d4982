"""A study's runs at a glance: settings, results, training curves, and what made them."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.run_records import RunRecord, leaves
from analysis.story_text import epoch_choice
from analysis.table_settings import load_reference, model_title, recipe_path, train_command
from ccim_core.cli import COMMANDS
from ccim_core.errors import InputError
from ccim_core.evaluation.variants import run_variant

__all__ = [
    "RUN_COLUMNS",
    "made_by",
    "run_curves",
    "run_settings",
    "run_table",
    "train_again",
]

_SPLITS = ("test", "shift")

RUN_COLUMNS = (
    "run",
    "variant",
    "intervention",
    "inputs",
    "epoch by",
    "validation",
    *_SPLITS,
    "model",
    "prototypes",
    "trained on",
    "seed",
    "epochs",
    "seconds",
    "device",
    "evaluated",
)


def run_table(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """`RUN_COLUMNS`, a row a finished run.

    `validation` is the headline of the epoch that was kept, `test` and `shift` the run's own
    outputs' headline, all in [0, 1] and NaN where there is none.
    """
    return pd.DataFrame([_row(run) for run in runs], columns=list(RUN_COLUMNS))


def _row(run: RunRecord) -> dict[str, Any]:
    config = run.config
    validation = [row for row in _epochs(run) if "val_headline" in row]
    headline = {split: (run.metrics(split) or {}).get("headline", math.nan) for split in _SPLITS}
    return {
        "run": run.name,
        "variant": run_variant(run.name),
        "model": model_title(str(config["model"]["name"])),
        "intervention": config["intervention"]["name"],
        "inputs": _inputs(config["model"]),
        "epoch by": epoch_choice(config["train"].get("select_by", "headline")),
        "trained on": config["train"]["split"],
        "prototypes": config["dictionary"]["size"],
        "seed": run.seed,
        "epochs": config["train"]["epochs"],
        "validation": _validation_of_kept(validation),
        **headline,
        "seconds": run.environment.get("seconds"),
        "device": run.environment.get("device", ""),
        "evaluated": run.evaluation is not None,
    }


def _validation_of_kept(rows: list[dict[str, Any]]) -> float:
    """The headline of the first epoch that is best by what chose it; NaN without epochs."""
    for key in ("val_reweighted", "val_worst_group", "val_headline"):
        known = [row for row in rows if row.get(key) is not None]
        if known:
            value = max(known, key=lambda row: float(row[key]))["val_headline"]
            return math.nan if value is None else float(value)
    return math.nan


def _inputs(model: dict[str, Any]) -> str:
    """What the network sees, in a word or two."""
    if model["inputs"] != "both":
        return f"{model['inputs']} alone"
    if model["context_parts"] == "people":
        return "subject and bystanders"
    return "whole picture" if model["subject_parts"] == "all" else "whole picture, subject matted"


def run_curves(run: RunRecord) -> pd.DataFrame:
    """metrics.jsonl: a row an epoch, from 1; null is NaN. Empty where the run has none.

    Raises InputError for a file that is something else.
    """
    epochs = [
        {name: math.nan if value is None else value for name, value in row.items()}
        for row in _epochs(run)
    ]
    return pd.DataFrame([{**row, "epoch": row["epoch"] + 1} for row in epochs])


def _epochs(run: RunRecord) -> list[dict[str, Any]]:
    path = run.path / "metrics.jsonl"
    if not path.is_file():
        return []
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, UnicodeDecodeError):
        rows = [None]
    if not all(isinstance(row, dict) and isinstance(row.get("epoch"), int) for row in rows):
        raise InputError(f"Expected a line of JSON an epoch in {path}, got something else.")
    return rows


def run_settings(run: RunRecord) -> pd.DataFrame:
    """Every setting of a run: setting, value, default, differs (bool)."""
    defaults = leaves(load_reference(None, str(run.config["model"]["name"])))
    rows = [
        {
            "setting": path,
            "value": _text(value),
            "default": _text(defaults[path]),
            "differs": value != defaults[path],
        }
        for path, value in leaves(run.config).items()
        if path != "name"
    ]
    return pd.DataFrame(rows)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def made_by(run: RunRecord) -> str:
    """The command that made a run, as it was recorded then, or "" where none was."""
    words = [str(word) for word in run.environment.get("command", [])]
    if not words:
        return ""
    known = len(words) > 1 and words[1] in COMMANDS
    return shlex.join(["python", "-m", "ccim_core", *words[1:]] if known else words)


def train_again(run: RunRecord) -> str:
    """The command that trains this run alone on its study, from the nearest shipped recipe."""
    recipe = recipe_path(str(run.config["model"]["name"]), run.labels.name)
    return train_command(run.study, run.config, recipe=recipe)
