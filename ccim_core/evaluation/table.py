"""A study's table: a row a run variant × estimator × split, mean ± deviation over seeds.

Shares won back stand in rows of the shift split: (method − reference) / (oracle − reference), where
the reference is the plain model on whole pictures and the oracle the same model trained without
the bias, both of the method's own recipe. The oracle that counts is the one that sees what the
method sees: against one that sees less, more than everything can be won back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.evaluation.checks import require_same_study
from ccim_core.evaluation.comparisons import compare_with_baselines
from ccim_core.evaluation.evaluate import EVALUATION_FILE, read_evaluation
from ccim_core.evaluation.intervals import (
    NO_REFERENCE,
    SHIFT,
    StudyRuns,
    make_intervals,
    read_intervals,
)
from ccim_core.evaluation.vad import VAD_METRICS
from ccim_core.evaluation.variants import (
    family,
    input_name,
    is_oracle,
    is_plain,
    needs_masks,
    recipe_key,
    run_variant,
)
from ccim_core.files import write_json
from ccim_core.metrics.consistency import debias_recovery
from ccim_core.run import Run
from ccim_core.study import Study

__all__ = [
    "CONTROLS",
    "COUNTS",
    "METRICS",
    "TEXTS",
    "study_table",
    "table_rows",
    "write_study_table",
]

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
    "shift_residual",
    "shift_residual_null",
    "shift_residual_null_95",
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
    "backdoor": (
        "backdoor_random_contexts",
        "backdoor_shuffled_prior",
        "backdoor_over_random_contexts",
        "backdoor_over_shuffled_prior",
    ),
}
"""Estimator to the controls that stand in its rows (`ccim_core.evaluation.controls`); `_over_` is
what the row's own headline has more than a control, by seed."""

COUNTS = ("n", "worst_group_size", "map_classes")
TEXTS = (
    "worst_group_name",
    "shift_groups",
    "shift_estimate_reason",
    "shift_residual_verdict",
    "baseline",
    "without_positives",
)
INTERVALS = (
    "headline_low",
    "headline_high",
    "interval_seeds",
    "difference",
    "difference_low",
    "difference_high",
    "difference_seeds",
    "won_back_low",
    "won_back_high",
)
"""What a row has of `ccim_core.evaluation.intervals`."""

_NUMBERS = (*METRICS, *(name for names in CONTROLS.values() for name in names))
# What rows that are averaged over seeds agree in.
_KEYS = (
    "variant",
    "model",
    "recipe",
    "family",
    "intervention",
    "inputs",
    "masks",
    "plain",
    "reference",
    "oracle",
    "refit",
    "select_by",
    "changes",
    "estimator",
    "split",
)


def study_table(study: Study) -> pd.DataFrame:
    """One row a variant × estimator × split of all evaluated runs of a study.

    Columns: what a row is (variant, model, recipe, family, intervention, inputs, masks, plain,
    reference, oracle, refit, select_by, changes: see `variants.py`), estimator, split,
    runs (number of seeds), sd_reason (why there are no deviations, or ""), <name>, <name>_sd for
    METRICS and CONTROLS (NaN where undefined) and, where a run predicts them, VAD_METRICS, COUNTS
    (the least), TEXTS (the commonest), INTERVALS with reference_variant and difference_reason, and
    on the shift split recovery, recovery_sd, recovery_reason, matched_oracle, with the same
    three for every oracle that the study has as recovery_<inputs>.

    Raises:
        InputError: a run of another label set or manifest: its numbers are of other subjects.
    """
    paths = [path for path in study.run_paths() if (path / EVALUATION_FILE).is_file()]
    runs = [Run.open(path) for path in paths]
    for run in runs:
        require_same_study(run, study)
    among = StudyRuns(runs)
    records = [record for run in runs for record in _run_records(run, among)]
    if not records:
        return pd.DataFrame()
    table = pd.DataFrame(records)
    intervals = read_intervals(study)
    rows = []
    for values, part in table.groupby(list(_KEYS), sort=False):
        row: dict[str, Any] = dict(zip(_KEYS, values, strict=True))
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
        kept = intervals.get((row["variant"], row["family"], row["estimator"], row["split"]), {})
        row |= {name: _number(kept.get(name)) for name in INTERVALS}
        row["reference_variant"] = _name(among.reference(row["family"]))
        row["difference_reason"] = kept.get("difference_reason", "no interval has been made")
        rows.append(row)
    return _add_recovery(pd.DataFrame(rows), table, among)


def write_study_table(
    study: Study, *, n_resamples: int = 1000, quiet: bool = False
) -> pd.DataFrame:
    """Compare a study's runs with their baselines, make their intervals, and keep the table that
    `study_table` then returns as `analysis/evaluation.json`, which the app reads."""
    compare_with_baselines(study, n_resamples=n_resamples, quiet=quiet)
    make_intervals(study, n_resamples=n_resamples, quiet=quiet)
    table = study_table(study)
    write_json(study.analysis_root / EVALUATION_FILE, table_rows(table))
    return table


