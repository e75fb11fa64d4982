"""The bias study: what the JSON holds, what every choice does, and what bad input gets."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.bias import bias_study, study_table
from analysis.bias_report import BiasReport, BiasSettings
from analysis.information import table_information
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import build_manifest
from tests.analysis.embedding_study import LABELS, make_frame
from tests.analysis.independent import random_table

QUICK = BiasSettings(n_null=39, n_bootstrap=39, min_support=3)
EMOTION_FIELDS = {
    "emotion",
    "support",
    "zero_entropy_share",
    "zero_entropy_null_mean",
    "zero_entropy_null_interval",
    "zero_entropy_excess",
    "zero_entropy_excess_interval",
    "mutual_information",
    "mutual_information_interval",
    "cramers_v",
}


def frame_of(n: int = 120, seed: int = 0, *, biased: bool = False) -> pd.DataFrame:
    """Subjects of one to three an image in six scenes, labels of one emotion or more."""
    rng = np.random.default_rng(seed)
    image = np.repeat(np.arange(n), rng.integers(1, 4, n))[:n]
    scene = rng.choice(6, n, p=[0.3, 0.25, 0.2, 0.15, 0.06, 0.04])[image]
    first = np.where(biased & (rng.random(n) < 0.8), scene % 3, rng.integers(0, 3, n))
    names = np.array(["Anger", "Happy", "Sad"], object)
    labels = names[first] + np.where(rng.random(n) < 0.2, "|" + names[(first + 1) % 3], "")
    return pd.DataFrame(
        {
            "image": np.char.add("i", image.astype(str)),
            "labels": labels,
            "scene": np.char.add("s", scene.astype(str)),
        }
    )


def study(frame: pd.DataFrame, **changes) -> BiasReport:
    settings = BiasSettings(**{**QUICK.to_dict(), **changes})
    return bias_study(frame, settings=settings)


def test_the_json_holds_what_was_promised_and_is_valid() -> None:
    value = study(frame_of()).to_json()
    text = json.dumps(value, allow_nan=False)
    value = json.loads(text)
    assert len(value["emotions"]) == 3
    for row in value["emotions"]:
        assert set(row) >= EMOTION_FIELDS
        for name in EMOTION_FIELDS:
            if name.endswith("_interval"):
                low, high = row[name]
                assert low <= high
        assert row["zero_entropy_excess_interval"][0] <= row["zero_entropy_excess"]
        assert row["zero_entropy_excess"] <= row["zero_entropy_excess_interval"][1]
        assert 0 <= row["cramers_v"] <= 1
        assert row["mutual_information_interval"][0] >= 0
    cells = pd.DataFrame(value["cells"])
    assert value["significant_cells"] == (cells["q"].astype(float) < 0.05).sum()
    assert value["settings"] == {**QUICK.to_dict()}
    assert value["dataset"]["scene_source"] == "given"


def test_a_cell_is_never_dropped() -> None:
    frame = frame_of()
    report = study(frame, min_support=25, top_k=2)
    assert len(report.cells) == 6 * 3
    assert report.cells["count"].sum() == frame["labels"].str.count(r"\|").sum() + len(frame)
    untested = report.cells[~report.cells["tested"]]
    assert len(untested) > 0
    assert (untested["reason"] == "scene has fewer than 25 subjects").all()
    assert untested["p"].notna().all()
    assert untested["q"].isna().all()
    assert report.cells.groupby("emotion")["selected"].sum().tolist() == [2, 2, 2]
    assert any("not tested" in note for note in report.notes)


def test_numbers_are_those_of_the_counts() -> None:
    frame = frame_of()
    report = study(frame)
    cells = report.cells
    subjects = frame.assign(label=frame["labels"].str.split("|")).explode("label")
    for row in cells.to_dict("records"):
        mine = subjects[(subjects["scene"] == row["scene"]) & (subjects["label"] == row["emotion"])]
        assert row["count"] == len(mine)
    tables = cells.pivot(index="scene", columns="emotion", values="count")
    assert (tables.sum().sort_index() == report.emotions.set_index("emotion")["support"]).all()
    weight = 1 / subjects.groupby(level=0)["label"].transform("size")
    joint = pd.crosstab(subjects["scene"], subjects["label"], values=weight, aggfunc="sum")
    expected = float(table_information(joint.fillna(0).to_numpy()))
    assert report.dataset["mutual_information"] == pytest.approx(expected)
    # The scenes' own information, weighed by their subjects, is the dataset's.
    scenes = report.scenes
    assert (scenes["share"] * scenes["told_bits"]).sum() == pytest.approx(expected)


def test_choices_of_the_paper_are_switches() -> None:
    frame = frame_of(biased=True)
    plain = study(frame, top_k=3)
    positives = study(frame, top_k=3, selected_by="positives")
    balanced = study(frame, top_k=3, negatives="balanced")
    chosen = positives.cells[positives.cells["selected"]]
    for emotion, rows in chosen.groupby("emotion"):
        all_of_it = positives.cells[positives.cells["emotion"] == emotion]["count"]
        assert set(rows["count"]) <= set(all_of_it.nlargest(3))
        assert (rows["count"] > 0).all(), emotion
    assert (plain.cells["selected"] != positives.cells["selected"]).any()
    first, second = plain.histogram, balanced.histogram
    assert (first["scenes"] != second["scenes"]).any()
    assert first.groupby("emotion")["scenes"].sum().tolist() == [3, 3, 3]
    pd.testing.assert_series_equal(
        plain.cells["entropy_balanced_bits"], balanced.cells["entropy_balanced_bits"]
    )
    usual = study(frame, fdr="bh").cells
    pd.testing.assert_series_equal(usual["q"], usual["q_bh"], check_names=False)


def test_one_seed_gives_one_report_and_another_another() -> None:
    frame = frame_of()
    first, again, other = (
        bias_study(frame, settings=QUICK, random_state=seed).to_json() for seed in (1, 1, 2)
    )
    assert first == again
    assert first["emotions"] != other["emotions"]
    assert first["cells"] == other["cells"]  # nothing of a hard scene's cell is drawn


def test_a_bias_is_seen_and_no_bias_is_not() -> None:
    biased, plain = study(frame_of(600, biased=True)), study(frame_of(600))
    assert biased.dataset["mutual_information_p"] == pytest.approx(1 / 40)
    low, _ = biased.dataset["mutual_information_interval"]
    assert low > plain.dataset["mutual_information_null_interval"][1]
    assert biased.dataset["significant_cells"] > plain.dataset["significant_cells"]
    assert plain.dataset["mutual_information_interval"][0] == 0
    assert 0 < biased.dataset["information_share"] < 1


def test_a_report_is_read_back_as_it_was(tmp_path: Path) -> None:
    report = study(frame_of())
    report.save(tmp_path / "out", record={"seed": 3})
    again = BiasReport.load(tmp_path / "out")
    for name in ("emotions", "scenes", "cells", "histogram"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(report, name), check_dtype=False
        )
        assert len(pd.read_csv(tmp_path / "out" / f"{name}.csv")) == len(getattr(report, name))
    assert again.settings == report.settings
    assert again.notes == report.notes
    assert json.loads((tmp_path / "out" / "bias.json").read_text())["seed"] == 3
    with pytest.raises(InputError, match="bias study"):
        BiasReport.from_json({"format": "other"})


def test_a_manifest_brings_its_own_labels_and_splits() -> None:
    manifest, _ = build_manifest(make_frame(np.random.default_rng(0), 60), LABELS)
    report = bias_study(manifest, settings=BiasSettings(**{**QUICK.to_dict(), "split": "test"}))
    assert list(report.emotions["emotion"]) == list(LABELS.emotions)
    assert report.dataset["subjects"] == 60
    assert report.dataset["one_subject_per_image"]
    with pytest.raises(InputError, match="shift"):
        bias_study(manifest, settings=BiasSettings(split="val"))
    with pytest.raises(InputError, match="column `split`"):
        bias_study(frame_of(), settings=BiasSettings(split="val"))


def test_one_scene_only_is_an_answer_that_says_so() -> None:
    report = study(frame_of().assign(scene="bar"))
    assert math.isnan(report.dataset["mutual_information"])
    assert report.to_json()["dataset"]["mutual_information"] is None
    assert (report.emotions["reason"] == "there is one scene only").all()
    assert report.emotions["cramers_v"].isna().all()
    assert any("one scene only ('bar')" in note for note in report.notes)
    assert len(report.cells) == 3


def test_an_emotion_that_nobody_or_everybody_has_is_said() -> None:
    frame = frame_of()
    single = frame.assign(labels=frame["labels"].str.split("|").str[0])
    report = bias_study(single, get_label_set("controlled"), settings=QUICK)
    by_emotion = report.emotions.set_index("emotion")
    assert by_emotion.loc["Fear", "reason"] == "nobody has this emotion"
    assert by_emotion.loc["Fear", "support"] == 0
    assert math.isnan(by_emotion.loc["Fear", "mutual_information"])
    assert by_emotion.loc["Happy", "reason"] == ""
    assert any(note.startswith("Fear: nobody") for note in report.notes)
    assert len(report.cells) == 6 * 7
    everybody = frame.assign(labels=frame["labels"] + "|All")
    found = study(everybody).emotions.set_index("emotion")
    assert found.loc["All", "reason"] == "everybody has this emotion"


def test_scenes_with_one_subject_are_counted_and_said() -> None:
    frame = pd.concat(
        [frame_of(), pd.DataFrame({"image": ["x"], "labels": ["Sad"], "scene": ["alone"]})]
    )
    report = study(frame)
    assert any(
        note.startswith("1 of 7 scenes have one subject: their entropy is zero whatever")
        for note in report.notes
    )
    alone = report.cells[report.cells["scene"] == "alone"]
    assert alone["zero_entropy"].all()
    # The null has the same scene with the same one subject.
    assert (report.emotions["zero_entropy_null_mean"] >= 1 / 7 - 1e-9).all()


@pytest.mark.parametrize("subjects", [1, 2])
def test_scenes_of_one_image_each_tell_nothing_and_it_is_said(subjects: int) -> None:
    image = np.repeat(np.arange(60), subjects)
    frame = pd.DataFrame(
        {
            "image": np.char.add("i", image.astype(str)),
            "labels": np.array(["Anger", "Happy", "Sad"])[np.arange(len(image)) % 3],
            "scene": np.char.add("s", image.astype(str)),
        }
    )
    report = study(frame)
    assert any(note.startswith("Each scene has one image only") for note in report.notes)
    assert (report.emotions["reason"] == "each scene has one image only").all()
    for name in ("mutual_information", "cramers_v", "zero_entropy_excess"):
        assert report.emotions[name].isna().all(), name
    assert math.isnan(report.dataset["mutual_information"])
    assert math.isnan(report.dataset["information_share"])
    assert len(report.cells) == 60 * 3


def test_missing_labels_are_left_out_with_their_number() -> None:
    frame = frame_of()
    frame.loc[:9, "labels"] = np.nan
    report = study(frame)
    assert report.dataset["subjects"] == 110
    assert report.notes[0] == "10 of 120 rows have no `labels` and are left out."
    with pytest.raises(InputError, match="none in any of 120 rows"):
        study(frame.assign(labels=np.nan))


@pytest.mark.parametrize(
    "change",
    [
        {"top_k": 0},
        {"selected_by": "chance"},
        {"negatives": "none"},
        {"min_support": 0},
        {"fdr": "holm"},
        {"level": 0},
        {"confidence": 1.0},
        {"n_null": 38},
        {"n_bootstrap": 5},
        {"beta_prior": 0},
    ],
)
def test_settings_that_make_no_sense_are_one_sentence(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Expected"):
        BiasSettings(**change)
    with pytest.raises(InputError, match="settings of a bias study"):
        BiasSettings.from_dict({"top": 3})


def test_without_draws_intervals_are_missing_and_said() -> None:
    report = study(frame_of(), n_null=0, n_bootstrap=0)
    assert report.emotions["zero_entropy_share"].notna().all()
    assert report.emotions["zero_entropy_null_mean"].isna().all()
    assert report.emotions["mutual_information"].notna().all()
    assert report.emotions["mutual_information_low"].isna().all()
    assert any("n_null and n_bootstrap were not asked for" in note for note in report.notes)


def test_clustered_subjects_are_said() -> None:
    report = study_table(random_table(1), settings=QUICK)
    assert any("up to 3 subjects" in note for note in report.notes)
    soft = study_table(random_table(1, soft=True), settings=QUICK)
    assert any("Scenes are soft" in note for note in soft.notes)


def test_an_interruption_ends_all_the_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0

    def forever(table, *, n_draws, rng, advance):
        nonlocal drawn
        while True:
            drawn += 1
            advance(0)

    def interrupted(table, *, n_draws, rng, advance):
        raise KeyboardInterrupt

    monkeypatch.setattr("analysis.bias.resample_images", forever)
    monkeypatch.setattr("analysis.bias.simulate_null", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(frame_of())
    assert drawn > 0
