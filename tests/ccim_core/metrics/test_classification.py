import numpy as np
import pytest
from sklearn import metrics as reference

from ccim_core.metrics.classification import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    per_class_recall,
)


@pytest.fixture
def problem():
    generator = np.random.default_rng(0)
    labels = generator.choice(4, size=300, p=[0.6, 0.2, 0.1, 0.1])
    predicted = np.where(generator.random(300) < 0.6, labels, generator.integers(4, size=300))
    return labels, predicted, generator.exponential(size=300)


def test_equal_scikit_learn(problem):
    labels, predicted, weights = problem
    for weight in (None, weights):
        assert accuracy(labels, predicted, sample_weight=weight) == pytest.approx(
            reference.accuracy_score(labels, predicted, sample_weight=weight)
        )
        assert balanced_accuracy(
            labels, predicted, n_classes=4, sample_weight=weight
        ) == pytest.approx(
            reference.balanced_accuracy_score(labels, predicted, sample_weight=weight)
        )
        np.testing.assert_allclose(
            confusion_matrix(labels, predicted, n_classes=4, sample_weight=weight),
            reference.confusion_matrix(labels, predicted, sample_weight=weight),
        )
        np.testing.assert_allclose(
            per_class_recall(labels, predicted, n_classes=4, sample_weight=weight),
            reference.recall_score(labels, predicted, average=None, sample_weight=weight),
        )


def test_undefined_is_nan():
    recall = per_class_recall([0, 0, 2], [0, 1, 2], n_classes=4)
    np.testing.assert_array_equal(recall, [0.5, np.nan, 1, np.nan])
    assert balanced_accuracy([0, 0, 2], [0, 1, 2], n_classes=4) == pytest.approx(0.75)
    assert np.isnan(accuracy([], []))
    assert np.isnan(accuracy([1], [1], sample_weight=[0]))
    assert np.isnan(balanced_accuracy([], [], n_classes=3))


def test_confusion_is_true_by_predicted():
    matrix = confusion_matrix([0, 0, 1], [1, 1, 0], n_classes=2)
    np.testing.assert_array_equal(matrix, [[0, 2], [1, 0]])
    assert matrix.dtype.kind == "i"


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 5], [0, 1], "`labels` to be between 0 and 2, got 0 to 5"),
        ([0, 1], [-1, 1], "`predicted` to be between 0 and 2, got -1 to 1"),
        ([0.0, 1.0], [0, 1], "`labels` to be a vector of class indices"),
        ([[0, 1]], [0, 1], "`labels` to be a vector of class indices"),
        ([0, 1], [0], r"`predicted` to be of shape \(2,\), got \(1,\)"),
    ],
)
def test_bad_input(labels, predicted, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(labels, predicted, n_classes=3)
