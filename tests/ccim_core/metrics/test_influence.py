"""Influences against numeric derivatives, and their standard error against the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from ccim_core.metrics.average_precision import average_precision
from ccim_core.metrics.classification import accuracy, per_class_recall
from ccim_core.metrics.comparison import (
    PAIRED_METRICS,
    PairedMetric,
    bootstrap_metric,
    metric_value,
)
from ccim_core.metrics.influence import (
    accuracy_influence,
    average_precision_influence,
    clustered_standard_error,
    metric_influence,
    recall_influence,
)
from tests.ccim_core.metrics.simulation import simulate_outputs
from tests.ccim_core.metrics.test_bootstrap_calibration import assert_rate


def multi_label(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets and scores in steps of 0.1, so that there are ties within and across classes."""
    rng = np.random.default_rng(seed)
    targets = rng.random((n, 4)) < (0.1, 0.3, 0.5, 0.9)
    scores = (0.6 * targets + rng.random((n, 4))).round(1)
    return targets, scores


def single_label(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=n)
    targets = np.eye(4, dtype=bool)[labels]
    return targets, targets + rng.normal(0, 0.9, (n, 4))


def numeric(function: object, n: int, step: float = 1e-5) -> np.ndarray:
    """Central differences of `function(weights)` by every weight, at ones."""
    assert callable(function)
    found = []
    for k in range(n):
        up, down = np.ones(n), np.ones(n)
        up[k] += step
        down[k] -= step
        found.append((function(up) - function(down)) / (2 * step))
    return np.array(found)


def test_average_precision_influence_is_its_derivative_also_where_scores_tie() -> None:
    targets, scores = multi_label(40, 0)
    expected = numeric(lambda w: average_precision(targets, scores, sample_weight=w), 40)
    np.testing.assert_allclose(average_precision_influence(targets, scores), expected, atol=1e-4)


def test_recall_and_accuracy_influence_are_their_derivatives() -> None:
    targets, scores = single_label(40, 1)
    labels, predicted = targets.argmax(1), scores.argmax(1)
    by_class = numeric(
        lambda w: per_class_recall(labels, predicted, n_classes=4, sample_weight=w), 40
    )
    np.testing.assert_allclose(recall_influence(targets, scores), by_class, atol=1e-6)
    whole = numeric(lambda w: np.array(accuracy(labels, predicted, sample_weight=w)), 40)
    np.testing.assert_allclose(accuracy_influence(targets, scores), whole, atol=1e-6)


def test_a_class_without_positives_has_no_influence_and_is_left_out_of_the_mean() -> None:
    targets, scores = multi_label(30, 2)
    targets[:, 1] = False
    by_class = average_precision_influence(targets, scores)
    assert np.isnan(by_class[:, 1]).all()
    whole = metric_influence(targets, scores, metric="map")
    np.testing.assert_allclose(whole, by_class[:, [0, 2, 3]].mean(axis=1))
    np.testing.assert_allclose(whole.sum(), 0, atol=1e-12)


@pytest.mark.parametrize("metric", PAIRED_METRICS)
def test_the_standard_error_of_a_paired_difference_is_the_bootstraps(metric: PairedMetric) -> None:
    """Images of three subjects each; the second model is the first with noise of its own."""
    targets, first = (multi_label if metric == "map" else single_label)(900, 3)
    second = first + np.random.default_rng(4).normal(0, 0.3, first.shape)
    images = np.repeat(np.arange(300), 3)
    moved = metric_influence(targets, second, metric=metric) - metric_influence(
        targets, first, metric=metric
    )
    draws = [
        bootstrap_metric(targets, outputs, metric=metric, clusters=images, n_resamples=600)
        for outputs in (first, second)
    ]
    expected = np.std(draws[1] - draws[0], ddof=1)
    assert clustered_standard_error(moved, images) == pytest.approx(expected, rel=0.12)


def test_the_standard_error_counts_images_not_subjects() -> None:
    """Every subject twice in one image: the same information as once."""
    influence = np.random.default_rng(5).normal(size=200)
    influence -= influence.mean()
    once = clustered_standard_error(influence / 200, np.arange(200))
    twice = clustered_standard_error(np.tile(influence, 2) / 400, np.tile(np.arange(200), 2))
    assert twice == pytest.approx(once)
    assert np.isnan(clustered_standard_error(influence, np.zeros(200, int)))


def rejections(seeds: range, n_images: int) -> np.ndarray:
    """Whether the paired interval of two equally good estimators leaves 0 out, per dataset."""
    found = []
    for seed in seeds:
        data = simulate_outputs(seed, n_images=n_images)
        moved = metric_influence(data.targets, data.second, metric="map") - metric_influence(
            data.targets, data.first, metric="map"
        )
        first, second = (
            metric_value(data.targets, one, metric="map") for one in (data.first, data.second)
        )
        error = clustered_standard_error(moved, data.images)
        found.append(abs(second - first) > 1.959964 * error)
    return np.array(found)


def test_the_paired_interval_errs_as_often_as_it_says_quickly() -> None:
    assert_rate(rejections(range(200), 100), 0.05)


@pytest.mark.slow
def test_the_paired_interval_errs_as_often_as_it_says() -> None:
    hits = rejections(range(2000), 600)
    print(hits.mean())
    assert_rate(hits, 0.05)
