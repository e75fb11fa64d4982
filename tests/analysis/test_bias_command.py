"""`bias` and `reproduce figure2` from the command line, on tables and studies, by every scene."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.bias_report import BiasReport
from analysis.cli import main
from analysis.stored import load_assignment, load_bias
from ccim_core.confounders import ConfounderDictionary
from ccim_core.study import Study
from tests.analysis.embedding_study import make_study
from tests.analysis.scene_pictures import COLOURS, install_places365, picture_table
from tests.ccim_core.places365_files import NAMES

QUICK = ("--null", "39", "--bootstrap", "39", "--quiet")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of 80 subjects whose pictures are nowhere."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(80)],
            "labels": rng.choice(["Happy", "Sad", "Fear"], 80),
            "scene": rng.choice(["park", "bar", "street"], 80),
            "place": rng.choice(["in", "out"], 80),
        }
    )
    path = tmp_path / "subjects.csv"
    frame.to_csv(path, index=False)
    return path


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one sentence that bad input gets."""
    assert main(list(words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert len(captured.err.strip().splitlines()) == 1
    return captured.err


def test_a_table_alone_is_enough(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    found = answer(capsys, "bias", "--manifest", str(table), *QUICK, "--out", str(out))
    assert [row["emotion"] for row in found["emotions"]] == ["Fear", "Happy", "Sad"]
    assert len(found["cells"]) == 9
    assert found["settings"]["scene_source"] == found["dataset"]["scene_source"] == "column `scene`"
    assert (found["seed"], found["scenes_from"]["kind"]) == (0, "column")
    assert {path.name for path in out.iterdir()} == {
        "bias.html", "bias.json", "cells.csv", "emotions.csv", "histogram.csv", "scenes.csv",
    }  # fmt: skip
    assert json.loads((out / "bias.json").read_text()) == found
    assert len(pd.read_csv(out / "cells.csv")) == 9
    page = (out / "bias.html").read_text()
    assert "<script src" not in page  # nothing is loaded from elsewhere
    for shown in (
        "column `scene`",
        "Every emotion",
        "Strongest cells",
        "Figure 2",
        ">seed</td>",
    ):
        assert shown.replace("`", "") in page.replace("`", ""), shown
    assert main(["bias", "--manifest", str(table), *QUICK]) == 0
    lines = capsys.readouterr().out
    assert "3 scenes (column `scene`)" in lines
    assert "next: the same with --out DIR" in lines


def test_another_column_and_switches_are_recorded(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(
        capsys, "bias", "--manifest", str(table), *QUICK, "--scene-column", "place",
        "--top-k", "1", "--selected-by", "positives", "--negatives", "balanced",
        "--fdr", "bh", "--min-support", "2", "--seed", "7",
    )  # fmt: skip
    assert found["dataset"]["scenes"] == 2
    settings = found["settings"]
    assert settings["top_k"] == 1
    assert settings["selected_by"] == "positives"
    assert (settings["negatives"], settings["fdr"], settings["min_support"]) == (
        "balanced",
        "bh",
        2,
    )
    assert found["seed"] == 7
    assert [row["selected_scenes"] for row in found["emotions"]] == [1, 1, 1]


def test_soft_weights_from_a_file(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    weights = pd.DataFrame(rng.dirichlet([1, 1], 80), columns=["in", "out"])
    weights.insert(0, "image", [f"{k}.jpg" for k in range(80)])
    path = tmp_path / "weights.csv"
    weights.to_csv(path, index=False)
    words = ["bias", "--manifest", str(table), *QUICK, "--scene-weights", str(path)]
    found = answer(capsys, *words)
    assert found["dataset"]["soft_scenes"]
    assert found["dataset"]["scene_source"] == "soft weights from weights.csv"
    assert {cell["method"] for cell in found["cells"]} <= {"permutation", "permutation moments"}
    assert "both" in refusal(capsys, *words, "--scenes", "clusters")
    weights[["image", "in"]].to_csv(path, index=False)
    assert "two scenes" in refusal(capsys, *words)
    pd.concat([weights, weights]).to_csv(path, index=False)
    assert "once" in refusal(capsys, *words)
    weights.assign(out="much").to_csv(path, index=False)
    assert "numbers" in refusal(capsys, *words)


def test_scenes_are_recognised_where_weights_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    frame = picture_table(folder, list(COLOURS) * 4).drop(columns=["scene", "sample_id"])
    frame.to_csv(folder / "subjects.csv", index=False)
    words = ["bias", "--manifest", str(folder / "subjects.csv"), *QUICK, "--min-support", "2"]
    said = refusal(capsys, *words)
    assert "--scenes places365" in said
    assert "--scenes clusters" in said
    said = refusal(capsys, *words, "--scenes", "places365")
    assert "weights get resnet18-places365" in said
    assert "--scenes clusters" in said
    install_places365(names=False)
    assert "places365-categories" in refusal(capsys, *words, "--scenes", "places365")
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"/s/{name} {k}" for k, name in enumerate(NAMES)))
    given = ["--scenes", "places365", "--categories", str(names), "--out", str(tmp_path / "out")]
    found = answer(capsys, *words, *given)
    source = found["dataset"]["scene_source"]
    assert source.startswith("Places365 top-1 by resnet18-places365 (weights ")
    assert source.endswith("on the context, subject masked")
    assert source in (tmp_path / "out" / "bias.html").read_text()
    assert found["scenes_from"]["encoder"]["sha256"].startswith(source.split("weights ")[1][:12])
    assert {cell["scene"] for cell in found["cells"]} <= set(NAMES)
    assert found["dataset"]["subjects"] == 12
    assert (folder / "features").is_dir()  # encoded once, kept
    soft = answer(capsys, *words, *given, "--soft", "--view", "whole")
    assert soft["dataset"]["soft_scenes"]
    assert soft["dataset"]["scene_source"].startswith("Places365 posterior mass")
    assert soft["dataset"]["scene_source"].endswith("the whole image")
    assert "--soft with" in refusal(capsys, *words, "--soft")


def test_clusters_of_contexts_stand_in_for_scenes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    frame = picture_table(folder, list(COLOURS) * 5, emotions=("Happy", "Sad", "Fear"))
    frame.to_csv(tmp_path / "subjects.csv", index=False)
    words = ["bias", "--manifest", str(tmp_path / "subjects.csv"), *QUICK, "--scenes", "clusters"]
    words += ["--images", str(folder), "--cache", str(tmp_path / "cache"), "--min-support", "2"]
    found = answer(capsys, *words, "--clusters", "3")
    assert {row["scene"] for row in found["scenes"]} == {"cluster 0", "cluster 1", "cluster 2"}
    # Every picture of a colour has one emotion, and the clusters are the colours.
    assert found["dataset"]["mutual_information"] == pytest.approx(np.log2(3))
    source = found["dataset"]["scene_source"]
    assert source.startswith("3 context clusters as pseudo-scenes, K-Means of efficientnet-lite0")
    assert (tmp_path / "cache").is_dir()
    assert "distinct" in refusal(capsys, *words, "--clusters", "9")


def with_dictionary(study: Study, split: str) -> Study:
    n = int((study.manifest.frame["split"] == split).sum())
    features = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    dictionary = ConfounderDictionary(4).fit(features)
    provenance = {"split": split, "view": "masked", "encoder": {"name": "e", "sha256": "0"}}
    dictionary.save(study.dictionaries_root / "small.safetensors", provenance)
    return study


def test_a_study_keeps_its_report_for_the_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path / "study", n=40)
    words = ["bias", "--study", str(study.path), *QUICK, "--split", "test"]
    assert main(words) == 0
    lines = capsys.readouterr().out
    assert f"next: streamlit run app/main.py -- --study {study.path}" in lines
    assert (study.analysis_root / "bias" / "bias.html").is_file()
    kept = load_bias(study)
    assert kept is not None
    assert (kept.settings.split, kept.dataset["subjects"]) == ("test", 40)
    assert load_assignment(study) is None
    assert BiasReport.load(study.analysis_root / "bias").dataset == kept.dataset
    said = refusal(capsys, *words, "--scenes", "clusters")
    assert "ccim_core dictionary --study" in said
    with_dictionary(study, "test")
    found = answer(capsys, *words, "--scenes", "clusters")
    assert found["dataset"]["scene_source"].endswith("of dictionary small")
    assigned = load_assignment(study)
    assert assigned is not None
    assert len(assigned) == 40
    counts = {row["scene"]: row["subjects"] for row in found["scenes"]}
    assert assigned.value_counts().to_dict() == counts
    said = refusal(capsys, *words[:-1], "shift", "--scenes", "clusters")
    assert "features --study" in said
    assert "--split shift" in said


def test_bad_input_is_one_sentence(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["bias", "--manifest", str(table), *QUICK]
    frame = pd.read_csv(table)
    for words, said in (
        (["bias", "--manifest", str(tmp_path / "none.csv")], "no such file"),
        ([*base, "--scene-column", "where"], "`where`"),
        ([*base, "--null", "3"], "n_null"),
        ([*base, "--labels", "emotic"], "'emotic'"),
        ([*base, "--labels", "martian"], "martian"),
        ([*base, "--split", "val"], "split"),
        (["bias", "--study", str(tmp_path)], "study directory"),
    ):
        assert said in refusal(capsys, *words)
    for change, said in (
        ({"labels": np.nan}, "none in any of"),
        ({"labels": "Happy"}, "two emotions"),
        ({"scene": np.nan}, "at least one row"),
    ):
        other = tmp_path / "other.csv"
        frame.assign(**change).to_csv(other, index=False)
        assert said in refusal(capsys, "bias", "--manifest", str(other), *QUICK)
    for change, said in (
        ({"scene": "bar"}, "one scene only"),
        ({"scene": [f"s{k}" for k in range(80)]}, "one subject"),
    ):
        frame.assign(**change).to_csv(other, index=False)
        assert main(["bias", "--manifest", str(other), *QUICK, "--out", str(tmp_path / "o")]) == 0
        assert said in capsys.readouterr().out
        assert said in (tmp_path / "o" / "bias.html").read_text()


def test_figure_2_takes_any_scenes_and_says_which(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "figure2", "--manifest", str(table), "--null", "39", "--quiet"]
    out = tmp_path / "out"
    found = answer(capsys, *words, "--scene-column", "place", "--out", str(out))
    assert found["settings"]["scene_source"] == "column `place`"
    assert found["settings"]["negatives"] == "balanced"
    assert [row["emotion"] for row in found["emotions"]] == ["Fear", "Happy"]
    page = (out / "figure2.html").read_text()
    assert "chance, mean" in page
    assert "<code>place</code>" in page
    assert main([*words, "--negatives", "all", "--emotions", "Sad"]) == 0
    lines = capsys.readouterr().out
    assert lines.startswith("scenes: column `scene`")
    assert "Sad: " in lines
