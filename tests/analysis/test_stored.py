"""What a study keeps of its analysis: read back as it was, and refused when it is not."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import store
from analysis.bias import BiasSettings, bias_study
from analysis.cli import store as store_command
from analysis.cluster_sources import open_dictionary
from analysis.clusters import ClusterReport, cluster_study
from analysis.embeddings import load_embedding, stored_embeddings
from analysis.separation_study import stored_separations
from analysis.stored import (
    load_bias,
    load_clusters,
    save_bias,
    save_clusters,
    stored_clusters,
)
from ccim_core.cli import run_command
from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.study import Study
from ccim_core.training.config import RunConfig, replace_field
from tests.analysis.embedding_study import SCENES, make_run, make_study

TABLES = ("clusters", "distribution", "scenes", "exemplars")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "study", n=40)


def describe_clusters(study: Study) -> ClusterReport:
    frame = study.manifest.split("test").frame.reset_index(drop=True)
    cluster = pd.Categorical(frame["scene"], categories=SCENES).codes
    features = np.random.default_rng(0).normal(size=(len(frame), 3))
    centers = np.zeros((len(SCENES) + 1, 3))
    return cluster_study(
        frame,
        cluster,
        study.labels,
        n_clusters=len(SCENES) + 1,  # the last is empty: its shares are NaN
        features=features,
        centers=centers,
    )


def add_dictionary(
    study: Study, split: str, name: str, *, seed: int = 0, made_of: dict[str, Any] | None = None
) -> None:
    n = int((study.manifest.frame["split"] == split).sum())
    features = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    dictionary = ConfounderDictionary(4, random_state=seed).fit(features)
    provenance = {"split": split, "view": "masked", "encoder": {"sha256": "0"}, "seed": seed}
    provenance |= made_of or {}
    dictionary.save(study.dictionaries_root / f"{name}.safetensors", provenance)


def test_nothing_is_kept_of_a_fresh_study(study: Study) -> None:
    assert load_bias(study) is None
    assert stored_clusters(study) == []
    assert load_clusters(study, "any") is None


def test_a_bias_report_is_read_back_as_it_was(study: Study) -> None:
    settings = BiasSettings(split="shift", n_null=39, n_bootstrap=39, min_support=3)
    report = bias_study(study.manifest, settings=settings)
    save_bias(study, report)
    again = load_bias(Study.open(study.path))
    assert again is not None
    for name in ("emotions", "scenes", "cells", "histogram"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(report, name))
    assert again.settings == report.settings
    assert again.notes == report.notes
    assert again.dataset == report.to_json()["dataset"]


def test_a_cluster_study_is_read_back_as_it_was_beside_others(study: Study) -> None:
    report = describe_clusters(study)
    for name in ("first", "second"):
        save_clusters(study, report, dictionary=name, split="test")
    assert stored_clusters(study) == ["first", "second"]
    again = load_clusters(Study.open(study.path), "second")
    assert again is not None
    assert (again.dictionary, again.split) == ("second", "test")
    for name in TABLES:
        # An empty cluster's scene is None in memory and in Parquet alike.
        pd.testing.assert_frame_equal(getattr(again.report, name), getattr(report, name))
    assert again.report.notes == report.notes


def test_what_belongs_to_another_manifest_is_refused(study: Study) -> None:
    settings = BiasSettings(n_null=0, n_bootstrap=0)
    save_bias(study, bias_study(study.manifest, settings=settings))
    other = study.manifest.split("test")
    other.save(study.path / "manifest.parquet")
    with pytest.raises(InputError, match="present manifest.*analysis store --study"):
        load_bias(Study.open(study.path))


@pytest.mark.parametrize("damage", ["cut", "gone", "another", "not json", "other kind"])
def test_damaged_files_are_one_sentence(study: Study, damage: str) -> None:
    folder = save_clusters(study, describe_clusters(study), dictionary="d", split="test")
    table, record = folder / "scenes.parquet", folder / "stored.json"
    if damage == "cut":
        table.write_bytes(table.read_bytes()[:100])
    elif damage == "gone":
        table.unlink()
    elif damage == "another":
        table.write_bytes((folder / "clusters.parquet").read_bytes())
    elif damage == "not json":
        record.write_text("{")
    else:
        record.write_text(json.dumps({**json.loads(record.read_text()), "kind": "bias"}))
    with pytest.raises(InputError, match="^Expected"):
        load_clusters(study, "d")


def test_the_training_dictionary_of_the_lowest_seed_is_the_default(study: Study) -> None:
    with pytest.raises(InputError, match="ccim_core dictionary --study"):
        open_dictionary(study)
    add_dictionary(study, "test", "a-other-split")
    assert open_dictionary(study)[0] == "a-other-split"
    frame = study.manifest.frame
    frame.loc[frame["split"] == "shift", "split"] = "train"
    add_dictionary(study, "train", "train-seed1", seed=1)
    add_dictionary(study, "train", "train-seed0")
    assert open_dictionary(study)[0] == "train-seed0"
    assert open_dictionary(study, "train-seed1")[0] == "train-seed1"
    with pytest.raises(InputError, match="'x'"):
        open_dictionary(study, "x")


def test_of_several_dictionaries_the_one_that_most_runs_use_is_the_default(study: Study) -> None:
    encoder = RunConfig().encoder.context
    frame = study.manifest.frame
    frame.loc[frame["split"] == "shift", "split"] = "train"
    for size in (2, 4):
        made_of = {"encoder": {"name": encoder}, "size": size}
        add_dictionary(study, "train", f"train-{size}", made_of=made_of)
    assert open_dictionary(study)[0] == "train-2"
    config = replace_field(RunConfig(), "dictionary.size", 4)
    make_run(study, config, (), np.random.default_rng(0))
    assert open_dictionary(study)[0] == "train-4"
    damaged = study.runs_root / "damaged"
    damaged.mkdir()
    (damaged / "config.json").write_text("{")
    assert open_dictionary(study)[0] == "train-4"


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    store_command.add_parser(parser.add_subparsers(required=True))
    return run_command(parser.parse_args(["store", "--method", "pca", "--quiet", *words]))


def test_the_command_keeps_all_that_the_pages_read(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    add_dictionary(study, "test", "plain")
    assert call("--study", str(study.path), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bias"] == "analysis/bias"
    assert answer["clusters"] == "analysis/clusters/plain"
    report = load_bias(study)
    assert report is not None
    assert report.dataset["subjects"] == 80
    assert report.settings.split is None  # there is no training split
    kept = load_clusters(study, "plain")
    assert kept is not None
    assert kept.report.clusters["size"].sum() == 40
    assert kept.members is not None
    assert kept.members["cluster"].value_counts().sort_index().tolist() == list(
        kept.report.clusters["size"]
    )
    paths = stored_embeddings(study)
    assert answer["embeddings"].count(".parquet") == len(paths) == 3
    assert len(load_embedding(study, paths[0]).frame) == 80
    assert len(stored_separations(study)) == 3


def test_sizes_are_kept_where_there_are_such(study: Study) -> None:
    report = describe_clusters(study)
    sizes = pd.DataFrame({"n_clusters": [2, 4], "stability_mean": [0.9, 0.8]})
    save_clusters(study, report, dictionary="d", split="test", sizes=sizes)
    kept = load_clusters(study, "d")
    assert kept is not None
    assert kept.sizes is not None
    pd.testing.assert_frame_equal(kept.sizes, sizes)
    save_clusters(study, report, dictionary="d", split="test")
    again = load_clusters(study, "d")
    assert again is not None
    assert again.sizes is None


def test_half_and_twice_as_many_clusters_are_kept_to_compare(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dictionary(study, "test", "plain")
    features = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    monkeypatch.setattr(store, "dictionary_features", lambda *_: features)
    made = store.store_study_analysis(study, quiet=True, method="pca")
    assert made["clusters"] == "analysis/clusters/plain"
    assert stored_clusters(study) == ["plain", "plain-as-2", "plain-as-8"]
    for name, n in (("plain", 4), ("plain-as-2", 2), ("plain-as-8", 8)):
        kept = load_clusters(study, name)
        assert kept is not None
        assert len(kept.report.clusters) == n
        assert kept.sizes is not None
        assert kept.sizes["n_clusters"].tolist() == [2, 4, 8]
        assert kept.trained == (n == 4)


def test_dictionaries_to_compare_come_after_those_that_models_used(study: Study) -> None:
    report = describe_clusters(study)
    frame = study.manifest.split("test").frame
    members = pd.DataFrame({"sample_id": frame["sample_id"].to_numpy(), "cluster": 0})
    for name, trained in (("a", False), ("b", True), ("c", False)):
        save_clusters(
            study, report, dictionary=name, split="test", members=members, trained=trained
        )
    assert stored_clusters(study) == ["b", "a", "c"]
    kept = load_clusters(study, "c")
    assert kept is not None
    assert not kept.trained
    assert kept.members is not None
    pd.testing.assert_frame_equal(kept.members, members)
    # A record from before there were such is of a dictionary that models used.
    path = study.analysis_root / "clusters" / "a" / "stored.json"
    path.write_text(
        json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "trained"})
    )
    assert stored_clusters(study) == ["a", "b", "c"]


def test_scenes_that_cannot_be_had_are_left_out_with_the_reason(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    add_dictionary(study, "test", "plain")
    assert call("--study", str(study.path), "--scenes", "clusters", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    # Clusters are those of split test: without features they say nothing of all rows.
    assert made["bias"].startswith("not made: Expected stored features of split all")
    assert load_bias(study) is None


def test_what_a_study_has_no_data_for_is_left_out_with_the_reason(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = Study.create(
        study.path.parent / "bare",
        name="bare",
        kind="table",
        labels=study.labels,
        manifest=study.manifest,
    )
    assert call("--study", str(bare.path)) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = [line.split()[:2] for line in lines[1:]]
    assert starts == [["clusters", "not"], ["embeddings", "not"], ["next:", "streamlit"]]
    assert load_bias(bare) is not None
    assert call("--study", str(bare.path.parent)) == 2
    assert capsys.readouterr().err.startswith("error: Expected a study directory")


def test_reading_imports_nothing_heavy() -> None:
    script = (
        "import sys, analysis.stored\n"
        "print(sorted({'torch', 'sklearn', 'umap', 'plotly', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
