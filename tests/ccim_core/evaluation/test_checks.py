from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.evaluation.checks import align_predictions, require_same_study
from ccim_core.evaluation.evaluate import evaluate_run
from ccim_core.evaluation.table import study_table
from ccim_core.files import read_json, write_json
from ccim_core.labels import LABEL_SETS
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData


@pytest.fixture
def copied(tiny_study: Study, tmp_path: Path) -> Study:
    """The study with one evaluated run, to be spoilt."""
    path = tmp_path / "copy"
    shutil.copytree(
        tiny_study.path, path, ignore=shutil.ignore_patterns("runs", "features", "dictionaries")
    )
    name = "none-seed0"
    shutil.copytree(tiny_study.runs_root / name, path / "runs" / name)
    return Study.open(path)


def test_runs_of_one_study_pass(tiny_study: Study) -> None:
    for path in tiny_study.run_paths():
        require_same_study(Run.open(path), tiny_study)


def test_a_run_of_another_manifest_is_in_no_table(
    copied: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = copied.manifest.frame.iloc[:-1]
    replace(copied.manifest, frame=frame).save(copied.path / "manifest.parquet")
    changed = Study.open(copied.path)
    run = Run.open(changed.run_path("none-seed0"))
    for refuse in (
        lambda: study_table(changed),
        lambda: evaluate_run(run, StudyData(changed, quiet=True)),
    ):
        with pytest.raises(InputError, match="trained on this study's manifest"):
            refuse()
    assert main(["evaluate", "--study", str(changed.path), "--quiet", "--json"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1


def test_a_run_of_another_label_set_is_in_no_table(copied: Study) -> None:
    path = copied.run_path("none-seed0") / "config.json"
    info = read_json(path)
    write_json(path, {**info, "label_set": LABEL_SETS["groupwalk"].to_dict()})
    with pytest.raises(InputError, match="'controlled', got"):
        study_table(copied)


def test_a_run_that_does_not_say_is_taken_at_its_word(copied: Study) -> None:
    path = copied.run_path("none-seed0")
    write_json(path / "environment.json", {})
    require_same_study(Run.open(path), copied)


def test_predictions_are_put_in_the_manifests_order(tiny_study: Study) -> None:
    ids = tiny_study.manifest.split("test").frame["sample_id"].to_numpy()
    shuffled = np.random.default_rng(0).permutation(ids)
    order = align_predictions(shuffled, tiny_study.manifest, "test", source="x")
    assert shuffled[order].tolist() == ids.tolist()
    for wrong in (ids[:-1], np.append(ids, ids[0]), np.append(ids[:-1], ids[0]), ids[:0]):
        with pytest.raises(InputError, match=r"one prediction for each of the 35 subjects .* in x"):
            align_predictions(wrong, tiny_study.manifest, "test", source="x")


def test_a_run_trained_where_boxes_were_rounded_otherwise_opens_once_that_is_shown(
    copied: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = copied.manifest.frame
    elsewhere = copied.manifest
    nudged = replace(elsewhere, frame=frame.assign(face_x1=frame["face_x1"] + 1 / 128))
    nudged.save(copied.path / "manifest.parquet")
    here = Study.open(copied.path)
    run = Run.open(here.run_path("none-seed0"))
    with pytest.raises(InputError, match="trained on this study's manifest"):
        require_same_study(run, here)
    elsewhere.save(copied.path / "elsewhere.parquet")
    evaluate = ["evaluate", "--study", str(copied.path), "--bootstrap", "0", "--quiet"]
    assert main(evaluate) == 2
    assert main([*evaluate, "--trained-on", str(copied.path / "elsewhere.parquet")]) == 0
    again = Study.open(copied.path)
    require_same_study(run, again)
    assert len(study_table(again))
    record = read_json(copied.path / "study.json")["equivalent_manifests"]
    assert record == {elsewhere.content_hash(): {"largest_difference_px": 1 / 128}}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"face_x1": lambda frame: frame["face_x1"] + 0.1}, "difference of 0.1"),
        ({"split": lambda frame: frame["split"].iloc[::-1].to_numpy()}, "got others"),
        ({"face_x1": lambda frame: frame["face_x1"].where(frame.index > 0)}, "where none are"),
    ],
)
def test_other_rows_are_not_taken_for_the_same(
    copied: Study, change: dict[str, Callable[[pd.DataFrame], object]], message: str
) -> None:
    before = (copied.path / "study.json").read_bytes()
    other = replace(copied.manifest, frame=copied.manifest.frame.assign(**change))
    with pytest.raises(InputError, match=message):
        copied.accept_manifest(other)
    assert (copied.path / "study.json").read_bytes() == before
