"""GroupWalk: the table form split by person or video, and the public pickle."""

import pickle

import numpy as np
import pandas as pd
import pytest

from ccim_core.cli import main
from ccim_core.datasets.groupwalk import GroupWalkConfig, read_groupwalk
from ccim_core.datasets.preparation import prepare_source
from ccim_core.errors import InputError
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_groupwalk_table, draw_picture


def prepare(root, *, policy=None, check="exists", **config):
    source = read_groupwalk(root, GroupWalkConfig(**config))
    return prepare_source(source, policy=policy, check_pictures=check, quiet=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return build_groupwalk_table(tmp_path_factory.mktemp("groupwalk"))


def rewrite(root, change):
    frame = pd.read_csv(root / "groupwalk.csv")
    change(frame).to_csv(root / "groupwalk.csv", index=False)
    return root


def test_no_person_is_in_two_splits_and_every_emotion_in_each(table):
    frame = prepare(table).manifest.frame
    assert (frame.groupby("person")["split"].nunique() == 1).all()
    assert frame["person"].nunique() == 32
    assert (pd.crosstab(frame["labels"], frame["split"]) > 0).all(axis=None)
    again = prepare(table).manifest.frame
    assert list(again["split"]) == list(frame["split"])
    assert list(prepare(table, seed=1).manifest.frame["split"]) != list(frame["split"])


def test_shares_are_of_persons(tmp_path):
    root = build_groupwalk_table(tmp_path, persons=160, frames=1)
    frame = prepare(root, test_share=0.15, val_share=0.1).manifest.frame
    counts = frame["split"].value_counts() / len(frame)
    assert counts["test"] == pytest.approx(0.15, abs=0.015)
    assert counts["val"] == pytest.approx(0.085, abs=0.02)


def test_frames_shared_by_two_splits_are_counted_and_by_video_there_are_none(table):
    by_person = prepare(table)
    shared = by_person.manifest.frame.groupby("image")["split"].nunique() > 1
    note = f"{int(shared.sum())} frames lie in several splits"
    assert shared.any()
    assert note in str(by_person.summary)
    by_video = prepare(table, split_by="video")
    frame = by_video.manifest.frame
    assert (frame.groupby("video")["split"].nunique() == 1).all()
    assert "frames lie in several splits" not in str(by_video.summary)


def test_frames_are_found_by_number_and_images_named_are_taken(table, tmp_path):
    frame = prepare(table).manifest.frame
    assert frame["image"].iloc[0] == "video_00/frame_00001.jpg"
    root = build_groupwalk_table(tmp_path)
    rewrite(root, lambda f: f.assign(image=f["video"] + "/frame_00002.jpg"))
    assert set(prepare(root).manifest.frame["image"].str[-11:]) == {"e_00002.jpg"}


def test_a_given_split_is_kept_and_a_person_in_two_is_a_leak(tmp_path):
    root = build_groupwalk_table(tmp_path)
    split = lambda f: f.assign(split=np.where(f["video"] < "video_08", "train", "test"))  # noqa: E731
    rewrite(root, split)
    frame = prepare(root).manifest.frame
    assert frame["split"].value_counts().to_dict() == {"train": 32, "test": 32}
    rewrite(root, lambda f: f.assign(split=np.where(f["frame"] == 1, "train", "test")))
    with pytest.raises(InputError, match=r"source_in_two_splits: 'video_00/p0' is in test, train"):
        prepare(root)


def test_labels_in_other_spellings_and_outside_the_vocabulary(tmp_path):
    root = build_groupwalk_table(tmp_path)
    rewrite(root, lambda f: f.replace({"label": {"Angry": "anger", "Sad": "SAD"}}))
    assert set(prepare(root).manifest.frame["labels"]) == {"Angry", "Happy", "Neutral", "Sad"}
    rewrite(root, lambda f: f.replace({"label": {"Happy": "Bored"}}))
    with pytest.raises(InputError, match="row 5: unknown_emotion: 'Bored' not in 'groupwalk'"):
        prepare(root)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: f.drop(columns="person"), "got none named person"),
        (lambda f: f.iloc[:0], "Expected rows"),
        (lambda f: f.assign(label=f["label"].where(f.index != 3)), "label in each row .* row 4"),
        (lambda f: f[f["person"].eq("p0") & f["video"].lt("video_08")], "3 or more persons of"),
        (
            lambda f: f.assign(video="video_99", split="train"),
            "frames of video 'video_99' as pictures",
        ),
        (lambda f: f.assign(video="../..", split="train"), "which leads out of it"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, change, message):
    root = rewrite(build_groupwalk_table(tmp_path), change)
    with pytest.raises(InputError, match=message):
        read_groupwalk(root)


