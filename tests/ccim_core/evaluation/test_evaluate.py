from __future__ import annotations

import json
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.evaluation.embeddings import read_embeddings
from ccim_core.evaluation.evaluate import NO_SCENES, read_evaluation, shift_contexts
from ccim_core.evaluation.predictions import read_predictions
from ccim_core.evaluation.probes import probe_run
from ccim_core.evaluation.table import study_table
from ccim_core.files import write_json
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


def rows_of(study: Study, split: str = "test") -> tuple[pd.DataFrame, np.ndarray]:
    part = study.manifest.split(split)
    return part.frame, part.targets()


def test_a_shift_estimate_takes_scenes_and_clusters_only_where_they_hold_the_dependence(
    tiny_study: Study,
) -> None:
    frame, targets = rows_of(tiny_study, "train")
    scenes = pd.factorize(frame["scene"])[0]
    given = shift_contexts(frame, targets, scenes, "auto")
    assert (given.source, given.residual) == ("scene", None)
    alike = shift_contexts(frame, targets, scenes, "cluster")
    assert alike.source == "cluster"
    assert alike.record()["shift_residual_verdict"] == "held"
    other = np.random.default_rng(0).integers(4, size=len(frame))
    found = shift_contexts(frame, targets, other, "cluster")
    assert found.groups is None
    record = found.record()
    assert record["shift_estimate"] is None
    assert record["shift_residual"] > record["shift_residual_null_95"]
    assert record["shift_estimate_reason"].startswith("not estimable over clusters")
    assert f"{record['shift_residual']:.2f} bits" in record["shift_estimate_reason"]


@pytest.mark.parametrize("source", ["auto", "cluster"])
def test_without_scenes_nothing_stands_in_for_them(
    tiny_study: Study, source: Literal["auto", "cluster"]
) -> None:
    frame, targets = rows_of(tiny_study)
    frame = frame.assign(scene=frame["scene"].where(frame.index != frame.index[0]))
    found = shift_contexts(frame, targets, np.zeros(len(frame)), source)
    assert found.record() == {
        "shift_groups": None,
        "shift_estimate": None,
        "shift_estimate_reason": NO_SCENES,
    }
    with pytest.raises(InputError, match="scene for every subject"):
        shift_contexts(frame, targets, np.zeros(len(frame)), "scene")


def test_a_run_without_weights_is_brought_up_to_date_from_its_predictions(
    copied: Study,
) -> None:
    run = Run.open(copied.run_path("ccim-seed0"))
    for path in copied.run_paths():
        (path / "model.safetensors").unlink()
    before = read_evaluation(run)
    # As it was written earlier: an estimate over clusters, with numbers that are missing since.
    stale = json.loads(json.dumps(before))
    for row in stale["rows"]:
        row |= {"shift_groups": "cluster", "shift_estimate": 0.9, "shift_effective_size": 99.0}
        del row["nll"]
    write_json(run.path / "evaluation.json", stale)
    table = pd.read_parquet(run.path / "predictions.parquet")
    table[table["split"] != "val"].to_parquet(run.path / "predictions.parquet", index=False)
    command = ["evaluate", "--study", str(copied.path), "--all", "--bootstrap", "20"]
    assert main([*command, "--quiet"]) == 0
    after = read_evaluation(run)
    assert after["controls"] == before["controls"]
    for old, new in zip(before["rows"], after["rows"], strict=True):
        if new["split"] == "val":  # of which no predictions are there
            assert new["shift_estimate"] is None
            assert new["shift_estimate_reason"] == NO_SCENES
            assert "shift_effective_size" not in new
            continue
        for name in ("accuracy", "nll", "shift_estimate", "shift_effective_size"):
            assert new[name] == pytest.approx(old[name], abs=1e-3)
        assert new["shift_groups"] == "scene"
        for one, other in zip(new["per_class"], old["per_class"], strict=True):
            assert one.keys() == other.keys()
            assert one["ap_step_interval"] == other["ap_step_interval"]
            assert one["shift_ap_step"] == pytest.approx(other["shift_ap_step"], abs=1e-3)


def test_eq_2s_controls_stand_beside_it_with_what_it_has_more(tiny_study: Study) -> None:
    table = study_table(tiny_study)
    rows = table[(table["variant"] == "none") & (table["split"] == "shift")].set_index("estimator")
    found = rows.loc["backdoor"]
    by_seed = []
    for seed in (0, 1):
        evaluation = read_evaluation(Run.open(tiny_study.run_path(f"none-seed{seed}")))
        own = next(
            row["headline"]
            for row in evaluation["rows"]
            if (row["split"], row["estimator"]) == ("shift", "backdoor")
        )
        by_seed.append(own - evaluation["controls"]["shift"]["backdoor_random_contexts"])
    assert found["backdoor_over_random_contexts"] == pytest.approx(np.mean(by_seed))
    assert found["backdoor_over_random_contexts_sd"] == pytest.approx(np.std(by_seed, ddof=1))
    assert np.isnan(rows.loc["likelihood", "backdoor_over_random_contexts"])
