"""`prepare` on input that cannot be used: one sentence, exit code 2, nothing written."""

from __future__ import annotations

import collections
import pickle
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

import ccim_core.datasets.preparation as preparation
from ccim_core.cli import main
from tests.ccim_core.datasets.builders import (
    build_caer_s,
    build_emotic,
    build_groupwalk_table,
    build_table,
)

HDF5 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(600)
MAT = "Annotations/Annotations.mat"


def wrong_mat(root: Path) -> None:
    build_emotic(root)
    savemat(root / MAT, {"images": np.zeros(3)})


def hdf5_mat(root: Path) -> None:
    build_emotic(root)
    (root / MAT).write_bytes(HDF5)


def no_pictures(root: Path) -> None:
    build_emotic(root)
    shutil.rmtree(root / "emotic")
    (root / "emotic").mkdir()


def empty_emotion_folders(root: Path) -> None:
    build_caer_s(root, n_train=1, n_test=1)
    for picture in root.glob("*/*/*.png"):
        picture.unlink()


def absent_frames(root: Path) -> None:
    build_groupwalk_table(root, persons=16)
    for picture in root.rglob("*.jpg"):
        picture.unlink()


def other_emotion(root: Path) -> None:
    build_groupwalk_table(root, persons=16)
    text = (root / "groupwalk.csv").read_text().replace("Angry", "Bored", 1)
    (root / "groupwalk.csv").write_text(text)


def other_folder(root: Path) -> None:
    build_caer_s(root, n_train=2, n_test=1)
    (root / "train/Anger").rename(root / "train/Boredom")


def same_file(root: Path) -> None:
    build_caer_s(root, n_train=4, n_test=1)
    shutil.copy(root / "train/Anger/0001.png", root / "test/Sad/0009.png")


def same_person(root: Path) -> None:
    rows = [
        {
            "image": f"{k}.png",
            "split": ("train", "test")[k % 2],
            **dict(zip(("x1", "y1", "x2", "y2"), (1, 2, 30, 35), strict=True)),
            "labels": ("calm", "tense")[k // 2],
            "source_id": f"person {k // 2}",
        }
        for k in range(4)
    ]
    build_table(root, rows)


def other_class(root: Path) -> None:
    root.mkdir()
    content = {"train": collections.OrderedDict(), "test": {}}
    (root / "GroupWalk_data.pkl").write_bytes(pickle.dumps(content))


def nothing(root: Path) -> None:
    root.mkdir()


@pytest.mark.parametrize(
    "dataset, build, message",
    [
        ("emotic", wrong_mat, "variables train, val, test in {root}/" + MAT),
        ("emotic", hdf5_mat, "got version 7.3 (HDF5); save it again in MATLAB with"),
        ("emotic", no_pictures, "got 12 of 12 missing (such as ade20k/images/train_000.jpg)"),
        ("caer-s", empty_emotion_folders, "got none of Anger, Disgust"),
        ("groupwalk", absent_frames, "missing (such as video_00/1.jpg); check --root"),
        ("groupwalk", other_emotion, "groupwalk.csv row 1: unknown_emotion: 'Bored' not in"),
        ("caer-s", other_folder, "got 'Boredom'"),
        ("caer-s", same_file, "--policy file_in_two_splits=drop"),
        ("table", same_person, "--policy source_in_two_splits=drop"),
        ("groupwalk", other_class, "got one that asks for collections.OrderedDict"),
        ("emotic", nothing, "Expected EMOTIC's annotations in {root}"),
        ("caer-s", nothing, "got no train/"),
        ("groupwalk", nothing, "or GroupWalk_data.pkl"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    dataset: str,
    build: Callable[[Path], None],
    message: str,
) -> None:
    root, out = tmp_path / "raw", tmp_path / "made" / "study"
    build(root)
    before = sorted(root.rglob("*"))
    command = ["prepare", dataset, "--root", str(root), "--out", str(out), "--quiet"]
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    # The sentence; where rows are at fault they follow it, indented, one a line.
    sentence, *rows = captured.err.strip().splitlines()
    assert sentence.startswith("error: Expected")
    assert all(row.startswith("  ") for row in rows)
    assert len(sentence) < 400 + 2 * len(str(root))
    assert message.format(root=root) in captured.err
    assert not out.parent.exists()
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("dataset", ["emotic", "caer-s", "groupwalk"])
def test_the_next_command_runs_as_it_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    root, out = tmp_path / "raw here", tmp_path / "made" / "a study"
    if dataset == "emotic":
        build_emotic(root, n_train=4)
    elif dataset == "caer-s":
        build_caer_s(root, n_train=2, n_test=1)
    else:
        build_groupwalk_table(root, persons=16, frames=1)
    command = ["prepare", dataset, "--root", str(root), "--out", str(out), "--quiet"]
    assert main(command) == 0
    *_, wrote, following = capsys.readouterr().out.splitlines()
    assert wrote == f"Wrote {out}"
    words = shlex.split(following.removeprefix("Next: "))
    assert words[:3] == ["python", "-m", "ccim_core"]
    # Only CAER-S has no boxes; its weights of Faster R-CNN would have to be downloaded.
    assert words[3] == ("detect" if dataset == "caer-s" else "features")
    options = {"features": ["--size", "32"], "detect": ["--persons", "none"]}
    assert main([*words[3:], *options[words[3]], "--quiet"]) == 0


def test_interrupted_it_says_so_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = build_emotic(tmp_path / "raw", n_train=4), tmp_path / "study"
    command = ["prepare", "emotic", "--root", str(root), "--out", str(out), "--quiet"]
    look = preparation.look_at_pictures

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(preparation, "look_at_pictures", interrupted)
    assert main(command) == 130
    assert "run the same command again" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.setattr(preparation, "look_at_pictures", look)
    assert main(command) == 0
