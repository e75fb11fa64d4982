"""Figures of results: what is drawn is what the frame says, and nothing where it says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.figures_ablation import ablation_dots, describe_ablation, size_lines
from analysis.figures_examples import Thumbnail, describe_examples, examples_figure
from analysis.figures_results import describe_bars, gain_dumbbells, published_bars
from analysis.reproduction import Reproduction, reproduce
from analysis.tables_ablation import published_changes
from ccim_core.study import Study
from tests.analysis.table_study import make_table_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    settings = ("none", "ccim", "additive", "size_64")
    return make_table_study(tmp_path_factory.mktemp("figures") / "study", settings=settings)


@pytest.fixture(scope="module")
def table3(study: Study) -> Reproduction:
    return reproduce("table3", [study.path])


def test_bars_are_the_numbers_and_whiskers_the_intervals(table3: Reproduction) -> None:
    frame = table3.table[table3.table["split"] == "test"]
    figure = published_bars(frame)
    bars = {trace.name: trace for trace in figure.data}
    published = dict(zip(bars["published"].y, bars["published"].x, strict=True))
    assert published["EMOT-Net + CCIM"] == 75.82
    ours = bars["ours, + CCIM"]
    row = frame[frame["title"] == "EMOT-Net + CCIM"].iloc[0]
    assert list(ours.x) == [row["ours"]]
    assert ours.x[0] + ours.error_x.array[0] == pytest.approx(row["high"])
    assert ours.x[0] - ours.error_x.arrayminus[0] == pytest.approx(row["low"])
    assert "75.82 published" in describe_bars(frame)


def test_a_frame_without_any_number_is_an_empty_figure(table3: Reproduction) -> None:
    frame = table3.table[table3.table["split"] == "test"].assign(
        published=np.nan, ours=np.nan, chance=np.nan
    )
    assert len(published_bars(frame).data) == 0


def test_dumbbells_join_plain_and_ccim_of_each_emotion(table3: Reproduction) -> None:
    frame = table3.part("categories_test").frame
    figure = gain_dumbbells(frame)
    ends = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    lines = next(trace for trace in figure.data if trace.mode == "lines")
    named = [[one[0] for one in ends[name].customdata] for name in ("plain", "+ CCIM")]
    assert named[0] == named[1] == list(dict.fromkeys(frame["category"]))
    starts, stops = lines.x[::3], lines.x[1::3]
    assert list(starts) == list(ends["plain"].x)
    assert list(stops) == list(ends["+ CCIM"].x)


def test_ablations_are_changes_with_the_papers_where_it_has_them(study: Study) -> None:
    frame = reproduce("table4", [study.path]).table
    figure = ablation_dots(frame)
    ours = [trace for trace in figure.data if trace.name == "EMOT-Net"]
    mine = frame[(frame["model"] == "EMOT-Net") & frame["change"].notna()]
    drawn = [x for trace in ours for x in trace.x if np.isfinite(x)]
    assert sorted(drawn) == pytest.approx(sorted(mine["change"]))
    published = [trace for trace in figure.data if trace.name == "published"]
    assert -0.18 in [x for trace in published for x in trace.x]
    assert "EMOT-Net, additive attention, test" in describe_ablation(frame)
    rendered = frame.assign(published_change=np.nan)
    behind = ablation_dots(rendered, reference=published_changes())
    assert any("the paper, on its own" in str(trace.name) for trace in behind.data)


def test_sizes_are_lines_with_the_plain_model_dotted(study: Study) -> None:
    frame = reproduce("figure6", [study.path]).table
    figure = size_lines(frame)
    lines = [trace for trace in figure.data if trace.name == "EMOT-Net"]
    assert [[text[0] for text in line.customdata] for line in lines] == [[64, 128], [64, 128]]
    assert len(figure.layout.shapes) == 2


def test_examples_show_the_picture_or_say_that_it_is_not_here(study: Study) -> None:
    examples = reproduce("figure8", [study.path]).table
    without = examples_figure(examples, {})
    said = [trace for trace in without.data if trace.type == "scatter"]
    assert [trace.text[0] for trace in said] == ["the picture is not here"] * 2
    picture = Thumbnail(source="data:image/jpeg;base64,", size=(20, 10), original=(40, 20))
    with_pictures = examples_figure(examples, dict.fromkeys(examples["image"], picture))
    assert sum(trace.type == "image" for trace in with_pictures.data) == 2
    bars = [trace for trace in with_pictures.data if trace.type == "bar"]
    assert len(bars) == 4
    label = str(examples["labels"].iloc[0])
    assert f"labelled {label}: top output" in describe_examples(examples)
