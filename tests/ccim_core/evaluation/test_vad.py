"""A study with VAD and annotators' votes, by the commands: trained, reloaded, evaluated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ccim_core.cli import main
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.evaluation.table import study_table
from ccim_core.manifest import VAD_COLUMNS, build_manifest
from ccim_core.pictures import PictureReader
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.assembly import assemble, split_samples
from ccim_core.training.config import RunConfig, from_dict
from ccim_core.training.data import StudyData
from tests.ccim_core.training.test_train import make_study

SMALL = {
    "encoder": {"subject_size": 32, "context_size": 32},
    "model": {"d_h": 16},
    "dictionary": {"size": 3, "components": 4},
    "train": {"epochs": 3, "batch_size": 8},
}


def config_of(name: str, **groups: dict[str, Any]) -> RunConfig:
    """A small config; keyword arguments are fields of its groups."""
    merged = {**SMALL, **{key: {**SMALL.get(key, {}), **one} for key, one in groups.items()}}
    return from_dict({"name": name, **merged})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Pictures of four emotions with votes of three annotators, and values that follow them; a
    quarter of the training subjects has none, and no subject of `val` has a dominance."""
    path = tmp_path_factory.mktemp("vad")
    base = make_study(path / "base", multi=True)
    frame = base.manifest.frame.copy()
    emotion = np.arange(len(frame)) % 4
    for index, name in enumerate(VAD_COLUMNS):
        frame[name] = 2.0 + 2 * (emotion + index) % 7
    frame.loc[frame.index % 8 == 3, list(VAD_COLUMNS)] = np.nan
    frame.loc[frame["split"] == "val", "dominance"] = np.nan
    frame["soft_labels"] = "Anger=0.333|Affection=0.667"
    frame.loc[:1, "soft_labels"] = None
    shutil.copytree(base.path / "images", path / "study" / "images")
    reader = PictureReader({"images": path / "study" / "images"})
    manifest, _ = build_manifest(frame, base.labels, reader=reader)
    return Study.create(
        path / "study",
        name="vad",
        kind="table",
        labels=base.labels,
        manifest=manifest,
        roots={"images": "images"},
        into_existing=True,
    )


@pytest.fixture(scope="module")
def evaluated(study: Study) -> Study:
    """One run with the head, trained on votes, and one without either."""
    options = [
        f"--{group}.{key}={value}" for group, one in SMALL.items() for key, value in one.items()
    ]
    train = ["train", "--study", str(study.path), "--device", "cpu", "--quiet", *options]
    headed = ["--vad.loss", "smooth_l1", "--train.targets", "votes", "--intervention.name", "ccim"]
    assert main([*train, "--name", "headed", *headed]) == 0
    assert main([*train, "--name", "plain"]) == 0
    command = ["evaluate", "--study", str(study.path), "--bootstrap", "0", "--quiet"]
    assert main(command) == 0
    return study


def test_evaluation_reports_the_error_of_each_dimension(evaluated: Study) -> None:
    run = Run.open(evaluated.run_path("headed-seed0"))
    assert (run.config.vad.loss, run.config.train.targets) == ("smooth_l1", "votes")
    data = StudyData(evaluated, quiet=True)
    rows = {row["split"]: row for row in read_evaluation(run)["rows"]}
    truth = evaluated.manifest.frame[list(VAD_COLUMNS)].to_numpy(float)
    means = np.nanmean(truth[data.rows("train")], axis=0)
    for split in ("train", "val"):
        (batch,) = split_samples(data, run.config, split).batches(
            [torch.arange(len(data.rows(split)))]
        )
        with torch.no_grad():
            predicted = 10 * run.network(batch).vad.numpy()
        wanted = truth[data.rows(split)]
        for index, name in enumerate(VAD_COLUMNS):
            known = np.isfinite(wanted[:, index])
            row = rows[split]
            assert row[f"{name}_n"] == known.sum()
            if not known.any():
                assert (split, name) == ("val", "dominance")
                assert row[f"{name}_mae"] is None
                assert row[f"{name}_mae_reason"] == "no subject with a known dominance"
                continue
            errors = np.abs(predicted[:, index] - wanted[:, index])[known]
            assert row[f"{name}_mae"] == pytest.approx(errors.mean(), abs=1e-4)
            trivial = np.abs(means[index] - wanted[:, index])[known]
            assert row[f"{name}_mae_of_mean"] == pytest.approx(trivial.mean())


def test_a_run_without_the_head_reports_nothing_of_it(
    evaluated: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run.open(evaluated.run_path("plain-seed0"))
    assert run.network.vad is None
    assert not any("_mae" in key for row in read_evaluation(run)["rows"] for key in row)
    table = study_table(evaluated).set_index(["variant", "split"])
    assert table.loc["plain", "valence_mae"].isna().all()
    assert np.isfinite(table.loc["headed", "valence_mae"]).all()
    assert table.loc[("headed", "val"), "dominance_mae"].isna().all()
    assert main(["evaluate", "--study", str(evaluated.path), "--quiet"]) == 0
    assert "valence_mae" in capsys.readouterr().out


def test_lines_of_metrics_are_standard_json(evaluated: Study) -> None:
    """Accuracy is undefined where a subject has several labels."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    lines = (evaluated.run_path("plain-seed0") / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert len(rows) == 3
    assert all(row["val_accuracy"] is None and row["val_map"] is not None for row in rows)


@pytest.mark.parametrize(
    "name",
    ["none", "ccim", "counterfactual", "logit_adjusted", "inverse_propensity", "group_dro"],
)
def test_votes_are_what_is_trained_on(study: Study, name: str) -> None:
    data = StudyData(study, quiet=True)
    hard = assemble(data, config_of("hard", intervention={"name": name}))
    config = config_of("soft", intervention={"name": name}, train={"targets": "votes"})
    soft = assemble(data, config)
    targets = soft.training.targets
    labels = study.labels
    assert torch.equal(targets[:2], hard.training.targets[:2])  # no votes: the labels
    shares = torch.zeros(labels.size)
    shares[[labels.index("Affection"), labels.index("Anger")]] = torch.tensor([0.667, 0.333])
    assert torch.equal(targets[2:], shares.expand(len(targets) - 2, -1))
    assert torch.equal(soft.training.validation_targets, hard.training.validation_targets)
    torch.testing.assert_close(soft.marginal, targets.mean(0), atol=1e-6, rtol=0)
    if name in ("inverse_propensity", "group_dro"):
        key = "weights" if name == "inverse_propensity" else "groups"
        assert torch.equal(getattr(soft.training, key), getattr(hard.training, key))


def test_what_a_manifest_lacks_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path / "s", multi=True)
    train = ["train", "--study", str(study.path), "--device", "cpu", "--quiet"]
    options = [
        f"--{group}.{key}={value}" for group, one in SMALL.items() for key, value in one.items()
    ]
    for extra, message in (
        (["--vad.loss", "l2"], "Expected valence, arousal and dominance"),
        (["--train.targets", "votes"], "prepare emotic` with --soft-labels"),
    ):
        assert main([*train, *options, *extra]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert len(error.strip().splitlines()) == 1
    assert not study.run_paths()
