"""The Overview's story: which records are told, and what is said of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from analysis.cli.reproduce_tables import SHIPPED
from analysis.figures_overview import describe_story, story_figure
from analysis.story import SUBJECT_ONLY, bias_facts, is_outdated, measured_bias, story_table
from analysis.story_text import (
    backdoor_controls,
    control_sentences,
    selection_sentence,
    shift_estimate_text,
    story_sentences,
    verdict,
)
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.study import Study


def record(
    intervention: str,
    estimator: str,
    split: str,
    headline: float,
    *,
    variant: str | None = None,
    oracle: bool = False,
    inputs: str = "full",
    changes: int = 0,
    **more: Any,
) -> dict[str, Any]:
    plain = intervention == "none" and not oracle and not changes
    return {
        "variant": variant or intervention,
        "model": "emot_net",
        "recipe": "00000000",
        "intervention": intervention,
        "inputs": inputs,
        "masks": False,
        "oracle": oracle,
        "plain": plain,
        "reference": plain and inputs == "full",
        "select_by": "headline",
        "changes": changes,
        "estimator": estimator,
        "split": split,
        "runs": 3,
        "headline": headline,
        "headline_sd": 0.01,
        "headline_low": headline - 0.02,
        "headline_high": headline + 0.02,
        "recovery_reason": "",
        "n": 1400,
        **more,
    }


def control(variant: str, more: float, sd: float, headline: float = 0.35) -> dict[str, Any]:
    return record(
        "none" if variant == "none" else variant,
        "backdoor",
        "shift",
        headline,
        variant=variant,
        changes=int(variant != "none"),
        recovery=0.75,
        backdoor_random_contexts=headline - more,
        backdoor_over_random_contexts=more,
        backdoor_over_random_contexts_sd=sd,
    )


ROWS = [
    record("none", "likelihood", "test", 0.80),
    record("none", "likelihood", "shift", 0.20, recovery=0.0),
    record("none", "backdoor", "test", 0.50),
    control("none", 0.01, 0.01),
    record("ccim", "ccim", "shift", 0.99, variant="a-ccim", changes=2, recovery=4.0),
    record("ccim", "ccim", "test", 0.79, causal_share=0.004, changes=1),
    record(
        "ccim",
        "ccim",
        "shift",
        0.21,
        changes=1,
        recovery=0.05,
        headline_g_mean=0.20,
        won_back_low=-0.23,
        won_back_high=0.21,
        difference=0.01,
        difference_low=-0.05,
        difference_high=0.07,
    ),
    record(
        "none",
        "likelihood",
        "shift",
        0.36,
        variant="subject-only",
        inputs="subject",
        recovery_reason="no oracle of emot_net sees 'subject'",
    ),
    record("none", "likelihood", "shift", 0.40, variant="oracle", oracle=True, changes=1),
    record("none", "likelihood", "test", 0.42, variant="oracle", oracle=True, changes=1),
    # Another model: sorted by name it would come first.
    record("none", "likelihood", "shift", 0.90, variant="a-none", model="emoticon"),
]


def test_a_row_a_method_of_one_recipe_with_the_oracle_last() -> None:
    frame = story_table(ROWS)
    assert frame["estimator"].tolist() == [
        "likelihood",
        "likelihood",
        "ccim",
        "backdoor",
        "likelihood",
    ]
    assert frame["oracle"].tolist() == [False] * 4 + [True]
    assert frame["variant"].tolist() == ["none", "subject-only", "ccim", "none", "oracle"]
    ccim = frame[frame["estimator"] == "ccim"].iloc[0]
    assert (ccim["test"], ccim["shift"], ccim["causal_share"]) == (0.79, 0.21, 0.004)
    assert frame["reason"].iloc[1] == "no oracle of emot_net sees 'subject'"
    assert math.isnan(frame["recovery"].iloc[-1])


def test_no_records_no_shift_test_and_records_of_an_earlier_version_tell_no_story() -> None:
    assert story_table([]).empty
    assert story_table([record("none", "likelihood", "test", 0.8)]).empty
    old = [{k: v for k, v in row.items() if k != "reference"} for row in ROWS]
    assert is_outdated(old)
    assert not is_outdated(ROWS)
    assert story_table(old).empty


def test_missing_values_are_nan_not_zero() -> None:
    frame = story_table(
        [record("none", "likelihood", "shift", 0.2, recovery=None, recovery_reason="no gap")]
    )
    assert frame["reason"].tolist() == ["no gap"]
    assert math.isnan(frame["test"].iloc[0])
    assert math.isnan(frame["recovery"].iloc[0])


def test_sentences_state_what_the_table_holds() -> None:
    text = " ".join(story_sentences(story_table(ROWS), "accuracy"))
    for expected in ("**80%** accuracy", "**20%** once", "**40%** there", "CCIM wins back **5%**"):
        assert expected in text
    assert "(95% interval −23% to 21%), within the noise." in text
    assert "The subject's box alone, with no context and no intervention, reaches **36%**" in text


def test_overlapping_intervals_are_not_ranked() -> None:
    frame = story_table(ROWS)
    told = story_sentences(frame, "accuracy")[-1]
    assert "Subject's box alone, no context, **36%**" in told
    assert "the intervals of Back-door, Eq. 2 (35%) overlap" in told
    assert "not ranked" in told
    apart = [
        {**row, "headline": 0.9, "headline_low": 0.88, "headline_high": 0.92}
        if row["variant"] == "ccim" and row["split"] == "shift"
        else row
        for row in ROWS
    ]
    told = story_sentences(story_table(apart), "accuracy")[-1]
    assert "CCIM P(Y|do(X)), **90%**, clear of the others' intervals." in told
    unknown = [{**row, "headline_low": None, "headline_high": None} for row in ROWS]
    assert "not ranked" in story_sentences(story_table(unknown), "accuracy")[-1]


@pytest.mark.parametrize(
    ("ends", "seeds", "told"),
    [
        ((-0.05, -0.01), 3, "outside the noise"),
        ((-0.05, 0.02), 3, "within the noise"),
        ((-0.05, -0.01), 1, "one seed: its noise is not known"),
        ((math.nan, math.nan), 3, ""),
    ],
)
def test_a_verdict_follows_the_interval_over_seeds(
    ends: tuple[float, float], seeds: int, told: str
) -> None:
    assert verdict(*ends, seeds) == told


def test_eq2_is_held_to_its_controls_by_their_difference_over_seeds() -> None:
    text = " ".join(control_sentences([*ROWS, control("logit_adjusted", 0.002, 0.007, 0.6)]))
    assert "f(X, z)" in text
    assert "35.0% → 34.0% (none), 60.0% → 59.8% (logit_adjusted)" in text
    assert "CCIM gives 20.0% on the shift test, with it 21.0%" in text
    assert "controls do as well" in text
    better = " ".join(control_sentences([*ROWS, control("logit_adjusted", 0.1, 0.007, 0.6)]))
    assert "The strata do better than that for logit_adjusted (1 of 2)" in better
    # Clear over the seeds, but inside what other subjects would change.
    within = " ".join(control_sentences([*ROWS, control("logit_adjusted", 0.015, 0.001, 0.6)]))
    assert "controls do as well" in within
    assert "do better" not in within
    one = [{**row, "runs": 1} for row in ROWS]
    assert "One seed" in " ".join(control_sentences(one))
    assert control_sentences([record("none", "likelihood", "shift", 0.2)]) == []


def test_selection_is_told_of_all_without_masks() -> None:
    chosen = {
        "group": "mask-free",
        "variant": "subject-only",
        "estimator": "likelihood",
        "candidates": 30,
        "splits": {"shift": {"headline": 0.618}},
    }
    text = selection_sentence([{**chosen, "group": "all", "variant": "matted"}, chosen])
    assert "`subject-only`" in text
    assert "**62%** on the shift test" in text
    assert selection_sentence([]) == ""


def test_a_shift_estimate_is_given_or_why_there_is_none() -> None:
    given = {"shift_estimate": 0.486, "shift_groups": "scene", "shift_residual": None}
    assert shift_estimate_text(given) == "48.6"
    reason = "not estimable without scenes: clusters do not hold it"
    refused = {
        "shift_estimate": math.nan,
        "shift_groups": None,
        "shift_estimate_reason": reason,
        "shift_residual": 0.31,
        "shift_residual_null": 0.1,
        "shift_residual_null_95": 0.12,
        "shift_residual_verdict": "not held",
    }
    told = shift_estimate_text(refused)
    assert told.startswith(reason)
    assert "0.310 bits, by chance 0.100, 95% below 0.120: not held" in told
    # A record of an earlier version does not say over which groups it was made.
    assert shift_estimate_text({"shift_estimate": 0.75}) == "not estimable without scenes"


def test_the_shipped_study_is_told_inside_one_recipe() -> None:
    rows = table_rows(study_table(Study.open(SHIPPED)))
    frame = story_table(rows)
    assert frame["variant"].iloc[0] == "none"
    assert SUBJECT_ONLY in set(frame["method"])
    assert not frame["variant"].str.startswith("emoticon").any()
    text = " ".join(control_sentences(rows))
    for variant in backdoor_controls(rows)["variant"].head(3):
        assert f"({variant})" in text


def test_figure_shows_both_tests_of_every_method_and_the_oracles_line() -> None:
    frame = story_table(ROWS)
    figure = story_figure(frame, metric="Accuracy")
    marks = {trace.name: list(trace.x) for trace in figure.data if trace.mode == "markers"}
    assert marks["same distribution"] == pytest.approx([80, math.nan, 79, 50, 42], nan_ok=True)
    assert marks["shift test"] == pytest.approx([20, 36, 21, 35, 40])
    (_, shift) = (trace for trace in figure.data if trace.mode == "markers")
    assert list(shift.error_x.array) == pytest.approx([2] * 5)
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
