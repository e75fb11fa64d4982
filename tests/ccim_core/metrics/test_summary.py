import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, balanced_accuracy_score

from ccim_core.labels import LABEL_SETS, LabelSet
from ccim_core.metrics.groups import group_proportions
from ccim_core.metrics.summary import evaluate_outputs

SCORES = LabelSet(
    name="scores",
    emotions=("A", "B", "C"),
    kind="multi",
    loss="weighted_l2",
    link="identity",
    headline="map",
)


def reliability_columns(record):
    table = record["reliability"]
    return table["count"], table["frequency"], table["confidence"]


def single(n=240, seed=0, n_classes=7):
    generator = np.random.default_rng(seed)
    labels = generator.integers(n_classes, size=n)
    targets = np.eye(n_classes)[labels]
    outputs = 0.7 * generator.dirichlet(np.ones(n_classes), n) + 0.3 * targets
    rows = {
        "images": generator.integers(n // 2, size=n),
        "context_group": generator.choice(["favoured", "other"], n),
        "context_cluster": generator.integers(4, size=n),
    }
    return targets, outputs, rows


def test_one_label_a_subject():
    targets, outputs, rows = single()
    labels, predicted = targets.argmax(1), outputs.argmax(1)
    emotions = LABEL_SETS["caer-s"].emotions
    shares = group_proportions(labels, rows["context_group"], names=emotions)
    record = evaluate_outputs(
        targets,
        outputs,
        LABEL_SETS["caer-s"],
        **rows,
        train_proportions=shares,
        n_bootstrap=100,
    )
    assert record["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert record["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert record["map_step"] == pytest.approx(average_precision_score(targets, outputs))
    assert (record["headline_name"], record["headline"]) == ("accuracy", record["accuracy"])
    assert record["reweighted_average"] == pytest.approx(record["accuracy"])
    assert record["n_images"] == len(set(rows["images"]))
    worst = min(
        (g for g in record["groups"] if g["size"] >= 10), key=lambda g: (g["value"], -g["size"])
    )
    assert record["worst_group"] == worst["value"]
    assert record["worst_group_size"] == worst["size"]
    assert record["worst_group_name"] == f"{worst['emotion']}, {worst['context']}"
    for key in ("accuracy", "balanced_accuracy", "map_step", "nll", "worst_group", "headline"):
        low, high = record[f"{key}_interval"]
        assert low < record[key] < high
    assert len(record["per_class"]) == 7
    row = record["per_class"][2]
    mine = labels == 2
    assert row["emotion"] == emotions[2]
    assert row["positives"] == mine.sum()
    assert row["recall"] == pytest.approx((predicted[mine] == 2).mean())
    assert row["shift_effective_positives"] <= mine.sum()
    assert 0 < record["shift_effective_size"] <= 240
    assert "shift_accuracy" in record
    low, high = record["shift_estimate_interval"]
    assert low < record["shift_estimate"] < high
    assert sum(record["reliability"]["count"]) == 240
    gaps = [
        count * abs(frequency - confidence)
        for count, frequency, confidence in zip(*reliability_columns(record), strict=True)
        if count
    ]
    assert record["ece"] == pytest.approx(sum(gaps) / 240)
    json.dumps(record, allow_nan=False)


def test_several_labels_a_subject():
    generator = np.random.default_rng(0)
    targets = generator.random((300, 26)) < np.linspace(0.02, 0.6, 26)
    targets[:, 5] = False
    outputs = np.clip(0.6 * generator.random((300, 26)) + 0.3 * targets, 0, 1)
    record = evaluate_outputs(
        targets,
        outputs,
        LABEL_SETS["emotic"],
        images=np.arange(300) // 2,
        context_group=np.arange(300) % 3,
        context_cluster=np.arange(300) % 4,
        n_bootstrap=50,
    )
    assert (record["headline_name"], record["map_classes"]) == ("map_step", 25)
    assert (
        record["headline"]
        == record["map_step"]
        == pytest.approx(
            np.mean([row["ap_step"] for row in record["per_class"] if row["positives"]])
        )
    )
    assert record["accuracy"] is None
    assert record["accuracy_reason"] == "a subject has several labels"
    absent = record["per_class"][5]
    assert absent["ap_step"] is None
    assert absent["chance_eleven_point"] is None
    assert absent["ap_step_reason"] == absent["ap_step_interval_reason"]
    assert record["group_metric"] == "outranked_negatives"
    assert 0.5 < record["worst_group"] < 1
    assert record["map_chance_eleven_point"] > record["map_chance_step"]
    assert record["shift_estimate"] == record["shift_map_step"]
    low, high = record["headline_interval"]
    assert low < record["headline"] < high
    json.dumps(record, allow_nan=False)


def test_scores_are_not_calibrated_but_ranked():
    generator = np.random.default_rng(0)
    targets = generator.random((50, 3)) < 0.5
    record = evaluate_outputs(targets, generator.normal(size=(50, 3)), SCORES, n_bootstrap=20)
    assert record["ece"] is record["nll"] is record["brier"] is None
    assert "scores" in record["ece_reason"]
    assert record["map_step"] > 0
    assert "nll_interval" not in record
    assert "reliability" not in record
    calibrated = evaluate_outputs(targets, generator.random((50, 3)), SCORES, probabilities=True)
    assert calibrated["ece"] > 0
    json.dumps(record, allow_nan=False)


def test_an_empty_split_is_all_reasons():
    record = evaluate_outputs(
        np.zeros((0, 7)),
        np.zeros((0, 7)),
        LABEL_SETS["controlled"],
        context_group=[],
        context_cluster=[],
        train_proportions={("Anger", "x"): 1.0},
        n_bootstrap=10,
    )
    assert record["n"] == 0
    for key in ("headline", "accuracy", "map_step", "ece", "nll", "worst_group", "shift_covered"):
        assert record[key] is None, key
        assert record[f"{key}_reason"], key
    assert record["intervals_reason"]
    json.dumps(record, allow_nan=False)


def test_a_class_that_does_not_occur_is_left_out_with_its_count():
    targets, outputs, _ = single()
    keep = targets[:, 3] == 0
    record = evaluate_outputs(targets[keep], outputs[keep], LABEL_SETS["caer-s"], n_bootstrap=20)
    assert record["balanced_accuracy_classes"] == record["map_classes"] == 6
    row = record["per_class"][3]
    assert (row["positives"], row["recall"], row["recall_interval"]) == (0, None, None)
    assert row["recall_interval_reason"] == "the class has no subject"


def test_agreement_of_every_resample_is_not_certainty():
    targets = np.eye(7)[np.arange(21) % 7]
    record = evaluate_outputs(targets, targets, LABEL_SETS["caer-s"], n_bootstrap=50)
    assert record["accuracy"] == 1
    assert record["accuracy_interval"] is None
    assert record["accuracy_interval_reason"] == "every resample gives the same value"


def test_intervals_do_not_change_the_values_and_repeat_with_the_seed():
    targets, outputs, rows = single()
    plain = evaluate_outputs(targets, outputs, LABEL_SETS["caer-s"], **rows)
    first, second = (
        evaluate_outputs(targets, outputs, LABEL_SETS["caer-s"], **rows, n_bootstrap=30)
        for _ in range(2)
    )
    assert first == second
    assert {key: first[key] for key in plain if key != "per_class"} == {
        key: value for key, value in plain.items() if key != "per_class"
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y, p: (y, p[:, :6]), "to have the 7 columns of 'caer-s', got 6"),
        (lambda y, p: (y[:-1], p), "`targets` to be of shape"),
        (lambda y, p: (y * 0, p), "one 1 a row for 'caer-s'"),
        (lambda y, p: (y, p * 2), r"in \[0, 1\]|sum to 1"),
        (lambda y, p: (y, p * 0.5), "sum to 1 in every row"),
        (lambda y, p: (y, np.where(p > 0.9, np.nan, p * np.nan)), "NaN or infinity"),
    ],
)
def test_bad_input(change, message):
    targets, outputs, _ = single()
    changed, scores = change(targets, outputs)
    with pytest.raises(ValueError, match=message):
        evaluate_outputs(changed, scores, LABEL_SETS["caer-s"])


def test_missing_context_is_refused():
    targets, outputs, _ = single(n=3)
    with pytest.raises(ValueError, match="`context_group` to be given for every subject"):
        evaluate_outputs(targets, outputs, LABEL_SETS["caer-s"], context_group=["a", None, "b"])
