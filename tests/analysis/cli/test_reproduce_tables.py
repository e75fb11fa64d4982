"""`reproduce table1 …` as the user types it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.cli import main
from analysis.cli.reproduce import TARGETS
from analysis.reproduction import TARGETS as MADE
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOutcome, SweepRun
from tests.analysis.table_study import make_table_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_table_study(
        tmp_path_factory.mktemp("command") / "study", settings=("none", "ccim", "random_z")
    )


def test_every_target_of_the_paper_is_a_command() -> None:
    assert set(MADE) <= set(TARGETS)
    assert {"figure2", "figure7"} <= set(TARGETS)


def test_a_table_is_written_in_every_form(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "table3", "--study", str(study.path), "--out", str(tmp_path)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "table3.csv")
    assert set(table["title"]) >= {"EMOT-Net", "EMOT-Net + CCIM", "VRD"}
    assert "75.82" in (tmp_path / "table3.md").read_text(encoding="utf-8")
    assert r"\begin{tabular}" in (tmp_path / "table3.tex").read_text(encoding="utf-8")
    page = (tmp_path / "table3.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1
    assert "Controls: did the module do anything?" in page
    script = (tmp_path / "table3_missing.sh").read_text(encoding="utf-8").splitlines()
    commands = [line for line in script if "ccim_core train" in line]
    assert commands[0] in printed
    assert shlex.split(script[-1])[3] == "evaluate"
    for name in ("gains", "controls", "categories_test"):
        assert len(pd.read_csv(tmp_path / f"table3_{name}.csv"))


@pytest.mark.parametrize("target", ["table4", "figure5", "figure6", "figure8"])
def test_every_other_target_writes_its_page(study: Study, tmp_path: Path, target: str) -> None:
    words = ["reproduce", target, "--study", str(study.path), "--out", str(tmp_path)]
    assert main(words) == 0
    page = (tmp_path / f"{target}.html").read_text(encoding="utf-8")
    assert page.count('class="plotly-graph-div"') >= 1
    if target in ("figure5", "figure6"):
        assert "prints none of its numbers" in page


def test_json_holds_every_table_and_every_command(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "table3", "--study", str(study.path), "--out", str(tmp_path), "--json"]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"results", "gains", "controls", "categories_test"} <= set(answer["tables"])
    assert answer["missing"][0]["command"].startswith("python -m ccim_core train --study")
    assert answer["tables"]["results"][0]["published"] == 74.51
    assert any(path.endswith("table3.csv") for path in answer["files"])


@pytest.mark.parametrize(
    "option, start", [("--csv", "dataset,split"), ("--latex", "% needs"), ("--markdown", "# Table")]
)
def test_one_form_alone_can_be_printed(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, start: str
) -> None:
    words = ["reproduce", "table3", "--study", str(study.path), "--out", str(tmp_path), option]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(start)


def test_a_wrong_study_is_one_sentence(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "table1", "--study", str(study.path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected a study of EMOTIC for table1")
    assert error.count("\n") == 1


def test_pictures_of_people_are_left_out_unless_asked_for(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rendered pictures may be passed on; most others may not."""
    drawn: list[str] = []

    def read(self: object, image: str) -> np.ndarray:
        drawn.append(image)
        return np.zeros((30, 40, 3), np.uint8)

    monkeypatch.setattr("ccim_core.pictures.PictureReader.read", read)
    words = ["reproduce", "figure8", "--study", str(study.path), "--out", str(tmp_path)]
    assert main(words) == 0
    assert drawn == []
    page = tmp_path / "figure8.html"
    assert "the picture is not here" in page.read_text(encoding="utf-8")
    assert main([*words, "--pictures"]) == 0
    assert len(drawn) == 2
    # Plotly writes the slash of a media type as an escape.
    assert page.read_text(encoding="utf-8").count("data:image\\u002fjpeg;base64") == 2


def test_controlled_makes_the_protocols_runs_and_then_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The protocol itself takes most of an hour; here runs with random outputs stand for its."""
    path = tmp_path / "study"
    asked = {}

    def make(study: Path, **options: object) -> SweepOutcome:
        asked.update(options, study=study)
        make_table_study(
            study, "controlled", settings=("none", "ccim", "lite1"), splits=("test", "shift")
        )
        failed = SweepRun(name="emoticon-ccim-seed0", path=study, state="failed", error="no memory")
        return SweepOutcome(runs=(failed,))

    monkeypatch.setattr("ccim_core.controlled_protocol.make_controlled", make)
    words = ["reproduce", "table4", "--controlled", "--study", str(path), "--seeds", "0", "1"]
    assert main([*words, "--quiet"]) == 1, "a run failed; the table is made of the others"
    captured = capsys.readouterr()
    assert (asked["study"], asked["seeds"]) == (path, [0, 1])
    assert "failed: emoticon-ccim-seed0: no memory" in captured.err
    assert "Z of EfficientNet-Lite1, ImageNet" in captured.out
    assert "reproduce table4 --controlled" in captured.out
    assert (path / "analysis" / "reproduce" / "table4.html").is_file()


def test_controlled_needs_one_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "table4", "--controlled"]) == 2
    assert "Expected one --study DIR" in capsys.readouterr().err
