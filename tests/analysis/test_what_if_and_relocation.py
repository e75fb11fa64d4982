"""Eq. 2 taken apart, and a person in several places: as tables, in words, as figures."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.figures_relocation import relocation_figure
from analysis.figures_what_if import what_if_figure
from analysis.relocation_tables import (
    consistency_table,
    describe_relocation,
    place_table,
    relocation_json,
    relocation_verdict,
)
from analysis.what_if_tables import (
    describe_what_if,
    leading_emotion,
    what_if_json,
    what_if_table,
    what_if_verdict,
)
from ccim_core.labels import get_label_set
from ccim_core.relocation import Pair, Relocation
from ccim_core.what_if import WhatIf
from tests.app.fakes import EMOTIONS, FakePredictor

COLOURS = dict.fromkeys(EMOTIONS, "#0072B2")
LIKELIHOOD, BACKDOOR = ("likelihood", "a"), ("backdoor", "a")
TITLES: dict[Pair, str] = {LIKELIHOOD: "P(Y|X)", BACKDOOR: "Eq. 2"}


@pytest.fixture
def found() -> WhatIf:
    """Happy at 0.9 in two strata of the beach (P(z) 0.75), at 0.02 in the cemetery."""
    what_if: WhatIf = FakePredictor().what_if(None, run="r")
    return what_if


@pytest.fixture
def moved() -> Relocation:
    outputs = np.zeros((3, len(EMOTIONS)))
    outputs[:, EMOTIONS.index("Happy")] = (0.9, 0.5, 0.2)
    outputs[:, EMOTIONS.index("Sad")] = (0.1, 0.5, 0.8)
    return Relocation(
        places=("here", "beach", "cemetery"),
        labels=get_label_set("photographs"),
        outputs={LIKELIHOOD: outputs, BACKDOOR: np.repeat(outputs[:1], 3, 0)},
        subject_shift={"a": 0.1},
    )


def test_strata_of_a_scene_stand_together_where_the_leader_is_read_most_first(
    found: WhatIf,
) -> None:
    table = what_if_table(found)
    assert table["scene"].tolist() == ["beach", "beach", "cemetery"]
    assert table["index"].tolist() == [0, 1, 4]
    assert table["assigned"].tolist() == [True, False, False]
    assert table["Happy"].tolist() == pytest.approx([0.9, 0.9, 0.02])
    turned = what_if_table(replace(found, outputs=found.outputs[::-1].copy()))
    assert turned["scene"].tolist()[0] == "cemetery"


def test_the_strip_in_words(found: WhatIf) -> None:
    assert leading_emotion(found) == "Happy"
    words = what_if_verdict(found)
    assert "**Happy** at 2.0% in *cemetery #4* and at 90.0% in *beach #0*" in words
    assert "is 68.0%" in words  # 0.75 · 0.9 + 0.25 · 0.02
    assert "25% of P(z) another emotion leads (Sad)" in words
    calm = replace(found, outputs=found.outputs[[0, 0, 0]])
    assert "No context changes which emotion leads." in what_if_verdict(calm)
    assert "Happy 90.0% here and 68.0% on average" in describe_what_if(found)


def test_an_emotions_area_over_the_strata_is_its_bar_of_the_mean(found: WhatIf) -> None:
    figure = what_if_figure(found, colours=COLOURS)
    strips, means = figure.data[::2], figure.data[1::2]
    assert len(strips) == len(EMOTIONS)
    for strip, mean in zip(strips, means, strict=True):
        assert sum(strip.width) == pytest.approx(100)
        area = sum(w * y for w, y in zip(strip.width, strip.y, strict=True)) / 100
        assert mean.y[1] == pytest.approx(area)
        # Bars touch: each begins where the one before it ended.
        left = [x - w / 2 for x, w in zip(strip.x, strip.width, strict=True)]
        assert left == pytest.approx([0, 50, 75])
    assert list(figure.layout.xaxis.ticktext) == ["beach", "cemetery"]
    assert strips[0].name == "Happy"


@pytest.mark.parametrize("link", ["sigmoid", "identity"])
def test_outputs_that_do_not_sum_to_one_have_a_lane_each(found: WhatIf, link: str) -> None:
    figure = what_if_figure(replace(found, link=link), colours=COLOURS)
    assert len(figure.data) == 2 * 5
    assert figure.layout.barmode != "stack"
    if link == "identity":
        assert max(figure.data[0].y) == pytest.approx(0.9)
        assert "%" not in what_if_verdict(replace(found, link=link)).split("In contexts")[0]


def test_strata_without_names_are_drawn_without_names(found: WhatIf) -> None:
    figure = what_if_figure(replace(found, names=("", "", "")), colours=COLOURS)
    assert not figure.layout.xaxis.ticktext
    assert "*context #4*" in what_if_verdict(replace(found, names=("", "", "")))


def test_the_strip_as_json_adds_up(found: WhatIf) -> None:
    told = json.loads(json.dumps(what_if_json(found)))
    for emotion in EMOTIONS:
        mean = sum(one["prior"] * one["probabilities"][emotion] for one in told["strata"])
        assert told["weighted_mean"][emotion] == pytest.approx(mean)
    assert told["strata"][2]["index"] == 4
    assert what_if_json(replace(found, link="identity"))["spread"] is None


def test_places_as_tables_and_in_words(moved: Relocation) -> None:
    table = place_table(moved, TITLES, "Happy")
    assert table["value"].tolist() == [0.9, 0.5, 0.2, 0.9, 0.9, 0.9]
    assert table["here"].tolist() == [True, False, False] * 2
    told = consistency_table(moved, TITLES).set_index("title")
    # Distances 0.4, 0.7 and 0.3: their mean is 0.467.
    assert told.loc["P(Y|X)", "consistency"] == pytest.approx(1 - 1.4 / 3)
    assert told.loc["P(Y|X)", ["leads", "average"]].tolist() == ["Happy", "Happy"]
    assert told.loc["P(Y|X)", "top_change"] == pytest.approx(2 / 3)
    assert told.loc["Eq. 2", ["consistency", "top_change"]].tolist() == [1, 0]
    words = relocation_verdict(moved, TITLES, "Happy")
    assert words == (
        "Over 3 places **P(Y|X)** moves most (Happy 20.0–90.0%), "
        "**Eq. 2** least (Happy 90.0–90.0%)."
    )
    assert "P(Y|X): here 90.0%, beach 50.0%" in describe_relocation(moved, TITLES, "Happy")


def test_places_as_a_figure_have_a_dot_each_and_the_consistency_in_words(
    moved: Relocation,
) -> None:
    table = place_table(moved, TITLES, "Happy")
    consistency = consistency_table(moved, TITLES).set_index("title")["consistency"]
    figure = relocation_figure(table, consistency, emotion="Happy", colour="#E69F00")
    elsewhere, here = figure.data[-2:]
    assert list(elsewhere.x) == pytest.approx([50, 20, 90, 90])
    assert list(here.x) == pytest.approx([90, 90])
    assert list(figure.data[0].x) == pytest.approx([20, 90])  # the range
    texts = [one.text for one in figure.layout.annotations]
    assert texts == ["0.53", "1.00", "consistency"]
    low, high = figure.layout.xaxis.range
    assert low < 20
    assert 90 < high < 100


def test_places_as_json(moved: Relocation) -> None:
    told = json.loads(json.dumps(relocation_json(moved)))
    assert told["places"] == ["here", "beach", "cemetery"]
    (first, second) = told["answers"]
    assert first["places"]["cemetery"]["Sad"] == 0.8
    assert (first["estimator"], first["run"]) == LIKELIHOOD
    assert second["consistency"] == 1
    scores = replace(moved, labels=get_label_set("emotic").with_loss("weighted_l2"))
    wide = np.zeros((3, scores.labels.size))
    scores = replace(scores, outputs={LIKELIHOOD: wide})
    assert relocation_json(scores)["answers"][0]["consistency"] is None
