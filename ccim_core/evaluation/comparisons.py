"""Each run against its baseline on the same subjects: paired bootstrap, McNemar, changed tops.

The baseline of a run is the plain run that agrees with it in everything but the intervention, the
dictionary and how the epoch was chosen, the seed included. Comparisons are made once and kept in
the run's evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ccim_core.evaluation.checks import require_same_study
from ccim_core.evaluation.evaluate import EVALUATION_FILE, read_evaluation
from ccim_core.evaluation.predictions import aligned_outputs
from ccim_core.evaluation.variants import baseline_key, is_bare
from ccim_core.files import read_json, write_json
from ccim_core.metrics.comparison import bootstrap_metric, metric_value
from ccim_core.metrics.consistency import top_change_rate
from ccim_core.metrics.resampling import mcnemar_exact, paired_bootstrap
from ccim_core.progress import progress
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.config import to_dict

__all__ = ["StudyOutputs", "compare_with_baselines", "find_baselines"]

_REFERENCE = "likelihood"
_LEVEL = 0.95


def find_baselines(runs: Sequence[Run]) -> dict[str, Run | None]:
    """Name of each run to its baseline, itself for a plain run, None where there is none.

    A plain run whose epoch was chosen by the headline comes before others, which it is the baseline
    of; then, of several that differ in the dictionary alone, which does not enter them, that with
    the run's own.
    """
    plain: dict[str, list[Run]] = {}
    for run in runs:
        values = to_dict(run.config)
        # What is erased is part of the key: a run with it has its own plain run.
        bare = {**values, "model": {**values["model"], "subject_erase": 0}}
        if is_bare(bare):
            plain.setdefault(baseline_key(values), []).append(run)
    found: dict[str, Run | None] = {}
    for run in runs:
        candidates = plain.get(baseline_key(to_dict(run.config)), [])
        candidates = sorted(candidates, key=lambda other: _preference(run, other))
        found[run.name] = candidates[0] if candidates else None
    return found


def _preference(run: Run, other: Run) -> tuple[bool, bool, bool, str]:
    return (
        # The plain model's epoch is chosen on validation as it is; others are held against that.
        other.config.train.select_by != "headline",
        other.name != run.name,
        other.config.dictionary != run.config.dictionary,
        other.name,
    )


def compare_with_baselines(
    study: Study, *, n_resamples: int = 1000, quiet: bool = False
) -> list[str]:
    """Compare every evaluated run of a study with its baseline; returns the runs that were new.

    Raises:
        InputError: runs of another label set or manifest, or predictions with missing subjects.
    """
    paths = [path for path in study.run_paths() if (path / EVALUATION_FILE).is_file()]
    runs = [Run.open(path) for path in paths]
    for run in runs:
        require_same_study(run, study)
    comparison = _Comparison(study, n_resamples)
    baselines = find_baselines(runs)
    stale = [run for run in runs if _is_stale(run, baselines[run.name])]
    for run in progress(stale, "compare", unit="runs", quiet=quiet):
        baseline = baselines[run.name]
        evaluation = read_evaluation(run)
        evaluation["comparisons"] = {
            "baseline": baseline.name if baseline else None,
            "reason": "" if baseline else "there is no plain run of the same settings and seed",
            "made_of": _sources(run, baseline),
            "rows": comparison.rows(run, baseline) if baseline else [],
        }
        write_json(run.path / EVALUATION_FILE, evaluation)
    return [run.name for run in stale]


def _is_stale(run: Run, baseline: Run | None) -> bool:
    kept = read_evaluation(run).get("comparisons", {})
    return bool(kept.get("made_of") != _sources(run, baseline))


def _sources(run: Run, baseline: Run | None) -> dict[str, Any]:
    """What comparisons depend on: both runs' weights, and where the baseline was evaluated."""
    if baseline is None:
        return {"run": read_json(run.path / "done").get("model_sha256")}
    return {
        "run": read_json(run.path / "done").get("model_sha256"),
        "baseline": read_json(baseline.path / "done").get("model_sha256"),
        "splits": sorted({row["split"] for row in read_evaluation(baseline)["rows"]}),
    }


