"""The app's maps: everyone drawn once in the right colour, light payload, one legend for both."""

from __future__ import annotations

import json
import re
from html import unescape

import numpy as np
import pytest

from analysis import palette
from analysis.figures_embeddings import COLOUR_BY, MAX_SVG, point_groups
from analysis.figures_maps import map_figure, map_legend
from tests.analysis.embedding_study import LABELS
from tests.analysis.test_figures_embeddings import make_points


@pytest.mark.parametrize("colour_by", COLOUR_BY)
def test_every_point_is_drawn_once_in_its_groups_look(colour_by: str) -> None:
    frame = make_points(300)
    figure = map_figure(frame, side="after", colour_by=colour_by, emotions=LABELS.emotions)
    groups = point_groups(frame, colour_by, LABELS.emotions)
    steps = {
        round(place * len(groups)): colour
        for place, colour in figure.data[0].marker.colorscale[::2]
    }
    looks = {
        entry[0]: (steps[int(code)], trace.marker.symbol)
        for trace in figure.data
        for entry, code in zip(trace.customdata, trace.marker.color, strict=True)
    }
    assert sum(len(trace.x) for trace in figure.data) == len(looks) == 300
    for group in groups:
        for name in frame["sample_id"][group.rows & (frame["side"] == "after").to_numpy()]:
            assert looks[name] == (group.colour, group.symbol)
    drawn = json.loads(figure.to_json())["data"][0]["customdata"]
    assert isinstance(drawn[0], list)
    assert all(trace.unselected.marker.color == palette.MUTED for trace in figure.data)


def test_a_colour_means_the_same_on_both_sides() -> None:
    frame = make_points(40)
    frame.loc[40:59, "change"] = "stays right"  # of one side alone
    before, after = (
        map_figure(frame, side=side, colour_by="change") for side in ("before", "after")
    )
    assert before.data[0].marker.colorscale == after.data[0].marker.colorscale
    assert before.data[0].marker.cmax == after.data[0].marker.cmax


@pytest.mark.parametrize(("n", "kind"), [(MAX_SVG, "scatter"), (MAX_SVG + 1, "scattergl")])
def test_many_points_are_drawn_by_webgl_and_few_without_starting_it(n: int, kind: str) -> None:
    figure = map_figure(make_points(n), side="before", colour_by="cluster")
    assert {trace.type for trace in figure.data} == {kind}
    assert len(figure.data) <= 6  # a symbol each


def test_fifty_thousand_points_are_a_light_payload() -> None:
    frame = make_points(50_000)
    for colour_by in ("emotion", "cluster"):
        payload = map_figure(frame, side="before", colour_by=colour_by).to_json()
        assert len(payload) < 2_500_000
        colours = json.loads(payload)["data"][0]["marker"]["color"]
        assert "bdata" in colours  # numbers, not names


def test_both_sides_share_their_axes_whatever_is_coloured() -> None:
    frame = make_points(50)
    frame.loc[3, ["x", "y"]] = [40.0, -30.0]
    figures = [
        map_figure(frame, side="before"),
        map_figure(frame, side="after", colour_by="scene"),
    ]
    assert figures[0].layout.xaxis.range == figures[1].layout.xaxis.range
    assert figures[0].layout.xaxis.range[1] > 40
    assert figures[0].layout.yaxis.range[0] < -30


def test_points_without_a_place_are_not_drawn_and_no_points_are_no_error() -> None:
    frame = make_points(20)
    frame.loc[4, "x"] = np.nan
    (trace,) = map_figure(frame, side="before").data
    assert "shift-000004" not in [entry[0] for entry in trace.customdata]
    assert len(trace.x) == len(trace.marker.color) == 19
    assert len(map_figure(frame.iloc[:0], side="before").data[0].x) == 0


def test_the_legend_names_every_group_once_with_its_colour_and_sign() -> None:
    frame = make_points(300, scenes=10)
    frame["scene"] = frame["scene"].replace("scene_3", "<b>bar</b>")
    for colour_by in ("emotion", "scene"):
        text = map_legend(frame, colour_by=colour_by, emotions=LABELS.emotions)
        groups = point_groups(frame, colour_by, LABELS.emotions)
        assert re.findall(r"color:(#\w+);", text) == [group.colour for group in groups]
        names = re.findall(r"</span> (.*?)</span>", text)
        assert [unescape(name) for name in names] == [group.name for group in groups]
        assert "<b>" not in text
    assert "&lt;b&gt;bar" in text
    assert "◆" in text  # more scenes than hues
