from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ccim_core.errors import InputError
from ccim_core.evaluation.comparisons import compare_with_baselines, find_baselines
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.evaluation.predictions import read_predictions
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.metrics.comparison import compare_outputs
from ccim_core.metrics.resampling import mcnemar_exact
from ccim_core.run import Run
from ccim_core.study import Study


def outputs(run: Run, split: str, estimator: str) -> np.ndarray:
    table = read_predictions(run, split=split)
    mine = table[table["estimator"] == estimator]
    return mine[list(run.labels.emotions)].to_numpy(np.float64)


def test_each_run_has_the_plain_run_of_its_inputs_and_seed(tiny_study: Study) -> None:
    runs = [Run.open(path) for path in tiny_study.run_paths()]
    found = {name: one.name if one else None for name, one in find_baselines(runs).items()}
    for seed in (0, 1):
        for name in ("none", "ccim", "counterfactual"):
            assert found[f"{name}-seed{seed}"] == f"none-seed{seed}"
        # Other inputs, or other training data, are no intervention: they stand for themselves.
        for name in ("subject-only", "oracle"):
            assert found[f"{name}-seed{seed}"] == f"{name}-seed{seed}"
    assert find_baselines([run for run in runs if run.name == "ccim-seed0"]) == {"ccim-seed0": None}


def test_a_comparison_is_the_paired_tests_of_the_two_predictions(tiny_study: Study) -> None:
    compare_with_baselines(tiny_study, n_resamples=200, quiet=True)
    plain, ccim = (Run.open(tiny_study.run_path(f"{name}-seed0")) for name in ("none", "ccim"))
    kept = read_evaluation(ccim)["comparisons"]
    assert kept["baseline"] == "none-seed0"
    rows = {(row["split"], row["estimator"]): row for row in kept["rows"]}
    part = tiny_study.manifest.split("shift")
    targets = part.targets()
    before, after = outputs(plain, "shift", "likelihood"), outputs(ccim, "shift", "ccim")
    row = rows["shift", "ccim"]
    expected = compare_outputs(
        targets,
        before,
        after,
        metric="accuracy",
        clusters=part.frame["image"].to_numpy(str),
        n_resamples=row["n_bootstrap"],
    )
    assert row["difference"] == pytest.approx(expected.difference)
    assert row["interval"] == pytest.approx([expected.low, expected.high])
    assert row["p_value"] == pytest.approx(expected.p_value)
    labels = targets.argmax(1)
    test = mcnemar_exact(before.argmax(1) == labels, after.argmax(1) == labels)
    assert row["mcnemar"]["p_value"] == pytest.approx(test.p_value)
    assert row["mcnemar"]["only_second"] - row["mcnemar"]["only_first"] == round(
        row["difference"] * len(labels)
    )
    assert row["top_change"] == pytest.approx((before.argmax(1) != after.argmax(1)).mean())


def test_a_plain_runs_own_estimators_are_compared_with_its_likelihood(tiny_study: Study) -> None:
    compare_with_baselines(tiny_study, n_resamples=20, quiet=True)
    rows = read_evaluation(Run.open(tiny_study.run_path("none-seed0")))["comparisons"]["rows"]
    assert {row["estimator"] for row in rows} == {"backdoor", "prior_correction"}


def test_what_has_been_compared_is_not_compared_again(tiny_study: Study) -> None:
    compare_with_baselines(tiny_study, n_resamples=20, quiet=True)
    assert compare_with_baselines(tiny_study, n_resamples=20, quiet=True) == []


def test_the_table_has_the_gain_over_the_same_seeds(tiny_study: Study) -> None:
    compare_with_baselines(tiny_study, n_resamples=20, quiet=True)
    rows = table_rows(study_table(tiny_study))
    table = {(row["variant"], row["estimator"], row["split"]): row for row in rows}
    row, plain = table["ccim", "ccim", "test"], table["none", "likelihood", "test"]
    assert row["gain"] == pytest.approx(row["headline"] - plain["headline"])
    assert row["baseline"] == "none"
    assert 0 <= row["top_change_from_baseline"] <= 1
    assert plain["gain"] is None


def test_predictions_with_missing_subjects_are_refused(tiny_study: Study, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    shutil.copytree(tiny_study.path, path, ignore=shutil.ignore_patterns("features"))
    file = path / "runs" / "ccim-seed0" / "predictions.parquet"
    pd.read_parquet(file).iloc[3:].to_parquet(file, index=False)
    study = Study.open(path)
    evaluation = path / "runs" / "ccim-seed0" / "evaluation.json"
    text = evaluation.read_text().replace('"comparisons"', '"earlier"')
    evaluation.write_text(text)
    with pytest.raises(InputError, match="subjects of split"):
        compare_with_baselines(study, n_resamples=20, quiet=True)
