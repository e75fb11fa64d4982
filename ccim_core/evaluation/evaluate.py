"""`evaluate` of one run: predictions, metrics with intervals, controls, embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    aligned_outputs,
    predict_split,
    split_features,
    write_predictions,
)
from ccim_core.evaluation.vad import vad_errors
from ccim_core.files import read_json, write_json
from ccim_core.manifest import Manifest
from ccim_core.metrics.consistency import top_change_rate, within_group_movement
from ccim_core.metrics.dependence import Residual, residual_dependence
from ccim_core.metrics.groups import group_proportions
from ccim_core.metrics.summary import evaluate_outputs
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData

__all__ = [
    "EVALUATION_FILE",
    "NO_SCENES",
    "ContextSource",
    "ShiftContexts",
    "evaluate_run",
    "read_evaluation",
    "reevaluate",
    "shift_contexts",
]

ContextSource = Literal["auto", "scene", "cluster"]

EVALUATION_FILE = "evaluation.json"
NO_SCENES = (
    "not estimable without scenes: clusters of contexts leave dependence of emotion and scene, and "
    "reweighting over them rises with what is left"
)


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
            "cluster" (see `shift_contexts`); "auto" takes scenes where every subject has one.

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


def reevaluate(
    run: Run, study: Study, *, n_bootstrap: int = 1000, contexts: ContextSource = "auto"
) -> dict[str, Any]:
    """Bring a run's evaluation up to date from the predictions that it keeps, without weights.

    What a row has stays, for it was computed from every digit where predictions may keep three,
    and so do controls and rows of splits without predictions. What a row lacks is computed, and so
    is a shift estimate that was taken over other contexts; one over clusters that nothing is known
    of is taken away.

    Raises:
        InputError: no evaluation or predictions, or such with missing subjects.
    """
    require_same_study(run, study)
    evaluation = read_evaluation(run)
    kept = {(row["split"], row["estimator"]): row for row in evaluation["rows"]}
    by_split: dict[str, dict[str, np.ndarray]] = {}
    for (split, estimator), values in aligned_outputs(run, study.manifest).items():
        by_split.setdefault(split, {})[estimator] = values
    for split, outputs in by_split.items():
        rows = study.manifest.split(split)
        chosen = shift_contexts(rows.frame, rows.targets(), None, contexts)
        for record in _split_records(run, study.manifest, split, outputs, chosen, n_bootstrap):
            key = record["split"], record["estimator"]
            kept[key] = _up_to_date(kept.get(key, {}), record)
    for key, row in kept.items():
        if row.get("shift_groups") == "cluster" and "shift_residual" not in row:
            kept[key] = _without_shift(row) | ShiftContexts(reason=NO_SCENES).record()
    evaluation["rows"] = list(kept.values())
    write_json(run.path / EVALUATION_FILE, evaluation)
    return evaluation


def _up_to_date(row: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """A kept `row` with what `record`, made anew, has beyond it."""
    if row.get("shift_groups") != record["shift_groups"]:
        row = _without_shift(row)
    found = {**record, **row}
    if "per_class" in row:
        pairs = zip(record["per_class"], row["per_class"], strict=True)
        found["per_class"] = [{**new, **old} for new, old in pairs]
    return found


def _without_shift(row: dict[str, Any]) -> dict[str, Any]:
    def kept(one: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in one.items() if not name.startswith("shift_")}

    classes = {"per_class": [kept(one) for one in row["per_class"]]} if "per_class" in row else {}
    return kept(row) | classes


def _records(
    run: Run,
    data: StudyData,
    features: SplitFeatures,
    frame: pd.DataFrame,
    n_bootstrap: int,
    contexts: ContextSource,
) -> list[dict[str, Any]]:
    rows = data.manifest.frame.iloc[features.rows]
    targets = data.targets[features.rows]
    chosen = shift_contexts(rows, targets, features.stratum.numpy(), contexts)
    outputs = _outputs_by_estimator(frame, run)
    vad = vad_errors(run, data, features)
    return [
        record | vad
        for record in _split_records(
            run, data.manifest, features.split, outputs, chosen, n_bootstrap
        )
    ]


def _split_records(
    run: Run,
    manifest: Manifest,
    split: str,
    outputs: Mapping[str, np.ndarray],
    contexts: ShiftContexts,
    n_bootstrap: int,
) -> list[dict[str, Any]]:
    """A record an estimator of `outputs`, (n, C) each in the order of the manifest's split."""
    part = manifest.split(split)
    rows, targets = part.frame, part.targets()
    proportions = _train_proportions(run, manifest)
    reference = outputs.get("likelihood")
    records = []
    for key, values in outputs.items():
        record: dict[str, Any] = {"split": split, "estimator": key}
        record |= evaluate_outputs(
            targets,
            values,
            run.labels,
            images=rows["image"].to_numpy(str),
            context_group=_column(rows, "context_group"),
            context_cluster=contexts.groups,
            train_proportions=proportions,
            n_bootstrap=n_bootstrap,
        )
        record |= contexts.record()
        if reference is not None and key != "likelihood":
            record["top_change_from_likelihood"] = top_change_rate(reference, values)
        record |= _movement(run, rows, values)
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


