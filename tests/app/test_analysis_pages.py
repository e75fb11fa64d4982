"""Context bias, Confounders and Embeddings: what they show of a study, and what without it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from streamlit.testing.v1 import AppTest

from analysis.bias import BiasSettings, bias_study
from analysis.cluster_text import scene_mix
from analysis.clusters import cluster_study
from analysis.store import store_study_analysis
from analysis.stored import load_bias, load_clusters, save_bias, save_clusters
from ccim_core.confounders import ConfounderDictionary
from ccim_core.study import Study
from tests.analysis.embedding_study import make_study

RunPage = Callable[..., AppTest]
PAGES = ("context_bias", "confounders", "embeddings")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with all that the pages read, made once."""
    study = make_study(tmp_path_factory.mktemp("kept") / "study", n=60)
    features = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    dictionary = ConfounderDictionary(8, random_state=0).fit(features)
    provenance = {"split": "test", "view": "masked", "encoder": {"sha256": "0"}}
    dictionary.save(study.dictionaries_root / "plain.safetensors", provenance)
    made = store_study_analysis(study, quiet=True, method="pca")
    assert not [outcome for outcome in made.values() if outcome.startswith("not made")]
    # The study has no features on disk; with them there are exemplars.
    report = cluster_study(
        study.manifest.split("test").frame.reset_index(drop=True),
        dictionary.labels_,
        study.labels,
        n_clusters=8,
        features=features,
        centers=dictionary.centers_,
    )
    save_clusters(study, report, dictionary="plain", split="test")
    return study.path


@pytest.fixture
def study(kept: Path, assets: Path) -> Study:
    """The study as the installed demo."""
    shutil.copytree(kept, assets / "demo_study")
    return Study.open(assets / "demo_study")


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption, *test.subheader))


