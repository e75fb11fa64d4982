"""EMOTIC's planted faults: each named by cause and record, and the rest of the tree usable."""

import json

import numpy as np
import pytest

from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.images import crop_box
from ccim_core.pictures import PictureReader
from ccim_core.study import Study
from tests.ccim_core.datasets.emotic_preparation import DROP, prepare


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
