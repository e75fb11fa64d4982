"""A user's own pictures: folders by emotion, tables with other columns, splits and boxes found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from ccim_core.cli import main
from ccim_core.datasets.completing import assume_boxes
from ccim_core.datasets.folders import FoldersConfig, read_folders
from ccim_core.datasets.preparation import inspect_source, prepare_source
from ccim_core.datasets.table import TableConfig, read_table_source
from ccim_core.errors import InputError
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import save_picture


def make_folders(root: Path, n: int = 5, prefix: str = "") -> Path:
    for k in range(n):
        for j, emotion in enumerate(("calm", "tense")):
            save_picture(root / prefix / emotion / f"{k}.png", 2 * k + j)
    return root


def prepared(root: Path, **config):
    return prepare_source(read_folders(root, FoldersConfig(**config), quiet=True), quiet=True)


def test_folders_are_emotions_dealt_to_splits(tmp_path: Path) -> None:
    root = make_folders(tmp_path / "mine", n=10)
    (root / "empty").mkdir()
    shutil.copy(root / "calm" / "0.png", root / "calm" / "0 again.png")
    made = prepared(root, boxes="picture")
    frame = made.manifest.frame
    assert made.manifest.labels.emotions == ("calm", "tense")
    assert made.manifest.labels.name == "mine"
    counts = pd.crosstab(frame["labels"], frame["split"])
    assert counts.loc["tense"].to_dict() == {"train": 7, "val": 1, "test": 2}
    same = frame[frame["image"].isin(["calm/0.png", "calm/0 again.png"])]
    assert same["split"].nunique() == 1
    assert (frame[["x1", "y1", "x2", "y2"]].to_numpy() == [0, 0, 60, 40]).all()
    assert "empty" in made.summary.notes[0]
    again = prepared(root, boxes="picture").manifest.frame
    pd.testing.assert_frame_equal(frame, again)
    assert not frame["split"].equals(
        prepared(root, boxes="picture", seed=1).manifest.frame["split"]
    )


def test_splits_above_the_emotions_are_kept(tmp_path: Path) -> None:
    root = make_folders(make_folders(tmp_path, 3, "train"), 2, "test")
    with pytest.raises(InputError, match="file_in_two_splits"):  # made with the same seeds
        prepared(root, boxes="picture")
    shutil.rmtree(root / "test")
    with pytest.raises(InputError, match="got no test/"):
        prepared(root, boxes="picture")
    for j, emotion in enumerate(("calm", "tense")):
        save_picture(root / "test" / emotion / "x.png", 100 + j)
    frame = prepared(root, boxes="picture").manifest.frame
    assert set(frame.loc[frame["image"].str.startswith("test/"), "split"]) == {"test"}
    train = frame[frame["image"].str.startswith("train/")]  # without val/, an eighth of train
    assert train.groupby("labels")["split"].value_counts().to_dict() == {
        ("calm", "train"): 2,
        ("calm", "val"): 1,
        ("tense", "train"): 2,
        ("tense", "val"): 1,
    }


def test_what_is_no_folder_of_emotions_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one for each emotion"):
        read_folders(tmp_path)
    make_folders(tmp_path, n=2)
    with pytest.raises(InputError, match="Expected 3 or more pictures of 'calm'"):
        read_folders(tmp_path)
    with pytest.raises(InputError, match="Expected boxes of"):
        FoldersConfig(boxes="guess")


def test_people_are_found_by_their_faces(tmp_path: Path) -> None:
    astronaut = Image.fromarray(data.astronaut())
    for k in range(3):
        save_picture(tmp_path / "calm" / f"{k}.png", k)
        (tmp_path / "tense").mkdir(exist_ok=True)
        astronaut.crop((10 * k, 0, 420, 400)).save(tmp_path / "tense" / f"{k}.png")
    made = prepared(tmp_path)
    frame = made.manifest.frame
    assert set(frame["labels"]) == {"tense"}
    assert (frame["box_source"] == "face").all()
    face = frame[["face_x1", "face_y1", "face_x2", "face_y2"]].to_numpy()
    assert np.all(np.abs(face[0] - [175, 65, 270, 190]) < 40)
    assert (frame["y2"] == 400).all()  # to the lower edge
    missing = [fault for fault in made.summary.faults if fault.cause == "person_missing"]
    assert [fault.record for fault in missing] == [f"calm/{k}.png" for k in range(3)]


def test_a_quick_look_opens_no_picture(tmp_path: Path) -> None:
    root = make_folders(tmp_path)
    (root / "calm" / "0.png").write_bytes(b"no picture")
    source = assume_boxes(read_folders(root))
    found = inspect_source(source, check_pictures="none", quiet=True)
    assert found.faults == []
    found = inspect_source(source, check_pictures="exists", quiet=True)
    assert [fault.cause for fault in found.faults] == ["picture_unreadable"]
    assert assume_boxes(source) is source


def write_table(root: Path, n: int = 12, **columns) -> Path:
    frame = pd.DataFrame(
        {
            "file": [f"{k}.png" for k in range(n)],
            "feeling": [("calm", "tense")[k % 2] for k in range(n)],
            "who": [f"{k // 2:03d}" for k in range(n)],
            **columns,
        }
    )
    for k in range(n):
        save_picture(root / f"{k}.png", k)
    frame.to_csv(root / "data.csv", index=False)
    return root


MAPPING = {"image": "file", "labels": "feeling"}


def test_a_table_may_name_its_columns_otherwise_and_lack_splits_and_boxes(tmp_path: Path) -> None:
    root = write_table(tmp_path, labels="a note")
    config = TableConfig(
        columns={**MAPPING, "source_id": "who"}, split="deal", boxes="picture", kind="multi"
    )
    frame = prepare_source(read_table_source(root, config), quiet=True).manifest.frame
    assert frame["labels"].tolist() == ["calm", "tense"] * 6  # not the column of that name
    assert frame["source_id"].iloc[2] == "001"  # text stays the text that it is
    assert set(frame["split"]) == {"train", "val", "test"}
    assert frame.groupby("source_id")["split"].nunique().max() == 1
    assert not {"file", "feeling", "who"} & set(frame)


def test_what_a_table_lacks_is_said_with_what_to_do(tmp_path: Path) -> None:
    root = write_table(tmp_path)
    with pytest.raises(InputError, match="none named image, split, x1.*--column.*--split deal"):
        read_table_source(root)
    with pytest.raises(InputError, match="Expected the columns nowhere in .*, got .*'file'"):
        read_table_source(root, TableConfig(columns={"image": "nowhere"}))
    with pytest.raises(InputError, match=r"got \['mood'\]"):
        TableConfig(columns={"mood": "feeling"})
    with pytest.raises(InputError, match="Expected split to be column or deal"):
        TableConfig(split="guess")


def test_rows_without_a_label_are_faults_and_no_obstacle_to_dealing(tmp_path: Path) -> None:
    root = write_table(tmp_path, feeling=["calm", ""] + ["calm", "tense"] * 5)
    config = TableConfig(columns=MAPPING, split="deal", boxes="picture")
    found = inspect_source(read_table_source(root, config), quiet=True)
    assert [(fault.cause, fault.record) for fault in found.faults] == [
        ("no_labels", "data.csv row 2")
    ]
    assert found.actions["no_labels"] == "fail"
    with pytest.raises(InputError, match="data.csv row 2"):
        prepare_source(read_table_source(root, config), quiet=True)


def test_the_commands_make_studies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_folders(tmp_path / "mine")
    out = str(tmp_path / "study")
    arguments = ["prepare", "folders", "--root", str(tmp_path / "mine"), "--out", out, "--quiet"]
    assert main([*arguments, "--boxes", "picture", "--name", "Mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["subjects"] == 10
    assert Study.open(out).name == "Mine"
    write_table(tmp_path / "table")
    arguments = ["prepare", "table", "--root", str(tmp_path / "table"), "--quiet", "--seed", "3"]
    arguments += ["--out", str(tmp_path / "m.parquet"), "--split", "deal", "--boxes", "picture"]
    arguments += [f"--column={ours}={theirs}" for ours, theirs in MAPPING.items()]
    assert main(arguments) == 0
    assert main([*arguments, "--column", "scene"]) == 2
    assert "OURS=THEIRS" in capsys.readouterr().err
