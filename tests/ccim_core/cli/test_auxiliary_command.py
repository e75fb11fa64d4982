"""EmotiCon on a user's own photographs: each stream that is lacking names the command for it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage import data

from ccim_core.cli import main
from ccim_core.images import resize_picture
from ccim_core.persons import networks
from ccim_core.persons.networks import NetworkSpec
from ccim_core.run import Run
from ccim_core.study import Study
from tests.ccim_core.persons.tiny import pose_network
from tests.ccim_core.tiny_depth import write_depth_model

QUIET = ["--quiet", "--device", "cpu"]
SETTINGS = {
    "model.name": "emoticon",
    "model.channels": "0.125",
    "model.context_pixels": "32",
    "encoder.context_size": "32",
    "dictionary.size": "3",
    "dictionary.components": "3",
    "train.epochs": "1",
    "train.batch_size": "4",
}
TRAIN = [word for key, value in SETTINGS.items() for word in (f"--{key}", value)]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Twelve photographs of one person, with her box, in a table; no weights anywhere."""
    torch.set_num_threads(1)
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    small = resize_picture(data.astronaut(), (200, 200))
    (tmp_path / "data").mkdir()
    rows = []
    for index in range(12):
        picture = np.roll(small, 2 * index, axis=1)
        Image.fromarray(picture).save(tmp_path / "data" / f"{index}.png")
        box = {"x1": 15 + 2 * index, "y1": 2, "x2": 165 + 2 * index, "y2": 200}
        split = ("train", "train", "train", "val")[index % 4]
        rows.append({"image": f"{index}.png", "split": split, "labels": "AB"[index // 6], **box})
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "t.csv", index=False)
    root, out = str(tmp_path / "data"), str(tmp_path / "study")
    assert main(["prepare", "table", "--root", root, "--out", out, "--quiet"]) == 0
    return Study.open(out)


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny keypoint R-CNN in the place of torchvision's, with random weights."""
    spec = NetworkSpec(make=pose_network, weights="keypointrcnn-resnet50-coco", joints=True)
    monkeypatch.setitem(networks.NETWORKS, "keypointrcnn-resnet50", spec)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(pose_network().state_dict(), tmp_path / "pose.pth")
    return tmp_path / "pose.pth"


def named_commands(error: str) -> list[list[str]]:
    """The commands that a message names, as words after `python -m ccim_core`."""
    return [shlex.split(text) for text in re.findall(r"`python -m ccim_core ([^`]+)`", error)]


def test_every_stream_that_is_lacking_names_the_command_that_makes_it(
    study: Study, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    depth_model = write_depth_model(tmp_path / "depth")
    train = ["train", "--study", str(study.path), *TRAIN, *QUIET]
    options = {
        "face_points": [],
        "keypoints": ["--weights", str(checkpoint)],
        "depth": ["--depth-model", str(depth_model)],
    }
    capsys.readouterr()
    assert main(train) == 2
    error = capsys.readouterr().err
    assert "Expected landmarks of every subject, got none for 12 of 12" in error
    assert "--model.landmarks 5" in error
    train += ["--model.landmarks", "5"]
    for kind, more in options.items():
        assert main(train) == 2
        error = capsys.readouterr().err
        assert f"Expected {kind} of every subject, got none for 12 of 12" in error
        (command,) = [words for words in named_commands(error) if "--estimate" in words]
        assert command[command.index("--kind") + 1] == kind
        assert main([*command, *more, *QUIET]) == 0
        assert f"{kind}: 12 rows of" in capsys.readouterr().out
    assert study.run_paths() == []
    assert main(train) == 0
    (path,) = study.run_paths()
    run = Run.open(path)
    assert run.config.model.landmarks == 5
    assert run.encoders["landmarks"] == {"auxiliary": "face_points"}


def test_the_next_command_fits_what_was_made(
    study: Study, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["auxiliary", "--study", str(study.path), "--estimate", *QUIET]
    assert main([*command, "--weights", str(checkpoint)]) == 0
    out = capsys.readouterr().out
    following = out.strip().splitlines()[-1]
    assert following == (
        f"next: python -m ccim_core train --study {study.path} --model.name emoticon "
        "--model.landmarks 5 --model.depth false"
    )
    assert main([*shlex.split(following)[4:], *TRAIN[2:], *QUIET]) == 0
    assert len(study.run_paths()) == 1


def test_subjects_without_a_face_are_named_and_can_be_left_out(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "data" / "4.png")
    source = ["--study", str(study.path)]
    assert main(["auxiliary", *source, "--estimate", "--kind", "face_points", *QUIET]) == 0
    out = capsys.readouterr().out
    assert "no face was found of 1 of 12 subjects (first: t-0000005)" in out
    assert "face_points: 11 rows of 5 × 2" in out
    (command,) = named_commands(out)
    assert main([*command, *QUIET]) == 0
    assert "Left out 1 faceless rows" in capsys.readouterr().out
    assert "t-0000005" not in set(Study.open(study.path).manifest.frame["sample_id"])


def test_weights_that_are_not_there_are_missed_before_any_picture_is_looked_at(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["auxiliary", "--study", str(study.path), "--estimate", *QUIET]
    assert main([*command, "--kind", "face_points", "depth"]) == 2
    assert "weights get depth-anything-v2-small" in capsys.readouterr().err
    assert not list((study.path / "features").glob("*"))


@pytest.mark.parametrize(
    "options, message",
    [
        (["--estimate", "--kind", "keypoints"], "weights get keypointrcnn-resnet50-coco"),
        (["--estimate", "--kind", "depth"], "weights get depth-anything-v2-small"),
        (["--estimate", "--kind", "depth", "--depth-model", "{root}"], "got no config.json"),
        (["--estimate", "--kind", "landmarks"], "--model.landmarks 5"),
        (["--kind", "keypoints"], "--kind keypoints --estimate"),
        ([], "--estimate, or --files"),
        (["--files", "{root}"], "one --kind"),
        (["--estimate", "--batch-size", "0"], "--batch-size"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    study: Study,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    capsys.readouterr()
    words = [option.format(root=tmp_path) for option in options]
    assert main(["auxiliary", "--study", str(study.path), *words, *QUIET]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected")
    assert message in error
    assert len(error.strip().splitlines()) == 1
