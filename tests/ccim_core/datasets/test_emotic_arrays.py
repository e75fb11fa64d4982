"""EMOTIC's community form: CSV with arrays, with and without the original pictures."""

import csv

import numpy as np
import pytest

from ccim_core.cli import main
from ccim_core.datasets.emotic import EmoticConfig, read_emotic
from ccim_core.datasets.preparation import prepare_source
from ccim_core.errors import InputError
from ccim_core.manifest import Manifest
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_emotic_arrays, save_picture


def change_csv(path, row, column, value):
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    rows[row][rows[0].index(column)] = value
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def prepare(root):
    return prepare_source(read_emotic(root), quiet=True)


def test_contexts_are_written_once_a_picture_with_boxes_scaled_to_them(tmp_path):
    root = build_emotic_arrays(tmp_path / "pre", size=(40, 60))
    out = tmp_path / "study"
    assert main(["prepare", "emotic", "--root", str(root), "--out", str(out), "--quiet"]) == 0
    study = Study.open(out)
    frame = study.manifest.frame
    assert len(frame) == 18
    assert len(list((out / "pictures").rglob("*.png"))) == 9  # two subjects a picture
    box = frame.loc[0, ["x1", "y1", "x2", "y2"]].to_numpy(float)
    np.testing.assert_allclose(box, [3 * 224 / 60, 4 * 224 / 40, 30 * 224 / 60, 36 * 224 / 40])
    contexts = np.load(root / "test_context_arr.npy")
    rows = frame[frame["split"] == "test"]
    for image, context in zip(rows["image"], contexts, strict=True):
        np.testing.assert_array_equal(study.reader.read(image), context)
    assert frame.loc[2, "labels"] == "Annoyance|Anticipation|Aversion"
    assert list(frame.loc[0, ["valence", "arousal", "dominance"]]) == [5, 6, 7]


def test_beside_a_manifest_the_pictures_have_a_folder_of_their_own(tmp_path, capsys):
    root = build_emotic_arrays(tmp_path / "pre")
    out = tmp_path / "emotic.parquet"
    assert main(["prepare", "emotic", "--root", str(root), "--out", str(out), "--quiet"]) == 0
    pictures = tmp_path / "emotic.pictures"
    assert capsys.readouterr().out.endswith(f"--manifest {out} --images {pictures}\n")
    assert all((pictures / image).is_file() for image in Manifest.load(out).frame["image"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "pre",
        "emotic.parquet",
        "emotic.summary.json",
        "emotic.pictures",
    }


def test_original_pictures_are_used_where_they_lie_beside(tmp_path):
    build_emotic_arrays(tmp_path / "emotic_pre")
    for k, split in enumerate(("train", "val", "test")):
        for j in range(3):
            save_picture(tmp_path / "emotic/mscoco/images" / f"{split}_{j}.jpg", k * 10 + j)
    preparation = prepare(tmp_path)
    assert preparation.source.image_root == tmp_path / "emotic"
    assert list(preparation.manifest.frame.loc[0, ["x1", "y1", "x2", "y2"]]) == [3, 4, 30, 36]
    assert preparation.summary.settings["pictures"] == "originals"


def test_numbers_and_names_as_numpy_2_writes_them_are_read(tmp_path):
    root = build_emotic_arrays(tmp_path)
    change_csv(root / "train.csv", 1, "Categorical_Labels", "[np.str_('Affection')]")
    vad = "[np.float64(5.5), nan, np.float64(2e0)]"
    change_csv(root / "train.csv", 1, "Continuous_Labels", vad)
    preparation = prepare(root)
    row = preparation.manifest.frame.iloc[0]
    assert row["labels"] == "Affection"
    assert (row["valence"], row["dominance"]) == (5.5, 2)
    assert preparation.summary.counts == {"vad_missing": {"train": 1}}


def test_rows_that_do_not_match_the_arrays_are_refused(tmp_path):
    root = build_emotic_arrays(tmp_path)
    change_csv(root / "val.csv", 2, "Categorical_Labels", "['Peace']")
    with pytest.raises(InputError, match=r"\['Peace'\] in row 2; the files are not of one run"):
        read_emotic(root)
    (root / "val_cat_arr.npy").unlink()
    np.save(root / "test_context_arr.npy", np.zeros((5, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="of shape 6 × N × N × 3 in .*, got 5 × 8 × 8 × 3"):
        read_emotic(root)


def test_an_array_of_objects_is_refused_unread(tmp_path):
    root = build_emotic_arrays(tmp_path)
    np.save(root / "val_context_arr.npy", np.array([{"a": 1}] * 6, object), allow_pickle=True)
    with pytest.raises(InputError, match="as an array of numbers"):
        read_emotic(root)


def test_the_same_context_in_two_splits_is_a_leak(tmp_path):
    root = build_emotic_arrays(tmp_path)
    contexts = np.load(root / "test_context_arr.npy")
    contexts[:2] = np.load(root / "train_context_arr.npy")[0]
    np.save(root / "test_context_arr.npy", contexts)
    with pytest.raises(InputError, match="file_in_two_splits"):
        prepare(root)


def test_a_path_that_leads_out_writes_nothing_outside(tmp_path):
    root = build_emotic_arrays(tmp_path / "pre")
    change_csv(root / "train.csv", 1, "Folder", "../../../..")
    out = tmp_path / "inner" / "study"
    assert main(["prepare", "emotic", "--root", str(root), "--out", str(out), "--quiet"]) == 2
    assert not out.exists()
    assert not list(tmp_path.rglob("*.png"))


def test_missing_files_and_votes_are_said(tmp_path):
    root = build_emotic_arrays(tmp_path)
    with pytest.raises(InputError, match="no annotators' votes"):
        read_emotic(root, EmoticConfig(soft_labels=True))
    (root / "test.csv").unlink()
    with pytest.raises(InputError, match="got no test.csv"):
        read_emotic(root)
    (root / "train.csv").unlink()
    with pytest.raises(InputError, match=r"EMOTIC's annotations in .* \(Annotations/"):
        read_emotic(root)