class StudyOutputs:
    """Outputs of a study's runs and the headline of their resamples, a few runs at a time.

    `metric` is the headline, `n_resamples` whole sources (where a subject has none: images) are
    drawn with replacement, the same for every run.
    """

    def __init__(self, study: Study, n_resamples: int) -> None:
        self.study, self.n_resamples = study, n_resamples
        self.metric = study.labels.headline
        # A plain run's side is the same for all that are compared with it.
        self.outputs = lru_cache(maxsize=12)(self._outputs)
        self.draws = lru_cache(maxsize=96)(self._draws)
        self.subjects = lru_cache(maxsize=12)(self._subjects)

    def value(self, path: Path, split: str, estimator: str) -> float:
        """The headline of a run's estimator on a split; NaN where it is undefined."""
        targets, _ = self.subjects(split)
        return metric_value(targets, self.outputs(path)[split, estimator], metric=self.metric)

    def _subjects(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Targets (n, C) of a split, and what is resampled whole, (n,)."""
        part = self.study.manifest.split(split)
        clusters = part.frame["image"].astype(object)
        if "source_id" in part.frame:
            clusters = part.frame["source_id"].astype(object).fillna(clusters)
        return part.targets(), clusters.to_numpy(str)

    def _outputs(self, path: Path) -> dict[tuple[str, str], np.ndarray]:
        return aligned_outputs(Run.open(path), self.study.manifest)

    def _draws(self, path: Path, split: str, estimator: str) -> np.ndarray:
        targets, clusters = self.subjects(split)
        return bootstrap_metric(
            targets,
            self.outputs(path)[split, estimator],
            metric=self.metric,
            clusters=clusters,
            n_resamples=self.n_resamples,
        )


class _Comparison:
    def __init__(self, study: Study, n_resamples: int) -> None:
        self.all = StudyOutputs(study, n_resamples)

    def rows(self, run: Run, baseline: Run) -> list[dict[str, Any]]:
        """A record a split and estimator that both have predictions for."""
        mine, theirs = self.all.outputs(run.path), self.all.outputs(baseline.path)
        return [
            self._row(run, baseline, split, estimator)
            for split, estimator in mine
            if (split, _REFERENCE) in theirs
            and (run.name, estimator) != (baseline.name, _REFERENCE)
        ]

    def _row(self, run: Run, baseline: Run, split: str, estimator: str) -> dict[str, Any]:
        targets, clusters = self.all.subjects(split)
        before = self.all.outputs(baseline.path)[split, _REFERENCE]
        after = self.all.outputs(run.path)[split, estimator]
        change = self.all.value(run.path, split, estimator) - self.all.value(
            baseline.path, split, _REFERENCE
        )
        record: dict[str, Any] = {
            "split": split,
            "estimator": estimator,
            "metric": self.all.metric,
            "difference": change if np.isfinite(change) else None,
            "top_change": top_change_rate(before, after),
            "mcnemar": None,
        }
        if len(np.unique(clusters)) > 1 and self.all.n_resamples:
            paired = paired_bootstrap(
                self.all.draws(baseline.path, split, _REFERENCE),
                self.all.draws(run.path, split, estimator),
                difference=change,
                level=_LEVEL,
            )
            record["interval"] = [_json(paired.low), _json(paired.high)]
            record["p_value"] = _json(paired.p_value)
            record["level"], record["n_bootstrap"] = _LEVEL, self.all.n_resamples
        if self.all.study.labels.kind == "single":
            labels = targets.argmax(1)
            correct = [outputs.argmax(1) == labels for outputs in (before, after)]
            record["mcnemar"] = asdict(mcnemar_exact(*correct))
        return record


def _json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
