"""EMOTIC's .mat form: both layouts, both structures of annotators, planted faults, wrong files."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from ccim_core.cli import main
from ccim_core.datasets.emotic import EmoticConfig, read_emotic
from ccim_core.datasets.emotic_mat import SPLITS
from ccim_core.datasets.preparation import prepare_source
from ccim_core.datasets.votes import soft_targets
from ccim_core.errors import InputError
from ccim_core.images import crop_box
from ccim_core.labels import get_label_set
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import (
    EMOTIONS,
    build_emotic,
    build_faulty_emotic,
    emotic_person,
    emotic_record,
    save_emotic_mat,
    save_picture,
)

# Its own peak memory: `ru_maxrss` of a child counts the parent that it was forked from.
MEASURED = """
import re, sys, time
from ccim_core.cli import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(time.process_time(), peak[1], file=sys.stderr)
sys.exit(code)
"""
DROP = {"unknown_emotion": "drop", "file_in_two_splits": "drop"}


def prepare(root, *, policy=None, check="decode", **config):
    source = read_emotic(root, EmoticConfig(**config))
    return prepare_source(source, policy=policy, check_pictures=check, quiet=True)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return build_faulty_emotic(tmp_path_factory.mktemp("emotic"))


@pytest.fixture(scope="module")
def prepared(faulty):
    return prepare(faulty.root, policy=DROP)


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


def test_all_24_planted_faults_are_named_by_cause_and_record(faulty, prepared):
    assert len(faulty.planted) == 24
    summary = prepared.summary
    found = {fault.record: fault.cause for fault in summary.faults}
    assert found == faulty.planted | faulty.twins
    text = str(summary)
    for record, cause in faulty.planted.items():
        assert f"{record}: {cause}: " in text


def test_the_rest_of_a_faulty_tree_can_be_read_and_cropped(faulty, prepared):
    frame = prepared.manifest.frame
    kept = {"box_partly_outside", "picture_not_rgb", "picture_size_differs", "vad_missing"}
    kept |= {"vad_out_of_range", "duplicate_subject", "votes_differ"}
    for record, cause in faulty.planted.items():
        assert (record in set(frame["record"])) == (cause in kept), record
    reader = PictureReader({"images": prepared.source.image_root})
    for image, box in zip(frame["image"], prepared.manifest.boxes(), strict=True):
        assert crop_box(reader.read(image), box).size > 0


def test_the_rest_of_a_faulty_tree_trains(tmp_path, faulty):
    out = tmp_path / "study"
    policies = [f"{cause}={action}" for cause, action in DROP.items()]
    prepare_it = ["prepare", "emotic", "--root", str(faulty.root), "--out", str(out), "--quiet"]
    assert main([*prepare_it, "--policy", policies[0], "--policy", policies[1]]) == 0
    encoders = ["--encoder.subject", "efficientnet-lite0", "--encoder.context"]
    config = [*encoders, "efficientnet-lite0", "--intervention.name", "ccim"]
    config += ["--dictionary.size", "4", "--dictionary.components", "4", "--train.epochs", "2"]
    assert main(["train", "--study", str(out), "--device", "cpu", "--quiet", *config]) == 0
    (run,) = Study.open(out).run_paths()
    lines = (run / "metrics.jsonl").read_text().splitlines()
    losses = [record["train_loss"] for record in map(json.loads, lines) if "train_loss" in record]
    assert len(losses) == 2
    assert losses[1] < losses[0]


def test_a_partly_outside_box_is_clipped_to_the_picture(prepared):
    frame = prepared.manifest.frame.set_index("record")
    box = frame.loc["train(1).person(1)", ["x1", "y1", "x2", "y2"]]
    assert list(box) == [0, 5, 30, 40]


def test_faulty_vad_is_left_empty_and_the_subject_kept(faulty, prepared):
    frame = prepared.manifest.frame.set_index("record")
    vad = frame.loc["train(17).person(1)", ["valence", "arousal", "dominance"]]
    assert list(vad[:2]) == [5, 5]
    assert np.isnan(vad["dominance"])
    dropping = prepare(faulty.root, policy={**DROP, "vad_missing": "drop"}).manifest.frame
    assert "train(16).person(1)" not in set(dropping["record"])


def test_counts_by_split_add_up(prepared):
    summary = prepared.summary
    for split in ("train", "val", "test"):
        account = summary.splits[split]
        lost = {
            fault.record
            for fault in summary.faults
            if fault.split == split and summary.actions[fault.cause] == "drop"
            if ".person" in fault.record
        }
        assert account.subjects_read - account.subjects == len(lost)
    assert summary.splits["train"].dropped["picture_unreadable"] == 3
    assert summary.counts["file_in_two_splits"] == {"train": 2, "val": 1}


def test_a_fault_that_fails_names_its_record_and_the_way_out(faulty):
    with pytest.raises(InputError) as error:
        prepare(faulty.root, policy={"unknown_emotion": "drop"})
    assert "train(20).person(1): file_in_two_splits" in str(error.value)
    assert "--policy file_in_two_splits=drop" in str(error.value)
    with pytest.raises(InputError, match="'Boredom' not in 'emotic'"):
        prepare(faulty.root, policy={"file_in_two_splits": "drop"})


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


def test_the_command_writes_a_manifest_and_its_account(tmp_path, capsys, faulty, prepared):
    out = tmp_path / "made" / "emotic.parquet"
    options = ["prepare", "emotic", "--root", str(faulty.root), "--out", str(out), "--quiet"]
    policies = ["--policy", "unknown_emotion=drop", "--policy", "file_in_two_splits=drop"]
    assert main([*options, *policies]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-2] == f"Wrote {out}"
    pictures = faulty.root / "emotic"
    assert text.splitlines()[-1] == (
        f"Next: python -m ccim_core features --manifest {out} --images {pictures}"
    )
    assert len(Manifest.load(out)) == prepared.summary.subjects
    account = json.loads((out.parent / "emotic.summary.json").read_text())
    assert {fault["record"] for fault in account["faults"]} >= set(faulty.planted)
    assert main([*options, *policies, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["summary"] == account
    assert answer["out"] == str(out)


def test_the_command_makes_a_study_that_reads_its_pictures(tmp_path, capsys):
    root = build_emotic(tmp_path / "raw")
    out = tmp_path / "study"
    command = ["prepare", "emotic", "--root", str(root), "--out", str(out), "--quiet"]
    assert main([*command, "--soft-labels", "--name", "EMOTIC, small"]) == 0
    assert capsys.readouterr().out.endswith(f"python -m ccim_core features --study {out}\n")
    study = Study.open(out)
    assert (study.kind, study.name) == ("emotic", "EMOTIC, small")
    assert study.info["settings"]["prepare"]["soft_labels"] is True
    assert study.reader.read(study.manifest.frame["image"].iloc[0]).shape == (40, 60, 3)
    assert main([*command, "--soft-labels"]) == 0  # again


def test_nothing_is_written_where_the_input_is_refused(tmp_path, capsys, faulty):
    out = tmp_path / "study"
    assert main(["prepare", "emotic", "--root", str(faulty.root), "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("error:") == 1
    assert not list(tmp_path.iterdir())
    assert main(["prepare", "emotic", "--root", str(tmp_path / "no"), "--out", str(out)]) == 2
    other = Study.create(
        tmp_path / "other", name="x", kind="caer-s", labels=get_label_set("caer-s")
    )
    command = ["prepare", "emotic", "--root", str(faulty.root), "--out", str(other.path)]
    assert main(command) == 2
    assert "got one of 'caer-s'" in capsys.readouterr().err


@pytest.mark.slow
def test_annotations_of_the_real_size_take_under_20_seconds_and_1_gb(tmp_path):
    """23,571 pictures, 34,320 subjects, several annotators in val and test; CPU seconds."""
    rng = np.random.default_rng(0)
    sizes = {"train": (17_077, 23_706, 1), "val": (2_088, 3_334, 5), "test": (4_406, 7_280, 3)}
    records = {}
    for split, (pictures, persons, annotators) in sizes.items():
        counts = 1 + np.bincount(rng.integers(0, pictures, persons - pictures), minlength=pictures)
        records[split] = [
            emotic_record(
                split,
                "mscoco/images",
                f"COCO_{split}_{k:012d}.jpg",
                [
                    emotic_person(split, rng.choice(EMOTIONS, (annotators, 2)).tolist())
                    for _ in range(count)
                ],
            )
            for k, count in enumerate(counts)
        ]
    save_emotic_mat(tmp_path / "Annotations/Annotations.mat", records)
    (tmp_path / "emotic/mscoco").mkdir(parents=True)
    out = tmp_path / "out.parquet"
    command = ["prepare", "emotic", "--root", str(tmp_path), "--out", str(out)]
    options = ["--check-pictures", "none", "--soft-labels", "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command, *options],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    wall = time.perf_counter() - start
    seconds, kilobytes = map(float, done.stderr.split()[-2:])
    print(f"{wall:.1f} s wall, {seconds:.1f} s CPU, {kilobytes / 1e6:.2f} GB")
    manifest = Manifest.load(out)
    assert len(manifest) == 34_320
    assert manifest.frame["image"].nunique() == 23_571
    assert seconds < 20  # CPU time: a busy machine must not fail it
    assert kilobytes < 1_000_000
