from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ccim_core.errors import InputError
from ccim_core.evaluation import intervals
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.evaluation.intervals import make_intervals, pairwise_difference
from ccim_core.evaluation.table import study_table
from ccim_core.files import read_json, write_json
from ccim_core.run import Run
from ccim_core.study import Study


def change(study: Study, variant: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit the configs of a variant's runs."""
    for seed in (0, 1):
        path = study.run_path(f"{variant}-seed{seed}") / "config.json"
        info = read_json(path)
        edit(info["config"])
        write_json(path, info)


def row(table: pd.DataFrame, variant: str, estimator: str, split: str = "shift") -> pd.Series:
    return table[
        (table["variant"] == variant)
        & (table["estimator"] == estimator)
        & (table["split"] == split)
    ].iloc[0]


def headline(study: Study, run: str, estimator: str, split: str) -> float:
    rows = read_evaluation(Run.open(study.run_path(run)))["rows"]
    return float(
        next(r["headline"] for r in rows if (r["split"], r["estimator"]) == (split, estimator))
    )


def test_a_row_has_its_interval_and_its_difference_to_the_plain_model(copied: Study) -> None:
    make_intervals(copied, n_resamples=50, quiet=True)
    found = row(study_table(copied), "ccim", "backdoor")
    by_seed = [
        headline(copied, f"ccim-seed{seed}", "backdoor", "shift")
        - headline(copied, f"none-seed{seed}", "likelihood", "shift")
        for seed in (0, 1)
    ]
    assert found["difference"] == pytest.approx(np.mean(by_seed), abs=1e-6)
    assert found["difference_low"] < found["difference"] < found["difference_high"]
    assert found["headline_low"] < found["headline"] < found["headline_high"]
    assert (found["interval_seeds"], found["difference_seeds"]) == (2, 2)
    plain = row(study_table(copied), "none", "likelihood")
    assert np.isnan(plain["difference"])
    assert plain["difference_reason"] == "it is the reference itself"
    pair = pairwise_difference(
        copied, first=("none", "likelihood"), second=("ccim", "backdoor"), split="shift", n=50
    )
    assert (pair.estimate, pair.low) == pytest.approx(
        (found["difference"], found["difference_low"])
    )


def test_intervals_are_made_once_and_anew_for_runs_trained_anew(
    copied: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_intervals(copied, n_resamples=20, quiet=True)
    calls = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(*arguments, **options)

    original = intervals.seed_interval
    monkeypatch.setattr(intervals, "seed_interval", counted)
    assert make_intervals(copied, n_resamples=20, quiet=True) == made
    assert calls == 0
    done = copied.run_path("counterfactual-seed0") / "done"
    write_json(done, {**read_json(done), "model_sha256": "other"})
    assert np.isnan(row(study_table(copied), "counterfactual", "counterfactual")["headline_low"])
    make_intervals(copied, n_resamples=20, quiet=True)
    assert calls > 0
    assert row(study_table(copied), "counterfactual", "counterfactual")["headline_low"] >= 0


def test_a_variant_without_a_common_seed_is_not_compared(copied: Study) -> None:
    with pytest.raises(InputError, match="common training seed"):
        pairwise_difference(copied, first=("none", "likelihood"), second=("x", "y"), split="test")
    with pytest.raises(InputError, match="predictions of 'ccim'"):
        pairwise_difference(copied, first=("none", "ccim"), second=("ccim", "ccim"), split="test")


def test_the_plain_run_is_the_zero_whatever_it_is_called(copied: Study) -> None:
    for seed in (0, 1):
        for old, new in (("none", "the-model-as-it-is"), ("ccim", "x")):
            (copied.runs_root / f"{old}-seed{seed}").rename(copied.runs_root / f"{new}-seed{seed}")
    table = study_table(copied)
    assert set(table["reference_variant"]) == {"the-model-as-it-is"}
    assert set(table[table["reference"]]["variant"]) == {"the-model-as-it-is"}
    assert row(table, "the-model-as-it-is", "likelihood")["changes"] == 0


def test_a_share_is_of_the_gap_to_the_oracle_on_the_same_inputs(copied: Study) -> None:
    # The tiny study's gap is within its noise: here the oracles get everything right.
    for seed in (0, 1):
        path = copied.run_path(f"oracle-seed{seed}") / "evaluation.json"
        evaluation = read_json(path)
        for one in evaluation["rows"]:
            one["headline"] = 1.0 - seed / 100
        write_json(path, evaluation)
    table = study_table(copied)
    found, alone = row(table, "ccim", "backdoor"), row(table, "subject-only", "likelihood")
    plain, best = row(table, "none", "likelihood")["headline"], 0.995
    assert found["matched_oracle"] == "oracle"
    assert found["recovery"] == pytest.approx((found["headline"] - plain) / (best - plain))
    assert found["recovery"] == found["recovery_full"]
    # Its oracle would see the subject alone.
    assert np.isnan(alone["recovery"])
    assert pd.isna(alone["matched_oracle"])
    assert "no oracle of emot_net that sees 'subject'" in alone["recovery_reason"]
    assert alone["recovery_full"] == pytest.approx((alone["headline"] - plain) / (best - plain))
    change(copied, "oracle", lambda values: values["model"].update(inputs="subject"))
    alone = row(study_table(copied), "subject-only", "likelihood")
    assert alone["matched_oracle"] == "oracle"
    assert alone["recovery"] == pytest.approx((alone["headline"] - plain) / (best - plain))


def test_a_share_has_an_interval_that_knows_the_gaps_noise(copied: Study) -> None:
    """Predictions by a rule: the oracle right for 3 of 4 subjects, the method 2, plain 1."""
    emotions = list(copied.labels.emotions)
    truth = copied.manifest.frame.set_index("sample_id")["labels"]
    for name, right in (("none", 1), ("ccim", 2), ("oracle", 3)):
        for seed in (0, 1):
            path = copied.run_path(f"{name}-seed{seed}")
            table = pd.read_parquet(path / "predictions.parquet")
            number = table["sample_id"].str[-6:].astype(int).to_numpy()
            label = np.array([emotions.index(one) for one in truth[table["sample_id"]]])
            wrong = (number + seed) % 4 >= right
            table[emotions] = np.eye(len(emotions))[(label + wrong) % len(emotions)]
            table.to_parquet(path / "predictions.parquet", index=False)
            evaluation = read_json(path / "evaluation.json")
            for one in evaluation["rows"]:
                mine = table[
                    (table["split"] == one["split"]) & (table["estimator"] == one["estimator"])
                ]
                one["headline"] = float(
                    (mine[emotions].to_numpy().argmax(1) == label[mine.index]).mean()
                )
            write_json(path / "evaluation.json", evaluation)
    (copied.analysis_root / "intervals.json").unlink()
    make_intervals(copied, n_resamples=300, quiet=True)
    found = row(study_table(copied), "ccim", "ccim")
    assert found["recovery"] == pytest.approx(0.5, abs=0.05)
    assert 0 < found["won_back_low"] < found["recovery"] < found["won_back_high"] < 1
    plain = row(study_table(copied), "none", "likelihood")
    assert (plain["won_back_low"], plain["won_back_high"]) == (0, 0)


def test_no_share_of_another_models_gap(copied: Study) -> None:
    change(copied, "ccim", lambda values: values["model"].update(name="emoticon"))
    found = row(study_table(copied), "ccim", "ccim")
    assert np.isnan(found["recovery"])
    assert np.isnan(found["recovery_full"])
    assert found["recovery_reason"] == intervals.NO_REFERENCE
    change(copied, "counterfactual", lambda values: values["model"].update(name="emoticon"))
    change(copied, "counterfactual", lambda values: values["intervention"].update(name="none"))
    change(copied, "counterfactual", lambda values: values["train"].update(select_by="headline"))
    found = row(study_table(copied), "ccim", "ccim")
    assert found["reference_variant"] == "counterfactual"
    assert np.isnan(found["recovery"])
    assert "no oracle of emoticon" in found["recovery_reason"]
