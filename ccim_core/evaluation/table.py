"""A study's table: a row a run variant × estimator × split, mean ± deviation over seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.evaluation.checks import require_same_study
from ccim_core.evaluation.evaluate import EVALUATION_FILE, read_evaluation
from ccim_core.evaluation.vad import VAD_METRICS
from ccim_core.evaluation.variants import plainest_variant, run_variant
from ccim_core.metrics.consistency import debias_recovery
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.config import RunConfig

__all__ = ["CONTROLS", "COUNTS", "METRICS", "TEXTS", "input_name", "study_table", "table_rows"]

METRICS = (
    "headline",
    "accuracy",
    "balanced_accuracy",
    "map_step",
    "ece",
    "nll",
    "worst_group",
    "shift_estimate",
    "shift_covered",
    "shift_effective_size",
    "gain",
    "top_change_from_baseline",
    "top_change_from_likelihood",
    "scene_total_variation",
    "emotion_total_variation",
)
"""Numbers of a run × estimator × split, as its evaluation has them; `gain` is the headline's over
the baseline run's likelihood."""

CONTROLS: dict[str, tuple[str, ...]] = {
    "ccim": (
        "causal_share",
        "input_dependent_share",
        "attention_entropy",
        "attention_entropy_limit",
        "headline_g_mean",
        "headline_g_zero",
        "headline_shuffled_prior",
        "top_change_g_mean",
        "top_change_g_zero",
        "top_change_shuffled_prior",
    ),
    "backdoor": ("backdoor_random_contexts", "backdoor_shuffled_prior"),
}
"""Estimator to the controls that stand in its rows (`ccim_core.evaluation.controls`)."""

COUNTS = ("n", "worst_group_size", "map_classes")
TEXTS = ("worst_group_name", "shift_groups", "baseline", "without_positives")

_NUMBERS = (*METRICS, *(name for names in CONTROLS.values() for name in names))
_SHIFT = "shift"
_ORACLE_SPLIT = "oracle_train"


def input_name(config: RunConfig) -> str:
    """What a run's network sees: "full", "subject", "subject + cue", "context", …"""
    model = config.model
    if model.inputs != "both":
        return model.inputs
    if model.context_parts == "people":
        return "subject + cue"
    return "full" if model.subject_parts == "all" else "full, subject matted"


def study_table(study: Study) -> pd.DataFrame:
    """One row a variant × estimator × split of all evaluated runs of a study.

    Columns: variant, intervention, inputs, oracle (bool), estimator, split, runs (number of
    seeds), sd_reason (why there are no deviations, or ""), <name>, <name>_sd for METRICS and
    CONTROLS (NaN where undefined) and, where a run predicts them, VAD_METRICS, COUNTS (the
    least), TEXTS (the commonest), and recovery_<inputs>, recovery_<inputs>_sd,
    recovery_<inputs>_reason on the shift split against every oracle there is.

    Raises:
        InputError: a run of another label set or manifest: its numbers are of other subjects.
    """
    paths = [path for path in study.run_paths() if (path / EVALUATION_FILE).is_file()]
    runs = [Run.open(path) for path in paths]
    for run in runs:
        require_same_study(run, study)
    records = [record for run in runs for record in _run_records(run)]
    if not records:
        return pd.DataFrame()
    table = pd.DataFrame(records)
    keys = ["variant", "intervention", "inputs", "oracle", "estimator", "split"]
    rows = []
    for values, part in table.groupby(keys, sort=False):
        row: dict[str, Any] = dict(zip(keys, values, strict=True))
        row["runs"] = len(part)
        row["sd_reason"] = "" if len(part) > 1 else "one seed only"
        for name in (*_NUMBERS, *(name for name in VAD_METRICS if name in table)):
            numbers = part[name].to_numpy(float) if name in part else np.array([np.nan])
            row[name] = _mean(numbers)
            row[f"{name}_sd"] = _deviation(numbers)
        for name in COUNTS:
            row[name] = part[name].min() if name in part else None
        for name in TEXTS:
            row[name] = _commonest(part[name])
        rows.append(row)
    result = pd.DataFrame(rows)
    return _add_recovery(result, table)


def table_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """JSON-safe records: NaN becomes None."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }
        for record in table.astype(object).where(table.notna(), None).to_dict("records")
    ]


def _run_records(run: Run) -> list[dict[str, Any]]:
    evaluation = read_evaluation(run)
    comparisons = {
        (row["split"], row["estimator"]): row
        for row in evaluation.get("comparisons", {}).get("rows", [])
    }
    baseline = evaluation.get("comparisons", {}).get("baseline")
    records = []
    for row in evaluation["rows"]:
        compared = comparisons.get((row["split"], row["estimator"]), {})
        absent = [one["emotion"] for one in row.get("per_class", []) if not one["positives"]]
        record = {
            "run": run.name,
            "seed": run.config.train.seed,
            "variant": run_variant(run.name),
            "intervention": run.config.intervention.name,
            "inputs": input_name(run.config),
            "oracle": run.config.train.split == _ORACLE_SPLIT,
            **{name: row.get(name) for name in (*METRICS, *COUNTS)},
            **{name: row[name] for name in VAD_METRICS if name in row},
            "estimator": row["estimator"],
            "split": row["split"],
            "worst_group_name": row.get("worst_group_name"),
            "shift_groups": row.get("shift_groups"),
            "gain": compared.get("difference"),
            "top_change_from_baseline": compared.get("top_change"),
            "baseline": run_variant(baseline) if compared else None,
            "without_positives": ", ".join(absent) or None,
        }
        control = evaluation["controls"].get(row["split"], {})
        for name in CONTROLS.get(row["estimator"], ()):
            record[name] = control.get(name)
        records.append(record)
    return records


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan


def _deviation(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _commonest(names: pd.Series | None) -> str | None:
    if names is None or names.isna().all():
        return None
    return str(names.mode().iloc[0])


def _add_recovery(result: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Debias recovery on the shift split against every oracle, from the runs themselves."""
    shift = table[(table["split"] == _SHIFT) & table["headline"].notna()]
    likelihood = shift[(shift["estimator"] == "likelihood") & (shift["intervention"] == "none")]
    vanilla = likelihood[~likelihood["oracle"] & (likelihood["inputs"] == "full")]
    oracles: dict[str, list[float]] = defaultdict(list)
    for _, row in likelihood[likelihood["oracle"]].iterrows():
        oracles[row["inputs"]].append(float(row["headline"]))
    if vanilla.empty or not oracles:
        return result
    # One vanilla, should a study hold several.
    vanilla = vanilla[vanilla["variant"] == plainest_variant(vanilla["variant"])]
    base = vanilla.sort_values("seed")["headline"].to_list()
    for inputs, oracle in oracles.items():
        for index, row in result.iterrows():
            if row["split"] != _SHIFT or row["oracle"]:
                continue
            mine = shift[
                (shift["variant"] == row["variant"]) & (shift["estimator"] == row["estimator"])
            ]
            found = debias_recovery(mine.sort_values("seed")["headline"].to_list(), base, oracle)
            result.loc[index, f"recovery_{inputs}"] = found.value
            result.loc[index, f"recovery_{inputs}_sd"] = found.deviation
            result.loc[index, f"recovery_{inputs}_reason"] = found.reason
    return result
