"""Stored coordinates: made once, joined with what is known now, refused when changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import embeddings
from analysis.embedding_points import CHANGES
from analysis.embedding_sources import (
    Side,
    context_pairs,
    default_pairs,
    default_split,
    read_pair,
)
from analysis.embeddings import EmbedSettings, embed, load_embedding, stored_embeddings
from analysis.separation import SeparationSettings
from analysis.separation_study import load_separation, stored_separations, study_separation
from ccim_core.errors import InputError
from ccim_core.files import write_json
from ccim_core.study import Study
from tests.analysis.embedding_study import make_study

PCA = EmbedSettings(method="pca")
H, H_DO = Side.parse("none-seed0:likelihood"), Side.parse("none-seed0:backdoor")
CCIM = Side.parse("ccim-seed0:ccim")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("made") / "study").path


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Study:
    """A fresh copy of the study."""
    return Study.open(shutil.copytree(made, tmp_path / "study"))


def test_a_row_per_subject_and_side_with_what_is_known_of_it(study: Study) -> None:
    frame = embed(study, H, H_DO, settings=PCA).frame
    assert list(frame.columns) == [
        "sample_id", "split", "side", "x", "y", "emotion", "scene", "cluster", "correct",
        "predicted", "change",
    ]  # fmt: skip
    assert frame.groupby("side").size().to_dict() == {"before": 60, "after": 60}
    table = study.manifest.frame.set_index("sample_id")
    row = frame.iloc[7]
    assert (row["emotion"], row["scene"]) == tuple(table.loc[row["sample_id"], ["labels", "scene"]])
    assert row["cluster"] in range(5)
    # Of the plain run's likelihood every second subject is right, of back-door all are.
    assert frame[frame["side"] == "before"]["correct"].sum() == 30
    assert frame[frame["side"] == "after"]["correct"].all()
    assert frame[frame["side"] == "after"]["predicted"].tolist() == list(
        table.loc[frame["sample_id"][60:], "labels"]
    )
    changes = frame[frame["side"] == "before"]["change"].value_counts().to_dict()
    assert changes == {CHANGES[0]: 30, CHANGES[1]: 30}


def test_scenes_lie_apart_before_and_not_after(study: Study) -> None:
    frame = embed(study, H, H_DO, settings=PCA).frame
    spread = {}
    for side, part in frame.groupby("side"):
        means = part.groupby("scene")[["x", "y"]].mean()
        spread[side] = float(means.std().mean() / part[["x", "y"]].std().mean())
    assert spread["before"] > 2 * spread["after"]


def test_the_record_says_what_made_the_points(study: Study) -> None:
    found = embed(study, H, CCIM, settings=PCA)
    record = json.loads(found.path.with_suffix(".json").read_text())
    assert record == found.record
    assert (found.before, found.after) == (H, CCIM)
    assert record["settings"]["seed"] == 0
    assert "Procrustes" in record["basis"]
    assert embed(study, H, H_DO, settings=PCA).record["basis"] == "one PCA basis of both sides"
    assert {"umap-learn", "numpy"} <= set(record["versions"])
    assert str(study.path) not in json.dumps(record)


def test_equal_work_is_done_once(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    first = embed(study, H, H_DO, settings=PCA)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(embeddings, "project_pca", refuse)
        patch.setattr(embeddings, "read_pair", refuse)
        # UMAP's options do not concern PCA.
        second = embed(study, H, H_DO, settings=EmbedSettings(method="pca", n_epochs=7))
        third = load_embedding(study, first.path)
    assert (first.computed, second.computed) == (True, False)
    pd.testing.assert_frame_equal(first.frame, second.frame)
    pd.testing.assert_frame_equal(first.frame, third.frame)
    assert stored_embeddings(study) == [first.path]
    assert embed(study, H, H_DO, settings=EmbedSettings(method="pca", max_points=30)).computed


def test_other_features_are_other_work(study: Study) -> None:
    first = embed(study, H, H_DO, settings=PCA)
    path = study.runs_root / "none-seed0" / "embeddings" / "backdoor.npy"
    np.save(path, np.load(path) * 2)
    with pytest.raises(InputError, match="present features of none-seed0:backdoor"):
        load_embedding(study, first.path)
    second = embed(study, H, H_DO, settings=PCA)
    assert second.computed
    assert second.path != first.path


def test_a_study_shared_without_features_still_shows_its_points(study: Study) -> None:
    first = embed(study, H, H_DO, settings=PCA)
    for path in study.runs_root.glob("*/embeddings"):
        shutil.rmtree(path)
    pd.testing.assert_frame_equal(load_embedding(study, first.path).frame, first.frame)
    with pytest.raises(InputError, match="evaluate"):
        embed(study, H, H_DO, settings=PCA)


@pytest.mark.parametrize("tamper", ["seed", "points", "json", "kind", "gone"])
def test_what_was_changed_is_refused_and_made_again(study: Study, tamper: str) -> None:
    first = embed(study, H, H_DO, settings=PCA)
    sidecar = first.path.with_suffix(".json")
    if tamper == "seed":
        record = json.loads(sidecar.read_text())
        record["settings"]["seed"] = 5
        write_json(sidecar, record)
    elif tamper == "points":
        table = pd.read_parquet(first.path)
        table.assign(x_before=table["x_before"] + 1).to_parquet(first.path)
    elif tamper == "json":
        sidecar.write_text("{")
    elif tamper == "kind":
        write_json(sidecar, ["something", "else"])
    else:
        sidecar.unlink()
    with pytest.raises(InputError, match="make them again"):
        load_embedding(study, first.path)
    again = embed(study, H, H_DO, settings=PCA)
    assert again.computed
    pd.testing.assert_frame_equal(again.frame, first.frame)
    assert not load_embedding(study, first.path).computed


def test_subjects_are_matched_by_name_not_by_row(study: Study) -> None:
    pair = read_pair(study, H, CCIM, split="shift")
    folder = study.runs_root / "ccim-seed0" / "embeddings"
    order = np.random.default_rng(0).permutation(120)[:100]
    index = pd.read_parquet(folder / "index.parquet")
    index.iloc[order].to_parquet(folder / "index.parquet", index=False)
    np.save(folder / "ccim.npy", np.load(folder / "ccim.npy")[order])
    shuffled = read_pair(study, H, CCIM, split="shift")
    kept = np.isin(pair.sample_id, shuffled.sample_id)
    assert 0 < shuffled.n_left_out == (~kept).sum()
    np.testing.assert_array_equal(shuffled.after, pair.after[kept])
    np.testing.assert_array_equal(shuffled.before, pair.before[kept])


def test_a_limit_on_points_keeps_some_of_them(study: Study) -> None:
    settings = EmbedSettings(method="pca", max_points=25)
    found = embed(study, H, H_DO, settings=settings)
    assert len(found.frame) == 50
    assert found.record["n_subjects"] == 60
    other = embed(study, H, H_DO, settings=EmbedSettings(method="pca", max_points=25, seed=1))
    assert set(other.frame["sample_id"]) != set(found.frame["sample_id"])


def test_without_predictions_and_clusters_the_points_are_still_there(study: Study) -> None:
    for path in study.runs_root.glob("*/predictions.parquet"):
        path.unlink()
    index = study.runs_root / "none-seed0" / "embeddings" / "index.parquet"
    pd.read_parquet(index).drop(columns="stratum").to_parquet(index, index=False)
    frame = embed(study, H, H_DO, settings=PCA).frame
    assert frame[["correct", "predicted", "change", "cluster"]].isna().all(axis=None)
    assert np.isfinite(frame["x"]).all()


def test_a_ccim_runs_own_features_are_judged_by_its_forward_pass(study: Study) -> None:
    folder = study.runs_root / "ccim-seed0" / "embeddings"
    shutil.copy(folder / "context.npy", folder / "likelihood.npy")
    for array in ("likelihood", "context"):
        after = Side(run="ccim-seed0", array=array)
        frame = embed(study, H, after, settings=PCA).frame
        assert frame[frame["side"] == "after"]["correct"].sum() == 30


def test_defaults_are_the_plain_run_before_and_after(study: Study) -> None:
    contexts = (Side.parse("none-seed0:context"), Side.parse("ccim-seed0:context"))
    assert default_pairs(study) == [(H, H_DO), (H, CCIM), contexts]
    assert context_pairs(study) == {"emot_net": contexts}
    assert default_split(study, H) == "shift"
    assert default_split(study, H, ("val", "test")) == "test"


def test_what_is_not_there_is_said_with_what_to_do(study: Study) -> None:
    with pytest.raises(InputError, match="those of"):
        read_pair(study, H, H_DO, split="val")
    with pytest.raises(InputError, match="finished run"):
        read_pair(study, Side(run="nobody", array="ccim"), H, split="shift")
    with pytest.raises(InputError, match="evaluate"):
        read_pair(study, Side(run="none-seed0", array="ccim"), H, split="shift")
    with pytest.raises(InputError, match="an array of"):
        Side.parse("none-seed0:logits")
    with pytest.raises(InputError, match="RUN:ARRAY"):
        Side.parse("none-seed0")
    with pytest.raises(InputError, match="method"):
        EmbedSettings(method="tsne")  # type: ignore[arg-type]
    shutil.rmtree(study.runs_root)
    with pytest.raises(InputError, match="--embeddings"):
        default_pairs(study)


@pytest.mark.parametrize("damage", ["short", "nan", "text"])
def test_damaged_features_are_input_errors(study: Study, damage: str) -> None:
    path = study.runs_root / "none-seed0" / "embeddings" / "likelihood.npy"
    array = np.load(path)
    if damage == "short":
        np.save(path, array[:-1])
    elif damage == "nan":
        array[3, 2] = np.nan
        np.save(path, array)
    else:
        path.write_text("not an array")
    with pytest.raises(InputError, match="Expected"):
        read_pair(study, H, H_DO, split="shift")


def test_measures_are_kept_and_refused_when_changed(study: Study) -> None:
    settings = SeparationSettings(n_resamples=40, k=5)
    first = study_separation(study, H, CCIM, settings=settings)
    again = study_separation(study, H, CCIM, settings=settings)
    assert (first.computed, again.computed) == (True, False)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert stored_separations(study) == [first.path]
    frame = first.frame.set_index("measure")
    assert frame.loc["scene_purity", "before"] > 0.9
    assert frame.loc["scene_purity", "after"] < 0.5
    assert frame.loc["scene_purity", "change_high"] < 0
    record = json.loads(first.path.read_text())
    record["measures"][0]["after"] = 0.99
    write_json(first.path, record)
    with pytest.raises(InputError, match="make them again"):
        load_separation(study, first.path)
    restored = study_separation(study, H, CCIM, settings=settings)
    assert restored.computed
    pd.testing.assert_frame_equal(restored.frame, first.frame)


@pytest.mark.slow
def test_aligned_umap_of_a_study_is_repeatable(study: Study) -> None:
    settings = EmbedSettings(n_epochs=50)
    first = embed(study, H, CCIM, settings=settings)
    first.path.unlink()
    second = embed(study, H, CCIM, settings=settings)
    assert second.computed
    pd.testing.assert_frame_equal(first.frame, second.frame)
    assert first.record["basis"] == "laid out together by AlignedUMAP"