def table_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """JSON-safe records: NaN becomes None."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }
        for record in table.astype(object).where(table.notna(), None).to_dict("records")
    ]


def _run_records(run: Run, among: StudyRuns) -> list[dict[str, Any]]:
    evaluation = read_evaluation(run)
    identity = _identity(run, among)
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
            **identity,
            **{name: row.get(name) for name in (*METRICS, *COUNTS)},
            **{name: row[name] for name in VAD_METRICS if name in row},
            "estimator": row["estimator"],
            "split": row["split"],
            "worst_group_name": row.get("worst_group_name"),
            **{name: row.get(name) for name in TEXTS if name.startswith("shift_")},
            "gain": compared.get("difference"),
            "top_change_from_baseline": compared.get("top_change"),
            "baseline": run_variant(baseline) if compared else None,
            "without_positives": ", ".join(absent) or None,
        }
        control = evaluation["controls"].get(row["split"], {})
        for name in CONTROLS.get(row["estimator"], ()):
            record[name] = control.get(name)
        if row["estimator"] == "backdoor":
            for name in ("random_contexts", "shuffled_prior"):
                pair = _number(row.get("headline")), _number(control.get(f"backdoor_{name}"))
                record[f"backdoor_over_{name}"] = pair[0] - pair[1]
        records.append(record)
    return records


def _identity(run: Run, among: StudyRuns) -> dict[str, Any]:
    """What a run is: the columns of `_KEYS` that do not depend on estimator and split."""
    values = among.values[run.name]
    key = run_variant(run.name), family(values)
    return {
        "run": run.name,
        "seed": run.config.train.seed,
        "variant": key[0],
        "model": run.config.model.name,
        "recipe": recipe_key(values),
        "family": key[1],
        "intervention": run.config.intervention.name,
        "inputs": input_name(values),
        "masks": needs_masks(values),
        "plain": is_plain(values) and key == among.plain(key[1]),
        "reference": is_plain(values) and key == among.reference(key[1]),
        "oracle": is_oracle(values),
        "refit": bool(values["train"]["refit"]),
        "select_by": values["train"].get("select_by", "headline"),
        "changes": among.changes(run),
    }


def _name(key: tuple[str, str] | None) -> str | None:
    return None if key is None else key[0]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


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


def _add_recovery(result: pd.DataFrame, table: pd.DataFrame, among: StudyRuns) -> pd.DataFrame:
    """Shares won back on the shift split, from the runs themselves; never across recipes."""
    shift = table[(table["split"] == SHIFT) & table["headline"].notna()].sort_values("seed")
    values = {
        key: part["headline"].to_list()
        for key, part in shift.groupby(["variant", "family", "estimator"], sort=False)
    }
    oracles = list(dict.fromkeys(shift[shift["oracle"]]["inputs"]))
    lines = []
    for row in result.to_dict("records"):
        line: dict[str, Any] = {"recovery": math.nan, "recovery_sd": math.nan}
        line |= {"recovery_reason": "", "matched_oracle": None}
        if row["split"] == SHIFT and not row["oracle"]:
            line |= _recovery("recovery", row, str(row["inputs"]), values, among)
            line["matched_oracle"] = _name(among.oracle(str(row["family"])))
            for inputs in oracles:
                line |= _recovery(f"recovery_{inputs}", row, inputs, values, among)
        lines.append(line)
    shares = pd.DataFrame(lines, index=result.index)
    # Where the gap is within its noise a share of it has no interval either.
    result.loc[shares["recovery"].isna(), ["won_back_low", "won_back_high"]] = math.nan
    return pd.concat([result, shares], axis=1)


def _recovery(
    name: str,
    row: Mapping[Any, Any],
    inputs: str,
    values: Mapping[Any, list[float]],
    among: StudyRuns,
) -> dict[str, Any]:
    """A row's share of the gap to the oracle that sees `inputs`, as three columns."""
    reference = among.reference(row["family"])
    oracle = among.oracle(row["family"], inputs)
    mine = values.get((row["variant"], row["family"], row["estimator"]))
    base = values.get((*reference, "likelihood")) if reference else None
    best = values.get((*oracle, "likelihood")) if oracle else None
    found: tuple[float, float, str]
    if base is None:
        found = math.nan, math.nan, NO_REFERENCE
    elif best is None:
        found = math.nan, math.nan, f"there is no oracle of {row['model']} that sees {inputs!r}"
    elif mine is None:
        found = math.nan, math.nan, "the metric is undefined"
    else:
        share = debias_recovery(mine, base, best)
        found = share.value, share.deviation, share.reason
    ends = ("", "_sd", "_reason")
    return {f"{name}{end}": value for end, value in zip(ends, found, strict=True)}
