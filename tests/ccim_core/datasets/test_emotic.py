"""EMOTIC's .mat form: both layouts, both structures of annotators, wrong files."""

import numpy as np
import pytest
from scipy.io import savemat

from ccim_core.datasets.emotic import read_emotic
from ccim_core.datasets.emotic_mat import SPLITS
from ccim_core.datasets.votes import soft_targets
from ccim_core.errors import InputError
from tests.ccim_core.datasets.builders import (
    EMOTIONS,
    build_emotic,
    emotic_person,
    emotic_record,
    save_emotic_mat,
    save_picture,
)
from tests.ccim_core.datasets.emotic_preparation import prepare


def one_picture(root, split, person, **record):
    """A tree of one picture a split, `person` in `split`."""
    records = {}
    for k, name in enumerate(("train", "val", "test")):
        save_picture(root / "emotic/mscoco/images" / f"{name}.jpg", k)
        people = [person] if name == split else [emotic_person(name, [["Peace"]])]
        records[name] = [emotic_record(name, "mscoco/images", f"{name}.jpg", people, **record)]
    save_emotic_mat(root / "Annotations/Annotations.mat", records)
    return root


def row_of(preparation, split):
    return preparation.manifest.frame.set_index("split").loc[split]


@pytest.mark.parametrize("older", [False, True])
def test_both_layouts_give_the_same_table(tmp_path, older):
    preparation = prepare(build_emotic(tmp_path, older=older))
    frame = preparation.manifest.frame
    assert preparation.summary.faults == ()
    assert frame["split"].value_counts().to_dict() == {"train": 18, "test": 12, "val": 9}
    assert set(frame["width"]) == {60}
    assert set(frame["height"]) == {40}
    assert list(frame.loc[0, ["x1", "y1", "x2", "y2"]]) == [2, 3, 30, 39]
    assert (preparation.source.image_root / frame["image"].iloc[0]).is_file()


def test_recorded_sizes_serve_where_pictures_are_not_decoded(tmp_path):
    person = emotic_person("train", [["Peace"]], box=(5, 5, 100, 30))
    preparation = prepare(one_picture(tmp_path, "train", person, size=(40, 80)), check="none")
    assert row_of(preparation, "train")["x2"] == 80


def test_one_emotion_is_one_emotion_and_not_its_letters(tmp_path):
    person = emotic_person("train", [["Doubt/Confusion"]])
    preparation = prepare(one_picture(tmp_path, "train", person))
    assert row_of(preparation, "train")["labels"] == "Doubt/Confusion"


def test_combined_emotions_and_means_are_taken_and_votes_only_on_request(tmp_path):
    votes = [["Peace"], ["Peace", "Pain"], ["Fear"]]
    person = emotic_person("val", votes, vad=[(1, 2, 3), (4, 5, 6), (7, 8, 9)])
    root = one_picture(tmp_path, "val", person)
    row = row_of(prepare(root), "val")
    assert set(row["labels"].split("|")) == {"Peace", "Pain", "Fear"}
    assert [row["valence"], row["arousal"], row["dominance"]] == [4, 5, 6]
    assert "soft_labels" not in row
    preparation = prepare(root, soft_labels=True)
    assert row_of(preparation, "val")["annotators"] == 3
    targets = soft_targets(preparation.manifest)
    place = list(preparation.manifest.frame["split"]).index("val")
    expected = dict.fromkeys(EMOTIONS, 0.0) | {"Peace": 2 / 3, "Pain": 1 / 3, "Fear": 1 / 3}
    np.testing.assert_allclose(targets[place], list(expected.values()), atol=1e-5)


def test_without_combined_emotions_the_union_of_votes_is_taken(tmp_path):
    person = emotic_person("train", [["Peace"], ["Pain"]], vad=[(1, 1, 1), (3, 3, 3)])
    row = row_of(prepare(one_picture(tmp_path, "train", person)), "train")
    assert set(row["labels"].split("|")) == {"Peace", "Pain"}
    assert row["valence"] == 2


def test_a_wrong_mat_file_is_named_with_what_it_holds(tmp_path):
    (tmp_path / "emotic/mscoco").mkdir(parents=True)
    savemat(tmp_path / "Annotations.mat", {"images": np.zeros(3)})
    with pytest.raises(InputError, match=r"variables train, val, test .* got \['images'\]"):
        read_emotic(tmp_path)
    savemat(tmp_path / "Annotations.mat", {"train": np.zeros(3), "val": np.zeros(3)})
    with pytest.raises(InputError, match=r"got \['train', 'val'\]; copy it again"):
        read_emotic(tmp_path)
    savemat(tmp_path / "Annotations.mat", dict.fromkeys(SPLITS, np.arange(3)))
    with pytest.raises(InputError, match=r"field filename at train\(1\), got no struct"):
        read_emotic(tmp_path)
    savemat(tmp_path / "Annotations.mat", {key: {"name": "x"} for key in SPLITS})
    with pytest.raises(InputError, match=r"field filename at train\(1\), got name"):
        read_emotic(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(600),
        b"\x89HDF\r\n\x1a\n" + bytes(600),
    ],
)
def test_an_hdf5_mat_file_says_how_to_save_it_again(tmp_path, content):
    (tmp_path / "Annotations.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"got version 7.3 \(HDF5\).*-v7"):
        read_emotic(tmp_path)


def test_damaged_and_other_files_are_one_sentence(tmp_path):
    build_emotic(tmp_path)
    path = tmp_path / "Annotations/Annotations.mat"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PK\x03\x04 a zip file", bytes(300)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="Expected"):
            read_emotic(tmp_path)


def test_a_tree_without_pictures_is_an_error_about_the_root(tmp_path):
    build_emotic(tmp_path)
    for path in (tmp_path / "emotic").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(InputError, match=r"split 'train' under .*emotic, got 12 of 12 missing"):
        prepare(tmp_path)


def test_five_percent_missing_is_borne_and_more_is_not(tmp_path):
    root = build_emotic(tmp_path, n_train=40)
    pictures = sorted((root / "emotic").rglob("train_*.jpg"))
    for path in pictures[:2]:
        path.unlink()
    summary = prepare(root).summary
    assert summary.splits["train"].images == 38
    pictures[2].unlink()
    with pytest.raises(InputError, match="got 3 of 40 missing"):
        prepare(root)


def test_the_same_file_under_one_name_in_two_splits_is_found_without_reading_it(tmp_path):
    records = {}
    for split in ("train", "val", "test"):
        people = [emotic_person(split, [["Peace"]])]
        records[split] = [emotic_record(split, "mscoco/images", f"{split}.jpg", people)]
    records["test"] = records["test"] * 2
    records["test"][1] = {**records["test"][1], "filename": "train.jpg"}
    save_emotic_mat(tmp_path / "Annotations.mat", records)
    with pytest.raises(InputError, match=r"train.jpg in train, mscoco/images/train.jpg in test"):
        prepare(tmp_path, check="none")
