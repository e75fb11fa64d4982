"""`reproduce table1 …` as the user types it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest

from analysis.cli import main
from analysis.cli.reproduce import TARGETS
from analysis.reproduction import TARGETS as MADE
from ccim_core.study import Study
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
