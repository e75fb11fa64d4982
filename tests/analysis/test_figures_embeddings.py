"""Figures of embeddings: ids that survive the browser, groups that lose nobody, light payload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import palette
from analysis.embedding_points import CHANGES
from analysis.embeddings import EmbedSettings
from analysis.figure7 import choose_contexts, figure7, figure7_figure
from analysis.figures_embeddings import (
    COLOUR_BY,
    describe_embedding,
    embedding_figure,
    pair_figure,
    point_groups,
)
from analysis.figures_separation import describe_separation, separation_figure
from analysis.separation import Measured
from analysis.separation_study import compare_measures
from ccim_core.errors import InputError
from ccim_core.study import Study
from tests.analysis.embedding_study import LABELS, make_study


def make_points(n: int, *, scenes: int = 14, clusters: int = 64) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    one = pd.DataFrame(
        {
            "sample_id": [f"shift-{i:06d}" for i in range(n)],
            "split": "shift",
            "x": rng.normal(size=n).astype(np.float32),
            "y": rng.normal(size=n).astype(np.float32),
            "emotion": rng.choice(LABELS.emotions, n),
            "scene": rng.choice([f"scene_{i}" for i in range(scenes)], n),
            "cluster": pd.array(rng.integers(clusters, size=n), dtype="Int64"),
            "correct": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "predicted": "Happy",
            "change": rng.choice(CHANGES, n),
        }
    )
    return pd.concat([one.assign(side="before"), one.assign(side="after")], ignore_index=True)


def ids_of(traces: Sequence[object]) -> list[str]:
    return [entry[0] for trace in traces for entry in trace.customdata]  # type: ignore[attr-defined]


@pytest.mark.parametrize("colour_by", COLOUR_BY)
def test_every_point_is_drawn_once_with_its_id_as_a_plain_list(colour_by: str) -> None:
    frame = make_points(300)
    figure = embedding_figure(frame, side="after", colour_by=colour_by, emotions=LABELS.emotions)
    assert sorted(ids_of(figure.data)) == sorted(frame["sample_id"][:300])
    drawn = json.loads(figure.to_json())["data"][0]["customdata"]
    assert isinstance(drawn, list)
    assert isinstance(drawn[0], list)
    assert figure.data[0].unselected.marker.color == palette.MUTED


@pytest.mark.parametrize(("n", "kind"), [(1500, "scatter"), (1501, "scattergl")])
def test_many_points_are_drawn_by_webgl_and_few_without_starting_it(n: int, kind: str) -> None:
    figure = embedding_figure(make_points(n), side="before")
    assert {trace.type for trace in figure.data} == {kind}
    assert len(ids_of(figure.data)) == n


def test_colours_are_the_emotions_own_in_the_vocabularys_order() -> None:
    frame = make_points(100)
    groups = point_groups(frame, "emotion", LABELS.emotions)
    assert [group.name for group in groups] == list(LABELS.emotions)
    assert all(group.colour == palette.EMOTION_COLOURS[group.name] for group in groups)


def test_several_emotions_take_the_first_ones_colour() -> None:
    frame = make_points(2)
    frame["emotion"] = ["Fear|Sad", "Sad", "Fear|Sad", "Sad"]
    groups = {group.name: group.rows.tolist() for group in point_groups(frame, "emotion")}
    assert groups == {"Fear": [True, False, True, False], "Sad": [False, True, False, True]}


def test_many_clusters_leave_the_rest_as_other_and_unknown_as_unknown() -> None:
    frame = make_points(2000, clusters=60)
    frame.loc[:9, "cluster"] = pd.NA
    groups = point_groups(frame, "cluster")
    assert len(groups) == 24 + 2
    assert np.sum([group.rows for group in groups], axis=0).tolist() == [1] * 4000
    assert groups[-2].name == "other (36)"
    assert groups[-1].name == "unknown"
    assert groups[-1].rows.sum() == 10
    looks = {(group.colour, group.symbol) for group in groups[:24]}
    assert len(looks) == 24
    assert palette.MUTED not in {group.colour for group in groups[:24]}


def test_points_without_a_place_are_not_drawn() -> None:
    frame = make_points(20)
    frame.loc[4, "x"] = np.nan
    figure = embedding_figure(frame, side="before")
    assert "shift-000004" not in ids_of(figure.data)
    assert len(ids_of(figure.data)) == 19


def test_an_unknown_colouring_is_refused() -> None:
    with pytest.raises(ValueError, match="colour_by"):
        point_groups(make_points(3), "age")


def test_a_pair_shows_both_sides_with_one_legend() -> None:
    frame = make_points(60)
    figure = pair_figure(frame, titles=("before it", "after it"), emotions=LABELS.emotions)
    assert [note.text for note in figure.layout.annotations] == ["before it", "after it"]
    names = [trace.name for trace in figure.data if trace.showlegend]
    assert len(names) == len(set(names)) == 7
    assert len(ids_of(figure.data)) == 120
    text = describe_embedding(frame, ("h", "h after"))
    assert text.startswith("60 subjects")
    assert f"{(frame['change'][:60] == CHANGES[1]).sum()} becomes right" in text


def test_the_separation_figure_shows_every_measure_defined_or_not() -> None:
    one = Measured(value=0.4, low=0.3, high=0.6, chance=0.2, n=10)
    frame = compare_measures(
        {"scene_purity": one, "scene_nmi": Measured(reason="one scene only")},
        {"scene_purity": one, "scene_nmi": Measured(reason="one scene only")},
        confidence=0.95,
    )
    figure = separation_figure(frame, titles=("likelihood", "back-door"))
    after = next(trace for trace in figure.data if trace.name == "back-door")
    assert after.x[0] == 0.4
    assert after.error_x.array[0] == pytest.approx(0.2)
    assert after.error_x.arrayminus[0] == pytest.approx(0.1)
    assert [note.text for note in figure.layout.annotations] == ["not defined: one scene only"]
    assert "one scene only" in describe_separation(frame)


# ---------------------------------------------------------------- Figure 7


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("figure7") / "study", n=150)


def test_the_papers_contexts_are_found_under_their_places365_names(study: Study) -> None:
    assert set(choose_contexts(study, split="test")) == {
        "park", "market/outdoor", "hospital_room", "train_station/platform",
    }  # fmt: skip
    assert choose_contexts(study, split="test", wanted=["beach", "park"]) == ("beach", "park")
    with pytest.raises(InputError, match="moon"):
        choose_contexts(study, split="test", wanted=["moon"])


def test_figure_7_shows_four_contexts_of_test_subjects_for_both_runs(study: Study) -> None:
    result = figure7(study, settings=EmbedSettings(method="pca"))
    assert result.runs == {
        "emot_net": {"before": "none-seed0", "after": "ccim-seed0", "split": "test"}
    }
    assert set(result.points["scene"]) == set(result.contexts)
    assert set(result.points["split"]) == {"test"}
    measures = result.measures.set_index("measure")
    assert measures.loc["scene_purity", "before"] > 0.9
    assert measures.loc["scene_purity", "n"] == len(result.points) / 2
    figure = figure7_figure(result, emotions=LABELS.emotions)
    drawn = [trace for trace in figure.data if trace.customdata is not None]
    assert len(ids_of(drawn)) == len(result.points)
    titles = [note.text for note in figure.layout.annotations]
    assert titles[0].startswith("EMOT-Net<br>")
    assert titles[1].startswith("EMOT-Net + CCIM")
    assert f"{measures.loc['emotion_purity_within', 'before']:.2f}" in titles[0]
    marks = [trace for trace in figure.data if trace.legend == "legend2"]
    assert len({trace.marker.symbol for trace in marks}) == len(marks) == 4
    emotions = [trace for trace in figure.data if trace.legend == "legend"]
    assert [trace.name for trace in emotions] == list(LABELS.emotions)
    assert {trace.marker.symbol for trace in emotions} == {"circle"}
    assert not any(trace.showlegend for trace in drawn)


def test_figure_7_needs_a_plain_and_a_ccim_run(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", n=20)
    (study.runs_root / "ccim-seed0" / "done").unlink()
    with pytest.raises(InputError, match="CCIM"):
        figure7(study, settings=EmbedSettings(method="pca"))
