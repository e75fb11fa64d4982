"""Loaders: which studies there are, what is read again, and the lock on the model."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pandas as pd
import pytest

from app import study_cache
from app.study_cache import SharedPredictor
from ccim_core.errors import InputError
from ccim_core.files import write_json
from tests.app.fakes import FakePredictor, make_photo_study


def test_studies_are_those_present(assets: Path) -> None:
    assert study_cache.available_studies() == {}
    make_photo_study(assets / "photo_model")
    assert list(study_cache.available_studies()) == ["photographs"]


def test_studies_of_the_command_line_come_first_under_keys_without_paths(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo_study(assets / "photo_model")
    for folder in ("one", "two"):
        make_photo_study(tmp_path / folder / "mine")
    arguments = ["app/main.py"]
    for folder in ("one", "two", "gone"):
        arguments += ["--study", str(tmp_path / folder / "mine")]
    monkeypatch.setattr("sys.argv", arguments)
    entries = study_cache.available_studies()
    assert list(entries) == ["mine", "mine-2", "photographs"]
    assert entries["mine-2"].path == tmp_path / "two" / "mine"


def test_a_study_made_again_is_read_again(assets: Path) -> None:
    path = assets / "photo_model"
    make_photo_study(path)
    first = study_cache.load_study(path)
    assert study_cache.load_study(path) is first
    write_json(path / "study.json", {**first.info, "name": "Renamed"})
    os.utime(path / "study.json", ns=(1, 1))
    assert study_cache.load_study(path).name == "Renamed"


def test_a_path_that_is_no_study_is_an_input_error(assets: Path) -> None:
    with pytest.raises(InputError, match="Expected a study directory"):
        study_cache.load_study(assets)


def test_tables_and_json_are_read_by_version_and_none_where_missing(assets: Path) -> None:
    table, record = assets / "table.parquet", assets / "record.json"
    assert study_cache.load_table(table) is None
    assert study_cache.load_json(record) is None
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_parquet(table)
    write_json(record, {"a": 1})
    frame = study_cache.load_table(table, ("a",))
    assert frame is not None
    assert list(frame.columns) == ["a"]
    # What one visitor does to a frame is not seen by another.
    frame["a"] = 0
    again = study_cache.load_table(table, ("a",))
    assert again is not None
    assert again["a"].tolist() == [1, 2]
    write_json(record, {"a": 2})
    os.utime(record, ns=(1, 1))
    assert study_cache.load_json(record) == {"a": 2}


def test_a_table_that_is_none_is_an_input_error(assets: Path) -> None:
    (assets / "table.parquet").write_text("not a table")
    with pytest.raises(InputError, match="Expected a Parquet table"):
        study_cache.load_table(assets / "table.parquet")


def test_the_model_is_one_visitors_at_a_time() -> None:
    shared = SharedPredictor(predictor=FakePredictor())
    inside, leave = threading.Event(), threading.Event()

    def first_visitor() -> None:
        with shared.reserved():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=first_visitor)
    thread.start()
    assert inside.wait(10)
    assert shared.busy
    with pytest.raises(InputError, match="try again in a moment"), shared.reserved(timeout=0.05):
        raise AssertionError("two visitors at once")
    leave.set()
    thread.join()
    with shared.reserved(timeout=0.05):
        assert shared.busy
    assert not shared.busy


def test_the_lock_is_released_when_a_prediction_fails() -> None:
    shared = SharedPredictor(predictor=FakePredictor())
    with pytest.raises(RuntimeError), shared.reserved():
        raise RuntimeError
    assert not shared.busy


def test_one_predictor_serves_all(predictors: list[FakePredictor], assets: Path) -> None:
    first = study_cache.load_predictor(assets / "photo_model")
    assert study_cache.load_predictor(assets / "photo_model") is first
    assert len(predictors) == 1
