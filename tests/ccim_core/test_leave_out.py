from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ccim_core import leave_out
from ccim_core.errors import InputError
from ccim_core.evaluation.evaluate import evaluate_run
from ccim_core.leave_out import (
    LeftOut,
    choose_contexts,
    derive_study,
    lost_emotions,
    scene_contexts,
)
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData
from ccim_core.training.train import train_run


def left_out(*contexts: str) -> LeftOut:
    return LeftOut(by="scene", contexts=contexts, made_by={"how": "named"}, clusters={})


def test_training_never_sees_them_and_tests_have_them_apart(
    tiny_study: Study, tmp_path: Path
) -> None:
    contexts = scene_contexts(tiny_study)
    derived = derive_study(tiny_study, tmp_path / "left", contexts, left_out("beach"))
    before, after = tiny_study.manifest.frame, derived.manifest.frame
    for split in ("train", "val", "oracle_train"):
        mine = after[after["split"] == split]
        outside = before[(before["split"] == split) & (before["scene"] != "beach")]
        assert mine["sample_id"].tolist() == outside["sample_id"].tolist()
    for split in ("test", "shift", "twins"):
        whole = before[before["split"] == split]
        for name, inside in ((split, False), (f"{split}_left_out", True)):
            mine = after[after["split"] == name]
            expected = whole[(whole["scene"] == "beach") == inside]
            assert mine["sample_id"].tolist() == expected["sample_id"].tolist()
    record = derived.info["settings"]["left_out"]
    assert record["of"]["manifest"] == tiny_study.manifest_hash
    assert sum(record["rows_dropped"].values()) == len(before) - len(after)


def test_it_shares_the_features_and_trains_and_evaluates(tiny_study: Study, tmp_path: Path) -> None:
    derived = derive_study(
        tiny_study, tmp_path / "left", scene_contexts(tiny_study), left_out("beach")
    )
    assert derived.features_root.resolve() == tiny_study.features_root.resolve()
    stores = {path: path.stat().st_mtime_ns for path in tiny_study.features_root.rglob("*.npy")}
    assert stores
    config = replace(Run.open(tiny_study.run_path("none-seed0")).config, name="plain")
    run = Run.open(train_run(derived, config, device="cpu", quiet=True))
    found = evaluate_run(
        run,
        StudyData(derived, quiet=True),
        splits=["test", "test_left_out", "shift_left_out"],
        n_bootstrap=0,
    )
    sizes = {row["split"]: row["n"] for row in found["rows"]}
    frame = tiny_study.manifest.frame
    assert sizes["test"] + sizes["test_left_out"] == (frame["split"] == "test").sum()
    # Nothing was encoded again.
    assert {p: p.stat().st_mtime_ns for p in tiny_study.features_root.rglob("*.npy")} == stores


def test_folds_are_disjoint_and_together_all(tiny_study: Study) -> None:
    contexts = scene_contexts(tiny_study)
    splits = tiny_study.manifest.frame["split"].to_numpy(str)
    folds = [choose_contexts(contexts, splits, n_folds=3, fold=fold) for fold in range(3)]
    everything = [name for fold in folds for name in fold]
    assert sorted(everything) == sorted(set(contexts[splits == "train"]))


def test_nothing_left_to_train_or_test_on_is_refused(tiny_study: Study, tmp_path: Path) -> None:
    contexts = scene_contexts(tiny_study)
    names = sorted(set(contexts))
    with pytest.raises(InputError, match="outside the contexts left out"):
        derive_study(tiny_study, tmp_path / "a", contexts, left_out(*names))
    splits = tiny_study.manifest.frame["split"].to_numpy(str)
    alone = np.where((splits == "train") & (contexts == "beach"), "cave", contexts)
    with pytest.raises(InputError, match="to test on in the contexts left out"):
        derive_study(tiny_study, tmp_path / "b", alone, left_out("cave"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="choose another"):
        derive_study(tiny_study, tmp_path / "full", contexts, left_out("beach"))


def test_an_emotion_that_training_loses_is_named(tiny_study: Study, tmp_path: Path) -> None:
    frame = tiny_study.manifest.frame
    contexts = np.where(frame["labels"] == "Fear", "night", "day")
    derived = derive_study(tiny_study, tmp_path / "left", contexts, left_out("night"))
    assert lost_emotions(derived) == ["Fear"]
    assert lost_emotions(tiny_study) == []


def test_folders_on_another_drive_are_stored_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leave_out._from(tmp_path / "a", tmp_path / "b" / "c") == "../b/c"

    def refuse(path: object, start: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("ccim_core.leave_out.os.path.relpath", refuse)
    assert leave_out._from(tmp_path / "a", tmp_path / "b") == (tmp_path / "b").resolve().as_posix()
