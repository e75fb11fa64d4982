from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.files import read_json
from ccim_core.study import Study
from tests.ccim_core.conftest import make_tiny_demo

SMALL = Path(__file__).parent / "data" / "small_demo.json"


def summary(study: Study) -> dict[str, object]:
    """What must repeat: the manifest's hash, and the numbers of every row."""
    rows = [
        {
            key: row[key]
            for key in ("variant", "estimator", "split", "accuracy", "nll", "scene_total_variation")
        }
        for row in table_rows(study_table(study))
    ]
    return {"manifest": study.manifest.content_hash(), "rows": rows}


def test_a_rebuilt_small_demo_equals_the_shipped_one(tiny_study: Study) -> None:
    shipped, found = read_json(SMALL), summary(tiny_study)
    assert found["manifest"] == shipped["manifest"]
    assert len(found["rows"]) == len(shipped["rows"])  # type: ignore[arg-type]
    for a, b in zip(shipped["rows"], found["rows"], strict=True):  # type: ignore[call-overload]
        # One subject of 35 may fall the other way on another processor.
        assert b == pytest.approx(a, abs=0.03), a


def test_interrupted_and_started_again_it_ends_as_one_uninterrupted(
    tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ccim_core.sweeps.engine as engine

    train, calls = engine.train_run, 0

    def interrupted(*arguments: object, **options: object) -> Path:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return train(*arguments, **options)  # type: ignore[arg-type]

    path = tmp_path / "study"
    monkeypatch.setattr(engine, "train_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_tiny_demo(path)
    finished = len(Study.open(path).run_paths())
    assert finished == 3
    monkeypatch.setattr(engine, "train_run", train)
    again = make_tiny_demo(path)
    one, two = summary(tiny_study), summary(again)
    assert one["manifest"] == two["manifest"]
    for a, b in zip(one["rows"], two["rows"], strict=True):  # type: ignore[call-overload]
        assert b == pytest.approx(a, abs=1e-4), a


def test_other_settings_or_another_folder_are_refused(tiny_study: Study, tmp_path: Path) -> None:
    from ccim_core.demo import make_demo
    from ccim_core.rendered.generator import ControlledConfig

    with pytest.raises(InputError, match="other settings"):
        make_demo(tiny_study.path, controlled=ControlledConfig(bias=0.1), quiet=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        make_demo(tmp_path, quiet=True)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "options",
    [
        ["--bias", "1.5"],
        ["--bias", "-0.1"],
        ["--clarity-low", "0"],
        ["--scenes", "99"],
        ["--train-size", "3"],
        ["--data-seeds", "0"],
    ],
)
def test_bad_settings_are_one_sentence_and_write_nothing(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study"
    assert main(["demo", "--out", str(out), "--quiet", *options]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: Expected")
    assert len(error.splitlines()) == 1
    assert not out.exists()


def test_truth_is_stored_with_the_study(tiny_study: Study) -> None:
    truth = json.loads((tiny_study.path / "truth.json").read_text())
    assert truth["generator"]["bias"] == 0.8


def test_a_shipped_study_still_opens_predicts_and_compares(
    tiny_study: Study, tmp_path: Path
) -> None:
    import numpy as np

    from ccim_core.evaluation.predictions import read_predictions
    from ccim_core.predict import Predictor
    from ccim_core.run import Run
    from ccim_core.shipping import ship_study

    shipped = ship_study(tiny_study, tmp_path / "shipped", weights_of=["none-seed0", "ccim-seed0"])
    assert len(shipped.run_paths()) == len(tiny_study.run_paths())
    for a, b in zip(summary(tiny_study)["rows"], summary(shipped)["rows"], strict=True):  # type: ignore[call-overload]
        assert b == pytest.approx(a, abs=1e-5)
    for split in ("val", "shift"):  # of `val` no predictions ship
        ends = [
            [
                row["difference_low"]
                for row in table_rows(study_table(study))
                if row["variant"] == "subject-only" and row["split"] == split
            ]
            for study in (tiny_study, shipped)
        ]
        assert None not in ends[0]
        assert ends[1] == pytest.approx(ends[0], abs=1e-5)
    full = read_predictions(Run.open(tiny_study.run_path("ccim-seed1")), split="shift")
    small = read_predictions(Run.open(shipped.run_path("ccim-seed1")), split="shift")
    np.testing.assert_allclose(
        small["Happy"].to_numpy(np.float32), full["Happy"].to_numpy(), atol=1e-3
    )
    predictor = Predictor.open(shipped.path)
    assert {run["name"] for run in predictor.runs} == {"none-seed0", "ccim-seed0"}
    assert not list(shipped.path.rglob("features"))


def test_of_a_brief_run_its_own_outputs_ship(tiny_study: Study, tmp_path: Path) -> None:
    from ccim_core.evaluation.evaluate import read_evaluation
    from ccim_core.evaluation.predictions import read_predictions
    from ccim_core.run import Run
    from ccim_core.shipping import ship_study

    shipped = ship_study(tiny_study, tmp_path / "s", weights_of=[], brief=["ccim-seed1"])
    run, whole = Run.open(shipped.run_path("ccim-seed1")), Run.open(shipped.run_path("ccim-seed0"))
    table = read_predictions(run)
    assert set(table["estimator"]) == {"ccim"}
    assert set(table["split"]) == {"test", "shift"}
    assert set(read_predictions(whole)["estimator"]) > {"ccim", "backdoor"}
    evaluation = read_evaluation(run)
    assert [(row["split"], row["estimator"]) for row in evaluation["rows"]] == [
        ("test", "ccim"),
        ("shift", "ccim"),
    ]
    assert {row["estimator"] for row in evaluation["comparisons"]["rows"]} == {"ccim"}
    before = Run.open(tiny_study.run_path("ccim-seed1"))
    expected = next(
        row["accuracy"]
        for row in read_evaluation(before)["rows"]
        if (row["split"], row["estimator"]) == ("shift", "ccim")
    )
    assert evaluation["rows"][1]["accuracy"] == pytest.approx(expected, abs=1e-5)
