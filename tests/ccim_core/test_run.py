from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ccim_core.causal.backdoor import stratum_outputs
from ccim_core.errors import InputError
from ccim_core.evaluation.predictions import read_predictions, split_features
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData


@pytest.fixture(scope="module")
def data(tiny_study: Study) -> StudyData:
    return StudyData(tiny_study, quiet=True)


def open_run(study: Study, name: str) -> Run:
    return Run.open(study.run_path(name))


@pytest.mark.parametrize("name", ["none-seed0", "ccim-seed0", "counterfactual-seed0"])
def test_a_run_alone_repeats_its_predictions(tiny_study: Study, data: StudyData, name: str) -> None:
    run = open_run(tiny_study, name)
    table = read_predictions(run, split="shift")
    features = split_features(run, data, "shift")
    for key, reason in run.estimators().items():
        stored = table[table["estimator"] == key]
        if reason is not None:
            assert stored.empty
            continue
        again = run.estimate(key, features.u, features.v, features.stratum).numpy()
        np.testing.assert_allclose(
            again, stored[list(run.labels.emotions)].to_numpy(), atol=2e-5, err_msg=key
        )
        np.testing.assert_allclose(again.sum(1), 1, atol=1e-5)


def test_backdoor_is_the_prior_weighted_sum_over_strata(tiny_study: Study, data: StudyData) -> None:
    run = open_run(tiny_study, "none-seed0")
    features = split_features(run, data, "test")
    with torch.no_grad():
        terms = stratum_outputs(features.u, run.context.strata, outputs=run.outputs)
    expected = torch.einsum("bnc,n->bc", terms, run.context.strata.prior)
    found = run.estimate("backdoor", features.u, features.v, features.stratum)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_supported_estimators_follow_the_intervention(tiny_study: Study) -> None:
    supported = {
        name: {key for key, reason in open_run(tiny_study, name).estimators().items() if not reason}
        for name in ("none-seed0", "ccim-seed0", "counterfactual-seed0")
    }
    assert supported["none-seed0"] == {"likelihood", "backdoor", "prior_correction"}
    assert "ccim" in supported["ccim-seed0"]
    assert "likelihood" not in supported["ccim-seed0"]
    assert "counterfactual" in supported["counterfactual-seed0"]


def copy_run(study: Study, name: str, target: Path) -> Path:
    shutil.copytree(study.run_path(name), target)
    return target


def test_a_tampered_checkpoint_is_refused(tiny_study: Study, tmp_path: Path) -> None:
    path = copy_run(tiny_study, "none-seed0", tmp_path / "run")
    content = bytearray((path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (path / "model.safetensors").write_bytes(bytes(content))
    with pytest.raises(InputError, match="changed or damaged"):
        _ = Run.open(path).network


def test_an_unfinished_run_or_another_config_is_refused(tiny_study: Study, tmp_path: Path) -> None:
    path = copy_run(tiny_study, "none-seed0", tmp_path / "run")
    (path / "done").unlink()
    with pytest.raises(InputError, match="not done"):
        Run.open(path)
    (path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="config"):
        Run.open(path)


def test_a_run_says_where_its_numbers_came_from(tiny_study: Study) -> None:
    path = tiny_study.run_path("ccim-seed0")
    names = {file.name for file in path.iterdir()}
    assert {
        *("config.json", "environment.json", "metrics.jsonl", "predictions.parquet"),
        *("model.safetensors", "strata.safetensors", "encoder.json", "evaluation.json", "done"),
    } <= names
    encoders = open_run(tiny_study, "ccim-seed0").encoders
    assert set(encoders) == {"subject", "context", "dictionary"}
    assert all(len(value["provenance"]["sha256"]) == 64 for value in encoders.values())
    assert not (path / "checkpoint.pt").exists()
