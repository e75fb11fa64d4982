"""`embed` and `reproduce figure7` from the command line, on a small study."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.cli import embed, reproduce
from ccim_core.cli import run_command
from ccim_core.study import Study
from ccim_core.training.config import RunConfig, replace_field
from tests.analysis.embedding_study import make_run, make_study


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    embed.add_parser(subparsers)
    reproduce.add_parser(subparsers)
    return run_command(parser.parse_args(words))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("command") / "study", n=40)


def test_defaults_compare_the_three_pairs_and_the_second_call_reads_them(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["embed", "--study", str(study.path), "--method", "pca", "--bootstrap", "40", "--quiet"]
    assert call(*words, "--json", "--out", str(tmp_path)) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)["embeddings"]
    assert [(one["before"], one["after"]) for one in answer] == [
        ("none-seed0:likelihood", "none-seed0:backdoor"),
        ("none-seed0:likelihood", "ccim-seed0:ccim"),
        ("none-seed0:context", "ccim-seed0:context"),
    ]
    assert all(one["computed"] and len(one["measures"]) == 10 for one in answer)
    assert answer[0]["settings"]["split"] == "shift"
    assert "next: streamlit" in captured.err
    table, measures, page = (Path(name) for name in answer[0]["files"])
    assert len(pd.read_csv(table)) == 80
    assert len(pd.read_csv(measures)) == 10
    text = page.read_text()
    assert "<script src" not in text  # nothing is loaded from elsewhere
    assert "shift-000" in text
    assert call(*words) == 0
    lines = capsys.readouterr().out
    assert lines.count("made before") == 3
    assert "neighbours of the same scene" in lines


def test_bad_input_is_one_sentence_and_exit_code_2(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["embed", "--study", str(study.path), "--method", "pca", "--quiet"]
    for words, said in (
        (["embed", "--study", str(tmp_path)], "study directory"),
        ([*base, "--before", "none-seed0:likelihood"], "both"),
        ([*base, "--split", "val"], "split 'val'"),
        ([*base, "--before", "x:likelihood", "--after", "x:ccim"], "'x'"),
        ([*base, "--neighbours", "0"], "`k`"),
    ):
        assert call(*words) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert said in error
        assert "Traceback" not in error


def test_figure_7_is_reproduced_from_the_command_line(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "figure7", "--study", str(study.path), "--method", "pca"]
    assert call(*words, "--out", str(tmp_path), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["runs"]["emot_net"]["split"] == "test"
    assert len(answer["contexts"]) == 4
    assert [Path(name).name for name in answer["files"]] == [
        "figure7.html",
        "figure7.csv",
        "figure7_measures.csv",
    ]
    assert set(pd.read_csv(tmp_path / "figure7.csv")["scene"]) <= set(answer["contexts"])
    assert call(*words, "--contexts", "moon") == 2


def test_figure_7_has_a_row_for_every_model(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = Study.open(shutil.copytree(study.path, tmp_path / "both"))
    rng = np.random.default_rng(1)
    for name in ("none", "ccim"):
        config = replace(RunConfig(), name=f"emoticon-{name}")
        config = replace_field(config, "intervention.name", name)
        make_run(both, replace_field(config, "model.name", "emoticon"), ("context",), rng)
    words = ["reproduce", "figure7", "--study", str(both.path), "--method", "pca", "--quiet"]
    assert call(*words, "--contexts", "park", "beach") == 0
    lines = capsys.readouterr().out
    assert lines.startswith("EMOT-Net: within a context, ")
    assert "EmotiCon: within a context, " in lines
    assert "next: python -m analysis embed" in lines
    folder = both.analysis_root / "reproduce"
    points = pd.read_csv(folder / "figure7.csv")
    assert points.groupby(["model", "side"]).size().index.tolist() == [
        (model, side) for model in ("emot_net", "emoticon") for side in ("after", "before")
    ]
    page = (folder / "figure7.html").read_text()
    for shown in ("EmotiCon + CCIM", "Contexts: park; beach", "emoticon-none-seed0"):
        assert shown in page


def test_figure_2_shows_the_papers_emotions_beside_chance(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "figure2", "--study", str(study.path), "--split", "shift", "--quiet"]
    assert call(*words, "--null", "39", "--out", str(tmp_path), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["emotion"] for one in answer["emotions"]] == ["Anger", "Fear", "Happy"]
    assert (answer["settings"]["selected_by"], answer["settings"]["top_k"]) == ("positives", 200)
    table = pd.read_csv(tmp_path / "figure2.csv")
    assert set(table["emotion"]) == {"Anger", "Fear", "Happy"}
    # Selected among the emotion's own scenes: every scene that has the emotion is counted once.
    rows = study.manifest.split("shift").frame
    happy = rows.loc[rows["labels"] == "Happy", "scene"].nunique()
    assert table.loc[table["emotion"] == "Happy", "scenes"].sum() == happy
    assert "Figure 2" in (tmp_path / "figure2.html").read_text()
    assert call(*words, "--emotions", "Sad", "--null", "0", "--json") == 0
    assert [one["emotion"] for one in json.loads(capsys.readouterr().out)["emotions"]] == ["Sad"]
    assert call(*words, "--emotions", "Glee") == 2
    assert "Glee" in capsys.readouterr().err
