"""Experiments: what the page shows of runs, evaluation, the paper's tables and two compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analysis.run_records import read_runs
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.files import read_json, write_json
from ccim_core.study import Study
from tests.analysis.table_study import make_table_study
from tests.app.conftest import ROOT
from tests.app.fakes import make_photo_study

RunPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of CAER-S's label set with runs and its table, made once."""
    study = make_table_study(tmp_path_factory.mktemp("made") / "study", n=60)
    for path in study.run_paths():  # drawn outputs have no network, and no widths of one
        write_json(path / "config.json", {**read_json(path / "config.json"), "widths": {}})
    write_json(study.analysis_root / "evaluation.json", table_rows(study_table(study)))
    (run, *_) = read_runs(study)
    lines = [{"epoch": k, "train_loss": 2.0 - k, "val_headline": 0.3 + k / 10} for k in range(2)]
    (run.path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return study.path


@pytest.fixture
def study(made: Path, assets: Path) -> Study:
    """The study as the installed demo."""
    shutil.copytree(made, assets / "demo_study")
    return Study.open(assets / "demo_study")


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption, *test.subheader))


def figures(test: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]


def test_without_runs_the_page_says_how_to_train(assets: Path, run_page: RunPage) -> None:
    assert "python -m ccim_core demo" in run_page("experiments").info[0].value
    study = make_photo_study(assets / "demo_study")
    shutil.rmtree(study.runs_root)
    test = run_page("experiments")
    assert not test.error
    assert "ccim_core train --study" in test.code[0].value


def test_runs_are_filtered_and_one_is_shown_whole(study: Study, run_page: RunPage) -> None:
    test = run_page("experiments")
    assert not test.error
    assert len(test.dataframe[0].value) == 4
    assert test.selectbox(key="run").value == "emot_net-ccim-seed0"
    assert len(figures(test)) == 1
    assert "--intervention.name ccim" in "".join(code.value for code in test.code)
    test.selectbox(key="intervention").set_value("none").run()
    assert set(test.dataframe[0].value["intervention"]) == {"none"}
    assert test.selectbox(key="run").value == "emot_net-none-seed0"
    assert "kept no training curves" in words(test)
    assert test.query_params["intervention"] == "none"
    settings = test.dataframe[1].value
    assert "intervention.name" not in list(settings["setting"])
    test.toggle(key="every_setting").set_value(True).run()
    assert len(test.dataframe[1].value) > len(settings)
    test = run_page("experiments", run="emot_net-none-seed1")
    assert test.selectbox(key="run").value == "emot_net-none-seed1"


def test_the_evaluation_is_filtered_and_missing_ones_name_the_command(
    study: Study, run_page: RunPage
) -> None:
    test = run_page("experiments", show="evaluation")
    assert not test.error
    shown = test.dataframe[0].value
    assert set(shown["split"]) == {"test"}
    assert shown["headline"].is_monotonic_decreasing
    assert shown["runs"].tolist() == [2, 2]
    test.selectbox(key="of_split").set_value("all").run()
    assert set(test.dataframe[0].value["split"]) == {"test", "val"}
    test.selectbox(key="of_intervention").set_value("ccim").run()
    assert test.dataframe[0].value["variant"].unique().tolist() == ["emot_net-ccim"]
    (study.analysis_root / "evaluation.json").unlink()
    test = run_page("experiments", show="evaluation")
    assert test.code[0].value == f"python -m ccim_core evaluate --study {study.path}"


def test_two_answers_are_compared(study: Study, run_page: RunPage) -> None:
    test = run_page("experiments", show="compare")
    assert not test.error
    assert test.selectbox(key="before").value == "emot_net-none.likelihood"
    assert test.selectbox(key="after").value == "emot_net-ccim.ccim"
    told = words(test)
    assert "accuracy on `test`" in told
    assert "2 training seeds together" in told
    (figure,) = figures(test)
    assert figure["layout"]["yaxis"]["ticktext"] == list(study.labels.emotions)
    moves = test.dataframe[0].value
    assert moves.to_numpy().sum() == 2 * 60
    test.selectbox(key="by").set_value("map").run()
    assert "mean average precision" in words(test)
    test.selectbox(key="after").set_value("emot_net-none.likelihood").run()
    assert "two different" in test.info[0].value
    # A link reproduces the view.
    query = {"show": "compare", "before": "emot_net-ccim.ccim", "on": "val"}
    query["after"] = "emot_net-none.likelihood"
    test = run_page("experiments", **query)
    assert test.selectbox(key="before").value == query["before"]
    assert "on `val`" in words(test)


def test_predictions_of_other_subjects_are_one_sentence(study: Study, run_page: RunPage) -> None:
    path = study.runs_root / "emot_net-ccim-seed0" / "predictions.parquet"
    pd.read_parquet(path).iloc[5:].to_parquet(path)
    test = run_page("experiments", show="compare", on="val")
    (error,) = test.error
    assert "Expected one prediction for each of the 60 subjects" in error.value


def test_the_papers_numbers_stand_beside_ours(study: Study, run_page: RunPage) -> None:
    test = run_page("experiments", show="paper")
    assert not test.error
    assert test.selectbox(key="target").value == "table3"  # of CAER-S
    shown = test.dataframe[0].value
    row = shown[shown["model"] == "EMOT-Net + CCIM"].iloc[0]
    assert row["published"] == "75.82"
    assert "(n=2)" in row["ours ± sd"]
    assert len(figures(test)) == 2
    assert "ccim_core train" in test.code[0].value  # what is missing
    # The paper prints its tables by emotion too.
    test.selectbox(key="target").set_value("table1").run()
    assert "open one of EMOTIC" in test.info[0].value
    assert test.dataframe[0].value.loc["Affection"].notna().any()
    for target in ("table4", "figure5", "figure6"):
        test.selectbox(key="target").set_value(target).run()
        assert not test.error, target
        assert len(figures(test)) >= 1, target
    test.selectbox(key="part").set_value("controls").run()
    assert not test.error
    assert "Controls" in words(test)


def test_a_study_the_paper_does_not_have_shows_what_it_prints_as_a_part(
    assets: Path, run_page: RunPage
) -> None:
    make_table_study(assets / "demo_study", "controlled", splits=("test", "shift"), n=60)
    test = run_page("experiments", show="paper")
    assert not test.error
    assert test.selectbox(key="target").value == "table4"
    test.selectbox(key="target").set_value("table2").run()
    assert "has no numbers of Rendered benchmark" in words(test)
    test.selectbox(key="part").set_value("printed").run()
    assert not test.error
    assert test.dataframe[0].value.shape[0] == 5  # four emotions and all


def test_the_page_imports_no_network(study: Study) -> None:
    script = f"""
import sys
from app.experiments import comparing, evaluation, paper, records, runs
from analysis.run_records import read_runs
from ccim_core.study import Study
read_runs(Study.open({str(study.path)!r}))
print("torch" in sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "False"