def test_frames_listed_but_absent_are_an_error_about_the_root(tmp_path):
    root = build_groupwalk_table(tmp_path)
    for path in root.rglob("*.jpg"):
        path.unlink()
    with pytest.raises(InputError, match="missing .*check --root"):
        prepare(root)


def pictures(n, seed, form):
    stack = np.stack([draw_picture(seed + k, (24, 32)) for k in range(n)])
    if form == "floats first":
        return stack.transpose(0, 3, 1, 2).astype(np.float32) / 255
    return stack


def content(form="uint8", labels=None, ids=None, **splits):
    sizes = splits or {"train": 24, "val": 4, "test": 8}
    made = {}
    for number, (split, n) in enumerate(sizes.items()):
        made[split] = {
            "context21": pictures(n, number * 100, form),
            "context2": np.zeros((n, 5)),
            "labels": np.arange(n) % 4 if labels is None else labels(n),
            "id": [f"{split}{k // 2}" for k in range(n)] if ids is None else ids(n),
        }
    return made


def save(root, value):
    root.mkdir(parents=True, exist_ok=True)
    (root / "GroupWalk_data.pkl").write_bytes(pickle.dumps(value))
    return root


@pytest.mark.parametrize("form", ["uint8", "floats first"])
def test_the_pickle_becomes_pictures_and_rows(tmp_path, form):
    root = save(tmp_path / "raw", content(form))
    out = tmp_path / "study"
    assert main(["prepare", "groupwalk", "--root", str(root), "--out", str(out), "--quiet"]) == 0
    study = Study.open(out)
    frame = study.manifest.frame
    assert frame["split"].value_counts().to_dict() == {"train": 24, "test": 8, "val": 4}
    assert list(frame["labels"][:4]) == ["Angry", "Happy", "Neutral", "Sad"]
    assert (frame["box_source"] == "picture").all()
    expected = pictures(8, 200, "uint8")
    for image, picture in zip(frame[frame["split"] == "test"]["image"], expected, strict=True):
        np.testing.assert_array_equal(study.reader.read(image), picture)


def test_labels_as_numbers_rows_of_ones_or_names_are_the_same(tmp_path):
    emotions = np.array(["Angry", "Happy", "Neutral", "Sad"])
    read = [
        list(read_groupwalk(save(tmp_path / name, content(labels=labels))).frame["labels"])
        for name, labels in {
            "numbers": None,
            "ones": lambda n: np.eye(4)[np.arange(n) % 4],
            "names": lambda n: emotions[np.arange(n) % 4],
        }.items()
    ]
    assert read[0] == read[1] == read[2]


def test_validation_is_carved_by_person_where_the_pickle_has_none(tmp_path):
    value = content(train=48, test=8, ids=lambda n: [f"{n}-{k % 16}" for k in range(n)])
    frame = prepare(save(tmp_path, value), val_share=0.25).manifest.frame
    train = frame[frame["image"].str.startswith("train/")]
    assert train["split"].value_counts().to_dict() == {"train": 36, "val": 12}
    assert (train.groupby("source_id")["split"].nunique() == 1).all()


def test_ids_that_only_count_rows_are_no_persons(tmp_path):
    preparation = prepare(save(tmp_path, content(ids=np.arange)))
    assert "source_id" not in preparation.manifest.frame
    assert "No id repeats within a split" in str(preparation.summary)
    persons = content(ids=lambda n: np.arange(n) // 2)
    with pytest.raises(InputError, match="source_in_two_splits"):
        prepare(save(tmp_path, persons))


def broken(**changes):
    value = content()
    value["train"] |= changes
    return value


@pytest.mark.parametrize(
    "value, message",
    [
        ([1, 2], "Expected a dict with train and test in .*, got list"),
        ({"train": {}}, r"got \['train'\]"),
        (broken(context21=np.zeros((24, 7))), "Expected pictures"),
        (broken(context21=np.full((24, 8, 8, 3), -1.0)), "Expected pictures"),
        (broken(labels=np.arange(24)), "labels of 0 to 3"),
        (broken(labels=np.ones((24, 4))), "one emotion in each row"),
        (broken(labels=np.zeros(3, int)), "24 pictures, 3 labels and 24 ids"),
        ({**content(), "train": {"context21": pictures(4, 0, "uint8")}}, "keys labels and id"),
    ],
)
def test_pickles_of_another_structure(tmp_path, value, message):
    with pytest.raises(InputError, match=message):
        read_groupwalk(save(tmp_path, value))


def test_a_pickle_that_asks_for_another_class_writes_nothing(tmp_path, capsys):
    root = save(tmp_path / "raw", {"train": pd.DataFrame({"a": [1]}), "test": {}})
    out = tmp_path / "study"
    assert main(["prepare", "groupwalk", "--root", str(root), "--out", str(out)]) == 2
    assert "NumPy arrays and builtins alone" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]