def metrics(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def figures(test: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]


def maps(test: AppTest) -> list[dict[str, Any]]:
    """The two figures of the Embeddings page, before and after."""
    (data,) = (
        json.loads(one.proto.json)
        for one in test.get("bidi_component")
        if one.proto.component_name == "point_maps"
    )
    return [json.loads(data["figures"][side]) for side in ("before", "after")]


@pytest.mark.parametrize("page", PAGES)
def test_without_a_study_or_its_analysis_the_page_names_the_command(
    page: str, assets: Path, run_page: RunPage
) -> None:
    assert "python -m ccim_core demo" in run_page(page).info[0].value
    study = make_study(assets / "demo_study", n=10)
    test = run_page(page)
    assert not test.error
    command = "embed" if page == "embeddings" else "store"
    assert test.code[0].value == f"python -m analysis {command} --study {study.path}"
    assert not test.get("plotly_chart")


@pytest.mark.parametrize("page", PAGES)
def test_what_belongs_to_another_manifest_is_one_sentence(
    page: str, study: Study, run_page: RunPage
) -> None:
    frame = study.manifest.frame.assign(labels="Happy")
    type(study.manifest)(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")
    test = run_page(page)
    assert not test.exception
    assert len(test.error) == 1
    assert "python -m analysis" in test.error[0].value


def test_context_bias_tells_the_reports_numbers(study: Study, run_page: RunPage) -> None:
    report = load_bias(study)
    assert report is not None
    test = run_page("context_bias")
    assert not test.error
    data = report.dataset
    assert metrics(test)["Cells that count"] == f"0 of {data['tested_cells']}"
    assert metrics(test)["Scene reveals"] == f"{data['information_share']:.0%}"
    assert "**This is no more than chance gives.**" in words(test)
    assert f"p = {data['mutual_information_p']:.2g}" in words(test)
    assert len(figures(test)) == 3
    cells = test.dataframe[0].value
    assert len(cells) == len(report.cells) == 35
    assert "train station, platform" in set(cells["scene"])
    # Labels are drawn without regard to scenes: nothing counts, and the table says so.
    test.toggle(key="cells_that_count").set_value(True).run()
    assert len(test.dataframe[0].value) == 0


def test_the_chosen_emotion_and_cells_are_in_the_address(study: Study, run_page: RunPage) -> None:
    test = run_page("context_bias", emotion="Sad", cells_of="Fear")
    assert "**Sad**: " in words(test)
    assert set(test.dataframe[0].value["emotion"]) == {"Fear"}
    test.selectbox(key="emotion").set_value("Happy").run()
    assert "**Happy**: " in words(test)
    assert test.query_params == {"emotion": "Happy", "cells_of": "Fear"}
    assert "**Anger**: " in words(run_page("context_bias", emotion="Glee"))


def test_context_bias_of_one_scene_says_why_there_is_no_number(
    study: Study, run_page: RunPage
) -> None:
    frame = study.manifest.frame.assign(scene="park")
    manifest = type(study.manifest)(frame=frame, labels=study.labels)
    manifest.save(study.path / "manifest.parquet")
    again = Study.open(study.path)
    settings = BiasSettings(n_null=39, n_bootstrap=39)
    save_bias(again, bias_study(again.manifest, settings=settings))
    test = run_page("context_bias")
    assert not test.error
    assert not test.exception
    assert "not defined here" in words(test)
    assert "There is one scene only" in words(test)
    assert metrics(test)["Scene reveals"] == "–"


def test_confounders_are_sorted_and_paged(study: Study, run_page: RunPage) -> None:
    test = run_page("confounders")
    assert not test.error
    assert metrics(test)["Prototypes"] == "8"
    assert metrics(test)["Subjects"] == "60"
    table = test.dataframe[0].value
    assert table["told_bits"].is_monotonic_decreasing
    assert len(test.get("html")) == 1 + 6  # the style sheet, and bars on each card

    def titles() -> list[str]:
        return [text.value for text in test.markdown if text.value.startswith("##### ")]

    assert titles()[0].startswith(f"##### \\#{table['cluster'].iloc[0]} ")
    test.selectbox(key="cluster_page").set_value("2").run()
    assert len(test.get("html")) - 1 == len(titles()) == 2
    test.selectbox(key="sort").set_value("cluster").run()
    assert [title[:9] for title in titles()] == ["##### \\#6", "##### \\#7"]
    found = load_clusters(study, "plain")
    assert found is not None
    assert scene_mix(found.report, 7).replace("#", "") in words(test)


def test_two_dictionaries_are_compared_by_their_address(study: Study, run_page: RunPage) -> None:
    assert not [box for box in run_page("confounders").selectbox if box.key == "against"]
    split = study.manifest.split("test").frame.reset_index(drop=True)
    ids = split["sample_id"].astype(str)
    for name, codes in (("plain", np.arange(60) % 4), ("plain-as-2", np.arange(60) % 2)):
        save_clusters(
            study,
            cluster_study(split, codes, study.labels),
            dictionary=name,
            split="test",
            members=pd.DataFrame({"sample_id": ids, "cluster": codes}),
            trained=name == "plain",
        )
    test = run_page("confounders", against="plain-as-2")
    assert not test.error
    assert test.selectbox(key="dictionary").options == [
        "4 prototypes (trained with)",
        "2 prototypes (to compare)",
    ]
    expected = adjusted_rand_score(np.arange(60) % 4, np.arange(60) % 2)
    assert f"They agree to **{expected:.2f}**" in words(test)
    matched = test.dataframe[1].value
    assert len(matched) == 4
    assert (matched["share"] == 1).all()
    assert matched["back"].tolist() == [0.5] * 4
    skew = next(
        figure for figure in figures(test) if "N" not in figure and len(figure["data"]) == 2
    )
    assert [trace["name"] for trace in skew["data"]] == test.selectbox(key="dictionary").options
    # Choosing the other one leaves the first to compare with.
    test.selectbox(key="dictionary").set_value("plain-as-2").run()
    assert metrics(test)["Prototypes"] == "2"
    assert test.selectbox(key="against").options == ["none", "4 prototypes (trained with)"]
    assert test.query_params == {"dictionary": "plain-as-2"}


def test_pictures_that_are_not_there_are_counted(study: Study, run_page: RunPage) -> None:
    told = words(run_page("confounders"))
    assert "4 of 4 pictures are not where the study says." in told


def test_embeddings_show_both_sides_and_the_measures(study: Study, run_page: RunPage) -> None:
    test = run_page("embeddings", colour="scene")
    assert not test.error
    before, after = maps(test)
    (measures,) = figures(test)
    for figure in (before, after):
        ids = [point for trace in figure["data"] for point in trace["customdata"]]
        assert len(ids) == 60
    assert before["layout"]["xaxis"]["range"] == after["layout"]["xaxis"]["range"]
    assert "a linear probe reads the scene" in json.dumps(measures)
    assert "60 of 60 subjects" in words(test)
    pairs = test.selectbox(key="pair").options
    assert len(pairs) == 3
    assert "context feature" not in pairs[0]  # joint features come first
    assert all("split shift" in name for name in pairs)


def test_coordinates_without_measures_name_the_command(study: Study, run_page: RunPage) -> None:
    for path in (study.analysis_root / "embeddings").glob("*.separation.json"):
        path.unlink()
    test = run_page("embeddings")
    assert len(maps(test)) == 2
    assert not figures(test)
    assert "analysis embed --study" in test.code[0].value


def test_damaged_coordinates_are_one_sentence(study: Study, run_page: RunPage) -> None:
    for path in (study.analysis_root / "embeddings").glob("*.parquet"):
        path.write_bytes(b"no table")
    test = run_page("embeddings")
    (error,) = test.error
    assert "make them again with" in error.value


def test_the_overview_sets_the_measured_bias_beside_its_null(
    study: Study, run_page: RunPage
) -> None:
    test = run_page("overview")
    report = load_bias(study)
    assert report is not None
    assert metrics(test)["Scene reveals"] == f"{report.dataset['information_share']:.0%}"
    chance = report.dataset["mutual_information_null_mean"] / report.dataset["entropy_bits"]
    (card,) = (one for one in test.metric if one.label == "Scene reveals")
    assert card.delta == f"by chance {chance:.1%}"