@dataclass(frozen=True, kw_only=True)
class ShiftContexts:
    """What stands for the context z in P(y)P(z): `groups` (n,) of a `source`, or None with the
    `reason` why there is no shift estimate; `residual` where clusters were held against scenes."""

    source: Literal["scene", "cluster"] | None = None
    groups: np.ndarray | None = None
    reason: str = ""
    residual: Residual | None = None

    def record(self) -> dict[str, Any]:
        """What an evaluation's row has of it."""
        found: dict[str, Any] = {"shift_groups": self.source}
        if self.groups is None:
            found |= {"shift_estimate": None, "shift_estimate_reason": self.reason}
        if self.residual is not None:
            found |= {
                "shift_residual": self.residual.bits,
                "shift_residual_null": self.residual.null,
                "shift_residual_null_95": self.residual.null_95,
                "shift_residual_verdict": self.residual.verdict,
            }
        return found


def shift_contexts(
    rows: pd.DataFrame, targets: np.ndarray, cluster: np.ndarray | None, source: ContextSource
) -> ShiftContexts:
    """Scenes where every subject has one; clusters only where they are asked for and are shown to
    hold all that the scene tells of the emotion, which takes scenes too.

    Args:
        rows, targets: the split, and its labels (n, C).
        cluster: (n,) the dictionary's cluster of each subject; None where it is not known.

    Raises:
        InputError: "scene" where a row has none.
    """
    complete = "scene" in rows and bool(rows["scene"].notna().all())
    if source == "scene" and not complete:
        raise InputError(
            "Expected a scene for every subject, got rows without; give the manifest a column "
            "`scene` (a Places365 network can fill it in)."
        )
    if not complete:
        return ShiftContexts(reason=NO_SCENES)
    scenes = rows["scene"].to_numpy(str)
    if source != "cluster":
        return ShiftContexts(source="scene", groups=scenes)
    if cluster is None:
        return ShiftContexts(reason="the clusters of its subjects are not known without weights")
    images = rows["image"].to_numpy(str)
    residual = residual_dependence(targets, scenes, cluster, images=images)
    if residual.verdict == "held":
        return ShiftContexts(source="cluster", groups=cluster, residual=residual)
    verb = "leave" if residual.verdict == "not held" else "may leave"
    reason = (
        f"not estimable over clusters: they {verb} dependence of emotion and scene "
        f"({residual.bits:.2f} bits; by chance {residual.null:.2f}, up to {residual.null_95:.2f})"
    )
    return ShiftContexts(reason=reason, residual=residual)


def _column(rows: pd.DataFrame, name: str) -> np.ndarray | None:
    if name not in rows or rows[name].isna().all():
        return None
    return rows[name].fillna("unknown").to_numpy(str)


def _train_proportions(run: Run, manifest: Manifest) -> dict[tuple[str, str], float] | None:
    """The training mix of emotion × context group, for averages that are reweighted to it."""
    part = manifest.split(run.config.train.split)
    groups = _column(part.frame, "context_group")
    if run.labels.kind == "multi" or groups is None:
        return None
    emotions = part.targets().argmax(1)
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
