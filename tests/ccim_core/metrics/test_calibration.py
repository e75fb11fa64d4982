import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from ccim_core.metrics.calibration import (
    brier_score,
    classwise_ece,
    expected_calibration_error,
    negative_log_likelihood,
    reliability_table,
    subject_nll,
    top_label_reliability,
)


def slow_ece(probabilities, outcomes, n_bins):
    total = 0.0
    for b in range(n_bins):
        low, high = b / n_bins, (b + 1) / n_bins
        inside = [
            i
            for i, p in enumerate(probabilities)
            if low <= p < high or (p == 1 and b == n_bins - 1)
        ]
        if inside:
            gap = np.mean(outcomes[inside]) - np.mean(probabilities[inside])
            total += len(inside) / len(probabilities) * abs(gap)
    return total


def test_by_hand():
    table = reliability_table([0.0, 0.2, 0.25, 0.5, 0.9, 1.0], [0, 1, 0, 1, 1, 0], n_bins=4)
    np.testing.assert_array_equal(table.count, [2, 1, 1, 2])
    np.testing.assert_allclose(table.confidence, [0.1, 0.25, 0.5, 0.95])
    np.testing.assert_allclose(table.frequency, [0.5, 0, 1, 0.5])
    assert table.error == pytest.approx((2 * 0.4 + 0.25 + 0.5 + 2 * 0.45) / 6)


def test_an_empty_bin_is_nan_and_weighs_nothing():
    table = reliability_table([0.9, 0.9], [1, 1], n_bins=2)
    assert np.isnan(table.confidence[0])
    assert np.isnan(table.frequency[0])
    assert table.error == pytest.approx(0.1)
    assert np.isnan(reliability_table([], [], n_bins=2).error)


@pytest.mark.parametrize("n_bins", [1, 7, 10, 15])
def test_equals_the_slow_reference(n_bins):
    generator = np.random.default_rng(0)
    probabilities = generator.random((200, 3))
    targets = generator.random((200, 3)) < 0.5
    expected = [slow_ece(probabilities[:, c], targets[:, c], n_bins) for c in range(3)]
    np.testing.assert_allclose(classwise_ece(targets, probabilities, n_bins=n_bins), expected)


def test_top_label_form():
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])
    assert expected_calibration_error([0, 0, 1], probabilities, n_bins=1) == pytest.approx(
        abs(2 / 3 - 0.7)
    )
    assert top_label_reliability([0, 0, 1], probabilities).count.sum() == 3


def test_calibrated_outputs_have_a_small_error():
    generator = np.random.default_rng(0)
    probabilities = generator.random(50_000)
    outcomes = generator.random(50_000) < probabilities
    assert reliability_table(probabilities, outcomes).error < 0.01
    assert reliability_table(probabilities**2, outcomes).error > 0.1


def test_brier_and_nll_equal_scikit_learn():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), size=100)
    labels = generator.integers(4, size=100)
    targets = np.eye(4)[labels]
    assert negative_log_likelihood(targets, probabilities, multi_label=False) == pytest.approx(
        log_loss(labels, probabilities, labels=range(4))
    )
    assert brier_score(targets, probabilities, multi_label=False) == pytest.approx(
        ((probabilities - targets) ** 2).sum(axis=1).mean()
    )
    many = generator.random((100, 4)) < 0.4
    per_class = [log_loss(many[:, c], probabilities[:, c]) for c in range(4)]
    assert negative_log_likelihood(many, probabilities, multi_label=True) == pytest.approx(
        np.mean(per_class)
    )
    briers = [brier_score_loss(many[:, c], probabilities[:, c]) for c in range(4)]
    assert brier_score(many, probabilities, multi_label=True) == pytest.approx(np.mean(briers))


def test_a_zero_for_what_came_true_is_clipped_not_infinite():
    value = negative_log_likelihood([[1, 0]], [[0.0, 1.0]], multi_label=False)
    assert value == pytest.approx(-np.log(1e-12))
    with np.errstate(divide="ignore"):
        assert np.isinf(subject_nll([[1, 0]], [[0.0, 1.0]], multi_label=False, clip=0)).all()


def test_single_precision_rounding_is_forgiven_and_no_more():
    just_over = np.array([[1 + 1e-7, 0.0]], np.float32)
    assert brier_score([[1, 0]], just_over, multi_label=False) == 0
    with pytest.raises(ValueError, match=r"`probabilities` to be in \[0, 1\], got 1 values"):
        brier_score([[1, 0]], [[1.01, 0.0]], multi_label=False)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_error_lies_in_the_unit_interval_and_bins_hold_everybody(rows):
    probabilities = [p for p, _ in rows]
    table = reliability_table(probabilities, [y for _, y in rows], n_bins=5)
    assert 0 <= table.error <= 1
    assert table.count.sum() == len(rows)
    filled = table.count > 0
    assert (table.confidence[filled] >= table.lower[filled] - 1e-12).all()
    assert (table.confidence[filled] <= table.upper[filled] + 1e-12).all()


def test_bad_input():
    with pytest.raises(ValueError, match="`n_bins` to be 1 or more, got 0"):
        reliability_table([0.5], [1], n_bins=0)
    with pytest.raises(ValueError, match=r"in \[0, 1\], got 1 values"):
        reliability_table([np.nan], [1])
    with pytest.raises(ValueError, match="one 1 a row"):
        negative_log_likelihood([[1, 1]], [[0.5, 0.5]], multi_label=False)
    with pytest.raises(ValueError, match="`clip`"):
        negative_log_likelihood([[1, 0]], [[0.5, 0.5]], multi_label=False, clip=0.7)
    with pytest.raises(ValueError, match="`labels` to be between 0 and 1"):
        expected_calibration_error([2], [[0.5, 0.5]])
