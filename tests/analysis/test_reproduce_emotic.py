"""A tiny EMOTIC on disk to Table 1, by the commands a user types and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.cli import main
from ccim_core.encoder_specs import ENCODERS
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_emotic
from tests.matrix.instances import ENCODER, SIDE, WEIGHTS, make_trunk, run_command, stub_encoder

SMALL = ["--train.epochs", "2", "--train.batch_size", "8", "--train.loss", "label_set"]
SMALL += ["--dictionary.size", "4", "--dictionary.components", "4"]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """`prepare emotic`; the encoder is a convolution of random weights."""
    torch.set_num_threads(1)
    monkeypatch.setitem(ENCODERS, ENCODER, stub_encoder())
    path = tmp_path / "study"
    build_emotic(tmp_path / "EMOTIC", n_train=16)
    run_command("prepare", "emotic", "--root", tmp_path / "EMOTIC", "--out", path, "--quiet")
    (path / "encoders").mkdir()
    torch.manual_seed(0)
    torch.save(make_trunk().state_dict(), path / WEIGHTS)
    return Study.open(path)


def train(study: Study, intervention: str, seed: int) -> None:
    encoder = []
    for side in ("subject", "context"):
        encoder += [f"--encoder.{side}", ENCODER, f"--encoder.{side}_size", SIDE]
        encoder += [f"--encoder.{side}_weights", WEIGHTS]
    words = ["--intervention.name", intervention, "--train.seed", seed]
    run_command(
        "train", "--study", study.path, "--quiet", "--device", "cpu", *encoder, *SMALL, *words
    )


def test_table1_end_to_end(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for intervention in ("none", "ccim"):
        for seed in (0, 1):
            train(study, intervention, seed)
    run_command("evaluate", "--study", study.path, "--bootstrap", 40, "--quiet")
    capsys.readouterr()
    out = tmp_path / "out"
    words = ["reproduce", "table1", "--study", str(study.path), "--out", str(out), "--json"]
    assert main([*words, "--seeds", "0", "1"]) == 0
    answer = json.loads(capsys.readouterr().out)

    table = pd.DataFrame(answer["tables"]["results"])
    rows = table[(table["model"] == "EMOT-Net") & (table["split"] == "test")].set_index("setting")
    assert rows.loc["ccim", "published"] == 30.88
    assert rows.loc["none", "published"] == 27.93
    assert (rows["seeds"] == 2).all()
    assert (rows["low"] <= rows["ours"]).all()
    assert set(table["split"]) == {"test", "val"}
    assert (table.loc[table["seeds"] > 0, "chance"] > 0).all()

    controls = pd.DataFrame(answer["tables"]["controls"]).set_index(["split", "control"])
    for control in ("causal_share", "headline_g_mean", "top_change", "seed_change"):
        assert np.isfinite(controls.loc[("test", control), "ours"]), control
    assert controls.loc[("test", "random_z"), "reason"] == "there are no runs"

    by_emotion = pd.read_csv(out / "table1_categories_test.csv")
    assert by_emotion["category"].nunique() == 26
    absent = by_emotion[by_emotion["positives"] == 0]
    assert len(absent), "eight pictures cannot show 26 emotions"
    assert absent["ours"].isna().all()

    missing = pd.DataFrame(answer["missing"])
    mine = missing[(missing["model"] == "EMOT-Net") & (missing["setting"] == "random_z")]
    assert sorted(mine["seed"]) == [0, 1]
    # The command is one that `train` takes: with it the control is no longer missing.
    words = mine.iloc[0]["command"].split()[3:]
    run_command(*words, "--quiet", "--device", "cpu")
    assert (study.runs_root / "emot_net-random_z-seed0" / "done").is_file()
