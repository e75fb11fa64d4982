"""`auxiliary`, as a user runs it: interrupted, gone on with, and trained on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

from ccim_core import auxiliary
from ccim_core.cli import main
from ccim_core.datasets.controlled.generator import ControlledConfig, controlled_frame
from ccim_core.features import FeatureStore
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import build_manifest
from ccim_core.study import Study
from tests.ccim_core.training.test_train import make_study


@pytest.fixture
def rendered(tmp_path: Path) -> Study:
    torch.set_num_threads(1)
    sizes = {"n_train": 14, "n_val": 7, "n_test": 7, "n_shift": 7, "n_twins": 7}
    frame = controlled_frame(ControlledConfig(**sizes, n_scenes=2, size=96))
    frame = frame[frame["split"].isin(["train", "val"])].reset_index(drop=True)
    manifest, _ = build_manifest(frame, LABEL_SETS["controlled"])
    return Study.create(
        tmp_path / "rendered",
        name="rendered",
        kind="controlled",
        labels=LABEL_SETS["controlled"],
        manifest=manifest,
    )


def kinds(study: Study) -> dict[str, int]:
    stores = [FeatureStore.open(path) for path in study.features_root.glob("*-auxiliary-*")]
    return {store.provenance.name: len(store) for store in stores}


def test_interrupted_it_goes_on_and_the_next_command_trains(
    rendered: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["auxiliary", "--study", str(rendered.path), "--quiet"]
    truth, calls = auxiliary._truth, 0

    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    def counting(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return truth(*arguments)

    monkeypatch.setattr(auxiliary, "_truth", interrupted)
    assert main(command) == 130
    assert "run the same command again" in capsys.readouterr().err
    monkeypatch.setattr(auxiliary, "_truth", counting)
    assert main(command) == 0
    assert kinds(rendered) == {"landmarks": 21, "keypoints": 21, "depth": 21}
    made, out = calls, capsys.readouterr().out
    assert made > 0
    assert "depth: 21 rows of 64 × 64 in" in out
    assert main(command) == 0
    assert calls == made
    words = shlex.split(out.splitlines()[-1].removeprefix("next: python -m ccim_core "))
    small = ["--model.channels", "0.125", "--model.context_pixels", "32", "--train.epochs", "1"]
    small += ["--encoder.context_size", "32", "--dictionary.size", "2", "--device", "cpu"]
    assert main([*words, *small, "--quiet"]) == 0
    assert calls == made


def test_what_a_photograph_lacks_is_named_with_the_command_that_takes_it_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path / "study", n=4)
    command = ["auxiliary", "--study", str(study.path), "--kind", "depth", "--quiet"]
    assert main([*command, "--files", str(tmp_path / "none")]) == 2
    assert "Expected a file SAMPLE_ID.npy" in capsys.readouterr().err
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "--kind depth --files FOLDER" in error
    assert "--model.depth false" in error
    assert kinds(study).get("depth", 0) == 0
