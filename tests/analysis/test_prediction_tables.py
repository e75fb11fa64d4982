"""Predictions as tables, in words and as figures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis import palette
from analysis.comparison_png import comparison_png
from analysis.figures_prediction import (
    comparison_figure,
    effect_figure,
    mix_figure,
    picture_figure,
    unit_of,
)
from analysis.prediction_tables import (
    ESTIMATORS,
    LEAST_EFFECT,
    batch_table,
    box_table,
    comparison_table,
    estimate_table,
    estimator_title,
    long_table,
    pair_key,
    prototype_table,
)
from analysis.prediction_text import describe_comparison, describe_effects, verdict
from ccim_core.causal import estimators
from ccim_core.errors import InputError
from ccim_core.images import decode_image
from ccim_core.subject_box import NO_SUBJECT, no_subject
from tests.app.fakes import EMOTIONS, prediction

COLOURS = dict.fromkeys(EMOTIONS, "#0072B2")


def test_every_estimator_of_the_core_has_a_title() -> None:
    assert set(ESTIMATORS) == set(estimators.ESTIMATORS)


def test_comparison_is_after_minus_before_in_the_label_sets_order() -> None:
    frame = comparison_table(prediction("p", (0, 0, 1, 1)), "likelihood", "backdoor")
    assert frame["emotion"].tolist() == list(EMOTIONS)
    happy = frame.set_index("emotion").loc["Happy"]
    assert happy["before"] == 0.60
    assert happy["after"] == 0.25
    assert happy["change"] == pytest.approx(-0.35)
    assert frame["change"].sum() == pytest.approx(0)


def test_comparison_with_an_absent_estimator_gives_its_reason() -> None:
    with pytest.raises(InputError, match="no run trained with it"):
        comparison_table(prediction("p", (0, 0, 1, 1)), "likelihood", "counterfactual")


def test_estimates_have_leader_and_total_variation_from_the_likelihood() -> None:
    frame = estimate_table(prediction("p", (0, 0, 1, 1))).set_index("estimator")
    assert list(frame.index) == ["likelihood", "ccim", "backdoor", "prior_correction"]
    assert frame.loc["likelihood", "moved"] == 0
    # |0.05| + 0 + |0.35| + |0.25| + |0.05| + 0, halved
    assert frame.loc["backdoor", "moved"] == pytest.approx(0.35)
    assert frame.loc["backdoor", "emotion"] == "Neutral"


def test_estimates_without_a_likelihood_have_no_distance() -> None:
    frame = estimate_table(prediction("p", (0, 0, 1, 1), {"ccim": (1.0,)}))
    assert math.isnan(frame["moved"].iloc[0])


def test_prototypes_are_reasons_only_with_an_effect_largest_first() -> None:
    told = prediction("p", (0, 0, 1, 1))["prototypes"]
    ccim = prototype_table(told, "ccim", least=LEAST_EFFECT)
    assert ccim["index"].tolist() == [3]  # prototype 7 changes nothing in ccim
    assert ccim.loc[0, "emotion"] == "Happy"
    backdoor = prototype_table(told, "backdoor")
    assert backdoor["index"].tolist() == [7, 3]
    assert backdoor.loc[1, "emotion"] == "Sad"
    assert backdoor.loc[1, "effect"] == -0.08
    assert prototype_table(told, "backdoor", "Happy")["effect"].tolist() == [-0.1, 0.05]
    assert prototype_table(told, "likelihood").empty


def test_an_effect_under_half_a_point_is_in_the_table_and_no_reason() -> None:
    told = prediction("p", (0, 0, 1, 1))["prototypes"]
    told[0]["effects"]["ccim"] = {"Happy": 0.0049, "Sad": -0.001}
    assert prototype_table(told, "ccim", least=LEAST_EFFECT).empty
    assert prototype_table(told, "ccim")["effect"].tolist() == [0.0049, 0.0]
    told[0]["effects"]["ccim"]["Sad"] = -0.005
    assert prototype_table(told, "ccim", least=LEAST_EFFECT)["effect"].tolist() == [-0.005]


def test_a_pair_of_another_run_is_told_with_its_run() -> None:
    key = pair_key("backdoor", "ccim-seed1")
    assert estimator_title(key) == "Back-door, Eq. 2 · ccim-seed1"
    assert estimator_title("backdoor") == "Back-door, Eq. 2"
    assert estimator_title(pair_key("own_idea", "r")) == "Own idea · r"


def test_many_subjects_are_a_row_each_and_every_number_a_row_of_the_csv() -> None:
    one = prediction("a.jpg", (0, 0, 1, 2))
    two = prediction("b.jpg", (0, 0, 1, 1), warnings=["Small.", "Dark."])
    two["estimates"][pair_key("backdoor", "r2")] = two["estimates"]["backdoor"] | {"run": "r2"}
    subjects = [("a.jpg", 1, one), ("b.jpg", 2, two)]
    batch = batch_table(subjects, "likelihood", "backdoor")
    assert batch["image"].tolist() == ["a.jpg", "b.jpg"]
    assert batch.loc[0, ["before", "after"]].tolist() == ["Happy", "Neutral"]
    assert batch["changed"].tolist() == [True, True]
    assert batch["moved"].tolist() == pytest.approx([0.35, 0.35])
    assert batch["note"].tolist() == ["", "Small. Dark."]
    long = long_table(subjects)
    assert len(long) == len(EMOTIONS) * (4 + 5)
    assert set(long["warnings"]) == {"", "Small. Dark."}  # as in the JSON
    assert set(long.loc[long["image"] == "b.jpg", "warnings"]) == {"Small. Dark."}
    nobody = long_table([("c.jpg", 0, no_subject("c.jpg", ["ccim"]))])
    assert nobody["warnings"].tolist() == [NO_SUBJECT]
    assert nobody[["x1", "estimator", "value"]].isna().all(axis=None)
    row = long[(long["image"] == "b.jpg") & (long["run"] == "r2") & (long["emotion"] == "Neutral")]
    assert row[["subject", "y2", "estimator", "value"]].to_numpy().tolist() == [
        [2, 1.0, "backdoor", 0.45]
    ]


def test_a_comparison_is_a_png_with_picture_box_bars_and_source() -> None:
    frame = comparison_table(prediction("p", (0, 0, 1, 1)), "likelihood", "backdoor")
    picture = np.full((50, 100, 3), 90, np.uint8)
    options = {
        "before": "P(Y|X)",
        "after": "Eq. 2 – é",
        "colours": dict.fromkeys(EMOTIONS, "#0072B2"),
        "link": "softmax",
    }
    content = comparison_png(picture, (10, 10, 60, 40), frame, notes=("Run r.",), **options)
    assert content.startswith(b"\x89PNG")
    page = decode_image(content)
    assert page.shape[1] == 1200
    assert (page == (242, 178, 77)).all(-1).sum() > 100  # the subject's box
    assert (page == (0, 114, 178)).all(-1).sum() > 2000  # bars
    # A longer bar has more of its colour: twice the value, about twice the solid pixels.
    long = comparison_png(picture, (10, 10, 60, 40), frame.assign(after=0.6), **options)
    solid = [(decode_image(one) == (0, 114, 178)).all(-1).sum() for one in (content, long)]
    assert solid[1] > 1.5 * solid[0]
    assert comparison_png(picture, (10, 10, 60, 40), frame, **{**options, "link": "identity"})


def test_verdict_tells_a_change_from_a_move() -> None:
    record = prediction("p", (0, 0, 1, 1))
    changed = verdict(comparison_table(record, "likelihood", "backdoor"))
    assert "**Happy** (60.0%) → **Neutral** (45.0%)" in changed
    moved = verdict(comparison_table(record, "likelihood", "prior_correction"))
    assert moved == "The reading stays **Happy**: 60.0% → 40.0% (−20.0 pts)."
    assert "at 60.0%" in verdict(comparison_table(record, "likelihood", "likelihood"))


def test_scores_are_not_shown_as_percentages() -> None:
    assert unit_of("identity") == (1.0, "", "")
    frame = comparison_table(prediction("p", (0, 0, 1, 1)), "likelihood", "backdoor")
    assert "%" not in verdict(frame, "identity")
    assert "%" not in describe_comparison(frame, "a", "b", "identity")
    figure = comparison_figure(frame, before="a", after="b", colours=COLOURS, link="identity")
    assert max(figure.data[0].x) == pytest.approx(0.6)


def test_comparison_figure_has_a_bar_per_estimate_and_emotion_and_every_change() -> None:
    frame = comparison_table(prediction("p", (0, 0, 1, 1)), "likelihood", "backdoor")
    figure = comparison_figure(frame, before="P(Y|X)", after="Eq. 2", colours=COLOURS)
    assert [trace.name for trace in figure.data] == ["P(Y|X)", "Eq. 2"]
    assert list(figure.data[1].x) == pytest.approx(list(frame["after"] * 100))
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert "▼ 35.0 pts" in texts
    assert "▲ 25.0 pts" in texts
    assert "±0 pts" in texts


def test_effects_are_signed_bars_with_words() -> None:
    frame = prototype_table(prediction("p", (0, 0, 1, 1))["prototypes"], "backdoor")
    figure = effect_figure(frame)
    assert list(figure.data[0].x) == pytest.approx([-10.0, -8.0])
    assert figure.data[0].marker.color == palette.MUTED
    faint = effect_figure(frame.assign(effect=frame["effect"] / 50))
    assert faint.layout.xaxis.range == figure.layout.xaxis.range  # one scale for all pictures
    assert faint.layout.xaxis.title.text == "change, points of probability"
    far = effect_figure(frame.assign(effect=frame["effect"] * 4))
    assert list(far.data[0].x) == [-10.0, -10.0]  # at the edge, its number whole
    assert far.data[0].customdata[0] == "Happy ▼ 40.0 pts"
    words = describe_effects(frame, "softmax")
    assert "context 7: Happy -10.00 pts" in words
    assert "football_field 3" in words


def test_mix_shares_sum_to_100_and_rare_emotions_become_other() -> None:
    names = [f"e{i}" for i in range(10)]
    frame = pd.DataFrame(
        {
            "index": [0],
            "scene": ["sea"],
            "prior": [0.1],
            "emotions": [{name: float(10 - i) for i, name in enumerate(names)}],
        }
    )
    figure = mix_figure(frame, colours=dict.fromkeys(names, "#000000"))
    assert [trace.name for trace in figure.data] == [*names[:7], "other"]
    assert sum(trace.x[0] for trace in figure.data) == pytest.approx(100)


def test_picture_is_drawn_in_its_own_pixels_whatever_the_copys_size() -> None:
    boxes = box_table([prediction("p", (0, 0, 300, 400)), prediction("p", (300, 0, 600, 400))])
    figure = picture_figure(
        "data:image/jpeg;base64,AA==",
        source_size=(150, 100),
        width=600,
        height=400,
        boxes=boxes,
        chosen=2,
    )
    image = figure.data[0]
    assert (image.dx, image.dy) == (4.0, 4.0)
    assert (image.x0, image.y0) == (2.0, 2.0)  # the first pixel's centre: its edge is at 0
    assert tuple(figure.layout.yaxis.range) == (400, 0)
    # Each box twice: its halo and its line.
    assert len(figure.layout.shapes) == 4
    assert [badge.text for badge in figure.layout.annotations] == ["<b>1</b>", "<b>2</b>"]
    colours = {shape.x0: shape.line.color for shape in figure.layout.shapes}
    assert colours[0] != colours[300]


def test_a_drawn_box_is_drawn_in_the_foreground() -> None:
    boxes = box_table([prediction("p", (0, 0, 300, 400))])
    figure = picture_figure(
        "data:image/jpeg;base64,AA==",
        source_size=(60, 40),
        width=600,
        height=400,
        boxes=boxes,
        chosen=0,
        drawn=(10, 20, 110, 220),
    )
    top = figure.layout.shapes[-1]
    assert (top.x0, top.y0, top.x1, top.y1) == (10, 20, 110, 220)
    assert top.line.color != figure.layout.shapes[1].line.color
