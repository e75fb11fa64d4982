from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccim_core.cli import main
from ccim_core.evaluation.evaluate import NO_SCENES
from ccim_core.files import read_json
from tests.ccim_core.training.test_train import make_study

BASE = """
encoder: {subject_size: 32, context_size: 32}
model: {d_h: 16}
dictionary: {size: 3, components: 4}
intervention: {d_m: 8, d_n: 8}
train: {epochs: 1, batch_size: 8}
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The command on a tiny study, up to its grid."""
    make_study(tmp_path / "study")
    (tmp_path / "base.yaml").write_text(BASE)
    return [
        "sweep",
        "--study",
        str(tmp_path / "study"),
        "--config",
        str(tmp_path / "base.yaml"),
        "--bootstrap",
        "20",
        "--device",
        "cpu",
        "--quiet",
    ]


def test_a_grid_is_made_evaluated_compared_and_reported(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = ["--grid.intervention", "none,ccim", "--grid.size", "3,99"]
    assert main([*words, *grid]) == 1
    out, err = capsys.readouterr()
    assert "4 in the grid: 2 made now, 0 there before, 2 failed" in out
    failed = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert all("take fewer prototypes" in line for line in failed)
    # The others stand, with their table.
    table = read_json(tmp_path / "study" / "analysis" / "evaluation.json")
    rows = {(row["variant"], row["estimator"]): row for row in table}
    ccim = rows["emot_net-ccim-n3", "ccim"]
    assert ccim["baseline"] == "emot_net-none-n3"
    assert ccim["gain"] is not None
    assert ccim["runs"] == 1
    assert ccim["sd_reason"] == "one seed only"
    # Repaired and started again, nothing that is there is made again.
    assert main([*words, *grid[:2], "--grid.size", "3,4"]) == 0
    out = capsys.readouterr().out
    assert "2 made now, 2 there before, 0 failed" in out
    assert f"next: python -m ccim_core evaluate --study {tmp_path / 'study'} --json" in out


def test_the_runs_of_a_file_can_be_listed_without_being_made(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "grid.yaml").write_text("intervention: [none, group_dro]\n")
    grid = ["--grid", str(tmp_path / "grid.yaml"), "--grid.seeds", "0,1", "--train.epochs", "2"]
    assert main([*words, *grid, "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"emot_net-{name}-seed{seed}" for name in ("none", "group_dro") for seed in (0, 1)
    ]
    assert not (tmp_path / "study" / "runs").exists()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([], "Expected a grid"),
        (["--grid.magic", "1"], "'magic'"),
        (["--grid", "nowhere.yaml"], "nowhere.yaml"),
        (["--grid.seeds", "0", "--train.epohcs", "2"], "epohcs"),
        (["--grid.seeds", "0", "--processes", "0"], "--processes"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    words: list[str], grid: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, *grid]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: Expected")
    assert message in lines[0]


def test_evaluate_says_that_a_shift_is_not_estimable_without_scenes(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--grid.intervention", "ccim"]) == 0
    capsys.readouterr()
    study = str(tmp_path / "study")
    assert main(["evaluate", "--study", study, "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "shift_effective_size" not in out
    assert "shift: not estimable without scenes" in out
    assert "one seed only" in out
    assert main(["evaluate", "--study", study, "--quiet", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["shift_groups"] for row in rows} == {None}
    assert {row["shift_estimate"] for row in rows} == {None}
    assert {row["shift_estimate_reason"] for row in rows} == {NO_SCENES}
    assert {row["baseline"] for row in rows} == {None}  # there is no plain run
    refused = ["evaluate", "--study", study, "--run", "emot_net-ccim-seed0", "--contexts", "scene"]
    assert main([*refused, "--quiet"]) == 2
    assert "Expected a scene for every subject" in capsys.readouterr().err
