"""`clusters` from the command line: of a study, of what a study keeps, of a table alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.cli import main
from analysis.stored import load_clusters
from ccim_core.study import Study
from tests.analysis.embedding_study import make_study
from tests.analysis.scene_pictures import COLOURS, picture_table
from tests.analysis.test_bias_command import answer, refusal, with_dictionary


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return with_dictionary(make_study(tmp_path / "study", n=40), "test")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(60)],
            "labels": rng.choice(["Happy", "Sad", "Fear"], 60),
            "scene": rng.choice(["park", "bar"], 60),
            "cluster": rng.integers(0, 3, 60),
        }
    )
    frame.to_csv(tmp_path / "subjects.csv", index=False)
    return tmp_path / "subjects.csv"


def test_a_study_is_described_and_kept(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["clusters", "--study", str(study.path), "--quiet"]
    assert main(words) == 0
    lines = capsys.readouterr().out
    assert "confounder dictionary small of split test" in lines
    assert "No features were given" in lines
    assert "next: streamlit run" in lines
    kept = load_clusters(study, "small")
    assert kept is not None
    assert kept.sizes is None
    assert kept.report.clusters["size"].sum() == 40
    page = (study.analysis_root / "clusters" / "clusters.html").read_text()
    assert "Every cluster" in page
    assert "<script src" not in page
    assert "'x'" in refusal(capsys, *words, "--dictionary", "x")
    assert "--split test" in refusal(capsys, *words, "--split", "shift")
    assert "--manifest only" in refusal(capsys, *words, "--features", "f.npy")


def test_a_study_shared_without_dictionaries_tells_what_it_keeps(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["clusters", "--study", str(study.path), "--quiet"]
    first = answer(capsys, *words)
    shutil.rmtree(study.dictionaries_root)
    again = answer(capsys, *words)
    assert again["source"].endswith("as the study keeps it")
    assert again["clusters"] == first["clusters"]
    assert again["distribution"] == first["distribution"]
    assert "shared without its dictionaries" in again["notes"][-1]
    shutil.rmtree(study.analysis_root / "clusters")
    assert "ccim_core dictionary --study" in refusal(capsys, *words)


def test_a_tables_own_clusters(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["clusters", "--manifest", str(table), "--quiet"]
    found = answer(capsys, *words, "--out", str(out))
    assert found["source"] == "column `cluster`"
    assert len(found["clusters"]) == 3
    assert found["sizes"] is None
    names = {"clusters", "distribution", "scenes", "exemplars"}
    assert {path.stem for path in out.glob("*.csv")} == names
    assert json.loads((out / "clusters.json").read_text()) == found
    assert "column <code>cluster</code>" in (out / "clusters.html").read_text()
    rng = np.random.default_rng(0)
    np.save(tmp_path / "features.npy", rng.normal(size=(60, 4)))
    words += ["--features", str(tmp_path / "features.npy"), "--sizes", "2", "4", "--seeds", "2"]
    more = answer(capsys, *words, "--out", str(out))
    assert more["source"] == "column `cluster`"
    assert [row["n_clusters"] for row in more["sizes"]] == [2, 4]
    assert len(more["exemplars"]) == 36
    # Pictures are nowhere: exemplars are named instead of shown.
    assert "Nearest: " in (out / "clusters.html").read_text()


def test_clusters_are_made_of_features(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.read_csv(table).drop(columns="cluster").assign(split=["train", "val"] * 30)
    frame.to_csv(table, index=False)
    np.save(tmp_path / "f.npy", np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    words = ["clusters", "--manifest", str(table), "--quiet", "--clusters", "5", "--seeds", "1"]
    found = answer(capsys, *words, "--features", str(tmp_path / "f.npy"))
    assert found["source"] == "K-Means of features in f.npy"
    assert sum(row["size"] for row in found["clusters"]) == 30  # of split train
    assert len(found["clusters"]) == 5
    every = answer(capsys, *words, "--features", str(tmp_path / "f.npy"), "--split", "all")
    assert sum(row["size"] for row in every["clusters"]) == 60


def test_clusters_are_made_of_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = picture_table(tmp_path, list(COLOURS) * 3, emotions=("Happy", "Sad", "Fear"))
    frame.to_csv(tmp_path / "subjects.csv", index=False)
    words = ["clusters", "--manifest", str(tmp_path / "subjects.csv"), "--quiet"]
    found = answer(capsys, *words, "--clusters", "3", "--out", str(tmp_path / "out"))
    assert found["source"].startswith("K-Means of efficientnet-lite0 (weights ")
    assert [row["top_scene_share"] for row in found["clusters"]] == [1, 1, 1]
    assert len(found["exemplars"]) == 9
    assert "data:image/jpeg;base64," in (tmp_path / "out" / "clusters.html").read_text()


def test_bad_input_is_one_sentence(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["clusters", "--manifest", str(table), "--quiet"]
    np.save(tmp_path / "short.npy", np.zeros((3, 2)))
    np.save(tmp_path / "nan.npy", np.full((60, 2), np.nan))
    (tmp_path / "text.npy").write_text("no array")
    for words, said in (
        ([*base, "--cluster-column", "scene"], "whole numbers"),
        ([*base, "--cluster-column", "z"], "--features, or the pictures"),
        ([*base, "--dictionary", "d"], "--study only"),
        ([*base, "--seeds", "0"], "--seeds"),
        ([*base, "--sizes", "1"], "--sizes"),
        ([*base, "--features", str(tmp_path / "short.npy")], "60 rows"),
        ([*base, "--features", str(tmp_path / "nan.npy")], "finite"),
        ([*base, "--features", str(tmp_path / "text.npy")], ".npy"),
        ([*base, "--features", str(tmp_path / "none.npy")], "no such file"),
    ):
        assert said in refusal(capsys, *words), words
