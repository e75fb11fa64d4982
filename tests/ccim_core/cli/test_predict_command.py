"""`predict` with runs of one's own choice, and with what a picture does not tell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ccim_core.cli import main
from ccim_core.study import Study


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(np.asarray(skimage.data.astronaut())).save(path)
    return path


def test_the_named_runs_answer_and_what_they_lack_has_a_reason(
    tiny_study: Study, photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(photograph), "--study", str(tiny_study.path), "--json"]
    assert main([*command, "--run", "none-seed1"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert {estimate["run"] for estimate in found["estimates"].values()} == {"none-seed1"}
    assert set(found["estimates"]) == {"likelihood", "backdoor", "prior_correction"}
    assert set(found["absent"]) == {"ccim", "counterfactual"}
    assert main([*command, "--run", "none-seed1", "--run", "ccim-seed0"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["estimates"]["ccim"]["run"] == "ccim-seed0"


@pytest.mark.parametrize(
    "options, message",
    [
        (["--run", "none-seed0"], "Expected --study with --run"),
        (["--study", "{study}", "--run", "nothing"], "'ccim-seed0'"),
        (
            ["--study", "{study}", "--known", "gait=x.npy"],
            "'landmarks', 'face_points', 'keypoints', 'depth'",
        ),
        (["--study", "{study}", "--known", "depth"], "KIND=FILE"),
        (["--study", "{study}", "--known", "depth={file}"], "Expected a box with depth"),
        (["--study", "{study}", "--known", "landmarks={file}"], "shape (68, 2)"),
        (["--study", "{study}", "--known", "depth=no.npy"], "Expected an array of numbers"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    tiny_study: Study,
    photograph: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    np.save(tmp_path / "depth.npy", np.ones((4, 4)))
    words = [word.format(study=tiny_study.path, file=tmp_path / "depth.npy") for word in options]
    assert main(["predict", str(photograph), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: Expected")
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_a_picture_of_nobody_is_listed_without_an_estimate(
    photograph: Path, tmp_path: Path, tiny_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    coffee = tmp_path / "coffee.png"
    Image.fromarray(np.asarray(skimage.data.coffee())).save(coffee)
    command = ["predict", str(coffee), str(photograph), "--study", str(tiny_study.path)]
    assert main([*command, "--json"]) == 0
    nobody, somebody = json.loads(capsys.readouterr().out)
    assert set(nobody) == set(somebody)
    assert (nobody["box"], nobody["face"], nobody["estimates"]) == (None, None, {})
    assert set(nobody["absent"]) >= set(somebody["estimates"])
    assert "--box" in nobody["warnings"][0]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "coffee.png  no subject" in told
    assert "1 person in 1 of 2 pictures." in told
    assert "Nobody found in coffee.png." in told
