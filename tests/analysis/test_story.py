"""The Overview's story: which records are told, and what is said of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from analysis.figures_overview import describe_story, story_figure
from analysis.story import bias_facts, measured_bias, story_sentences, story_table


def record(
    intervention: str,
    estimator: str,
    split: str,
    headline: float,
    *,
    variant: str | None = None,
    oracle: bool = False,
    inputs: str = "full",
    **more: Any,
) -> dict[str, Any]:
    return {
        "variant": variant or intervention,
        "intervention": intervention,
        "inputs": inputs,
        "oracle": oracle,
        "estimator": estimator,
        "split": split,
        "runs": 3,
        "headline": headline,
        "headline_sd": 0.01,
        "n": 1400,
        **more,
    }


ROWS = [
    record("none", "likelihood", "test", 0.80),
    record("none", "likelihood", "shift", 0.20, recovery_full=0.0, recovery_full_sd=0.0),
    record("none", "backdoor", "test", 0.50),
    record("none", "backdoor", "shift", 0.35, recovery_full=0.75),
    record("ccim", "ccim", "shift", 0.99, variant="ccim-additive", recovery_full=4.0),
    record("ccim", "ccim", "test", 0.79, causal_share=0.004),
    record("ccim", "ccim", "shift", 0.21, recovery_full=0.05),
    record("none", "likelihood", "shift", 0.30, variant="subject-only", inputs="subject"),
    record("none", "likelihood", "shift", 0.40, variant="oracle", oracle=True),
    record("none", "likelihood", "test", 0.42, variant="oracle", oracle=True),
]


def test_a_row_a_method_of_the_plainest_variant_with_the_oracle_last() -> None:
    frame = story_table(ROWS)
    assert frame["estimator"].tolist() == ["likelihood", "ccim", "backdoor", "likelihood"]
    assert frame["oracle"].tolist() == [False, False, False, True]
    ccim = frame[frame["estimator"] == "ccim"].iloc[0]
    assert (ccim["test"], ccim["shift"], ccim["causal_share"]) == (0.79, 0.21, 0.004)
    assert math.isnan(frame["recovery"].iloc[-1])


def test_no_records_and_no_shift_test_tell_no_story() -> None:
    assert story_table([]).empty
    assert story_table([record("none", "likelihood", "test", 0.8)]).empty


def test_missing_values_are_nan_not_zero() -> None:
    frame = story_table(
        [
            record(
                "none",
                "likelihood",
                "shift",
                0.2,
                recovery_full=None,
                recovery_full_reason="no gap",
            )
        ]
    )
    assert frame["reason"].tolist() == ["no gap"]
    assert math.isnan(frame["test"].iloc[0])
    assert math.isnan(frame["recovery"].iloc[0])
    assert story_sentences(frame, "accuracy") == []


def test_sentences_state_what_the_table_holds() -> None:
    text = " ".join(story_sentences(story_table(ROWS), "accuracy"))
    for expected in ("**80%** accuracy", "**20%** once", "**40%** there", "CCIM wins back **5%**"):
        assert expected in text
    assert "Back-door, Eq. 2 wins back **75%**" in text


def test_figure_shows_both_tests_of_every_method_and_the_oracles_line() -> None:
    frame = story_table(ROWS)
    figure = story_figure(frame, metric="Accuracy")
    marks = {trace.name: list(trace.x) for trace in figure.data if trace.mode == "markers"}
    assert marks["same distribution"] == pytest.approx([80, 79, 50, 42])
    assert marks["shift test"] == pytest.approx([20, 21, 35, 40])
    (line,) = figure.layout.shapes
    assert line.x0 == pytest.approx(40)
    assert "75%" in [annotation.text for annotation in figure.layout.annotations]
    assert "Back-door, Eq. 2: 50% same distribution" in describe_story(frame, "Accuracy")


def test_bias_is_stated_as_a_share_of_the_labels_entropy() -> None:
    facts = bias_facts({"bias": 0.8, "emotion_prior": [0.25] * 4, "scene_information_bits": 0.5})
    assert facts == {"bias": 0.8, "information": 0.5, "share": 0.25}


def test_measured_bias_stands_beside_its_null() -> None:
    share, text = measured_bias(
        {
            "information_share": 0.61,
            "information_share_interval": [0.58, 0.63],
            "mutual_information_corrected": 1.711,
            "mutual_information_null_mean": 0.0234,
            "mutual_information_null_interval": [0.016, 0.032],
        }
    )
    assert share == "61%"
    for expected in ("58% to 63%", "1.71 bits", "give 0.02", "at most 0.03"):
        assert expected in text
