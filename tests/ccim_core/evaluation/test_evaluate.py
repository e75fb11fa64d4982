from __future__ import annotations

import json

import numpy as np
import pytest

from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.evaluation.embeddings import read_embeddings
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.evaluation.predictions import read_predictions
from ccim_core.evaluation.probes import probe_run
from ccim_core.evaluation.table import study_table
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData


def test_every_subject_split_and_estimator_has_one_row(tiny_study: Study) -> None:
    run = Run.open(tiny_study.run_path("none-seed0"))
    table = read_predictions(run)
    assert not table.duplicated(["sample_id", "split", "estimator"]).any()
    frame = tiny_study.manifest.frame
    for split in ("val", "test", "shift", "twins"):
        for key in ("likelihood", "backdoor", "prior_correction"):
            mine = table[(table["split"] == split) & (table["estimator"] == key)]
            assert set(mine["sample_id"]) == set(frame.loc[frame["split"] == split, "sample_id"])


def test_accuracy_in_the_evaluation_is_that_of_the_predictions(tiny_study: Study) -> None:
    run = Run.open(tiny_study.run_path("none-seed0"))
    truth = tiny_study.manifest.frame.set_index("sample_id")["labels"]
    table = read_predictions(run, split="shift")
    for row in read_evaluation(run)["rows"]:
        if row["split"] != "shift":
            continue
        mine = table[table["estimator"] == row["estimator"]]
        predicted = np.array(run.labels.emotions)[
            mine[list(run.labels.emotions)].to_numpy().argmax(1)
        ]
        expected = (predicted == truth[mine["sample_id"]].to_numpy()).mean()
        assert row["accuracy"] == pytest.approx(expected)


def test_twins_movement_and_controls_are_reported(tiny_study: Study) -> None:
    plain = read_evaluation(Run.open(tiny_study.run_path("none-seed0")))
    twins = {row["estimator"]: row for row in plain["rows"] if row["split"] == "twins"}
    assert twins["likelihood"]["scene_groups"] == 7
    assert (
        twins["backdoor"]["scene_total_variation"] < (twins["likelihood"]["scene_total_variation"])
    )
    assert set(plain["controls"]["shift"]) == {
        "backdoor_random_contexts",
        "backdoor_shuffled_prior",
    }
    ccim = read_evaluation(Run.open(tiny_study.run_path("ccim-seed0")))["controls"]["shift"]
    assert 0 < ccim["input_dependent_share"] <= ccim["causal_share"]
    assert {"headline_g_mean", "headline_g_zero", "top_change_g_mean"} <= set(ccim)


def test_the_table_takes_mean_and_deviation_over_seeds(tiny_study: Study) -> None:
    table = study_table(tiny_study)
    row = table[
        (table["variant"] == "none")
        & (table["estimator"] == "likelihood")
        & (table["split"] == "test")
    ].iloc[0]
    values = [
        next(
            record["accuracy"]
            for record in read_evaluation(Run.open(tiny_study.run_path(name)))["rows"]
            if record["split"] == "test" and record["estimator"] == "likelihood"
        )
        for name in ("none-seed0", "none-seed1")
    ]
    assert row["runs"] == 2
    assert row["accuracy"] == pytest.approx(np.mean(values))
    assert row["accuracy_sd"] == pytest.approx(np.std(values, ddof=1))
    assert "recovery_full" in table


def test_embeddings_are_those_of_the_index(tiny_study: Study) -> None:
    run = Run.open(tiny_study.run_path("ccim-seed0"))
    array, index = read_embeddings(run, "ccim")
    assert array.shape == (len(index), run.config.intervention.d_m)
    assert set(index["split"]) == {"shift"}
    with pytest.raises(InputError, match="evaluate"):
        read_embeddings(run, "nothing")


def test_probes_read_scene_and_emotion(tiny_study: Study) -> None:
    run = Run.open(tiny_study.run_path("ccim-seed0"))
    records = probe_run(run, StudyData(tiny_study, quiet=True), split="twins")
    assert {(record["features"], record["label"]) for record in records} == {
        (name, label)
        for name in ("S", "C", "h", "h, mean over strata", "W_h h + W_g g")
        for label in ("scene", "labels")
    }
    for record in records:
        assert 0 <= record["low"] <= record["accuracy"] <= record["high"] <= 1
    # Twins show each of 4 scenes to 7 subjects, and 4 more emotions in one: scene 0 leads.
    assert records[0]["n_labels"] == 4


def test_evaluate_command_prints_json(
    tiny_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--study", str(tiny_study.path), "--json", "--quiet"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["variant"] for row in rows} >= {"none", "ccim", "oracle"}
    assert all(row["runs"] == 2 for row in rows)
    kept = (tiny_study.analysis_root / "evaluation.json").read_text()
    assert json.loads(kept) == rows  # what the app reads


def test_evaluate_without_a_study_or_runs_is_one_sentence(
    tmp_path: object, tiny_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--study", str(tmp_path), "--quiet"]) == 2
    assert main(["evaluate", "--study", str(tiny_study.path), "--run", "x", "--quiet"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: Expected") for line in lines)
