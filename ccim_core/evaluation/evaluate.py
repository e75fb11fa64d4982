"""`evaluate` of one run: predictions, metrics with intervals, controls, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccim_core.causal.strata import Strata
from ccim_core.errors import InputError
from ccim_core.evaluation.checks import require_same_study
from ccim_core.evaluation.controls import (
    confounder_controls,
    random_strata,
    strata_controls,
)
from ccim_core.evaluation.embeddings import write_embeddings
from ccim_core.evaluation.predictions import (
    SplitFeatures,
    predict_split,
    split_features,
    write_predictions,
)
from ccim_core.evaluation.vad import vad_errors
from ccim_core.files import read_json, write_json
from ccim_core.metrics.consistency import top_change_rate, within_group_movement
from ccim_core.metrics.groups import group_proportions
from ccim_core.metrics.summary import evaluate_outputs
from ccim_core.run import Run
from ccim_core.training.data import StudyData

__all__ = ["EVALUATION_FILE", "ContextSource", "evaluate_run", "read_evaluation"]

ContextSource = Literal["auto", "scene", "cluster"]

EVALUATION_FILE = "evaluation.json"


def evaluate_run(
    run: Run,
    data: StudyData,
    *,
    splits: Sequence[str] | None = None,
    n_bootstrap: int = 1000,
    embeddings: Sequence[str] = (),
    contexts: ContextSource = "auto",
) -> dict[str, Any]:
    """Evaluate every estimator that a run supports on every split, and keep the results with it.

    Args:
        splits: all of the manifest's by default.
        n_bootstrap: resamples for the intervals, clustered by image.
        embeddings: splits whose joint features are stored too.
        contexts: what the shift estimate makes emotion independent of: "scene" or the dictionary's
            "cluster"; "auto" takes scenes where every subject has one.

    Returns:
        What `evaluation.json` holds: `rows` (a record a split × estimator) and `controls`
        (METHOD fact 1: causal share, its input-dependent part, metrics with g := ḡ and g := 0).

    Raises:
        InputError: a run of another label set or manifest, or "scene" where scenes are missing.
    """
    require_same_study(run, data.study)
    frames: list[pd.DataFrame] = []
    records: list[dict[str, Any]] = []
    controls: dict[str, Any] = {}
    kept: list[SplitFeatures] = []
    chosen = list(splits) if splits is not None else data.manifest.splits
    data.load(run.config, [run.config.train.split, *chosen])
    control = random_strata(run, split_features(run, data, run.config.train.split))
    for split in chosen:
        features = split_features(run, data, split)
        frame = predict_split(run, features, data)
        frames.append(frame)
        records += _records(run, data, features, frame, n_bootstrap, contexts)
        controls[split] = _controls(run, data, features, frame, control)
        if split in embeddings:
            kept.append(features)
    write_predictions(run.path / "predictions.parquet", frames)
    if kept:
        write_embeddings(run, data, kept)
    evaluation = {"rows": records, "controls": controls}
    write_json(run.path / EVALUATION_FILE, evaluation)
    return evaluation


def read_evaluation(run: Run) -> dict[str, Any]:
    """A run's evaluation. Raises InputError naming the command that makes it."""
    path = run.path / EVALUATION_FILE
    if not path.is_file():
        raise InputError(
            f"Expected {path}, got no such file; make it with "
            f"`python -m ccim_core evaluate --study {run.path.parent.parent} --run {run.name}`."
        )
    return read_json(path)


def _records(
    run: Run,
    data: StudyData,
    features: SplitFeatures,
    frame: pd.DataFrame,
    n_bootstrap: int,
    contexts: ContextSource,
) -> list[dict[str, Any]]:
    rows = data.manifest.frame.iloc[features.rows]
    source, groups = context_groups(rows, features.stratum.numpy(), contexts)
    targets = data.targets[features.rows]
    outputs = _outputs_by_estimator(frame, run)
    reference = outputs.get("likelihood")
    vad = vad_errors(run, data, features)
    records = []
    for key, values in outputs.items():
        record: dict[str, Any] = {"split": features.split, "estimator": key}
        record |= evaluate_outputs(
            targets,
            values,
            run.labels,
            images=rows["image"].to_numpy(str),
            context_group=_column(rows, "context_group"),
            context_cluster=groups,
            train_proportions=_train_proportions(run, data),
            n_bootstrap=n_bootstrap,
        )
        record["shift_groups"] = source
        if reference is not None and key != "likelihood":
            record["top_change_from_likelihood"] = top_change_rate(reference, values)
        record |= _movement(run, rows, values) | vad
        records.append(record)
    return records


def _controls(
    run: Run,
    data: StudyData,
    features: SplitFeatures,
    frame: pd.DataFrame,
    control: Strata,
) -> dict[str, Any]:
    targets = data.targets[features.rows]
    found = strata_controls(run, features, targets, control)
    if run.network.deconfounder is not None:
        own = _outputs_by_estimator(frame, run)["ccim"]
        found |= confounder_controls(run, features, targets, own)
    return found


def _outputs_by_estimator(frame: pd.DataFrame, run: Run) -> dict[str, np.ndarray]:
    emotions = list(run.labels.emotions)
    return {
        str(key): part[emotions].to_numpy(np.float32)
        for key, part in frame.groupby("estimator", sort=False, observed=True)
    }


def context_groups(
    rows: pd.DataFrame, cluster: np.ndarray, source: ContextSource
) -> tuple[str, np.ndarray]:
    """What stands for the context z in P(y)P(z), and each row's, (n,).

    Raises InputError for "scene" where a row has none.
    """
    complete = "scene" in rows and bool(rows["scene"].notna().all())
    if source == "scene" and not complete:
        raise InputError(
            "Expected a scene for every subject, got rows without; take the dictionary's clusters "
            "(`--contexts cluster`)."
        )
    if complete and source != "cluster":
        return "scene", rows["scene"].to_numpy(str)
    return "cluster", cluster


def _column(rows: pd.DataFrame, name: str) -> np.ndarray | None:
    if name not in rows or rows[name].isna().all():
        return None
    return rows[name].fillna("unknown").to_numpy(str)


def _train_proportions(run: Run, data: StudyData) -> dict[tuple[str, str], float] | None:
    """The training mix of emotion × context group, for averages that are reweighted to it."""
    rows = data.rows(run.config.train.split)
    groups = _column(data.manifest.frame.iloc[rows], "context_group")
    if run.labels.kind == "multi" or groups is None:
        return None
    emotions = data.targets[rows].argmax(1)
    return group_proportions(emotions, groups, names=run.labels.emotions)


def _movement(run: Run, rows: pd.DataFrame, outputs: np.ndarray) -> dict[str, Any]:
    """Mean total variation over twins that differ in the scene alone, or the emotion alone."""
    if "twin_group" not in rows or rows["twin_group"].isna().all():
        return {}
    found: dict[str, Any] = {}
    for kind in ("scene", "emotion"):
        mine = (rows["twin_kind"] == kind).to_numpy()
        moved = within_group_movement(
            outputs[mine],
            rows["twin_group"].to_numpy(str)[mine],
            multi_label=run.labels.kind == "multi",
            probabilities=run.labels.link != "identity",
        )
        defined = np.isfinite(moved.total_variation)
        found[f"{kind}_total_variation"] = moved.total_variation if defined else None
        found[f"{kind}_top_change"] = moved.top_change if moved.n_groups else None
        found[f"{kind}_groups"] = moved.n_groups
    return found
