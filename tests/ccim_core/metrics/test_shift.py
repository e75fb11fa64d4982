import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccim_core.metrics.classification import accuracy
from ccim_core.metrics.shift import (
    effective_sample_size,
    leave_contexts_out,
    multi_label_shift_weights,
    shift_weights,
)


def weighted_table(labels, clusters, weights):
    table = np.zeros((max(labels) + 1, max(clusters) + 1))
    np.add.at(table, (labels, clusters), weights)
    return table / table.sum()


def test_by_hand():
    # P(y) = (5/8, 3/8), P(z) = (5/8, 3/8), P(y, z) = 4/8, 1/8, 1/8, 2/8.
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    clusters = np.array([0, 0, 0, 0, 1, 0, 1, 1])
    shift = shift_weights(labels, clusters, n_classes=2)
    expected = np.array([25 / 32] * 4 + [15 / 8] * 2 + [9 / 16] * 2)
    np.testing.assert_allclose(shift.weights, expected)
    assert shift.covered == pytest.approx(1)
    assert shift.largest == pytest.approx(15 / 8)
    assert shift.effective_size == pytest.approx(64 / (expected**2).sum())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=60))
def test_weighted_emotion_is_independent_of_cluster(rows):
    # One subject in each cell at least, so that everything is covered.
    rows = rows + [(y, z) for y in range(3) for z in range(4)]
    labels, clusters = np.array(rows).T
    shift = shift_weights(labels, clusters, n_classes=3)
    table = weighted_table(labels, clusters, shift.weights)
    plain = weighted_table(labels, clusters, np.ones(len(labels)))
    np.testing.assert_allclose(table, np.outer(table.sum(1), table.sum(0)), atol=1e-12)
    np.testing.assert_allclose(table.sum(1), plain.sum(1))
    assert shift.weights.mean() == pytest.approx(1)
    assert 1 <= shift.effective_size <= len(rows) + 1e-9


def test_it_recovers_accuracy_under_the_shift_and_says_how_thin_the_evidence_is():
    generator = np.random.default_rng(0)
    n = 20_000
    labels = generator.integers(2, size=n)
    clusters = np.where(generator.random(n) < 0.9, labels, 1 - labels)
    # Follows the context three times in four, else reads the subject.
    predicted = np.where(generator.random(n) < 0.75, clusters, labels)
    assert accuracy(labels, predicted) > 0.9
    shift = shift_weights(labels, clusters, n_classes=2)
    estimate = accuracy(labels, predicted, sample_weight=shift.weights)
    assert estimate == pytest.approx(0.5 * 1 + 0.5 * 0.25, abs=0.02)
    assert shift.effective_size == pytest.approx(n * 4 * 0.9 * 0.1, rel=0.1)


def test_cells_without_subjects_cannot_be_covered():
    shift = shift_weights([0, 0, 1, 1], ["a", "a", "b", "b"], n_classes=2)
    np.testing.assert_allclose(shift.weights, 1)
    assert shift.covered == pytest.approx(0.5)


def test_several_labels_have_a_column_an_emotion():
    generator = np.random.default_rng(0)
    targets = generator.random((100, 3)) < 0.4
    clusters = generator.integers(4, size=100)
    shift = multi_label_shift_weights(targets, clusters)
    for c in range(3):
        one = shift_weights(targets[:, c].astype(int), clusters, n_classes=2)
        np.testing.assert_allclose(shift.weights[:, c], one.weights)
        assert shift.effective_size[c] == pytest.approx(one.effective_size)
        assert shift.covered[c] == pytest.approx(one.covered)


def test_no_subjects():
    shift = shift_weights(np.zeros(0, int), np.zeros(0, int), n_classes=2)
    assert shift.effective_size == 0
    assert np.isnan(shift.covered)
    assert effective_sample_size(np.zeros(3)) == 0


CONTEXTS = np.repeat(["beach", "bar", "park", "office", "street"], [50, 40, 30, 20, 10])


def test_folds_test_each_context_once_and_never_train_on_it():
    folds = leave_contexts_out(CONTEXTS, n_folds=3)
    assert sorted(name for fold in folds for name in fold.held_out) == sorted(set(CONTEXTS))
    np.testing.assert_array_equal(sum(fold.test.astype(int) for fold in folds), 1)
    for fold in folds:
        assert not set(CONTEXTS[fold.train]) & set(fold.held_out)
        np.testing.assert_array_equal(fold.train, ~fold.test)
    assert [fold.test.sum() for fold in folds] == [50, 50, 50]


def test_equal_contexts_are_dealt_at_random_by_the_seed():
    contexts = np.repeat(np.arange(12), 5)
    deals = {
        tuple(f.held_out for f in leave_contexts_out(contexts, n_folds=4, random_state=seed))
        for seed in (0, 0, 1)
    }
    assert len(deals) == 2


def test_named_contexts_and_images_that_straddle():
    images = np.arange(150) // 4
    (fold,) = leave_contexts_out(CONTEXTS, held_out=["bar"], images=images)
    assert fold.held_out == ("bar",)
    np.testing.assert_array_equal(fold.test, CONTEXTS == "bar")
    assert not set(images[fold.train]) & set(images[fold.test])
    # Image 12 holds rows 48 to 51: two of the beach, which are then in neither part.
    assert (~fold.train & ~fold.test).sum() == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_folds": 6}, "`n_folds` to be from 2 to the 5 contexts, got 6"),
        ({"n_folds": 1}, "from 2 to the 5 contexts, got 1"),
        ({"held_out": ["moon"]}, r"contexts of the data, got \['moon'\]"),
        ({"held_out": []}, "contexts of the data"),
        ({"held_out": ["beach", "bar", "park", "office", "street"]}, "to train on, got none"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        leave_contexts_out(CONTEXTS, **options)
