"""Features of a table alone: a map, measures, what needs runs said; and the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.cli import main
from analysis.embed_table import embed_table
from analysis.embeddings import EmbedSettings
from analysis.separation import MEASURES, SeparationSettings
from ccim_core.errors import InputError
from tests.analysis.embedding_study import LABELS, SCENES, make_frame
from tests.analysis.scene_pictures import COLOURS, picture_table
from tests.analysis.test_bias_command import answer, refusal

PCA = EmbedSettings(method="pca")
QUICK = SeparationSettings(n_resamples=40, k=5)


def features_of(frame: pd.DataFrame, *, scene: float) -> np.ndarray:
    """Emotions lie a little apart, scenes `scene` apart."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(len(frame), 12))
    features[np.arange(len(frame)), pd.Categorical(frame["labels"]).codes] += 2
    features[np.arange(len(frame)), 7 + pd.Categorical(frame["scene"], SCENES).codes] += scene
    return features.astype(np.float32)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame(np.random.default_rng(0), 60)


def test_one_set_is_laid_out_and_measured(frame: pd.DataFrame) -> None:
    found = embed_table(frame, LABELS, [features_of(frame, scene=6)], settings=PCA, measured=QUICK)
    assert len(found.points) == len(frame)
    assert set(found.points["side"]) == {"before"}
    assert found.points["sample_id"].tolist() == frame["sample_id"].tolist()
    measures = found.measures.set_index("measure")
    assert list(measures.index) == list(MEASURES)
    assert "after" not in measures
    assert measures.loc["scene_purity", "before"] > 0.9
    assert (measures["before_low"] <= measures["before"]).all()
    assert measures.loc["scene_probe", "before"] > measures.loc["scene_probe", "chance_before"]
    assert found.record["versions"]["umap-learn"]
    assert found.record["settings"]["seed"] == 0
    assert found.notes == ()


def test_two_sets_are_compared_row_by_row(frame: pd.DataFrame) -> None:
    sets = [features_of(frame, scene=6), features_of(frame, scene=0)]
    found = embed_table(frame, LABELS, sets, settings=PCA, measured=QUICK)
    assert found.points.groupby("side").size().tolist() == [len(frame)] * 2
    measures = found.measures.set_index("measure")
    assert measures.loc["scene_purity", "change_high"] < 0


def test_many_subjects_are_sampled_for_the_map_and_it_is_said(frame: pd.DataFrame) -> None:
    settings = EmbedSettings(method="pca", max_points=20, seed=2)
    features = [features_of(frame, scene=1)]
    found = embed_table(frame, LABELS, features, settings=settings)
    assert len(found.points) == found.record["n_points"] == 20
    assert found.measures.empty
    assert found.notes == ("The map shows 20 of 120 subjects, chosen at random.",)
    again = embed_table(frame, LABELS, features, settings=settings)
    pd.testing.assert_frame_equal(found.points, again.points)


def test_what_is_not_known_is_left_out_and_said(frame: pd.DataFrame) -> None:
    bare = frame.drop(columns=["scene", "sample_id"]).copy()
    bare.loc[:9, "labels"] = None
    features = [features_of(frame, scene=1)]
    found = embed_table(bare, LABELS, features, settings=PCA, measured=QUICK)
    assert len(found.points) == 110
    assert found.points["scene"].isna().all()
    assert len(found.notes) == 2
    measures = found.measures.set_index("measure")
    assert measures.loc["scene_probe", "reason"] == "no scene is known"
    assert np.isnan(measures.loc["scene_probe", "before"])
    assert np.isfinite(measures.loc["emotion_purity", "before"])
    for broken, said in (
        (bare.drop(columns="image"), "column `image`"),
        (bare.assign(labels=None), "three or more rows"),
        (bare.iloc[:5], "5 rows"),
    ):
        with pytest.raises(InputError, match=said):
            embed_table(broken, LABELS, features, settings=PCA)


def test_the_command_takes_features_of_a_table(
    frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame.to_csv(tmp_path / "t.csv", index=False)
    for name, scene in (("a", 6.0), ("b", 0.0)):
        np.save(tmp_path / f"{name}.npy", features_of(frame, scene=scene))
    a, b = (str(tmp_path / f"{name}.npy") for name in "ab")
    words = ["embed", "--manifest", str(tmp_path / "t.csv"), "--labels", "controlled", "--quiet"]
    words += ["--method", "pca", "--bootstrap", "40", "--split", "shift"]
    found = answer(capsys, *words, "--features", a, b, "--out", str(tmp_path / "out"))
    assert found["features"] == ["a.npy", "b.npy"]
    assert found["n_subjects"] == 60
    assert [row["measure"] for row in found["measures"]] == list(MEASURES)
    assert [Path(name).name for name in found["files"]] == [
        "coordinates.csv", "separation.csv", "embed.json", "embed.html",
    ]  # fmt: skip
    assert any("--study" in note for note in found["notes"])
    assert len(pd.read_csv(tmp_path / "out" / "coordinates.csv")) == 120
    page = (tmp_path / "out" / "embed.html").read_text()
    assert "<script src" not in page
    assert "a.npy and b.npy, laid out by PCA, split shift" in page
    assert main([*words, "--features", a, "--no-measures"]) == 0
    assert "note: Joint features under likelihood" in capsys.readouterr().out
    assert "two files" in refusal(capsys, *words, "--features", a, b, a)
    assert "--study only" in refusal(capsys, *words, "--before", "x:y", "--after", "x:y")
    assert "or --features" in refusal(capsys, *words)


def test_the_command_encodes_pictures_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = picture_table(tmp_path, list(COLOURS) * 4, emotions=("Happy", "Sad"))
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = ["embed", "--manifest", str(tmp_path / "t.csv"), "--quiet", "--method", "pca"]
    found = answer(capsys, *words, "--bootstrap", "40", "--neighbours", "2")
    assert found["features"][0].startswith("efficientnet-lite0 (weights ")
    assert found["features"][0].endswith("the context, subject masked")
    by_name = {row["measure"]: row for row in found["measures"]}
    assert by_name["scene_purity"]["before"] == 1
    assert found["files"] == []
