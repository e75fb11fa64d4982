"""A model card as tables and as a figure."""

from __future__ import annotations

import math

import pytest

from analysis.figures_card import describe_recalls, recall_figure
from analysis.model_card import card_estimates, card_recalls
from tests.app.fakes import CARD


def test_recalls_keep_their_counts_and_undefined_ones_are_nan() -> None:
    frame = card_recalls(CARD).set_index("emotion")
    assert frame.loc["Happy", "recall"] == 0.93
    assert frame.loc["Happy", "n"] == 200
    assert math.isnan(frame.loc["Surprise", "recall"])


def test_estimates_take_the_first_run_of_each_estimator() -> None:
    frame = card_estimates(CARD).set_index("estimator")
    assert list(frame.index) == ["likelihood", "backdoor"]
    assert frame.loc["likelihood", "test"] == 0.70
    assert frame.loc["likelihood", "shift"] == 0.40
    assert frame.loc["likelihood", "scene_moves"] == 0.30
    assert math.isnan(frame.loc["backdoor", "scene_moves"])


def test_a_card_without_figures_gives_empty_tables() -> None:
    assert card_recalls({}).empty
    assert card_estimates({}).empty


def test_figure_shows_recalls_in_percent_and_chance() -> None:
    frame = card_recalls(CARD).dropna()
    figure = recall_figure(frame, colours=dict.fromkeys(frame["emotion"], "#000000"))
    assert list(figure.data[0].x) == pytest.approx([93, 50])
    assert figure.layout.shapes[0].x0 == pytest.approx(50)
    assert "Happy 93% of 200" in describe_recalls(frame)
