"""The bias and cluster figures show what their tables say, chance among it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.bias import study_table
from analysis.bias_report import BiasReport, BiasSettings
from analysis.figures import association_heatmap, cluster_bars, size_choice_figure
from analysis.figures_entropy import bias_histogram, zero_entropy_figure
from tests.analysis.independent import random_table

QUICK = BiasSettings(n_null=39, n_bootstrap=0, min_support=3)


@pytest.fixture(scope="module")
def report() -> BiasReport:
    return study_table(random_table(1, n_images=120, n_scenes=6, n_emotions=5), settings=QUICK)


def test_the_null_is_drawn_over_each_histogram(report: BiasReport) -> None:
    figure = bias_histogram(report.histogram)
    assert [note.text for note in figure.layout.annotations] == list(report.emotions["emotion"])
    bars = [trace for trace in figure.data if trace.type == "bar"]
    means = [trace for trace in figure.data if trace.name == "chance, mean"]
    bands = [trace for trace in figure.data if trace.name == "chance, 95% band"]
    assert len(bars) == len(means) == len(bands) == 5
    for name, bar, mean, band in zip(report.emotions["emotion"], bars, means, bands, strict=True):
        bins = report.histogram[report.histogram["emotion"] == name]
        assert list(bar.y) == bins["scenes"].tolist()
        # Steps begin and end at the outer edges of the outer bins.
        assert list(mean.y)[1:-1] == bins["null_mean"].tolist()
        assert (mean.x[0], mean.x[-1]) == pytest.approx((-0.05, 1.0))
        assert list(band.y)[1:-1] == bins["null_high"].tolist()
        assert bar.x[0] == pytest.approx(-0.025)  # exactly zero, left of the axis' start
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3


def test_without_a_null_there_is_none_to_draw(report: BiasReport) -> None:
    bare = report.histogram.assign(null_mean=np.nan, null_low=np.nan, null_high=np.nan)
    one = bias_histogram(bare, emotions=["emotion 2"])
    assert [trace.type for trace in one.data] == ["bar"]
    emotions = report.emotions.assign(zero_entropy_null_mean=np.nan)
    dots = zero_entropy_figure(emotions).data[-1]
    assert list(dots.x) == (emotions["zero_entropy_share"].iloc[::-1] * 100).tolist()


def test_the_map_has_a_mark_for_every_cell_and_greys_what_does_not_count(
    report: BiasReport,
) -> None:
    figure = association_heatmap(report.cells, level=0.05, selectable=True)
    grey, coloured, marks = figure.data
    assert np.shape(grey.z) == (6, 5)
    counted = (report.cells["q"] <= 0.05).to_numpy().reshape(6, 5)
    shown = np.array([[value is not None for value in row] for row in coloured.z])
    assert (shown == counted).all()
    ids = {(scene, emotion) for scene, emotion, *_ in marks.customdata}
    assert ids == set(zip(report.cells["scene"], report.cells["emotion"], strict=True))
    few = association_heatmap(report.cells, max_scenes=2, titles={"scene 0": "first"})
    assert len(few.data[0].y) == 2


def test_a_clusters_bars_are_pale_where_they_do_not_differ() -> None:
    rows = pd.DataFrame(
        {
            "cluster": 3,
            "emotion": ["Happy", "Sad", "Fear"],
            "share": [0.6, 0.4, np.nan],
            "share_low": [0.5, 0.2, np.nan],
            "share_high": [0.7, 0.5, np.nan],
            "base_rate": [0.2, 0.4, 0.1],
            "lift": [3.0, 1.0, np.nan],
            "q": [0.001, 0.9, np.nan],
        }
    )
    bars, base = cluster_bars(rows, cluster=3).data
    assert list(bars.y) == ["Fear", "Sad", "Happy"]
    assert list(bars.marker.opacity) == [0.4, 0.4, 1.0]
    assert list(base.x) == pytest.approx([10, 40, 20])
    assert bars.error_x.array[2] == pytest.approx(10)


def test_the_choice_of_n_shows_both_measures_with_their_range() -> None:
    sizes = pd.DataFrame(
        {
            "n_clusters": [4, 8],
            **{
                f"{name}_{end}": [0.5 + place, 0.4 + place]
                for name in ("stability", "silhouette")
                for end, place in (("low", -0.1), ("mean", 0.0), ("high", 0.2))
            },
        }
    )
    stability, silhouette = size_choice_figure(sizes).data
    assert list(stability.x) == list(silhouette.x) == [4, 8]
    assert list(stability.error_y.array) == pytest.approx([0.2, 0.2])
    assert list(silhouette.error_y.arrayminus) == pytest.approx([0.1, 0.1])
