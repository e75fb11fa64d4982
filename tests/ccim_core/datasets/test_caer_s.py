"""CAER-S: spellings, carved validation, face lists in both styles, near-duplicates, wrong trees."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ccim_core.cli import main
from ccim_core.datasets.caer_s import CaerSConfig, read_caer_s
from ccim_core.datasets.preparation import prepare_source
from ccim_core.detection import grow_body_box
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_caer_s, draw_picture, save_picture

EMOTIONS = get_label_set("caer-s").emotions
ADJECTIVES = {"Anger": "Angry", "Disgust": "Disgusted", "Happy": "Happiness", "Fear": "fearful"}


def prepare(root, *, check="exists", policy=None, **config):
    source = read_caer_s(root, CaerSConfig(**config))
    return prepare_source(source, check_pictures=check, policy=policy, quiet=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return build_caer_s(tmp_path_factory.mktemp("caer_s"), n_train=8, n_test=3)


@pytest.mark.parametrize("spelling", [{}, ADJECTIVES])
def test_both_spellings_are_one_vocabulary(tmp_path, spelling):
    root = build_caer_s(tmp_path, n_train=2, n_test=1, spelling=spelling)
    frame = prepare(root, val_share=0.5).manifest.frame
    assert sorted(frame["labels"].unique()) == sorted(EMOTIONS)
    for image, label in zip(frame["image"], frame["labels"], strict=True):
        assert image.split("/")[1] == spelling.get(label, label)


def test_validation_is_carved_from_train_alone_by_emotion_and_by_seed(tree):
    frame = prepare(tree, val_share=0.25, seed=3).manifest.frame
    counts = pd.crosstab(frame["labels"], frame["split"])
    assert (counts["val"] == 2).all()
    assert (counts["train"] == 6).all()
    assert frame[frame["split"] == "val"]["image"].str.startswith("train/").all()
    assert frame[frame["image"].str.startswith("test/")]["split"].eq("test").all()
    again = prepare(tree, val_share=0.25, seed=3).manifest.frame
    other = prepare(tree, val_share=0.25, seed=4).manifest.frame
    assert list(again["split"]) == list(frame["split"])
    assert list(other["split"]) != list(frame["split"])


def test_a_validation_folder_is_taken_as_it_is(tmp_path):
    root = build_caer_s(tmp_path, n_train=2, n_test=1)
    (root / "train").rename(root / "val")
    build_caer_s(root, n_train=3, n_test=0)
    counts = prepare(root).manifest.frame["split"].value_counts()
    assert counts.to_dict() == {"train": 21, "val": 14, "test": 7}


def test_without_faces_the_box_is_the_picture_and_the_summary_says_so(tree):
    preparation = prepare(tree)
    frame = preparation.manifest.frame
    assert set(frame["box_source"]) == {"picture"}
    assert (frame[["x1", "y1", "x2", "y2"]] == [0, 0, 60, 40]).all(axis=None)
    assert "77 subjects have the whole picture as their box" in str(preparation.summary)


def write_faces(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    return path


def test_face_lists_in_both_path_styles_and_spellings(tmp_path):
    root = build_caer_s(tmp_path / "raw", n_train=2, n_test=2, spelling={"Anger": "Angry"})
    lists = (
        write_faces(tmp_path / "train.txt", [("Anger/0001.png", 0, 20, 5, 30, 15)]),
        write_faces(tmp_path / "all.txt", [("test/Angry/0001.png", 0, 21, 5, 31, 15)]),
        write_faces(tmp_path / "test" / "Sad.txt", [("Sad/0002.png", 5, 22, 5, 32, 15)]),
    )
    preparation = prepare(root, val_share=0.5, faces=lists)
    frame = preparation.manifest.frame.set_index("image")
    for image, left in (
        ("train/Angry/0001.png", 20),
        ("test/Angry/0001.png", 21),
        ("test/Sad/0002.png", 22),
    ):
        row = frame.loc[image]
        face = (left, 5, left + 10, 15)
        assert tuple(row[["face_x1", "face_y1", "face_x2", "face_y2"]]) == face
        assert tuple(row[["x1", "y1", "x2", "y2"]]) == grow_body_box(face, 60, 40)
        assert row["box_source"] == "face"
    assert frame.loc["test/Angry/0002.png", "box_source"] == "picture"
    assert np.isnan(frame.loc["test/Angry/0002.png", "face_x1"])
    counts = preparation.summary.counts["face_missing"]
    assert sum(counts.values()) == 28 - 3


def test_face_lists_at_fault(tmp_path):
    root = build_caer_s(tmp_path / "raw", n_train=2, n_test=1)
    lines = [
        ("Happy/0001.png", 3, 70, 5, 90, 15),  # outside
        ("Sad/0001.png", 5, -5, 5, 12, 15),  # partly outside
        ("Sad/0002.png", 2, 5, 5, 12, 15),  # Fear, says the list
        ("Sad/0009.png", 5, 5, 5, 12, 15),  # no such picture
    ]
    faces = write_faces(tmp_path / "train.txt", lines)
    with pytest.raises(InputError, match="face_label_differs: Fear in the list, Sad by its folder"):
        prepare(root, faces=(faces,), val_share=0.5)
    policy = {"face_label_differs": "drop", "face_missing": "drop"}
    preparation = prepare(root, faces=(faces,), val_share=0.5, policy=policy)
    frame = preparation.manifest.frame.set_index("image")
    assert list(frame.index) == ["train/Happy/0001.png", "train/Sad/0001.png"]
    assert np.isnan(frame.loc["train/Happy/0001.png", "face_x1"])
    assert frame.loc["train/Happy/0001.png", "box_source"] == "picture"
    assert frame.loc["train/Sad/0001.png", "face_x1"] == 0
    faults = {fault.cause: fault for fault in preparation.summary.faults}
    assert faults["face_without_picture"].record == "train.txt line 4"


@pytest.mark.parametrize(
    "line, message",
    [
        (("Sad/0001.png", 5, 1, 2, 3), "Expected path,label,x1,y1,x2,y2 in train.txt line 1"),
        (("Sad/0001.png", 7, 1, 2, 3, 4), "a label of 0 to 6 in train.txt line 1, got 7"),
        (("Sad/0001.png", 5, 1, 2, "nan", 4), "finite numbers"),
    ],
)
def test_lines_of_another_form_are_refused(tree, tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        read_caer_s(tree, CaerSConfig(faces=(write_faces(tmp_path / "train.txt", [line]),)))


def test_near_duplicates_across_splits_are_reported_with_their_nearest(tmp_path, capsys):
    root = build_caer_s(tmp_path / "raw", n_train=3, n_test=2, size=(80, 120))
    frame = Image.fromarray(draw_picture(1, (80, 120)))  # train/Anger/0001.png
    frame.resize((150, 100)).save(root / "test/Anger/0001.png")
    out = tmp_path / "study"
    options = ["--root", str(root), "--out", str(out), "--quiet", "--val-share", "0.4"]
    assert main(["prepare", "caer-s", *options, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["summary"]["near_duplicates"]
    matches = pd.read_csv(out / "near_duplicates.csv")
    found = matches[matches["image"] == "test/Anger/0001.png"]
    assert "train/Anger/0001.png" in set(found["other_image"])
    assert sum(row["with_near_duplicate"] for row in report["counts"]) == len(matches)
    assert (matches["distance"] <= report["max_distance"]).all()
    assert len(matches) < 10


def test_identical_files_across_splits_are_refused(tmp_path, capsys):
    root = build_caer_s(tmp_path / "raw", n_train=3, n_test=1)
    copied = (root / "train/Sad/0001.png").read_bytes()
    (root / "test/Sad/0001.png").write_bytes(copied)
    out = tmp_path / "out.parquet"
    assert main(["prepare", "caer-s", "--root", str(root), "--out", str(out), "--quiet"]) == 2
    assert "the same file is train/Sad/0001.png in" in capsys.readouterr().err
    assert not out.exists()


def test_damaged_pictures_are_dropped_and_counted(tmp_path):
    root = build_caer_s(tmp_path, n_train=3, n_test=1)
    (root / "train/Sad/0002.png").write_text("no picture")
    for check in ("exists", "decode"):
        summary = prepare(root, check=check).summary
        assert sum(summary.counts["picture_unreadable"].values()) == 1
        assert summary.subjects == 27


def test_trees_that_are_none(tmp_path):
    with pytest.raises(InputError, match="got no train/"):
        read_caer_s(tmp_path)
    root = build_caer_s(tmp_path / "a", n_train=1, n_test=1)
    save_picture(root / "test/Boredom/0001.png", 1)
    with pytest.raises(InputError, match="got 'Boredom'"):
        read_caer_s(root)
    root = build_caer_s(tmp_path / "b", n_train=2, n_test=1)
    (root / "test/Fear/0001.png").unlink()
    with pytest.raises(InputError, match="got none of Fear"):
        read_caer_s(root)


def test_the_study_records_how_validation_was_carved(tree, tmp_path):
    out = tmp_path / "study"
    options = ["--root", str(tree), "--out", str(out), "--quiet", "--check-pictures", "exists"]
    assert main(["prepare", "caer-s", *options, "--seed", "5"]) == 0
    settings = Study.open(out).info["settings"]["prepare"]
    assert (settings["seed"], settings["val_share"]) == (5, 0.125)
    assert Study.open(out).reader.read("test/Sad/0001.png").shape == (40, 60, 3)
